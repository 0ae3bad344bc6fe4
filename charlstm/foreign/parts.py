"""The parts of a character model from elsewhere, in this project's terms, and the CharLSTM made of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from charlstm.config import ModelConfig
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class Layer:
    """input (4 cells, inputs), recurrent (4 cells, cells), two biases (4 cells); rows in order i, f, g, o."""

    input: Tensor
    recurrent: Tensor
    bias: Tensor
    recurrent_bias: Tensor


@dataclass(frozen=True, eq=False)
class Parts:
    """An embedding (vocabulary, width), or None for one-hot input; layers; a head (vocabulary, cells)."""

    embedding: Tensor | None
    layers: tuple[Layer, ...]
    head: Tensor
    head_bias: Tensor

    @property
    def vocabulary_size(self) -> int:
        """How many symbols the head tells apart."""
        return self.head.shape[0]

    @property
    def cells(self) -> int:
        """Cells in each layer."""
        return self.head.shape[1]

    def tensors(self) -> dict[str, Tensor]:
        """float32 on the CPU, by CharLSTM's names; one-hot input is an embedding by the identity, exactly."""
        table = torch.eye(self.vocabulary_size) if self.embedding is None else self.embedding
        tensors = {"embedding.weight": table, "head.weight": self.head, "head.bias": self.head_bias}
        for number, layer in enumerate(self.layers):
            tensors |= {
                f"layers.{number}.weight_ih_l0": layer.input,
                f"layers.{number}.weight_hh_l0": layer.recurrent,
                f"layers.{number}.bias_ih_l0": layer.bias,
                f"layers.{number}.bias_hh_l0": layer.recurrent_bias,
            }
        return {name: tensor.detach().float().cpu() for name, tensor in tensors.items()}

    def model(self) -> CharLSTM:
        """The model with copies of these weights, ready for use on the CPU."""
        tensors = self.tensors()
        config = ModelConfig(
            vocabulary_size=self.vocabulary_size,
            cells=self.cells,
            layers=len(self.layers),
            embedding=tensors["embedding.weight"].shape[1],
        )
        model = CharLSTM(config)
        model.load_state_dict(tensors)
        return model.eval()
