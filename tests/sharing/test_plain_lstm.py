"""A run as the state dict of plain PyTorch modules, which compute from it what charlstm does."""

import json

import numpy as np
import pytest
import torch
from exported_run import IDS, probabilities, run_of
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from charlstm.checkpoint.loading import load
from charlstm.tasks.sharing.export import export_run


class Plain(nn.Module):
    """The plain modules that the documentation of `sharing.plain_lstm` shows."""

    def __init__(self, symbols: int, width: int, cells: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.lstm = nn.LSTM(width, cells, layers)
        self.head = nn.Linear(cells, symbols)


@pytest.mark.parametrize("layers", [1, 2])
def test_plain_pytorch_computes_the_same_from_the_exported_state_dict(tmp_path, layers):
    run = run_of(tmp_path / "run", layers=layers)
    place = export_run(run, tmp_path / "plain.safetensors").path
    config = load(run).config
    plain = Plain(len(config.vocabulary), config.model.embedding, config.model.cells, layers)
    plain.load_state_dict(load_file(place))
    with torch.no_grad():
        h, _ = plain.lstm(plain.embedding(torch.from_numpy(IDS)))
        predicted = plain.head(h).softmax(1).numpy()
    np.testing.assert_allclose(predicted, probabilities(run), atol=1e-5)
    with safe_open(place, framework="np") as file:
        assert json.loads(file.metadata()["symbols"]) == list(config.vocabulary.symbols)
