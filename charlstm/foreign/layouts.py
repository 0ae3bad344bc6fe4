"""Which tensors are an LSTM language model's: told by their shapes, by names where shapes leave a choice.

    PyTorch     weights (4 cells, inputs) and (4 cells, cells), up to two biases, head (vocabulary, cells)
    Keras       the same transposed, up to one bias
    TensorFlow  one kernel (inputs + cells, 4 cells) for input and h together; head (cells, vocabulary)

An embedding is (vocabulary, width) in all of them; without one the first layer takes one-hot characters. A
reading has to use every tensor. Where neither shapes nor names decide, the order in the file does: embedding,
each layer's input weights before its recurrent ones, head.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from charlstm.config import GateOrder
from charlstm.foreign.parts import Layer, Parts


class Named(NamedTuple):
    """A tensor and what it is called; one of two dimensions or one."""

    name: str
    tensor: Tensor


@dataclass(frozen=True)
class Layout:
    """A way to lay weights out, with the gate order and the forget bias at run time that go with it."""

    name: str
    transposed: bool
    joined: bool
    gate_order: GateOrder
    forget_bias: float


# TensorFlow's BasicLSTMCell and LSTMCell add forget_bias=1 when they run; Keras only starts training with it.
PYTORCH = Layout("PyTorch", transposed=False, joined=False, gate_order="ifgo", forget_bias=0.0)
KERAS = Layout("Keras", transposed=True, joined=False, gate_order="ifco", forget_bias=0.0)
TENSORFLOW = Layout("TensorFlow", transposed=True, joined=True, gate_order="ijfo", forget_bias=1.0)
LAYOUTS = (PYTORCH, KERAS, TENSORFLOW)

_MOST = 200  # tensors that are tried: a model of 40 layers has no more
_ROLES = (
    ("recurrent", re.compile(r"hh|h2h|recurrent|(^|\.)u(_?\d+)?$")),
    ("input", re.compile(r"ih|i2h|x2h|(^|\.)w(_?\d+)?$|lstm|rnn|cell")),
    ("embedding", re.compile(r"emb|encoder|lookup")),
    ("head", re.compile(r"head|fc|out|decoder|linear|dense|proj|logit|softmax")),
)


def role(name: str) -> str | None:
    """What a tensor's name says it is, by its last two parts; None when it says nothing known."""
    tail = ".".join(re.split(r"[./]", name.lower())[-2:])
    return next((role for role, pattern in _ROLES if pattern.search(tail)), None)


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to read a set of tensors: which is what. In a joined layout inputs hold the recurrents."""

    layout: Layout
    cells: int
    embedding: Named | None
    inputs: tuple[Named, ...]
    recurrents: tuple[Named, ...]
    biases: tuple[tuple[Named, ...], ...]
    head: Named
    head_bias: Named | None
    tied: bool = False

    @property
    def agreement(self) -> int:
        """How many names say what this reading says, less those that say something else."""
        said = {
            "embedding": () if self.embedding is None or self.tied else (self.embedding,),
            "input": self.inputs,
            "recurrent": self.recurrents,
            "head": (self.head,),
        }
        return sum(
            (1 if role(named.name) == expected else -1)
            for expected, group in said.items()
            for named in group
            if role(named.name) is not None
        )

    @property
    def parameters(self) -> int:
        """How many numbers the file has for this model."""
        single = (self.embedding, self.head, self.head_bias) if not self.tied else (self.head, self.head_bias)
        every = (*single, *self.inputs, *self.recurrents, *(each for pair in self.biases for each in pair))
        return sum(each.tensor.numel() for each in every if each is not None)

    def parts(self, *, gate_order: GateOrder, forget_bias: float) -> Parts:
        """The weights in this project's terms: float32, rows in the order i, f, g, o."""
        layers = tuple(
            self._layer(number, gate_order=gate_order, forget_bias=forget_bias)
            for number in range(len(self.inputs))
        )
        head = _rows(self.head, self.layout).float()
        bias = torch.zeros(head.shape[0]) if self.head_bias is None else self.head_bias.tensor.float()
        return Parts(None if self.embedding is None else self.embedding.tensor.float(), layers, head, bias)

    def _layer(self, number: int, *, gate_order: GateOrder, forget_bias: float) -> Layer:
        weights = _rows(self.inputs[number], self.layout)
        if self.layout.joined:
            weights, recurrent = weights[:, : -self.cells], weights[:, -self.cells :]
        else:
            recurrent = _rows(self.recurrents[number], self.layout)
        none = Named("", torch.zeros(4 * self.cells))
        first, second, *_ = (*self.biases[number], none, none)
        bias = _in_our_order(first.tensor, gate_order).clone()
        bias[self.cells : 2 * self.cells] += forget_bias
        return Layer(
            _in_our_order(weights, gate_order),
            _in_our_order(recurrent, gate_order),
            bias,
            _in_our_order(second.tensor, gate_order),
        )


def _in_our_order(rows: Tensor, gate_order: GateOrder) -> Tensor:
    """(4 cells, ...) float32 with its blocks in the order i, f, g, o; others call the candidate c or j."""
    blocks = rows.float().chunk(4)
    order = gate_order.replace("c", "g").replace("j", "g")
    return torch.cat([blocks[order.index(gate)] for gate in "ifgo"])


