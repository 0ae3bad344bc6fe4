"""Join the arrays of single gates, which Keras 1 and older programs save, to the matrices of a layer.

Such a layer has twelve arrays, three for each gate: W from the input (inputs, cells), U from the cells
(cells, cells), and the bias b (cells,). In the file the gates come in the order i, c, f, o.
"""

import re
from collections.abc import Iterator

import torch
from torch import Tensor

_GATES = "icfo"
_ARRAYS_PER_LAYER = 12
_NAME = re.compile(r"(?P<layer>.*?)(?P<kind>[WUb])_(?P<gate>[icfo])(?::0)?", re.DOTALL)

# The twelve arrays of a layer: its name, and for each of W, U and b the names of the arrays of the gates i,
# c, f, o.
Layer = tuple[str, dict[str, list[str]]]


def join_gate_arrays(tensors: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """Return tensors with the arrays of each layer joined: three tensors of 4 * cells columns, i, c, f, o.

    tensors are by name in the order of the file. Names such as lstm_1_W_i tell which array is which; where
    there are none, the shapes of twelve tensors in a row do. Returns None when no tensors are arrays of
    gates.
    """
    layers = list(_layers_by_name(tensors)) or list(_layers_by_shape(tensors))
    if not layers:
        return None
    joined: dict[str, dict[str, Tensor]] = {}
    replaced: set[str] = set()
    for layer, arrays in layers:
        names = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
        joined[arrays["W"][0]] = {
            f"{layer}.lstm_{names[kind]}": torch.cat([tensors[name] for name in arrays[kind]], dim=-1)
            for kind in names
        }
        replaced |= {name for kind in names for name in arrays[kind]}
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name in joined:
            result |= joined[name]
        elif name not in replaced:
            result[name] = tensor
    return result


def _layers_by_name(tensors: dict[str, Tensor]) -> Iterator[Layer]:
    """Yield the layers whose twelve arrays have names that end in W_i, U_i, b_i and so on."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for name in tensors:
        if match := _NAME.fullmatch(name):
            found.setdefault(match["layer"], {})[match["kind"], match["gate"]] = name
    for layer, names in found.items():
        if len(names) == _ARRAYS_PER_LAYER:
            arrays = {kind: [names[kind, gate] for gate in _GATES] for kind in "WUb"}
            if _fit(tensors, arrays):
                yield layer, arrays


def _layers_by_shape(tensors: dict[str, Tensor]) -> Iterator[Layer]:
    """Yield the layers whose arrays are twelve tensors in a row: W, U and b of the gates i, c, f, o.

    Four layers of a plain recurrent network look like this, too, when all of them have as many inputs as
    cells; so at least the first layer of an LSTM must have another number of inputs.
    """
    names = list(tensors)
    start, first = 0, True
    while start + _ARRAYS_PER_LAYER <= len(names):
        weights = tensors[names[start]].shape
        recurrent, bias = tensors[names[start + 1]].shape, tensors[names[start + 2]].shape
        if not (len(weights) == 2 and len(bias) == 1 and recurrent == (weights[1], bias[0])):
            start += 1
            continue
        twelve = names[start : start + _ARRAYS_PER_LAYER]
        arrays = {kind: twelve[offset::3] for offset, kind in enumerate("WUb")}
        inputs = tensors[twelve[0]].shape
        if _fit(tensors, arrays) and not (first and inputs[0] == inputs[1]):
            yield f"layer_{start}", arrays
            start, first = start + _ARRAYS_PER_LAYER, False
        else:
            start += 1


def _fit(tensors: dict[str, Tensor], arrays: dict[str, list[str]]) -> bool:
    """Tell whether the shapes of arrays are those of one layer."""
    shapes = {kind: {tuple(tensors[name].shape) for name in arrays[kind]} for kind in "WUb"}
    if any(len(of_kind) != 1 for of_kind in shapes.values()):
        return False
    [[inputs], [recurrent], [bias]] = ([*shapes[kind]] for kind in "WUb")
    return len(inputs) == 2 and len(bias) == 1 and inputs[1] == bias[0] and recurrent == (bias[0], bias[0])
