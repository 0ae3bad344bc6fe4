"""Gates and cell states at every position, at the speed of whole sequences.

`nn.LSTM` returns neither the gates nor the cell states in between. On the CPU compiled steps of our own
(`stream`) keep what they compute. Elsewhere, once `nn.LSTM` has given h, every gate of a layer is a matrix
product away, and c is a short scan:

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

from charlstm.errors import CorpusError
from charlstm.machine.torch_threads import in_threads
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State, compiled_weights, runs_compiled
from charlstm.model.equations import Gates
from charlstm.model.streams import Streams

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
    text = ids[: streams * cut.length].astype(np.int64).reshape(streams, cut.length)
    blocks = _compiled_blocks if runs_compiled(model) else _fused_blocks
    yield from blocks(model, text, window)


def _compiled_blocks(model: CharLSTM, text: NDArray[np.int64], window: int) -> Iterator[TraceBlock]:
    """The blocks of text (streams, positions) from the steps of `stream`: nothing is computed twice."""
    config, count = model.config, len(text)
    threads = torch.get_num_threads()
    reader = Streams(compiled_weights(model), count=count, threads=threads, in_threads=in_threads)
    for start in range(0, text.shape[1], window):
        before = State(*map(torch.from_numpy, reader.state))
        symbols = text[:, start : start + window]
        shape = (config.layers, symbols.shape[1], count)
        gates, c, h = (np.empty((*shape, width * config.cells), np.float32) for width in (4, 1, 1))
        reader.trace(symbols, (gates, c, h))
        by_stream = (torch.from_numpy(each).transpose(1, 2) for each in (gates, c, h))
        layers = zip(*by_stream, strict=True)
        traced = (
            LayerTrace(Gates(*gate.chunk(4, dim=-1)), states, outputs) for gate, states, outputs in layers
        )
        yield TraceBlock(start, tuple(traced), before)


def _fused_blocks(model: CharLSTM, text: NDArray[np.int64], window: int) -> Iterator[TraceBlock]:
    """The same anywhere, of any cells: each layer's gates after its fused pass."""
    state = model.initial_state(len(text))
    for start in range(0, text.shape[1], window):
        x = model.embedding.weight[torch.from_numpy(text[:, start : start + window]).to(model.device)]
        traced: list[LayerTrace] = []
        for number in range(model.config.layers):
            traced.append(_fused(model, number, x, state.h[number], state.c[number]))
            x = traced[-1].h
        yield TraceBlock(start, tuple(traced), state)
        h, c = [layer.h[:, -1] for layer in traced], [layer.c[:, -1] for layer in traced]
        state = State(torch.stack(h), torch.stack(c))


def _fused(model: CharLSTM, number: int, x: Tensor, h: Tensor, c: Tensor) -> LayerTrace:
    """One layer over inputs (streams, window, width), from h and c (streams, cells)."""
    outputs, _, _ = model.run_layer(number, x, h, c)
    weights = model.weights(number)
    preactivations = functional.linear(x, weights.input, weights.bias) + functional.linear(
        _delayed(outputs, h), weights.recurrent
    )
    gates = equations.gates_from(preactivations, model.config.activation)
    return LayerTrace(gates, _scan(gates.f, gates.i * gates.g, c), outputs)


def _delayed(values: Tensor, first: Tensor) -> Tensor:
    """(streams, window, cells) one position later, with first (streams, cells) in front."""
    return torch.cat((first.unsqueeze(1), values[:, :-1]), dim=1)


def _scan(forget: Tensor, write: Tensor, c: Tensor) -> Tensor:
    """c = forget * c + write along dimension 1: (streams, window, cells) from c (streams, cells)."""
    states = []
    for f, written in zip(forget.unbind(1), write.unbind(1), strict=True):
        c = torch.addcmul(written, f, c)
        states.append(c)
    return torch.stack(states, dim=1)


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
