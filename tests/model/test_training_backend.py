"""A layer trains by what is faster: without the processor's instruction the compiled loops are not asked."""

import pytest
import torch
from torch import nn

from charlstm.machine.speed import backend_choice
from charlstm.model import training_backend
from charlstm.model.training_backend import (
    BFLOAT16,
    COMPILED,
    FLOAT32,
    TORCH,
    layer_backend,
    number_format,
    torch_bfloat16_layer,
    trains_in_bfloat16,
)


@pytest.fixture
def asked(monkeypatch):
    """Return which ways of each job are timed; the last one of each is the preferred, and nothing runs."""
    jobs = {}

    def preferred(job, ways):
        jobs[job] = list(ways)
        return backend_choice.Choice(job, list(ways)[-1], {})

    monkeypatch.setattr(training_backend, "preferred", preferred)
    return jobs


@pytest.mark.parametrize(("has_pairs", "ways"), [(True, [COMPILED, TORCH]), (False, [TORCH])])
def test_compiled_loops_are_timed_where_the_processor_multiplies_pairs(asked, has_pairs, ways, monkeypatch):
    monkeypatch.setattr(training_backend, "MULTIPLIES_PAIRS", has_pairs)
    assert layer_backend().backend == TORCH
    assert list(asked.values()) == [ways]


def test_the_number_format_is_timed_with_the_faster_code(asked, monkeypatch):
    monkeypatch.setattr(training_backend, "_compiled_window", lambda: pytest.fail("the slower code ran"))
    assert number_format().backend == BFLOAT16
    assert asked["number format of training"] == [FLOAT32, BFLOAT16]


def test_trials_run_forward_and_backward(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(backend_choice, "_CHOICES", {})
    assert all(seconds > 0 for seconds in number_format().seconds.values())
    assert training_backend._layer().weight_hh_l0.grad is not None


@pytest.mark.parametrize("has_layer", [True, False])
def test_a_layer_in_bfloat16_runs_without_onednn_where_onednn_has_none(has_layer, monkeypatch):
    monkeypatch.setattr(training_backend, "_onednn_has_bfloat16_layer", lambda: has_layer)
    with torch_bfloat16_layer():
        assert torch.backends.mkldnn.enabled == has_layer
    assert torch.backends.mkldnn.enabled
    monkeypatch.undo()
    layer, x = nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    wanted, _ = layer(x)
    with torch_bfloat16_layer(), torch.autocast("cpu", torch.bfloat16):
        outputs, _ = layer(x)
    assert torch.allclose(outputs.float(), wanted, atol=0.02)
    outputs.float().sum().backward()
    assert layer.weight_hh_l0.grad is not None


def test_a_precision_can_be_forced(asked):
    assert trains_in_bfloat16("bfloat16", torch.device("cpu"))
    assert not trains_in_bfloat16("float32", torch.device("cpu"))
    assert not asked
    assert trains_in_bfloat16("auto", torch.device("cpu"))
    assert "number format of training" in asked
