"""CharLSTM: characters in, a score for every next character out."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.config import ModelConfig, StepPrecision
from charlstm.machine.processes import Shard
from charlstm.model import bfloat16_layer, equations
from charlstm.model.kernels.steps import StreamWeights
from charlstm.model.packed_weights import stream_weights

# Characters after which the slowest cells of a new network have forgotten: a forget gate of f keeps for
# 1 / (1 - f). On stdlib, 256 cells, 1,500 steps, 16 gave 1.165 nats, 64 gave 1.169 and 256 gave 1.175, within
# what seeds differ by; a forget bias of 1 in all cells gave 1.184, and a third of the findings.
LONGEST_MEMORY = 64
# Positions of a window for each row of a table of symbols, for the table to be less work.
_TABLE_POSITIONS = 4


class State(NamedTuple):
    """What the layers remember between windows: h and c, each (layers, streams, cells) float32."""

    h: Tensor
    c: Tensor

    def detach(self) -> "State":
        """The same values, cut off from the gradient."""
        return State(self.h.detach(), self.c.detach())


class CharLSTM(nn.Module):
    """Embedding, one to n LSTM layers with dropout between and after them, and a linear head.

    The layers are one-layer `nn.LSTM`s: their weights have PyTorch's names and gate order.
    """

    def __init__(self, config: ModelConfig, *, generator: torch.Generator | None = None) -> None:
        """Random weights drawn from generator (torch's default one when None)."""
        super().__init__()
        self.config = config
        widths = [config.embedding] + [config.cells] * (config.layers - 1)
        # torch draws values of its own from its global generator, which is put back. On the device "meta" it
        # would draw none, but import torch._dynamo and sympy: 1 s of every command.
        with torch.random.fork_rng(devices=()):
            self.embedding = nn.Embedding(config.vocabulary_size, config.embedding)
            self.layers = nn.ModuleList(nn.LSTM(width, config.cells, batch_first=True) for width in widths)
            self.head = nn.Linear(config.cells, config.vocabulary_size)
        self._initialise(generator)

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator | None) -> None:
        """Orthogonal recurrent weights (Saxe 2013), gates that begin with every length of memory.

        A forget bias of b holds for about e^b characters, and an input bias of -b writes as slowly (Tallec
        and Ollivier 2018). b is uniform, so the lengths are log-uniform from 1 to LONGEST_MEMORY.
        """
        cells = self.config.cells
        self.embedding.weight.normal_(std=0.3, generator=generator)
        for lstm in self.layers:
            nn.init.xavier_uniform_(lstm.get_parameter("weight_ih_l0"), generator=generator)
            for gate in lstm.get_parameter("weight_hh_l0").chunk(4):
                nn.init.orthogonal_(gate, generator=generator)
            lstm.get_parameter("bias_hh_l0").zero_()
            bias = lstm.get_parameter("bias_ih_l0").zero_()
            bias[cells : 2 * cells].uniform_(0, math.log(LONGEST_MEMORY), generator=generator)
            bias[:cells] = -bias[cells : 2 * cells]
        bound = cells**-0.5
        self.head.weight.uniform_(-bound, bound, generator=generator)
        self.head.bias.zero_()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.weight.device

    def initial_state(self, streams: int) -> State:
        """A state of zeros: nothing read yet."""
        shape = (self.config.layers, streams, self.config.cells)
        return State(torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device))

    def weights(self, layer: int) -> equations.LayerWeights:
        """The weights of one layer, for the equations in `cell`."""
        return equations.layer_weights(self._lstm(layer))

    def _lstm(self, layer: int) -> nn.LSTM:
        lstm = self.layers[layer]
        assert isinstance(lstm, nn.LSTM)
        return lstm

    def run_layer(self, layer: int, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One layer over a window: inputs (streams, window, width) to (outputs, h, c), of cells each."""
        if self.config.activation != "tanh":
            return equations.run(inputs, h, c, self.weights(layer), activation=self.config.activation)
        outputs, (h, c) = self._lstm(layer)(inputs, (h.unsqueeze(0), c.unsqueeze(0)))
        return outputs, h[0], c[0]

    def forward(
        self,
        ids: Tensor,
        state: State,
        *,
        generator: torch.Generator | None = None,
        shard: Shard | None = None,
    ) -> tuple[Tensor, State]:
        """Logits (streams, window, vocabulary) and the state after ids (streams, window) int64.

        In training mode dropout draws its masks from generator: for all streams that shard says these are
        of, so that generator and masks do not depend on how they are dealt out. None: these are all.
        """
        if self._trains_in_bfloat16():
            run_layer, x = self._run_window, ids
        else:
            run_layer, x = self.run_layer, self.embedding(ids)
        after = []
        for layer in range(self.config.layers):
            x, h, c = run_layer(layer, x, state.h[layer], state.c[layer])
            x = self._dropped(x, generator, shard)
            after.append((h, c))
        return self.head(x), State(torch.stack([h for h, _ in after]), torch.stack([c for _, c in after]))

    def _trains_in_bfloat16(self) -> bool:
        """Whether `recurrence` is the fast way."""
        lowered = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        return self.training and lowered and runs_compiled(self) and bfloat16_layer.IS_FAST

    def _run_window(self, layer: int, inputs: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`run_layer` by `recurrence`; the first layer's inputs are ids."""
        weights, before = self.weights(layer), bfloat16_layer.Before(h, c)
        if layer == 0 and self.config.vocabulary_size <= inputs.numel() // _TABLE_POSITIONS:
            table = functional.linear(self.embedding.weight, weights.input, weights.bias)
            outputs, c = bfloat16_layer.run_table(table, inputs, before, weights.recurrent)
        else:
            x = self.embedding(inputs) if layer == 0 else inputs
            outputs, c = bfloat16_layer.run_inputs(x, before, *weights)
        return outputs, outputs[:, -1], c

    def _dropped(self, x: Tensor, generator: torch.Generator | None, shard: Shard | None = None) -> Tensor:
        """x with cells set to zero at random, the same ones for the whole window (Gal 2016)."""
        keep = 1 - self.config.dropout
        if not self.training or keep == 1:
            return x
        shard = shard or Shard(0, len(x), len(x))
        mask = torch.empty(shard.rows, 1, x.shape[2], device=x.device)
        return x * mask.bernoulli_(keep, generator=generator)[shard.own].div_(keep).to(x.dtype)

    def parameter_count(self) -> int:
        """How many numbers training sets."""
        return sum(parameter.numel() for parameter in self.parameters())


def runs_compiled(model: CharLSTM) -> bool:
    """Whether the loops of `compiled` can run this model: tanh cells, float32, on the CPU."""
    on_cpu = model.device.type == "cpu" and model.head.weight.dtype == torch.float32
    return on_cpu and model.config.has_compiled_steps


def compiled_weights(model: CharLSTM, precision: StepPrecision = "float32") -> StreamWeights:
    """The weights of a model that runs compiled, as `stream` reads them; see there."""
    tensors = {name: tensor.float().numpy() for name, tensor in model.state_dict().items()}
    return stream_weights(tensors, precision)