def _rows(named: Named, layout: Layout) -> Tensor:
    """The matrix as it stands left of a column of inputs."""
    return named.tensor.t() if layout.transposed else named.tensor


def best_reading(tensors: dict[str, Tensor]) -> Reading | None:
    """The reading that the names agree with most, the first among equals; None when the shapes allow none."""
    if len(tensors) > _MOST or any(tensor.dim() > 2 for tensor in tensors.values()):
        return None
    named = [Named(name, tensor) for name, tensor in tensors.items()]
    matrices = [each for each in named if each.tensor.dim() == 2]
    vectors = [each for each in named if each.tensor.dim() == 1]
    found = [each for layout in LAYOUTS for each in _readings(layout, matrices, vectors)]
    return max(found, key=lambda reading: (not reading.tied, reading.agreement), default=None)


def _readings(layout: Layout, matrices: list[Named], vectors: list[Named]) -> Iterator[Reading]:
    """Every way to read the tensors in a layout: the last head and the first embedding first."""
    shapes = [_rows(each, layout).shape for each in matrices]
    for cells in sorted({rows // 4 for rows, _ in shapes if rows >= 4 and rows % 4 == 0}, reverse=True):
        if sum(rows != 4 * cells for rows, _ in shapes) > 2:  # more than a head and an embedding
            continue
        heads = [each for each in reversed(matrices) if _rows(each, layout).shape[1] == cells]
        for head in heads:
            size = _rows(head, layout).shape[0]
            others = [each for each in matrices if each is not head]
            tied = head._replace(tensor=_rows(head, layout))
            tables = [each for each in others if each.tensor.shape[0] == size]
            for embedding in (None, *tables, tied):
                gates = [each for each in others if each is not embedding]
                width = size if embedding is None else embedding.tensor.shape[1]
                reading = _stacked(layout, cells, width, gates, embedding, head)
                if reading is not None and (reading := _with_biases(reading, vectors)) is not None:
                    yield replace(reading, tied=embedding is tied)


def _stacked(
    layout: Layout, cells: int, width: int, gates: list[Named], embedding: Named | None, head: Named
) -> Reading | None:
    """Layers from the matrices of gates, the first for inputs of that width; None if they do not fit."""
    inputs, recurrents = (gates, []) if layout.joined else _paired(layout, cells, gates)
    if not layout.joined and len(inputs) != len(recurrents):
        return None
    more = cells if layout.joined else 0
    widths = [width, *[cells] * (len(inputs) - 1)]
    fits = [
        _rows(each, layout).shape == (4 * cells, expected + more)
        for each, expected in zip(inputs, widths, strict=False)
    ]
    fits += [_rows(each, layout).shape == (4 * cells, cells) for each in recurrents]
    if not inputs or not all(fits):
        return None
    return Reading(layout, cells, embedding, tuple(inputs), tuple(recurrents), (), head, None)


def _paired(layout: Layout, cells: int, gates: list[Named]) -> tuple[list[Named], list[Named]]:
    """The input weights of each layer and the recurrent ones: by name, or else the one, then the other."""
    recurrents = [each for each in gates if role(each.name) == "recurrent"]
    if 2 * len(recurrents) == len(gates):
        return [each for each in gates if role(each.name) != "recurrent"], recurrents
    first, second = gates[::2], gates[1::2]
    # The shapes of a first layer whose inputs are not as many as its cells tell which of the two is which.
    swapped = bool(second) and _rows(second[0], layout).shape[1] != cells
    return (second, first) if swapped else (first, second)


def _with_biases(reading: Reading, vectors: list[Named]) -> Reading | None:
    """The reading with every vector in its place, or None when they do not fit."""
    layers, rows = len(reading.inputs), 4 * reading.cells
    head_bias = _head_bias(reading, vectors)
    of_gates = [each for each in vectors if each is not head_bias]
    if len(of_gates) not in (0, layers, 2 * layers) or any(each.tensor.numel() != rows for each in of_gates):
        return None
    if len(of_gates) < 2 * layers:
        biases = tuple((each,) for each in of_gates) or ((),) * layers
        return replace(reading, head_bias=head_bias, biases=biases)
    recurrents = [each for each in of_gates if role(each.name) == "recurrent"]
    if len(recurrents) == layers:
        firsts = [each for each in of_gates if role(each.name) != "recurrent"]
    else:
        firsts, recurrents = of_gates[::2], of_gates[1::2]
    return replace(reading, head_bias=head_bias, biases=tuple(zip(firsts, recurrents, strict=True)))


def _head_bias(reading: Reading, vectors: list[Named]) -> Named | None:
    """The vector that is the head's bias: of its size, and among gates' biases of the same size beside it."""
    size = _rows(reading.head, reading.layout).shape[0]
    fitting = [each for each in vectors if each.tensor.numel() == size]
    if size != 4 * reading.cells:
        return fitting[0] if fitting else None
    layers = len(reading.inputs)
    beside = [each for each in fitting if _home(each.name) == _home(reading.head.name)]
    if len(beside) == 1:
        return beside[0]
    return fitting[-1] if len(fitting) in (layers + 1, 2 * layers + 1) else None


def _home(name: str) -> str:
    """The name without its last part: what it is part of."""
    return re.sub(r"[./]?[^./]*$", "", name)
