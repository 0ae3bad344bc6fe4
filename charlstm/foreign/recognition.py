"""From a file of weights to a CharLSTM and its vocabulary, or to one problem that says why not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from charlstm.config import GateOrder
from charlstm.errors import CheckpointError
from charlstm.foreign.layouts import Reading, best_reading, role
from charlstm.foreign.reading import nodes, of_optimizer, read_weights, tensors_in
from charlstm.foreign.vocabularies import read_vocabulary, vocabulary_inside
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.vocabulary import Vocabulary

_SHOWN = 8  # tensors named in a problem
_MOST_ONE_HOT = 20_000  # symbols; one-hot input becomes a square matrix of as many
_ADVICE = "give the state dict of an embedding or one-hot input, LSTM layers and one linear head"


@dataclass(frozen=True)
class ForeignModel:
    """A model that was made elsewhere, with what was found: layout, gate order and forget bias as applied.

    parameters is how many numbers its file has for it; sha256 is the file's.
    """

    model: CharLSTM
    vocabulary: Vocabulary
    layout: str
    gate_order: GateOrder
    forget_bias: float
    input: str
    parameters: int
    sha256: str


def load_foreign(
    path: Path,
    *,
    vocabulary: Path | None = None,
    gate_order: GateOrder | None = None,
    forget_bias: float | None = None,
) -> ForeignModel:
    """The LSTM language model in a file of weights; nothing in the file is run.

    Without a vocabulary the one in the file is used. gate_order and forget_bias are those of the layout
    that is found when they are None; forget_bias is added to the forget gate's bias.
    Raises CheckpointError when the file, the model in it or its vocabulary cannot be used.
    """
    file = read_weights(path)
    reading = _found(file.tree, path)
    size = reading.head.tensor.shape[1 if reading.layout.transposed else 0]
    if reading.embedding is None and size > _MOST_ONE_HOT:
        raise CheckpointError(f"{path} takes {size:,} symbols as one-hot input, which is too large", _ADVICE)
    symbols = (
        read_vocabulary(vocabulary, size)
        if vocabulary
        else vocabulary_inside(file.tree, size, name=str(path))
    )
    order = gate_order or reading.layout.gate_order
    bias = reading.layout.forget_bias if forget_bias is None else forget_bias
    parts = reading.parts(gate_order=order, forget_bias=bias)
    _refuse_not_finite(parts.tensors(), path)
    return ForeignModel(
        model=parts.model(),
        vocabulary=symbols,
        layout=reading.layout.name,
        gate_order=order,
        forget_bias=bias,
        input=_input(reading),
        parameters=reading.parameters,
        sha256=file.sha256,
    )


def _input(reading: Reading) -> str:
    """What the first layer is given, in words."""
    if reading.embedding is None:
        return "one-hot"
    shared = ", shared with the head" if reading.tied else ""
    return f"embedding of {reading.embedding.tensor.shape[1]}{shared}"


def _refuse_not_finite(tensors: dict[str, Tensor], path: Path) -> None:
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"{path} holds weights that are NaN or infinite (in its {name})",
                "import a checkpoint from before its training diverged",
            )


def _found(tree: Any, path: Path) -> Reading:
    """The one model in a tree: all its tensors, or those of one dict in it. Raises CheckpointError."""
    whole = tensors_in(tree)
    reading = best_reading(whole)
    if reading is not None:
        return reading
    found = {
        name: reading
        for name, tensors in _dicts_of_tensors(tree)
        if len(tensors) < len(whole) and (reading := best_reading(tensors)) is not None
    }
    outermost = [name for name in found if not any(name.startswith(f"{other}.") for other in found)]
    if len(outermost) == 1:
        return found[outermost[0]]
    if outermost:
        raise CheckpointError(
            f"{path} holds several models: {', '.join(outermost)}",
            "save the one you mean in a file of its own",
        )
    raise CheckpointError(f"{path} {_why_not(whole)}", _ADVICE)


def _dicts_of_tensors(tree: Any) -> Iterator[tuple[str, dict[str, Tensor]]]:
    for path, node in nodes(tree):
        if path and isinstance(node, dict) and not of_optimizer(path):
            tensors = tensors_in(node)
            if tensors:
                yield ".".join(path), tensors


def _why_not(tensors: dict[str, Tensor]) -> str:
    """Why no LSTM language model is among the tensors: the first reason that holds."""
    names = list(tensors)
    if not tensors:
        return "holds no weights"
    if any(re.search(r"_reverse|backward|bidirectional", name) for name in names):
        return "holds a bidirectional LSTM: it reads the text ahead, so it cannot predict the next character"
    if any("weight_hr" in name for name in names):
        return "holds an LSTM with projections (proj_size), which are not supported"
    matrices = {name: tensor for name, tensor in tensors.items() if tensor.dim() == 2}
    gates, cells = _gates(matrices)
    if gates != 4:
        kind = {3: "a GRU", 1: "a plain recurrent network"}.get(gates, "no LSTM")
        return f"holds {kind}, not an LSTM: {_shown(tensors)}"
    if len(cells) > 1:
        return (
            f"holds layers of different sizes ({', '.join(map(str, cells))} cells), which are not supported"
        )
    [size] = cells
    return _why_no_head(tensors, matrices, size)


def _why_no_head(tensors: dict[str, Tensor], matrices: dict[str, Tensor], cells: int) -> str:
    """What is the matter with a file whose LSTM is in order."""
    heads = [name for name, matrix in matrices.items() if cells in matrix.shape and role(name) == "head"]
    others = {
        name: matrix
        for name, matrix in matrices.items()
        if 4 * cells not in matrix.shape and name not in heads
    }
    if any(2 * cells in matrix.shape for matrix in others.values()):
        return f"holds a head for {2 * cells} inputs on {cells} cells, as a bidirectional LSTM has"
    if not heads and not any(cells in matrix.shape for matrix in others.values()):
        return f"holds an LSTM of {cells} cells and no head that takes {cells} inputs: {_shown(tensors)}"
    return f"holds an LSTM of {cells} cells with tensors that do not fit together: {_shown(tensors)}"


def _gates(matrices: dict[str, Tensor]) -> tuple[int, list[int]]:
    """How many gates the recurrent weights hold, 0 for unknown, and the numbers of cells.

    They are told by their names, or else by being 4, 3 or 1 times as long as wide beside another as long.
    """
    shapes = [sorted(matrix.shape) for name, matrix in matrices.items() if role(name) == "recurrent"]
    if shapes:
        cells = list(dict.fromkeys(short for short, _ in shapes))
        ratios = {long / short for short, long in shapes if short}
        return (int(ratios.pop()) if len(ratios) == 1 else 0), cells
    every = [sorted(matrix.shape) for matrix in matrices.values()]
    for gates in (4, 3, 1):
        found = [s for s, long in every if long == gates * s and sum(long in other for other in every) > 1]
        if found:
            return gates, [max(found)]
    return 0, []


def _shown(tensors: dict[str, Tensor]) -> str:
    """Names and shapes of the first tensors."""
    listed = [f"{name} {tuple(tensor.shape)}" for name, tensor in list(tensors.items())[:_SHOWN]]
    more = len(tensors) - len(listed)
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "")
