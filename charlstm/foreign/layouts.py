"""PyTorch, Keras and TensorFlow lay out the weights of an LSTM in different ways, which are listed here.

    PyTorch     weights (4 * cells, inputs) and (4 * cells, cells), up to two biases, head (vocabulary, cells)
    Keras       each of these transposed, up to one bias
    TensorFlow  one kernel (inputs + cells, 4 * cells) for the input and h together; head (cells, vocabulary)

    Keras 1     for each gate an array of each of these: twelve for a layer, in the order i, c, f, o

An embedding is (vocabulary, width) in all of them. Without one, the first layer takes one-hot characters.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from charlstm.config import GateActivation, GateOrder
from charlstm.model.gate_order import OUR_GATES, gate_rows

Role = Literal["recurrent", "input", "embedding", "head"]

# What the name of a tensor with the role contains. The first pattern that is found decides.
_ROLE_PATTERNS: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("recurrent", re.compile(r"hh|h2h|recurrent|(^|\.)u(_?\d+)?$")),
    ("input", re.compile(r"ih|i2h|x2h|(^|\.)w(_?\d+)?$|lstm|rnn|cell")),
    ("embedding", re.compile(r"emb|encoder|lookup")),
    ("head", re.compile(r"head|fc|out|decoder|linear|dense|proj|logit|softmax")),
)


class NamedTensor(NamedTuple):
    """A NamedTensor is a tensor of one or two dimensions with its dotted path in a file."""

    name: str
    tensor: Tensor


@dataclass(frozen=True)
class Layout:
    """A Layout says how a framework lays out the weights of an LSTM.

    transposed says that a matrix has its inputs in rows and its outputs in columns; joined, that one matrix
    holds the input weights and the recurrent weights. gate_order names the four blocks of the gates' outputs
    in order, with the candidate as g, c or j. forget_bias is added to the forget gate at run time.
    gate_activation is what the framework's gates apply where a file does not say it.
    """

    name: str
    transposed: bool
    joined: bool
    gate_order: GateOrder
    forget_bias: float
    gate_activation: GateActivation = "sigmoid"

    def shape_as_rows(self, matrix: Tensor) -> tuple[int, int]:
        """Return the shape that as_rows gives matrix, without making it."""
        rows, columns = matrix.shape
        return (columns, rows) if self.transposed else (rows, columns)

    def as_rows(self, matrix: Tensor) -> Tensor:
        """Return matrix as (outputs, inputs), the form that multiplies a column of inputs from the left."""
        return matrix.t() if self.transposed else matrix


# BasicLSTMCell and LSTMCell of TensorFlow add forget_bias=1 at run time; Keras initialises the bias with 1.
PYTORCH = Layout("PyTorch", transposed=False, joined=False, gate_order="ifgo", forget_bias=0.0)
KERAS = Layout("Keras", transposed=True, joined=False, gate_order="ifco", forget_bias=0.0)
TENSORFLOW = Layout("TensorFlow", transposed=True, joined=True, gate_order="ijfo", forget_bias=1.0)
LAYOUTS = (PYTORCH, KERAS, TENSORFLOW)
# The joined arrays of single gates. Before version 2.3 the gates of Keras had hard sigmoids unless told
# otherwise.
KERAS_1 = replace(KERAS, name="Keras 1", gate_order="icfo", gate_activation="hard_sigmoid")
ONNX = replace(PYTORCH, name="ONNX")
# Where the kind of file says which framework wrote it, only its layout is tried.
LAYOUTS_OF_FRAMEWORK = {"Keras": (KERAS,), "ONNX": (ONNX,)}


@lru_cache(maxsize=4096)
def role(name: str) -> Role | None:
    """Return the role that a tensor's name gives it, or None when the name gives none.

    The last two parts of the name decide, split at dots and slashes.
    """
    tail = ".".join(re.split(r"[./]", name.lower())[-2:])
    return next((role for role, pattern in _ROLE_PATTERNS if pattern.search(tail)), None)


def parent_name(name: str) -> str:
    """Return the name of the module that a tensor called name belongs to: name without its last part."""
    return re.sub(r"[./]?[^./]*$", "", name)


def reorder_gates(rows: Tensor, gate_order: GateOrder) -> Tensor:
    """Return rows, (4 * cells, ...) in gate_order, as float32 in the order i, f, g, o."""
    indices = gate_rows(len(rows), given=gate_order, wanted=OUR_GATES)
    return rows.float()[torch.from_numpy(indices)]
