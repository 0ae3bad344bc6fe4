"""Write a run's model as an ONNX model, for onnxruntime and other programs.

    inputs    ids (streams, characters) int64, h and c before them (layers, streams, cells) float32
    outputs   logits (streams, characters, symbols) float32, h_after and c_after like h and c

Zeros for h and c begin a text. The metadata of the model has "symbols", the characters in the order of their
ids as a JSON list, and "level". The package onnx is needed.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlstm.checkpoint.tensor_file import Arrays
from charlstm.config import ModelConfig
from charlstm.errors import UsageError
from charlstm.machine.files import whole_file
from charlstm.model.gate_order import ONNX_GATES, OUR_GATES, gate_rows
from charlstm.sharing.plain_lstm import plain_names
from charlstm.text.vocabulary import Vocabulary

# The operators are those of this version of ONNX's operator set, and the file has this version of its format.
_OPERATORS, _FORMAT = 17, 8
# The functions of ONNX's LSTM that compute what ours do. Its hard sigmoid has the slope .2 by default, as
# ours has; unbounded activations are clipped here and not there.
_ACTIVATIONS = {"tanh": "Tanh", "softsign": "Softsign"}
_GATE_ACTIVATIONS = {"sigmoid": "Sigmoid", "hard_sigmoid": "HardSigmoid"}


def write_onnx(path: Path, model: ModelConfig, tensors: Arrays, vocabulary: Vocabulary) -> None:
    """Write a model, whose weights are tensors by the names of a CharLSTM's parameters, to the file at path.

    Raises UsageError without the package onnx and for an activation that ONNX's LSTM does not have, OSError
    when the file cannot be written.
    """
    try:
        import onnx
    except ImportError as error:
        raise UsageError(
            "an .onnx file is written by the package onnx, which is not installed",
            "run `pip install 'charlstm[onnx]'`",
        ) from error
    if model.activation not in _ACTIVATIONS:
        raise UsageError(
            f"ONNX's LSTM does not compute a model with the activation {model.activation}",
            f"train one with {' or '.join(_ACTIVATIONS)}",
        )
    made = _Graph(model, plain_names(tensors)).model(vocabulary)
    onnx.checker.check_model(made)
    with whole_file(path) as partial:
        partial.write_bytes(made.SerializeToString())


class _Graph:
    """A _Graph collects the operators and the constants of a model."""

    def __init__(self, model: ModelConfig, tensors: Arrays) -> None:
        self._config, self._tensors = model, tensors
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def model(self, vocabulary: Vocabulary) -> Any:
        """Return the ONNX model, with the vocabulary in its metadata."""
        from onnx import helper

        self._add_layers()
        graph = helper.make_graph(self._nodes, "charlstm", self._inputs(), self._outputs(), self._constants)
        made = helper.make_model(
            graph,
            producer_name="charlstm",
            opset_imports=[helper.make_opsetid("", _OPERATORS)],
            ir_version=_FORMAT,
        )
        helper.set_model_props(
            made, {"symbols": json.dumps(list(vocabulary.symbols)), "level": vocabulary.level}
        )
        return made

    def _add_layers(self) -> None:
        """Add the embedding, the layers one above the other, and the head."""
        layers = range(self._config.layers)
        self._add("Transpose", ["ids"], ["ids_in_time"], perm=[1, 0])
        embedding = self._constant("embedding.weight", self._tensors["embedding.weight"])
        self._add("Gather", [embedding, "ids_in_time"], ["x_0"])
        self._constant("axis_1", np.array([1], np.int64))
        for layer in layers:
            self._add_layer(layer)
        for name in ("h", "c"):
            self._add("Concat", [f"{name}_after_{layer}" for layer in layers], [f"{name}_after"], axis=0)
        head = self._constant("head.weight", self._tensors["head.weight"].T)
        bias = self._constant("head.bias", self._tensors["head.bias"])
        self._add("MatMul", [f"x_{self._config.layers}", head], ["products"])
        self._add("Add", ["products", bias], ["logits_in_time"])
        self._add("Transpose", ["logits_in_time"], ["logits"], perm=[1, 0, 2])

    def _add_layer(self, layer: int) -> None:
        """Add one layer, from x_{layer} to x_{layer + 1}."""
        bounds = [self._constant(f"number_{n}", np.array([n], np.int64)) for n in (layer, layer + 1)]
        axis = self._constant("axis_0", np.array([0], np.int64))
        for name in ("h", "c"):
            self._add("Slice", [name, *bounds, axis], [f"{name}_{layer}"])
        of_layer = {
            name: self._tensors[f"lstm.{name}_l{layer}"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        biases = np.concatenate([_reordered(of_layer["bias_ih"]), _reordered(of_layer["bias_hh"])])
        weights = [
            self._constant(f"input_weights_{layer}", _reordered(of_layer["weight_ih"])[None]),
            self._constant(f"recurrent_weights_{layer}", _reordered(of_layer["weight_hh"])[None]),
            self._constant(f"biases_{layer}", biases[None]),
        ]
        phi = _ACTIVATIONS[self._config.activation]
        self._add(
            "LSTM",
            [f"x_{layer}", *weights, "", f"h_{layer}", f"c_{layer}"],
            [f"y_{layer}", f"h_after_{layer}", f"c_after_{layer}"],
            hidden_size=self._config.cells,
            activations=[_GATE_ACTIVATIONS[self._config.gate_activation], phi, phi],
        )
        self._add("Squeeze", [f"y_{layer}", "axis_1"], [f"x_{layer + 1}"])

    def _add(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        """Add an operator."""
        from onnx import helper

        self._nodes.append(helper.make_node(operator, inputs, outputs, **attributes))

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant where there is none called name, and return the name."""
        from onnx import numpy_helper

        if all(constant.name != name for constant in self._constants):
            self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _inputs(self) -> list[Any]:
        """Return what the model takes."""
        from onnx import TensorProto, helper

        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["streams", "characters"])
        return [ids, *self._states("h", "c")]

    def _outputs(self) -> list[Any]:
        """Return what the model gives."""
        from onnx import TensorProto, helper

        shape: list[str | int | None] = ["streams", "characters", self._config.vocabulary_size]
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
        return [logits, *self._states("h_after", "c_after")]

    def _states(self, *names: str) -> list[Any]:
        """Return the descriptions of hidden or cell states of all layers."""
        from onnx import TensorProto, helper

        shape: list[str | int | None] = [self._config.layers, "streams", self._config.cells]
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]


def _reordered(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows (4 * cells, ...) of a CharLSTM with the gates in ONNX's order."""
    return rows[gate_rows(len(rows), given=OUR_GATES, wanted=ONNX_GATES)]
