"""Hold the weights of a model trained elsewhere in CharLSTM's gate order, and make a CharLSTM of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.config import GateActivation, ModelConfig
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class ForeignLayer:
    """One LSTM layer holds four tensors, whose 4 * cells rows are the gates i, f, g, o, each of cells rows.

    input is (4 * cells, inputs), recurrent is (4 * cells, cells), input_bias and recurrent_bias are
    (4 * cells,). The two biases are added, as in `nn.LSTM`. All are floating point.
    """

    input: Tensor
    recurrent: Tensor
    input_bias: Tensor
    recurrent_bias: Tensor


@dataclass(frozen=True, eq=False)
class ForeignWeights:
    """A character model holds an embedding, LSTM layers of equal size and a linear head.

    embedding is (vocabulary, width), or None when the first layer takes one-hot characters; head is
    (vocabulary, cells) and head_bias (vocabulary,). All are floating point. gate_activation is what the gates
    i, f and o apply.
    """

    embedding: Tensor | None
    layers: tuple[ForeignLayer, ...]
    head: Tensor
    head_bias: Tensor
    gate_activation: GateActivation = "sigmoid"

    @property
    def vocabulary_size(self) -> int:
        """The number of symbols is the number of rows of the head."""
        return self.head.shape[0]

    @property
    def cells(self) -> int:
        """The number of cells in each layer is the number of columns of the head."""
        return self.head.shape[1]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the tensors by the names of CharLSTM's state dict, as float32 on the CPU.

        One-hot input becomes an embedding whose table is the identity matrix, which computes the same
        numbers.
        """
        table = torch.eye(self.vocabulary_size) if self.embedding is None else self.embedding
        tensors = {"embedding.weight": table, "head.weight": self.head, "head.bias": self.head_bias}
        for number, layer in enumerate(self.layers):
            tensors |= {
                f"layers.{number}.weight_ih_l0": layer.input,
                f"layers.{number}.weight_hh_l0": layer.recurrent,
                f"layers.{number}.bias_ih_l0": layer.input_bias,
                f"layers.{number}.bias_hh_l0": layer.recurrent_bias,
            }
        return {name: tensor.detach().float().cpu() for name, tensor in tensors.items()}

    def model(self) -> CharLSTM:
        """Return a CharLSTM with copies of the weights, on the CPU and in evaluation mode."""
        tensors = self.state_dict()
        config = ModelConfig(
            vocabulary_size=self.vocabulary_size,
            cells=self.cells,
            layers=len(self.layers),
            embedding=tensors["embedding.weight"].shape[1],
            gate_activation=self.gate_activation,
        )
        model = CharLSTM(config)
        model.load_state_dict(tensors)
        return model.eval()
