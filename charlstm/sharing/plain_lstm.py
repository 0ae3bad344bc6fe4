"""Write a run's weights as the state dict of plain PyTorch modules, with the vocabulary, in one file.

The file is a safetensors file. It holds what `load_state_dict` of this module takes:

    class Model(nn.Module):
        def __init__(self, symbols, width, cells, layers):
            super().__init__()
            self.embedding = nn.Embedding(symbols, width)
            self.lstm = nn.LSTM(width, cells, layers)
            self.head = nn.Linear(cells, symbols)
"""

import json
from pathlib import Path

from safetensors.numpy import save

from charlstm.checkpoint.tensor_file import Arrays
from charlstm.config import Functions, ModelConfig
from charlstm.errors import UsageError
from charlstm.machine.files import whole_file
from charlstm.text.vocabulary import Vocabulary


def plain_names(tensors: Arrays) -> Arrays:
    """Return a model's tensors, by the names of a CharLSTM's parameters, by those of the plain modules."""
    return {_plain_name(name): values for name, values in tensors.items()}


def _plain_name(name: str) -> str:
    """Return the plain name of a parameter: "lstm.bias_hh_l2" for "layers.2.bias_hh_l0"."""
    if not name.startswith("layers."):
        return name
    _, layer, parameter = name.split(".")
    return f"lstm.{parameter.removesuffix('0')}{layer}"


def write_plain_lstm(path: Path, model: ModelConfig, tensors: Arrays, vocabulary: Vocabulary) -> None:
    """Write the weights of a model as the state dict of plain modules to the file at path.

    The metadata of the file has "symbols", the characters in the order of their ids as a JSON list, and
    "level". Raises UsageError for a model that `nn.LSTM` cannot compute, OSError when the file cannot be
    written.
    """
    if model.functions != Functions():
        raise UsageError(
            f"an nn.LSTM has tanh and sigmoid gates, and this model {model.activation} and "
            f"{model.gate_activation} gates",
            "a model with softsign or hard sigmoid gates can be written as an .onnx file",
        )
    metadata = {"symbols": json.dumps(list(vocabulary.symbols)), "level": vocabulary.level}
    with whole_file(path) as partial:
        partial.write_bytes(save(plain_names(tensors), metadata))
