"""Turn a file of weights into a CharLSTM and its vocabulary, or raise an error that says why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from charlstm.config import GateOrder
from charlstm.errors import CheckpointError
from charlstm.foreign.assignment import Assignment, best_assignment
from charlstm.foreign.refusals import why_no_model
from charlstm.foreign.vocabularies import read_vocabulary, vocabulary_inside
from charlstm.foreign.weights_file import is_optimizer_path, read_weights, tensors_in, walk
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.vocabulary import Vocabulary

# One-hot input becomes an identity matrix with this number of rows and columns at most: 1.6 GB.
_MOST_ONE_HOT_SYMBOLS = 20_000
_ADVICE = "give the state dict of an embedding or one-hot input, LSTM layers and one linear head"


@dataclass(frozen=True)
class ForeignModel:
    """A ForeignModel is a model that was trained elsewhere, with how its file was read.

    layout is PyTorch, Keras or TensorFlow; gate_order and forget_bias are those that were applied. input says
    in words what the first layer takes. parameters is the number of parameters that the file holds for the
    model, and sha256 the file's SHA-256 in hexadecimal.
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
    """Load the LSTM language model in the file of weights at path, without running anything in it.

    vocabulary is a file with the symbols; None takes the vocabulary in the file of weights. gate_order is the
    order of the gates in the file, and forget_bias is added to the bias of every forget gate; None takes what
    the framework uses whose layout the tensors have.
    Raises CheckpointError when the file, the model in it or the vocabulary cannot be used.
    """
    file = read_weights(path)
    assignment = _find_model(file.tree, path)
    size = assignment.vocabulary_size
    if assignment.embedding is None and size > _MOST_ONE_HOT_SYMBOLS:
        raise CheckpointError(f"{path} takes {size:,} symbols as one-hot input, which is too large", _ADVICE)
    if vocabulary is not None:
        symbols = read_vocabulary(vocabulary, size)
    else:
        symbols = vocabulary_inside(file.tree, size, name=str(path))
    order = gate_order or assignment.layout.gate_order
    bias = assignment.layout.forget_bias if forget_bias is None else forget_bias
    weights = assignment.weights(gate_order=order, forget_bias=bias)
    _check_finite(weights.state_dict(), path)
    return ForeignModel(
        model=weights.model(),
        vocabulary=symbols,
        layout=assignment.layout.name,
        gate_order=order,
        forget_bias=bias,
        input=_input_in_words(assignment),
        parameters=assignment.parameters,
        sha256=file.sha256,
    )


def _input_in_words(assignment: Assignment) -> str:
    """Return what the first layer takes: "one-hot", or an embedding and its width."""
    if assignment.embedding is None:
        return "one-hot"
    shared = ", shared with the head" if assignment.tied else ""
    return f"embedding of {assignment.embedding.tensor.shape[1]}{shared}"


def _check_finite(tensors: dict[str, Tensor], path: Path) -> None:
    """Raise CheckpointError when one of the tensors from the file at path holds a NaN or an infinity."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"{path} holds weights that are NaN or infinite (in its {name})",
                "import a checkpoint from before its training diverged",
            )


def _find_model(tree: Any, path: Path) -> Assignment:
    """Return the one model in tree: all its tensors, or those of one dict in it.

    Raises CheckpointError, with path for the name of the file, when tree holds no model or several.
    """
    all_tensors = tensors_in(tree)
    assignment = best_assignment(all_tensors)
    if assignment is not None:
        return assignment
    models = {
        name: assignment
        for name, tensors in _dicts_of_tensors(tree)
        if len(tensors) < len(all_tensors) and (assignment := best_assignment(tensors)) is not None
    }
    outermost = [name for name in models if not any(name.startswith(f"{other}.") for other in models)]
    if len(outermost) == 1:
        return models[outermost[0]]
    if outermost:
        raise CheckpointError(
            f"{path} holds several models: {', '.join(outermost)}",
            "save the one you mean in a file of its own",
        )
    raise CheckpointError(f"{path} {why_no_model(all_tensors)}", _ADVICE)


def _dicts_of_tensors(tree: Any) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the dotted path and the tensors of every dict within tree that holds tensors of a model."""
    for path, value in walk(tree):
        if path and isinstance(value, dict) and not is_optimizer_path(path):
            tensors = tensors_in(value)
            if tensors:
                yield ".".join(path), tensors
