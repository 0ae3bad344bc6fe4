"""Gates and cell states at every position, at the speed of whole sequences.

`nn.LSTM` returns neither the gates nor the cell states in between. On the CPU a compiled step of our own
keeps what it computes. Elsewhere, once `nn.LSTM` has given h, every gate of a layer is a matrix product
away, and c is a short scan:

    i, f, g, o = gates(W x + U h_before + b)        all positions at once
    c          = f * c_before + i * g               one position after the other

A text is read as streams: contiguous stretches of equal length, side by side, each from a state of
zeros. What the layers say in the first WARMUP characters of a stretch is not counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charlstm import cell
from charlstm.cell import Gates
from charlstm.compiled import NOTHING_HELD, step_rows
from charlstm.errors import CorpusError
from charlstm.model import CharLSTM, State, doubled_candidate, runs_compiled
from charlstm.products import Packed, numbers

# Characters at the start of a stretch that no statistic counts: the state has not settled there.
WARMUP = 200


class LayerTrace(NamedTuple):
    """One layer over a block: the four gates, cell state c and hidden state h.

    Each is (streams, positions, cells) float32; i, f, o in [0, 1].
    """

    gates: Gates
    c: Tensor
    h: Tensor


class TraceBlock(NamedTuple):
    """All layers at positions start..start+positions-1 of every stretch, and the state before the first."""

    start: int
    layers: tuple[LayerTrace, ...]
    before: State


@dataclass(frozen=True)
class Cut:
    """How a text of so many characters is cut: streams stretches of length characters, the rest dropped.

    Raises CorpusError when a stretch would be empty.
    """

    characters: int
    streams: int

    def __post_init__(self) -> None:
        if self.length < 1:
            raise CorpusError(
                f"{self.characters:,} characters do not fill {self.streams} streams",
                f"give {self.streams:,} characters at least",
            )

    @property
    def length(self) -> int:
        """Characters in a stretch."""
        return self.characters // self.streams

    @property
    def starts(self) -> NDArray[np.int64]:
        """(streams,) position of each stretch's first character."""
        return np.arange(self.streams) * self.length

    @property
    def rows(self) -> int:
        """Characters past their stretch's warm-up."""
        return self.streams * max(0, self.length - WARMUP)

    @property
    def counted(self) -> NDArray[np.int64]:
        """(rows,) positions of all characters past their stretch's warm-up, in the text's order."""
        return (self.starts[:, None] + np.arange(WARMUP, self.length)).ravel()


@torch.no_grad()
def trace(
    model: CharLSTM, ids: NDArray[np.unsignedinteger], *, streams: int, window: int
) -> Iterator[TraceBlock]:
    """Yield every gate, c and h for ids (characters,), in blocks of at most window positions per stream.

    The blocks follow one another and together cover each stretch once. They are on the model's device
    and equal `cell.step`, one character at a time, to float32 rounding.
    Raises CorpusError when there are fewer characters than streams.
    """
    cut = Cut(len(ids), streams)
    text = torch.from_numpy(ids[: streams * cut.length].astype(np.int64)).view(streams, cut.length)
    tracer: type[_Layer] = _CompiledLayer if runs_compiled(model) else _Layer
    layers = [tracer(model, number) for number in range(model.config.layers)]
    state = model.initial_state(streams)
    for start in range(0, cut.length, window):
        before = state
        block = _block(
            layers, model.embedding.weight, text[:, start : start + window].to(model.device), before
        )
        state = State(
            torch.stack([layer.h[:, -1] for layer in block]), torch.stack([layer.c[:, -1] for layer in block])
        )
        yield TraceBlock(start, block, before)


def _block(layers: list["_Layer"], symbols: Tensor, ids: Tensor, before: State) -> tuple[LayerTrace, ...]:
    """All layers over ids (streams, window) int64, which are rows of symbols (vocabulary, embedding)."""
    inputs, places = symbols, ids
    traced: list[LayerTrace] = []
    for layer, h, c in zip(layers, before.h, before.c, strict=True):
        traced.append(layer.trace(inputs, places, h, c))
        inputs = traced[-1].h.flatten(0, 1)
        places = torch.arange(ids.numel(), device=ids.device).view(ids.shape)
    return tuple(traced)


def _delayed(values: Tensor, first: Tensor) -> Tensor:
    """(streams, window, cells) one position later, with first (streams, cells) in front."""
    return torch.cat((first.unsqueeze(1), values[:, :-1]), dim=1)


