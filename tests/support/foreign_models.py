"""Character models as other people write and save them, and the comparison of a CharLSTM with one."""

from pathlib import Path

import torch
from torch import Tensor, nn

from charlstm.model.char_lstm import CharLSTM

CHARACTERS = list("abcdefghijk")
SIZE, CELLS = len(CHARACTERS), 6
IDS = torch.tensor([[0, 3, 10, 7, 7, 1, 2]])


class CharacterModel(nn.Module):
    """A character model has an embedding, an nn.LSTM and a linear head; embedding 0 is one-hot input."""

    def __init__(self, *, layers: int = 1, embedding: int = 5, size: int = SIZE, bias: bool = True) -> None:
        super().__init__()
        torch.manual_seed(layers * 100 + embedding + size)
        self.size = size
        self.lookup = nn.Embedding(size, embedding) if embedding else None
        self.memory = nn.LSTM(embedding or size, CELLS, layers, batch_first=True, bias=bias)
        self.answer = nn.Linear(CELLS, size, bias=bias)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the scores (streams, characters, size) for ids (streams, characters) int64."""
        x = nn.functional.one_hot(ids, self.size).float() if self.lookup is None else self.lookup(ids)
        return self.answer(self.memory(x)[0])


@torch.no_grad()
def logits(model: CharLSTM, ids: Tensor = IDS) -> Tensor:
    """Return the scores (streams, characters, symbols) of model for ids (streams, characters) int64."""
    return model(ids, model.initial_state(len(ids)))[0]


def assert_same_logits(model: CharLSTM, expected: nn.Module, ids: Tensor = IDS) -> None:
    """Assert that model and expected give the same scores for ids (streams, characters) int64."""
    with torch.no_grad():
        torch.testing.assert_close(logits(model, ids), expected(ids), atol=1e-5, rtol=0)


def save_checkpoint(path: Path, model: nn.Module) -> Path:
    """Write the state dict of model, and CHARACTERS, with torch.save, and return path."""
    torch.save({"net": model.state_dict(), "chars": CHARACTERS}, path)
    return path


def module_tensors(**modules: nn.Module) -> dict[str, Tensor]:
    """Return the state dicts of modules as one, each name after the name of its module."""
    return {f"{name}.{k}": v for name, module in modules.items() for k, v in module.state_dict().items()}
