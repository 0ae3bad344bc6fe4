"""The orders in which programs stack the four gates of an LSTM, and how rows get from one to another."""

import numpy as np
from numpy.typing import NDArray

# The gates i, f, g and o in the rows of our weights, as in PyTorch's nn.LSTM.
OUR_GATES = "ifgo"
# ONNX stacks them as i, o, f, c: https://onnx.ai/onnx/operators/onnx__LSTM.html
ONNX_GATES = "iofc"


def gate_rows(rows: int, *, given: str, wanted: str) -> NDArray[np.int64]:
    """Return the indices (rows,) int64 that take rows of gates in one order to another: weights[indices].

    The number of rows is 4 * cells; given and wanted are the four letters of the gates in their order, with
    the candidate as g, c or j.
    """
    blocks = np.split(np.arange(rows), 4)
    place = {gate: number for number, gate in enumerate(_spelled(given))}
    return np.concatenate([blocks[place[gate]] for gate in _spelled(wanted)])


def _spelled(order: str) -> str:
    """Return an order with the candidate as g."""
    return order.replace("c", "g").replace("j", "g")
