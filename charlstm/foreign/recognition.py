"""Turn a file of weights into a CharLSTM and its vocabulary, or raise an error that says why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from charlstm.config import GateActivation, GateOrder
from charlstm.errors import CheckpointError
from charlstm.foreign.assignment import Assignment, best_assignment
from charlstm.foreign.files.budget import Budget, OverBudgetError
from charlstm.foreign.files.tree import holds_tensors, is_optimizer_path, objects_in, tensors_in, walk
from charlstm.foreign.files.weights_file import WeightsFile, over_budget, read_weights
from charlstm.foreign.gate_arrays import join_gate_arrays
from charlstm.foreign.layouts import KERAS_1, LAYOUTS, LAYOUTS_OF_FRAMEWORK, Layout
from charlstm.foreign.refusals import listed_names, refused_object, why_no_model
from charlstm.foreign.vocabularies import read_vocabulary, vocabulary_inside
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.vocabulary import Vocabulary

# One-hot input becomes an identity matrix with this number of rows and columns at most: 100 MB, and a copy.
_MOST_ONE_HOT_SYMBOLS = 5_000
_BYTES_PER_PARAMETER = 8  # as float32, once in the weights and once in the CharLSTM
_MOST_MODELS_NAMED = 8
# What says which function the gates apply: the caller, the file, or the framework whose layout its tensors
# have.
GateSource = Literal["option", "file", "layout"]
_ADVICE = "give the state dict of an embedding or one-hot input, LSTM layers and one linear head"


@dataclass(frozen=True)
class ForeignModel:
    """A ForeignModel is a model that was trained elsewhere, with how its file was read.

    layout is PyTorch, Keras, Keras 1, TensorFlow or ONNX; gate_order, forget_bias and gate_activation are
    those that were applied, and gates_known_from says where the last is known from. input says in words what
    the first layer takes. parameters is the number of parameters that the file holds for the model, and
    sha256 the file's SHA-256 in hexadecimal.
    """

    model: CharLSTM
    vocabulary: Vocabulary
    layout: str
    gate_order: GateOrder
    forget_bias: float
    input: str
    parameters: int
    sha256: str
    gate_activation: GateActivation
    gates_known_from: GateSource


def load_foreign(
    path: Path,
    *,
    vocabulary: Path | None = None,
    gate_order: GateOrder | None = None,
    forget_bias: float | None = None,
    gate_activation: GateActivation | None = None,
) -> ForeignModel:
    """Load the LSTM language model in the file of weights at path, without running anything in it.

    vocabulary is a file with the symbols; None takes the vocabulary in the file of weights. gate_order is the
    order of the gates in the file, forget_bias is added to the bias of every forget gate, and gate_activation
    is what the gates apply; None takes what the file says, or what the framework uses whose layout the
    tensors have. Raises CheckpointError when the file, the model in it or the vocabulary cannot be used, or
    when reading them would take very much memory or time.
    """
    file = read_weights(path)
    try:
        return _load(file, vocabulary, gate_order, forget_bias, gate_activation)
    except OverBudgetError as error:
        raise over_budget(path, error) from error


def _load(
    file: WeightsFile,
    vocabulary: Path | None,
    gate_order: GateOrder | None,
    forget_bias: float | None,
    gate_activation: GateActivation | None,
) -> ForeignModel:
    """Load the model in file as load_foreign does. Raises CheckpointError and OverBudgetError."""
    path, framework = file.path, file.contents.framework
    assignment = _find_model(file.tree, path, LAYOUTS_OF_FRAMEWORK.get(framework or "", LAYOUTS), file.budget)
    size, layout = assignment.vocabulary_size, assignment.layout
    if assignment.embedding is None and size > _MOST_ONE_HOT_SYMBOLS:
        raise CheckpointError(f"{path} takes {size:,} symbols as one-hot input, which is too large", _ADVICE)
    file.budget.take_bytes(_BYTES_PER_PARAMETER * assignment.parameters)
    if vocabulary is not None:
        symbols = read_vocabulary(vocabulary, size)
    else:
        symbols = vocabulary_inside(file.tree, size, file.budget, name=str(path))
    gates, known_from = _gates(gate_activation, file, layout)
    order = gate_order or layout.gate_order
    added = layout.forget_bias if forget_bias is None else forget_bias
    weights = assignment.weights(gate_order=order, forget_bias=added, gate_activation=gates)
    _check_finite(weights.state_dict(), path)
    return ForeignModel(
        model=weights.model(),
        vocabulary=symbols,
        layout=layout.name,
        gate_order=order,
        forget_bias=added,
        input=_input_in_words(assignment),
        parameters=assignment.parameters,
        sha256=file.sha256(),
        gate_activation=gates,
        gates_known_from=known_from,
    )


def _gates(
    asked: GateActivation | None, file: WeightsFile, layout: Layout
) -> tuple[GateActivation, GateSource]:
    """Return what the gates apply, and why: it was asked for, the file says it, or the layout has it."""
    if asked is not None:
        return asked, "option"
    said = file.contents.gate_activation
    return (layout.gate_activation, "layout") if said is None else (said, "file")


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


def _find_model(tree: Any, path: Path, layouts: tuple[Layout, ...], budget: Budget) -> Assignment:
    """Return the one model in tree: all its tensors, or those of one dict in it.

    layouts are those that the tensors may have. Raises CheckpointError, with path for the name of the file,
    when tree holds no model or several, OverBudgetError when there are too many ways to look for one.
    """
    all_tensors = tensors_in(tree, budget)
    assignment = _model_in(tree, all_tensors, layouts, budget)
    if assignment is not None:
        return assignment
    models: dict[str, Assignment] = {}
    # A dict comes before those within it, so that the outermost model is found first.
    for name, inner in _dicts(tree, budget):
        if any(name.startswith(f"{other}.") for other in models):
            continue
        tensors = tensors_in(inner, budget)
        if tensors and (assignment := _model_in(inner, tensors, layouts, budget)) is not None:
            models[name] = assignment
        if len(models) > _MOST_MODELS_NAMED:
            break
    if len(models) == 1:
        return next(iter(models.values()))
    if models:
        raise CheckpointError(
            f"{path} holds several models: {listed_names(models)}",
            "save the one you mean in a file of its own",
        )
    objects = objects_in(tree, budget)
    if objects:
        raise refused_object(
            path, next((each for each in objects if holds_tensors(each, budget)), objects[0])
        )
    raise CheckpointError(f"{path} {why_no_model(all_tensors)}", _ADVICE)


def _model_in(
    tree: Any, tensors: dict[str, Tensor], layouts: tuple[Layout, ...], budget: Budget
) -> Assignment | None:
    """Return the assignment of all tensors in tree, or None when they are not a model.

    They are none when tree has objects of unknown classes that hold tensors, too: these may be layers.
    """
    if joined := join_gate_arrays(tensors):
        tensors, layouts = joined, (KERAS_1,)
    assignment = best_assignment(tensors, budget, layouts)
    if assignment is None or any(holds_tensors(each, budget) for each in objects_in(tree, budget)):
        return None
    return assignment


def _dicts(tree: Any, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Yield the dotted path of every dict within tree, and the dict."""
    for path, value in walk(tree, budget):
        if path and isinstance(value, dict) and not is_optimizer_path(path):
            yield ".".join(path), value