class _Layer:
    """A layer whose gates come from its fused pass, anywhere."""

    def __init__(self, model: CharLSTM, number: int) -> None:
        self.model, self.number = model, number

    def trace(self, inputs: Tensor, places: Tensor, h: Tensor, c: Tensor) -> LayerTrace:
        """From h and c (streams, cells): the input at places (streams, window) is a row of inputs."""
        x = inputs[places]
        outputs, _, _ = self.model.run_layer(self.number, x, h, c)
        weights = self.model.weights(self.number)
        preactivations = functional.linear(x, weights.input, weights.bias) + functional.linear(
            _delayed(outputs, h), weights.recurrent
        )
        gates = cell.gates_from(preactivations, self.model.config.activation)
        return LayerTrace(gates, _scan(gates.f, gates.i * gates.g, c), outputs)


def _scan(forget: Tensor, write: Tensor, c: Tensor) -> Tensor:
    """c = forget * c + write along dimension 1: (streams, window, cells) from c (streams, cells)."""
    states = []
    for f, written in zip(forget.unbind(1), write.unbind(1), strict=True):
        c = torch.addcmul(written, f, c)
        states.append(c)
    return torch.stack(states, dim=1)


class _CompiledLayer(_Layer):
    """The same with one product and one compiled loop for each position: nothing is computed twice."""

    def __init__(self, model: CharLSTM, number: int) -> None:
        super().__init__(model, number)
        weights = doubled_candidate(model.weights(number))
        self.cells = model.config.cells
        self.input, self.recurrent = Packed(weights.input, weights.bias), Packed(weights.recurrent)

    def trace(self, inputs: Tensor, places: Tensor, h: Tensor, c: Tensor) -> LayerTrace:
        """See _Layer."""
        projected = self.input(inputs).numpy()
        rows = places.t().contiguous().numpy()
        (streams, window), cells = places.shape, self.cells
        gates, states, outputs = (
            np.empty((streams, window, n), np.float32) for n in (4 * cells, cells, cells)
        )
        hidden, before = torch.from_numpy(outputs), c.contiguous().numpy()
        for position in range(window):
            products = numbers(self.recurrent(hidden[:, position - 1] if position else h))
            step_rows(
                products, projected, rows[position], before, *NOTHING_HELD, gates, states, outputs, position
            )
        return LayerTrace(Gates(*torch.from_numpy(gates).chunk(4, dim=-1)), torch.from_numpy(states), hidden)


class CountedBlock(NamedTuple):
    """The counted positions of a block, all layers side by side: cell k of layer l is column l * cells + k.

    rows (positions,) int64 index into Cut.counted; c, c_before (one position earlier) and the gates i, f,
    o are (positions, cells of all layers) float32 on the CPU, where the statistics are summed in float64.
    """

    rows: Tensor
    c: Tensor
    c_before: Tensor
    i: Tensor
    f: Tensor
    o: Tensor


# Positions in a block of counted_blocks: enough for full-speed matrix products, few enough to stay small.
_BLOCK = 2048


def counted_blocks(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut) -> Iterator[CountedBlock]:
    """Yield what the layers do at every counted position of ids (characters,), each position once."""
    kept = cut.length - WARMUP
    for block in trace(model, ids, streams=cut.streams, window=max(1, _BLOCK // cut.streams)):
        stop = block.start + block.layers[0].c.shape[1]
        first = max(block.start, WARMUP)
        if first < stop:
            rows = torch.arange(cut.streams)[:, None] * kept + torch.arange(first - WARMUP, stop - WARMUP)
            yield _counted(rows.flatten(), first - block.start, block)


def _counted(rows: Tensor, skipped: int, block: TraceBlock) -> CountedBlock:
    """The block's positions from skipped on, flattened, all layers side by side."""
    layers = block.layers

    def flat(of_layer: list[Tensor]) -> Tensor:
        return torch.cat([values[:, skipped:].flatten(0, 1) for values in of_layer], dim=1).cpu()

    gates = [layer.gates for layer in layers]
    return CountedBlock(
        rows,
        flat([layer.c for layer in layers]),
        flat([_delayed(layer.c, c) for layer, c in zip(layers, block.before.c, strict=True)]),
        flat([gate.i for gate in gates]),
        flat([gate.f for gate in gates]),
        flat([gate.o for gate in gates]),
    )
