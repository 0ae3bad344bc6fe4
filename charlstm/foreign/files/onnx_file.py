"""Read the weights of an LSTM language model from an ONNX model, by the package onnx.

The graph is not run. Its LSTM operators, the table that it gathers rows from and the product at its end give
the tensors, under PyTorch's names and in PyTorch's order of the gates.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlstm.config import GateActivation
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.contents import Contents, NotReadError, with_metadata
from charlstm.model.gate_order import ONNX_GATES, OUR_GATES, gate_rows

# Operators besides these would compute something that the weights alone do not tell.
_KNOWN_OPERATORS = frozenset(
    (
        "LSTM", "Gather", "OneHot", "MatMul", "Gemm", "Add", "Constant", "ConstantOfShape", "Identity",
        "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Concat", "Slice", "Split", "Shape", "Expand",
        "Flatten", "Dropout", "Softmax", "LogSoftmax",
    )
)  # fmt: skip
# What a text of JSON may take as a value: "{}," of three characters becomes an empty dict in a list.
_BYTES_PER_CHARACTER_OF_JSON = 24
_EXPORT_WHOLE = "export the model with its weights in one file: torch.onnx.export(..., external_data=False)"
_EXPORT_PLAIN = "save the weights of the LSTM, its embedding and its head with torch.save or numpy.savez"


def read_onnx(path: Path, budget: Budget) -> Contents:
    """Return the weights and the metadata of the ONNX model at path.

    Raises NotReadError without the package onnx and for a graph that is not a plain LSTM model,
    OverBudgetError, or what a damaged file raises.
    """
    try:
        import onnx
    except ImportError as error:
        raise NotReadError(
            "is an ONNX model, for which the package onnx is needed",
            f"install it: pip install 'charlstm[onnx]'; or {_EXPORT_PLAIN}",
        ) from error
    model = onnx.load_model(path, load_external_data=False)
    graph = model.graph
    operators = [node.op_type for node in graph.node]
    if "LSTM" not in operators:
        kind = next((name for name in ("GRU", "RNN") if name in operators), None)
        holds = f"holds a {kind}, not an LSTM" if kind else "is an ONNX model without an LSTM operator"
        raise NotReadError(holds, _EXPORT_PLAIN)
    unknown = [name for name in operators if name not in _KNOWN_OPERATORS]
    if unknown:
        raise NotReadError(f"has the operator {unknown[0][:40]}, which is not read here", _EXPORT_PLAIN)
    contents = _Graph(graph, budget).contents()
    return replace(contents, tree=with_metadata(contents.tree, _metadata(model, budget)))


def _metadata(model: Any, budget: Budget) -> dict[str, str]:
    """Return the metadata of a model, a text for each name. Raises OverBudgetError for very long ones."""
    for entry in model.metadata_props:
        budget.take_nodes()
        budget.take_bytes(_BYTES_PER_CHARACTER_OF_JSON * len(entry.value))
    return {entry.key: entry.value for entry in model.metadata_props}


class _Graph:
    """A _Graph collects the weights of an ONNX graph under PyTorch's names."""

    def __init__(self, graph: Any, budget: Budget) -> None:
        self._nodes = graph.node
        self._budget = budget
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
                self._constants[node.output[0]] = node.attribute[0].t
            if node.op_type == "Identity" and node.input[0] in self._constants:
                self._constants[node.output[0]] = self._constants[node.input[0]]
        self._used: set[str] = set()
        self._tree: dict[str, Any] = {}
        self._activations: set[GateActivation] = set()

    def contents(self) -> Contents:
        """Return the weights, and what the gates apply.

        Constants of floating-point numbers that no operator above takes are weights, too: then the tensors do
        not make a model, and the error lists them.
        """
        layers = 0
        for node in self._nodes:
            self._budget.take_nodes()
            if node.op_type == "LSTM":
                self._add_layer(node, layers)
                layers += 1
            elif node.op_type == "Gather" and self._dimensions(node.input[0]) == 2:
                self._add("embedding.weight", node.input[0], self._array(node.input[0]))
            elif node.op_type in ("MatMul", "Gemm") and self._dimensions(node.input[1]) == 2:
                self._add_head(node)
            elif node.op_type == "Add":
                for name in node.input:
                    if self._dimensions(name) == 1:
                        self._add("head.bias", name, self._array(name))
        names = {id(self._constants[name]) for name in self._used}
        for name, tensor in self._constants.items():
            if id(tensor) not in names and tensor.dims and self._is_float(tensor):
                self._tree[name] = self._array(name)
        [activation] = self._activations if len(self._activations) == 1 else [None]
        if activation is None:
            raise NotReadError("holds LSTM layers whose gates differ", _EXPORT_PLAIN)
        return Contents(self._tree, framework="ONNX", gate_activation=activation)

    def _add(self, name: str, source: str, array: NDArray[Any]) -> None:
        """Put array, the constant called source, in the tree by name, or by source when name is taken."""
        self._used.add(source)
        self._tree[source if name in self._tree else name] = array

    def _add_layer(self, node: Any, number: int) -> None:
        """Put the weights of node, an LSTM operator, in the tree as layer number."""
        attributes = {attribute.name: attribute for attribute in node.attribute}
        direction = attributes["direction"].s if "direction" in attributes else b"forward"
        if direction != b"forward":
            raise NotReadError(
                f"holds an LSTM of direction {direction.decode()[:20]}", "import one that is forward"
            )
        inputs = list(node.input) + [""] * 8
        if inputs[7] or any(name in attributes for name in ("clip", "input_forget")):
            raise NotReadError("holds an LSTM with peepholes, clipping or coupled gates", _EXPORT_PLAIN)
        self._activations.add(_gate_activation(attributes))
        for name, source in (("weight_ih", inputs[1]), ("weight_hh", inputs[2])):
            [rows] = self._array(source)
            self._add(f"lstm.{name}_l{number}", source, _reordered(rows))
        if inputs[3]:
            [biases] = self._array(inputs[3])
            self._used.add(inputs[3])
            input_bias, recurrent_bias = np.split(biases, 2)
            self._tree[f"lstm.bias_ih_l{number}"] = _reordered(input_bias)
            self._tree[f"lstm.bias_hh_l{number}"] = _reordered(recurrent_bias)

    def _add_head(self, node: Any) -> None:
        """Put the matrix and the bias of node, a product of hidden states, in the tree."""
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if any(attributes[name].f != 1 for name in ("alpha", "beta") if name in attributes):
            raise NotReadError("scales the scores of its head", _EXPORT_PLAIN)
        matrix = self._array(node.input[1])
        transposed = "transB" in attributes and attributes["transB"].i
        self._add("head.weight", node.input[1], matrix if transposed else matrix.T)
        if len(node.input) > 2 and node.input[2]:
            self._add("head.bias", node.input[2], self._array(node.input[2]).reshape(-1))

    def _dimensions(self, name: str) -> int | None:
        """Return the number of dimensions of a constant of floating-point numbers, None for other names."""
        tensor = self._constants.get(name)
        return len(tensor.dims) if tensor is not None and self._is_float(tensor) else None

    def _is_float(self, tensor: Any) -> bool:
        from onnx import TensorProto

        floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
        return tensor.data_type in floats

    def _array(self, name: str) -> NDArray[Any]:
        """Return the constant called name as float32.

        Raises NotReadError when it is not a constant, or is kept in another file.
        """
        from onnx import TensorProto, numpy_helper

        tensor = self._constants.get(name)
        if tensor is None:
            raise NotReadError(f"computes the weights {name[:60]!r} instead of holding them", _EXPORT_PLAIN)
        if tensor.data_location == TensorProto.EXTERNAL:
            raise NotReadError(f"keeps the weights {name[:60]!r} in another file", _EXPORT_WHOLE)
        self._budget.take_bytes(4 * math.prod(tensor.dims))
        return np.array(numpy_helper.to_array(tensor), np.float32)


