"""How layers of tanh cells are trained on this CPU: by which code, and in which number format.

Both are found by timing a window of a layer, forward and backward (`machine.speed.backend_choice`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import nn

from charlstm.machine.speed.backend_choice import Choice, preferred
from charlstm.model import bfloat16_layer
from charlstm.model.equations import LayerState, layer_weights
from charlstm.model.kernels.llvm_vectors import MULTIPLIES_PAIRS
from charlstm.model.ready_loops import are_ready
from charlstm.model.streams_backend import choose_streams_backend

COMPILED, TORCH = "compiled loops", "nn.LSTM"
BFLOAT16, FLOAT32 = "bfloat16", "float32"
# The layer and the window of a trial.
_CELLS, _STREAMS, _POSITIONS = 256, 32, 32


def layer_backend() -> Choice:
    """Return what trains a layer in bfloat16: COMPILED or TORCH.

    The compiled loops are in question only where the processor multiplies pairs of bfloat16 numbers and the
    loops are on disk. A process that begins before they are there does without them to its end: what a
    training computes must not depend on the moment at which they come. Where they are in question, the
    process also begins to multiply many streams by the preferred backend (`streams_backend`).
    """
    ways: dict[str, Callable[[], None]] = {TORCH: _torch_bfloat16_window}
    in_question = MULTIPLIES_PAIRS and are_ready("training")
    if in_question:
        choose_streams_backend()
    return preferred("training in bfloat16", {COMPILED: _compiled_window} | ways if in_question else ways)


def trains_compiled() -> bool:
    """Return whether the compiled loops train a layer in bfloat16 here."""
    return layer_backend().backend == COMPILED


def number_format() -> Choice:
    """Return the number format in which training is faster: BFLOAT16 or FLOAT32."""
    lowered = _compiled_window if trains_compiled() else _torch_bfloat16_window
    return preferred("number format of training", {FLOAT32: _torch_window, BFLOAT16: lowered})


def trains_in_bfloat16(precision: str, device: torch.device) -> bool:
    """Return whether training on device multiplies in bfloat16: precision "auto" asks the hardware.

    precision is that of a TrainingConfig. With "auto" bfloat16 is used on a GPU that has instructions for it,
    and on a CPU where it is faster.
    """
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return number_format().backend == BFLOAT16
    return False


@contextmanager
def torch_bfloat16_layer() -> Iterator[None]:
    """Let an nn.LSTM run in bfloat16 on this CPU: without oneDNN, slowly, where oneDNN has no such layer.

    Many processors without AVX-512 are of this kind. oneDNN would raise RuntimeError there.
    """
    enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = enabled and _onednn_has_bfloat16_layer()  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = enabled


@cache
def _onednn_has_bfloat16_layer() -> bool:
    """Return whether oneDNN runs an nn.LSTM in bfloat16 on this processor, found by running one."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        try:
            nn.LSTM(1, 1)(torch.zeros(1, 1, 1))
        except RuntimeError:
            return False
    return True


@cache
def _layer() -> nn.LSTM:
    """Return the layer of a trial, with torch's weights; it is made once, since that takes time, too."""
    return nn.LSTM(_CELLS, _CELLS, batch_first=True)


def _torch_window() -> None:
    """Run a window of zeros through torch's layer, forward and backward."""
    outputs, _ = _layer()(torch.zeros(_STREAMS, _POSITIONS, _CELLS))
    torch.autograd.backward(outputs.float().sum())


def _torch_bfloat16_window() -> None:
    """Run a window of zeros through torch's layer with products in bfloat16, forward and backward."""
    with torch_bfloat16_layer(), torch.autocast("cpu", torch.bfloat16):
        outputs, _ = _layer()(torch.zeros(_STREAMS, _POSITIONS, _CELLS))
    torch.autograd.backward(outputs.float().sum())


def _compiled_window() -> None:
    """Run a window of zeros through the compiled layer, forward and backward."""
    before = LayerState(torch.zeros(_STREAMS, _CELLS), torch.zeros(_STREAMS, _CELLS))
    inputs = torch.zeros(_STREAMS, _POSITIONS, _CELLS)
    outputs, _ = bfloat16_layer.run_inputs(inputs, before, layer_weights(_layer()))
    torch.autograd.backward(outputs.float().sum())
