"""Small files of weights of every kind that `charlstm import` reads: what a fuzzer begins with, by kind.

All hold one LSTM of four cells over five symbols. h5py and onnx, which write two of them, are extras.
"""

import io
import json
import pickle
import zipfile

import h5py
import numpy as np
import onnx
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper

SYMBOLS, CELLS = "abcde", 4


def torch_weights() -> dict[str, object]:
    """Return the weights and the symbols as people save them with torch.save."""
    lstm, head = torch.nn.LSTM(len(SYMBOLS), CELLS), torch.nn.Linear(CELLS, len(SYMBOLS))
    tensors = {
        f"{name}.{k}": v for name, m in (("rnn", lstm), ("fc", head)) for k, v in m.state_dict().items()
    }
    return {"net": tensors, "chars": list(SYMBOLS)}


def _torch(*, zipped: bool) -> bytes:
    file = io.BytesIO()
    torch.save(torch_weights(), file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def _arrays() -> dict[str, np.ndarray]:
    """Return the weights in the order and by the names of Keras."""
    shapes = {
        "lstm/kernel": (len(SYMBOLS), 4 * CELLS),
        "lstm/recurrent_kernel": (CELLS, 4 * CELLS),
        "lstm/bias": (4 * CELLS,),
        "dense/kernel": (CELLS, len(SYMBOLS)),
        "dense/bias": (len(SYMBOLS),),
    }
    random = np.random.default_rng(0)
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def _keras_2() -> bytes:
    """Return an HDF5 file as Keras 2 writes it: with lists of names, packed arrays and a configuration."""
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "LSTM", "config": {}}]}}
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened.attrs["model_config"] = json.dumps(config)
        root = opened.create_group("model_weights")
        root.attrs["layer_names"] = [b"lstm", b"dense"]
        for layer in ("lstm", "dense"):
            group = root.create_group(layer)
            own = {name: array for name, array in _arrays().items() if name.startswith(layer)}
            group.attrs["weight_names"] = [name.encode() for name in own]
            for name, array in own.items():
                group.create_dataset(name, data=array, compression="gzip")
    return file.getvalue()


def _keras_3() -> bytes:
    """Return a .keras archive as Keras 3 writes it: arrays by number in an HDF5 file, and a configuration."""
    weights, archive = io.BytesIO(), io.BytesIO()
    kinds = ["kernel", "recurrent_kernel", "bias"]
    with h5py.File(weights, "w") as opened:
        for name, array in _arrays().items():
            layer, kind = name.split("/")
            place = f"layers/lstm/cell/vars/{kinds.index(kind)}"
            opened[place if layer == "lstm" else f"layers/dense/vars/{int(kind == 'bias')}"] = array
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("config.json", '{"class_name": "Sequential", "config": {"layers": []}}')
        opened.writestr("model.weights.h5", weights.getvalue())
    return archive.getvalue()


def _onnx() -> bytes:
    """Return an ONNX model of an LSTM with a linear head, in the arrangement of its exporters."""
    width, size = 4 * CELLS, len(SYMBOLS)
    shapes = {"W": (1, width, size), "R": (1, width, CELLS), "B": (1, 2 * width), "head": (CELLS, size)}
    random = np.random.default_rng(0)
    constants = [
        numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name)
        for name, shape in (shapes | {"bias": (size,)}).items()
    ]
    nodes = [
        helper.make_node("LSTM", ["x", "W", "R", "B"], ["h"], hidden_size=CELLS),
        helper.make_node("Squeeze", ["h"], ["s"]),
        helper.make_node("MatMul", ["s", "head"], ["p"]),
        helper.make_node("Add", ["p", "bias"], ["scores"]),
    ]
    x, scores = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "scores"))
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [scores], constants), producer_name="pytorch"
    )
    assert isinstance(model, onnx.ModelProto)
    return model.SerializeToString()


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, *_arrays().values())
    return file.getvalue()


def weight_seeds() -> dict[str, bytes]:
    """Return a file of weights of each kind, by its kind; each is read as what it is, whatever its name."""
    tensors = torch_weights()["net"]
    assert isinstance(tensors, dict)
    return {
        "torch": _torch(zipped=True),
        "torch before 1.6": _torch(zipped=False),
        "pickle": pickle.dumps({"w": [1.5, {"a": None}]}, 2),
        "safetensors": safetensors.torch.save(tensors),
        "npz": _npz(),
        "HDF5": _keras_2(),
        "keras": _keras_3(),
        "ONNX": _onnx(),
    }
