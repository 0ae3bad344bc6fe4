"""Find which tensor of a file is the embedding, which are the gates and biases, and which is the head.

Shapes decide, names where the shapes leave a choice, and where neither decides the order in the file does:
embedding, each layer's input weights before its recurrent ones, head. An assignment uses every tensor.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from charlstm.config import GateActivation, GateOrder
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.layouts import LAYOUTS, Layout, NamedTensor, Role, parent_name, reorder_gates, role
from charlstm.foreign.weights import ForeignLayer, ForeignWeights

# Every assignment is tried, so a file with more tensors than a model of 40 layers has is refused at once.
_MOST_TENSORS = 200
_NODES_PER_TENSOR = 2  # the time to try one tensor in its place, in that of an instruction of a pickle


@dataclass(frozen=True, eq=False)
class Assignment:
    """An Assignment gives every tensor of a file its place in a model, in the layout of the file.

    embedding is None for one-hot input. inputs, recurrents and biases have an entry for each layer; in a
    joined layout inputs hold the recurrent weights too, and recurrents is empty. A layer has up to two
    biases. tied says that the embedding is the head's matrix.
    """

    layout: Layout
    cells: int
    embedding: NamedTensor | None
    inputs: tuple[NamedTensor, ...]
    recurrents: tuple[NamedTensor, ...]
    biases: tuple[tuple[NamedTensor, ...], ...]
    head: NamedTensor
    head_bias: NamedTensor | None
    tied: bool = False

    @property
    def vocabulary_size(self) -> int:
        """The number of symbols is the number of outputs of the head."""
        return self.layout.shape_as_rows(self.head.tensor)[0]

    @property
    def agreement(self) -> int:
        """The number of tensors whose names give them their places, minus those whose names give another."""
        placed: dict[Role, tuple[NamedTensor, ...]] = {
            "embedding": () if self.embedding is None or self.tied else (self.embedding,),
            "input": self.inputs,
            "recurrent": self.recurrents,
            "head": (self.head,),
        }
        return sum(
            (1 if role(named.name) == expected else -1)
            for expected, tensors in placed.items()
            for named in tensors
            if role(named.name) is not None
        )

    @property
    def parameters(self) -> int:
        """The number of parameters that the file holds for this model."""
        single = (self.head, self.head_bias) if self.tied else (self.embedding, self.head, self.head_bias)
        tensors = (*single, *self.inputs, *self.recurrents, *(bias for pair in self.biases for bias in pair))
        return sum(named.tensor.numel() for named in tensors if named is not None)

    def weights(
        self, *, gate_order: GateOrder, forget_bias: float, gate_activation: GateActivation = "sigmoid"
    ) -> ForeignWeights:
        """Return the weights as float32 with rows in the order i, f, g, o.

        gate_order is the order of the gates in the file; forget_bias is added to the forget gate's bias;
        gate_activation is what the gates apply.
        """
        layers = tuple(
            self._layer(number, gate_order=gate_order, forget_bias=forget_bias)
            for number in range(len(self.inputs))
        )
        head = self.layout.as_rows(self.head.tensor).float()
        head_bias = torch.zeros(len(head)) if self.head_bias is None else self.head_bias.tensor.float()
        embedding = None if self.embedding is None else self.embedding.tensor.float()
        return ForeignWeights(embedding, layers, head, head_bias, gate_activation)

    def _layer(self, number: int, *, gate_order: GateOrder, forget_bias: float) -> ForeignLayer:
        """Return the weights of layer number, with zeros for the biases that it does not have."""
        weights = self.layout.as_rows(self.inputs[number].tensor)
        if self.layout.joined:
            weights, recurrent = weights[:, : -self.cells], weights[:, -self.cells :]
        else:
            recurrent = self.layout.as_rows(self.recurrents[number].tensor)
        zeros = torch.zeros(4 * self.cells)
        input_bias, recurrent_bias, *_ = (*(bias.tensor for bias in self.biases[number]), zeros, zeros)
        input_bias = reorder_gates(input_bias, gate_order).clone()
        input_bias[self.cells : 2 * self.cells] += forget_bias
        return ForeignLayer(
            reorder_gates(weights, gate_order),
            reorder_gates(recurrent, gate_order),
            input_bias,
            reorder_gates(recurrent_bias, gate_order),
        )


def best_assignment(
    tensors: dict[str, Tensor], budget: Budget, layouts: tuple[Layout, ...] = LAYOUTS
) -> Assignment | None:
    """Return the assignment of tensors that their names agree with most, or None when the shapes allow none.

    tensors are floating point, by name in the order of the file; layouts are those that they may have. One
    whose embedding has a matrix of its own comes before one that shares the head's; among equals the first
    that is tried is taken. Raises OverBudgetError when there are too many to try.
    """
    budget.take_nodes(len(tensors))
    if len(tensors) > _MOST_TENSORS or any(tensor.dim() > 2 for tensor in tensors.values()):
        return None
    named = [NamedTensor(name, tensor) for name, tensor in tensors.items()]
    matrices = [each for each in named if each.tensor.dim() == 2]
    vectors = [each for each in named if each.tensor.dim() == 1]
    possible = [each for layout in layouts for each in _assignments(layout, matrices, vectors, budget)]
    return max(possible, key=lambda each: (not each.tied, each.agreement), default=None)


def _assignments(
    layout: Layout, matrices: list[NamedTensor], vectors: list[NamedTensor], budget: Budget
) -> Iterator[Assignment]:
    """Yield every assignment in layout, the last matrix as head and no embedding first.

    What the numbers of matrices rule out is not tried: all but a head and an embedding have the rows of
    gates, and there are two for each layer unless the layout is joined. Raises OverBudgetError when there are
    too many to try.
    """
    shapes = [layout.shape_as_rows(matrix.tensor) for matrix in matrices]
    for cells in sorted({rows // 4 for rows, _ in shapes if rows >= 4 and rows % 4 == 0}, reverse=True):
        budget.take_nodes(len(shapes))
        without_gates = [m for m in matrices if layout.shape_as_rows(m.tensor)[0] != 4 * cells]
        if len(without_gates) > 2:
            continue
        heads = [each for each in reversed(matrices) if layout.shape_as_rows(each.tensor)[1] == cells]
        for head in heads:
            size = layout.shape_as_rows(head.tensor)[0]
            others = [each for each in matrices if each is not head]
            tied = head._replace(tensor=layout.as_rows(head.tensor))
            has_own_table = [True, False] if layout.joined else [len(matrices) % 2 == 0]
            tables = [each for each in others if True in has_own_table and each.tensor.shape[0] == size]
            for embedding in (None, *tables, tied) if False in has_own_table else tables:
                if any(each is not head and each is not embedding for each in without_gates):
                    continue
                budget.take_nodes(_NODES_PER_TENSOR * (len(matrices) + len(vectors)))
                gates = [each for each in others if each is not embedding]
                assignment = _with_layers(layout, cells, gates, embedding, head)
                if assignment is not None:
                    assignment = _with_biases(assignment, vectors)
                if assignment is not None:
                    yield replace(assignment, tied=embedding is tied)


def _with_layers(
    layout: Layout, cells: int, gates: list[NamedTensor], embedding: NamedTensor | None, head: NamedTensor
) -> Assignment | None:
    """Return the assignment, without biases, that makes layers of the matrices in gates.

    The first layer takes the embedding's width of inputs, or one-hot characters. Returns None when the shapes
    do not fit.
    """
    size = layout.shape_as_rows(head.tensor)[0]
    first_width = size if embedding is None else embedding.tensor.shape[1]
    inputs, recurrents = (gates, []) if layout.joined else _paired(layout, cells, gates)
    if not layout.joined and len(inputs) != len(recurrents):
        return None
    joined_width = cells if layout.joined else 0
    widths = [first_width, *[cells] * (len(inputs) - 1)]
    fits = [
        layout.shape_as_rows(each.tensor) == (4 * cells, width + joined_width)
        for each, width in zip(inputs, widths, strict=False)
    ]
    fits += [layout.shape_as_rows(each.tensor) == (4 * cells, cells) for each in recurrents]
    if not inputs or not all(fits):
        return None
    return Assignment(layout, cells, embedding, tuple(inputs), tuple(recurrents), (), head, None)


def _paired(
    layout: Layout, cells: int, gates: list[NamedTensor]
) -> tuple[list[NamedTensor], list[NamedTensor]]:
    """Split the matrices in gates into the input weights and the recurrent weights of each layer.

    Names decide; where they do not tell, the matrices of a layer stand beside each other in the file.
    """
    recurrents = [each for each in gates if role(each.name) == "recurrent"]
    if 2 * len(recurrents) == len(gates):
        return [each for each in gates if role(each.name) != "recurrent"], recurrents
    first, second = gates[::2], gates[1::2]
    # A recurrent matrix has one column for each cell: a second matrix with another number is for the input.
    swapped = bool(second) and layout.shape_as_rows(second[0].tensor)[1] != cells
    return (second, first) if swapped else (first, second)


def _with_biases(assignment: Assignment, vectors: list[NamedTensor]) -> Assignment | None:
    """Return assignment with every vector in its place, or None when the vectors do not fit."""
    layers, rows = len(assignment.inputs), 4 * assignment.cells
    head_bias = _head_bias(assignment, vectors)
    of_gates = [each for each in vectors if each is not head_bias]
    if len(of_gates) not in (0, layers, 2 * layers) or any(each.tensor.numel() != rows for each in of_gates):
        return None
    if len(of_gates) < 2 * layers:
        biases = tuple((each,) for each in of_gates) or ((),) * layers
        return replace(assignment, head_bias=head_bias, biases=biases)
    recurrents = [each for each in of_gates if role(each.name) == "recurrent"]
    if len(recurrents) == layers:
        inputs = [each for each in of_gates if role(each.name) != "recurrent"]
    else:
        inputs, recurrents = of_gates[::2], of_gates[1::2]
    return replace(assignment, head_bias=head_bias, biases=tuple(zip(inputs, recurrents, strict=True)))


def _head_bias(assignment: Assignment, vectors: list[NamedTensor]) -> NamedTensor | None:
    """Return the vector that is the bias of the head, or None when there is none.

    It has an element for each symbol. Where a gate's bias has that size too, it is the vector of the module
    that holds the head, or else the last vector if the number of vectors leaves one for the head.
    """
    size = assignment.vocabulary_size
    fitting = [each for each in vectors if each.tensor.numel() == size]
    if size != 4 * assignment.cells:
        return fitting[0] if fitting else None
    layers = len(assignment.inputs)
    beside = [each for each in fitting if parent_name(each.name) == parent_name(assignment.head.name)]
    if len(beside) == 1:
        return beside[0]
    return fitting[-1] if len(fitting) in (layers + 1, 2 * layers + 1) else None
