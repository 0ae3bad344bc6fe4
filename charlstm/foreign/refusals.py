"""Say why a file's tensors are not an LSTM language model that can be imported."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from charlstm.errors import CheckpointError
from charlstm.foreign.files.placeholders import Placeholder
from charlstm.foreign.layouts import role

_MOST_TENSORS_SHOWN = 8
_LONGEST_NAME_SHOWN = 80


def refused_object(path: Path, found: Placeholder) -> CheckpointError:
    """Return the problem that the file at path has an object where its weights should be."""
    return CheckpointError(
        f"{path} is refused: it wants to call {found.name}, and nothing that a file asks for is run",
        "if you trust it, load it where it was made and save model.state_dict() instead",
    )


def listed_names(names: Iterable[str]) -> str:
    """Return names as one text, of a long one its end alone."""
    return ", ".join(_end_of(name) for name in names)


def _end_of(name: str) -> str:
    """Return name, or the end of a long name."""
    return name if len(name) <= _LONGEST_NAME_SHOWN else f"...{name[-_LONGEST_NAME_SHOWN:]}"


def why_no_model(tensors: dict[str, Tensor]) -> str:
    """Return why tensors, by name, are no model, as the predicate of a sentence about their file."""
    names = list(tensors)
    if not tensors:
        return "holds no weights"
    if any(re.search(r"_reverse|backward|bidirectional", name) for name in names):
        return "holds a bidirectional LSTM: it reads the text ahead, so it cannot predict the next character"
    if any("weight_hr" in name for name in names):
        return "holds an LSTM with projections (proj_size), which are not supported"
    matrices = {name: tensor for name, tensor in tensors.items() if tensor.dim() == 2}
    gates, cells = _gates_and_cells(matrices)
    if gates != 4:
        kind = {3: "a GRU", 1: "a plain recurrent network"}.get(gates, "no LSTM")
        return f"holds {kind}, not an LSTM: {_listed(tensors)}"
    if len(cells) > 1:
        return (
            f"holds layers of different sizes ({', '.join(map(str, cells))} cells), which are not supported"
        )
    return _why_no_head(tensors, matrices, cells[0])


def _why_no_head(tensors: dict[str, Tensor], matrices: dict[str, Tensor], cells: int) -> str:
    """Return why tensors with an LSTM of `cells` cells are no model; matrices are those of two dimensions."""
    heads = [name for name, matrix in matrices.items() if cells in matrix.shape and role(name) == "head"]
    others = [
        matrix for name, matrix in matrices.items() if 4 * cells not in matrix.shape and name not in heads
    ]
    if any(2 * cells in matrix.shape for matrix in others):
        return f"holds a head for {2 * cells} inputs on {cells} cells, as a bidirectional LSTM has"
    if not heads and not any(cells in matrix.shape for matrix in others):
        return f"holds an LSTM of {cells} cells and no head that takes {cells} inputs: {_listed(tensors)}"
    return f"holds an LSTM of {cells} cells with tensors that do not fit together: {_listed(tensors)}"


def _gates_and_cells(matrices: dict[str, Tensor]) -> tuple[int, list[int]]:
    """Return the number of gates in a layer, 0 when it is unknown, and the numbers of cells that layers have.

    An LSTM has 4 gates, a GRU 3, a plain recurrent network 1. A recurrent matrix is (gates * cells, cells) or
    its transpose. It is found by its name, or else by having this shape beside another matrix with a side of
    gates * cells.
    """
    shapes = [sorted(matrix.shape) for name, matrix in matrices.items() if role(name) == "recurrent"]
    if shapes:
        cells = list(dict.fromkeys(short for short, _ in shapes))
        ratios = {long / short for short, long in shapes if short}
        return (int(ratios.pop()) if len(ratios) == 1 else 0), cells
    shapes = [sorted(matrix.shape) for matrix in matrices.values()]
    having_side = Counter(side for shape in shapes for side in set(shape))
    for gates in (4, 3, 1):
        recurrent = [short for short, long in shapes if long == gates * short and having_side[long] > 1]
        if recurrent:
            return gates, [max(recurrent)]
    return 0, []


def _listed(tensors: dict[str, Tensor]) -> str:
    """Return the names and shapes of the first _MOST_TENSORS_SHOWN tensors, and the number of the others."""
    shown = [
        f"{_end_of(name)} {tuple(tensor.shape)}"
        for name, tensor in list(tensors.items())[:_MOST_TENSORS_SHOWN]
    ]
    more = len(tensors) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