def _reordered(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows (4 * cells, ...) in ONNX's order of the gates in the order of a CharLSTM."""
    return rows[gate_rows(len(rows), given=ONNX_GATES, wanted=OUR_GATES)]


def _gate_activation(attributes: dict[str, Any]) -> GateActivation:
    """Return what the gates of an LSTM operator apply.

    Raises NotReadError when the operator computes something else than the LSTM of this program.
    """
    names = (
        [text.decode("utf-8") for text in attributes["activations"].strings]
        if "activations" in attributes
        else []
    )
    gates, *others = names or ["Sigmoid", "Tanh", "Tanh"]
    alpha = [*attributes["activation_alpha"].floats] if "activation_alpha" in attributes else []
    beta = [*attributes["activation_beta"].floats] if "activation_beta" in attributes else []
    # HardSigmoid has alpha 0.2 and beta 0.5 unless the operator says otherwise.
    scaled = any(abs(value - 0.2) > 1e-6 for value in alpha) or any(abs(value - 0.5) > 1e-6 for value in beta)
    if gates.lower() not in ("sigmoid", "hardsigmoid") or [name.lower() for name in others] != [
        "tanh",
        "tanh",
    ]:
        raise NotReadError(f"holds an LSTM with the activations {', '.join(names)[:80]}", _EXPORT_PLAIN)
    if gates.lower() == "sigmoid":
        return "sigmoid"
    if scaled:
        raise NotReadError("holds an LSTM with a hard sigmoid of its own slope", _EXPORT_PLAIN)
    return "hard_sigmoid"
