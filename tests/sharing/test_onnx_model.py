"""A run as an ONNX model, from which onnxruntime computes what charlstm does."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from exported_run import IDS, probabilities, run_of

from charlstm.checkpoint.loading import load
from charlstm.tasks.sharing.export import export_run


@pytest.mark.parametrize(
    "shape",
    [{"layers": 1}, {"layers": 2}, {"activation": "softsign"}, {"gate_activation": "hard_sigmoid"}],
)
def test_onnxruntime_computes_the_same_and_goes_on_from_a_state(tmp_path, shape):
    run = run_of(tmp_path / "run", **shape)
    place = export_run(run, tmp_path / "model.onnx").path
    session = onnxruntime.InferenceSession(place, providers=["CPUExecutionProvider"])
    config = load(run).config
    state = {name: np.zeros((config.model.layers, 1, config.model.cells), np.float32) for name in "hc"}
    logits = []
    for part in (IDS[:600], IDS[600:]):
        some, h, c = session.run(None, {"ids": part[None], **state})
        state = {"h": h, "c": c}
        logits.append(some[0])
    predicted = torch.from_numpy(np.concatenate(logits)).softmax(1).numpy()
    np.testing.assert_allclose(predicted, probabilities(run), atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["symbols"]) == list(config.vocabulary.symbols)
