"""CharLSTM: the network as a torch module. It reads ids of characters and scores every next character."""

import math
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.config import ModelConfig, StepPrecision
from charlstm.machine.processes import Shard
from charlstm.machine.torch_threads import adapt_thread_count
from charlstm.model import bfloat16_layer, equations
from charlstm.model.kernels.steps import StreamWeights
from charlstm.model.packed_weights import stream_weights
from charlstm.model.ready_loops import are_ready
from charlstm.model.training_backend import torch_bfloat16_layer, trains_compiled

# The longest memory of a cell in a new network, in characters, where a forget gate f keeps a memory for about
# 1 / (1 - f). On stdlib, 16, 64 and 256 give the same loss within what seeds differ by; see
# tests/benchmarks/EXPERIMENTS.md.
LONGEST_INITIAL_MEMORY_CHARACTERS = 64
# From this number of positions per symbol on, a table of W x + b with one row per symbol is less work than
# W x + b at every position of a window.
_POSITIONS_PER_TABLE_ROW = 4


class State(NamedTuple):
    """What the layers remember between windows: h and c, each (layers, streams, cells) float32."""

    h: Tensor
    c: Tensor

    def detach(self) -> "State":
        """Return the state without its gradient, so that back-propagation ends here."""
        return State(self.h.detach(), self.c.detach())


class CharLSTM(nn.Module):
    """A character-level LSTM: an embedding, LSTM layers with dropout after each, and a linear head.

    Each layer is an `nn.LSTM` of one layer, so that weights have PyTorch's names and gate order.
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator | None = None) -> None:
        """Make a network with random weights drawn from generator (None: torch's global generator)."""
        super().__init__()
        self.config = config
        widths = [config.embedding] + [config.cells] * (config.layers - 1)
        # The modules draw weights from torch's global generator as they are made, and fork_rng puts it back.
        # Modules on the device "meta" would draw none, but make every command import torch._dynamo.
        with torch.random.fork_rng(devices=()):
            self.embedding = nn.Embedding(config.vocabulary_size, config.embedding)
            self.layers = nn.ModuleList(nn.LSTM(width, config.cells, batch_first=True) for width in widths)
            self.head = nn.Linear(config.cells, config.vocabulary_size)
        self._initialise(generator)

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator | None) -> None:
        """Draw all weights: orthogonal recurrent weights, and biases that give cells memories of all lengths.

        A forget bias of b keeps a memory for about e^b characters, and an input bias of -b writes it as
        slowly (chrono initialisation; Tallec and Ollivier, "Can recurrent neural networks warp time?", 2018).
        b is uniform, so the lengths are uniform in their logarithm, from 1 to
        LONGEST_INITIAL_MEMORY_CHARACTERS. Hard sigmoids get the biases that give the same f and i: those of
        sigmoids would shut many of their gates for good. Orthogonal weights: Saxe, McClelland and Ganguli,
        2013.
        """
        cells = self.config.cells
        self.embedding.weight.normal_(std=0.3, generator=generator)
        for lstm in self.layers:
            nn.init.xavier_uniform_(lstm.get_parameter("weight_ih_l0"), generator=generator)
            for gate in lstm.get_parameter("weight_hh_l0").chunk(4):
                nn.init.orthogonal_(gate, generator=generator)
            lstm.get_parameter("bias_hh_l0").zero_()
            bias = lstm.get_parameter("bias_ih_l0").zero_()
            longest = math.log(LONGEST_INITIAL_MEMORY_CHARACTERS)
            bias[cells : 2 * cells].uniform_(0, longest, generator=generator)
            if self.config.gate_activation == "hard_sigmoid":
                forget = bias[cells : 2 * cells].sigmoid()
                bias[cells : 2 * cells] = (forget - 0.5) / equations.HARD_SIGMOID_SLOPE
            bias[:cells] = -bias[cells : 2 * cells]
        bound = cells**-0.5
        self.head.weight.uniform_(-bound, bound, generator=generator)
        self.head.bias.zero_()

    @property
    def device(self) -> torch.device:
        """The device that holds the weights."""
        return self.head.weight.device

    def initial_state(self, streams: int) -> State:
        """Return a state of zeros for that number of streams: nothing is read yet."""
        shape = (self.config.layers, streams, self.config.cells)
        return State(torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device))

    def weights(self, layer: int) -> equations.LayerWeights:
        """Return the weights of a layer (from 0) as `equations` names them."""
        return equations.layer_weights(self._lstm(layer))

    def _lstm(self, layer: int) -> nn.LSTM:
        lstm = self.layers[layer]
        assert isinstance(lstm, nn.LSTM)
        return lstm

    def run_layer(self, layer: int, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read a window through one layer; return the outputs, and h and c after the window.

        inputs are (streams, window, width), where width is the embedding's in layer 0 and the number of cells
        in others; h and c are the states before the window, (streams, cells). The outputs are h at every
        position, (streams, window, cells).
        """
        if not self.config.has_compiled_steps:
            return equations.run(inputs, h, c, self.weights(layer), functions=self.config.functions)
        with self._products():
            outputs, (h, c) = self._lstm(layer)(inputs, (h.unsqueeze(0), c.unsqueeze(0)))
        return outputs, h[0], c[0]

    def _products(self) -> AbstractContextManager[None]:
        """Return the context of a layer's products, which chooses the library that computes them.

        On a GPU, but in training, float32 stays whole: cuDNN would shorten it to the 19 bits of TF32, and
        scores and traces would not be those of a CPU.
        """
        if self.device.type == "cuda" and not self.training:
            return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        if self.device.type == "cpu" and _lowered_on_cpu():
            return torch_bfloat16_layer()
        return nullcontext()

    def forward(
        self,
        ids: Tensor,
        state: State,
        *,
        generator: torch.Generator | None = None,
        shard: Shard | None = None,
    ) -> tuple[Tensor, State]:
        """Return the logits (streams, window, vocabulary) and the state after ids (streams, window) int64.

        In training mode, dropout draws its masks from generator. Where several processes share the streams,
        shard says which rows of all streams these are: the masks are drawn for all streams, so that neither
        they nor the generator depend on the number of processes. None means that these are all streams.
        """
        adapt_thread_count()
        if self._trains_in_bfloat16():
            run_layer, x = self._run_layer_in_bfloat16, ids
        else:
            run_layer, x = self.run_layer, self.embedding(ids)
        after = []
        for layer in range(self.config.layers):
            x, h, c = run_layer(layer, x, state.h[layer], state.c[layer])
            x = self._dropped(x, generator, shard)
            after.append((h, c))
        return self.head(x), State(torch.stack([h for h, _ in after]), torch.stack([c for _, c in after]))

    def _trains_in_bfloat16(self) -> bool:
        """Return whether `bfloat16_layer` runs the layers: in training, under autocast, if faster."""
        return self.training and _lowered_on_cpu() and _suits_loops(self) and trains_compiled()

    def _run_layer_in_bfloat16(
        self, layer: int, inputs: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read a window through one layer as `run_layer` does, by `bfloat16_layer`.

        In layer 0 inputs are the ids, (streams, window) int64. The outputs and h are bfloat16, c is float32.
        """
        weights, before = self.weights(layer), equations.LayerState(h, c)
        if layer == 0 and self.config.vocabulary_size <= inputs.numel() // _POSITIONS_PER_TABLE_ROW:
            table = functional.linear(self.embedding.weight, weights.input, weights.bias)
            outputs, c = bfloat16_layer.run_table(table, inputs, before, weights.recurrent)
        else:
            x = self.embedding(inputs) if layer == 0 else inputs
            outputs, c = bfloat16_layer.run_inputs(x, before, weights)
        return outputs, outputs[:, -1], c

    def _dropped(self, x: Tensor, generator: torch.Generator | None, shard: Shard | None) -> Tensor:
        """Apply dropout to x (streams, window, cells) in training mode, with one mask for the whole window.

        A cell of a stream is zero at all positions of the window, or at none (variational dropout; Gal and
        Ghahramani, 2016). generator and shard are those of `forward`.
        """
        keep = 1 - self.config.dropout
        if not self.training or keep == 1:
            return x
        shard = shard or Shard(0, len(x), len(x))
        mask = torch.empty(shard.rows, 1, x.shape[2], device=x.device)
        return x * mask.bernoulli_(keep, generator=generator)[shard.own].div_(keep).to(x.dtype)

    def parameter_count(self) -> int:
        """Return the number of parameters: all numbers that training changes."""
        return sum(parameter.numel() for parameter in self.parameters())


def _lowered_on_cpu() -> bool:
    """Return whether products on the CPU are in bfloat16 now, under torch's autocast."""
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16


def runs_compiled(model: CharLSTM, precision: StepPrecision = "float32") -> bool:
    """Return whether the compiled loops step this model with products in a format.

    They do where they suit it and are compiled already.
    """
    return _suits_loops(model) and are_ready(precision)


def _suits_loops(model: CharLSTM) -> bool:
    """Return whether the compiled loops can run this model: textbook cells, float32 weights, CPU."""
    on_cpu = model.device.type == "cpu" and model.head.weight.dtype == torch.float32
    return on_cpu and model.config.has_compiled_steps


def compiled_weights(model: CharLSTM, precision: StepPrecision = "float32") -> StreamWeights:
    """Return the weights of a model for the compiled loops; see `packed_weights.stream_weights`.

    The arrays may share memory with the model's parameters.
    """
    tensors = {name: tensor.float().numpy() for name, tensor in model.state_dict().items()}
    return stream_weights(tensors, precision)
