"""A trace holds the gates, the cell state and the hidden state of every layer at every position of a text.

`nn.LSTM` returns neither the gates nor the cell states between its first and its last. On the CPU the
compiled steps of `charlstm.model.streams` store what they compute. Elsewhere the model computes the hidden
states h first; then matrix products give the gates of all positions at once, and a short step for each
position gives the cell state c:

    i, f, g, o = gates(W x + U h_before + b)        at all positions at once
    c          = f * c_before + i * g               at one position after the other

A text is read as streams side by side. Each stream is one stretch: a contiguous piece of the text, read from
a state of zeros. The first WARMUP positions of a stretch are not counted in any statistic.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charlstm.config import Functions, TracePrecision
from charlstm.errors import CorpusError
from charlstm.machine.torch_threads import in_threads
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State, compiled_weights, runs_compiled
from charlstm.model.equations import Gates
from charlstm.model.streams import Streams
from charlstm.model.streams_backend import choose_streams_backend

# Characters at the beginning of a stretch that are not counted, because the state still depends on its start.
WARMUP = 200


class LayerTrace(NamedTuple):
    """A LayerTrace holds the four gates, the cell state c and the hidden state h of one layer over a block.

    Each is (streams, positions, cells) float32; the gates i, f and o are in [0, 1].
    """

    gates: Gates
    c: Tensor
    h: Tensor


class TraceBlock(NamedTuple):
    """A TraceBlock holds the traces of all layers at some neighbouring positions of every stretch.

    start is the first of these positions within a stretch; before is the state in front of it, h and c each
    (layers, streams, cells).
    """

    start: int
    layers: tuple[LayerTrace, ...]
    before: State


@dataclass(frozen=True)
class Cut:
    """A Cut divides a text of `characters` characters into `streams` equal stretches and drops the rest.

    Raises CorpusError where a stretch would be empty.
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
        """Return the number of characters in a stretch."""
        return self.characters // self.streams

    @property
    def starts(self) -> NDArray[np.int64]:
        """Return (streams,) int64: the position of each stretch's first character."""
        return np.arange(self.streams) * self.length

    @property
    def rows(self) -> int:
        """Return the number of counted positions, those behind the warm-up of their stretch."""
        return self.streams * max(0, self.length - WARMUP)

    @property
    def counted(self) -> NDArray[np.int64]:
        """Return (rows,) int64: the positions behind the warm-up of their stretch, ascending."""
        return (self.starts[:, None] + np.arange(WARMUP, self.length)).ravel()


@torch.no_grad()
def trace(
    model: CharLSTM,
    ids: NDArray[np.unsignedinteger],
    *,
    streams: int,
    window: int,
    precision: TracePrecision = "float32",
) -> Iterator[TraceBlock]:
    """Yield the gates, c and h of model along ids (characters,), in blocks of at most `window` positions.

    ids are cut into `streams` stretches, which are read side by side; the blocks follow one another and
    together cover each stretch once. They are on the model's device and equal `equations.step`, applied to
    one character after the other, to float32 rounding, or to that of bfloat16 products where precision asks
    for these and the compiled steps read the text.
    Raises CorpusError where there are fewer characters than `streams`.
    """
    cut = Cut(len(ids), streams)
    text = ids[: streams * cut.length].astype(np.int64).reshape(streams, cut.length)
    if runs_compiled(model, precision):
        yield from _compiled_blocks(model, text, window, precision)
    else:
        yield from _fused_blocks(model, text, window)


def _compiled_blocks(
    model: CharLSTM, text: NDArray[np.int64], window: int, precision: TracePrecision
) -> Iterator[TraceBlock]:
    """Yield the blocks of text (streams, positions) from compiled steps, which store what they compute."""
    config, count = model.config, len(text)
    threads = torch.get_num_threads()
    if precision == "bfloat16":
        choose_streams_backend()
    reader = Streams(compiled_weights(model, precision), count=count, threads=threads, in_threads=in_threads)
    for start in range(0, text.shape[1], window):
        before = State(*map(torch.from_numpy, reader.state))
        symbols = text[:, start : start + window]
        shape = (config.layers, symbols.shape[1], count)
        gates, c, h = (np.empty((*shape, width * config.cells), np.float32) for width in (4, 1, 1))
        reader.trace(symbols, (gates, c, h))
        by_stream = (torch.from_numpy(values).transpose(1, 2) for values in (gates, c, h))
        layers = zip(*by_stream, strict=True)
        traces = (
            LayerTrace(Gates(*gate.chunk(4, dim=-1)), states, hidden) for gate, states, hidden in layers
        )
        yield TraceBlock(start, tuple(traces), before)


def _fused_blocks(model: CharLSTM, text: NDArray[np.int64], window: int) -> Iterator[TraceBlock]:
    """Yield the blocks of text (streams, positions) from the model's `run_layer`, on any device."""
    state = model.initial_state(len(text))
    for start in range(0, text.shape[1], window):
        x = model.embedding.weight[torch.from_numpy(text[:, start : start + window]).to(model.device)]
        traces: list[LayerTrace] = []
        for number in range(model.config.layers):
            traces.append(_fused_layer(model, number, x, state.h[number], state.c[number]))
            x = traces[-1].h
        yield TraceBlock(start, tuple(traces), state)
        h, c = [layer.h[:, -1] for layer in traces], [layer.c[:, -1] for layer in traces]
        state = State(torch.stack(h), torch.stack(c))


def _fused_layer(model: CharLSTM, number: int, x: Tensor, h: Tensor, c: Tensor) -> LayerTrace:
    """Return the trace of the layer with index `number` along inputs x (streams, positions, width).

    h and c, each (streams, cells), are the state in front of the first position.
    """
    outputs, _, _ = model.run_layer(number, x, h, c)
    weights = model.weights(number)
    preactivations = functional.linear(x, weights.input, weights.bias) + functional.linear(
        _delayed(outputs, h), weights.recurrent
    )
    gates = equations.gates_from(preactivations, model.config.functions)
    states = _scan(gates.f, gates.i * gates.g, c, model.config.functions)
    return LayerTrace(gates, states, outputs)


def _delayed(values: Tensor, first: Tensor) -> Tensor:
    """Return values (streams, positions, cells) moved one position later, first (streams, cells) in front."""
    return torch.cat((first.unsqueeze(1), values[:, :-1]), dim=1)


def _scan(forget: Tensor, write: Tensor, c: Tensor, functions: Functions) -> Tensor:
    """Return the cell states (streams, positions, cells) of c = forget * c + write along the positions.

    forget and write are (streams, positions, cells); c (streams, cells) is the cell state in front. As in
    `equations.step`, c stays within its limit where the activation of functions has no bounds.
    """
    states = []
    for f, written in zip(forget.unbind(1), write.unbind(1), strict=True):
        c = equations.within_limit(torch.addcmul(written, f, c), functions)
        states.append(c)
    return torch.stack(states, dim=1)


class CountedBlock:
    """A CountedBlock has the cell states and gates of all layers at some counted positions.

    rows (positions,) int64 are indices into Cut.counted. c, c_before (the cell state one position earlier)
    and the gates i, f and o are (positions, layers * cells) float32 on the CPU; cell k of layer l is column l
    * cells + k. Each is put together when it is asked for: most statistics need few of them.
    """

    def __init__(self, rows: Tensor, skipped: int, block: TraceBlock) -> None:
        """Take block without its first `skipped` positions; rows are those of the positions left."""
        self.rows = rows
        self._skipped, self._block = skipped, block

    @cached_property
    def c(self) -> Tensor:
        """Return the cell state c."""
        return self._flat([layer.c for layer in self._block.layers])

    @cached_property
    def c_before(self) -> Tensor:
        """Return c one position earlier."""
        layers = zip(self._block.layers, self._block.before.c, strict=True)
        return self._flat([_delayed(layer.c, before) for layer, before in layers])

    @cached_property
    def i(self) -> Tensor:
        """Return the input gate."""
        return self._flat([layer.gates.i for layer in self._block.layers])

    @cached_property
    def f(self) -> Tensor:
        """Return the forget gate."""
        return self._flat([layer.gates.f for layer in self._block.layers])

    @cached_property
    def o(self) -> Tensor:
        """Return the output gate."""
        return self._flat([layer.gates.o for layer in self._block.layers])

    def gates_of(self, stretch: int, layer: int, cell: int) -> Tensor:
        """Return (4, positions) float32: i, f, g and o of one cell at the positions of one stretch."""
        gates = self._block.layers[layer].gates
        return torch.stack([values[stretch, self._skipped :, cell] for values in gates]).cpu()

    def _flat(self, of_layers: list[Tensor]) -> Tensor:
        """Return values (streams, positions, cells) of each layer as (positions, layers * cells)."""
        return torch.cat([values[:, self._skipped :].flatten(0, 1) for values in of_layers], dim=1).cpu()


# A block of counted_blocks has about this many positions, of all streams together: enough for matrix products
# to be fast, and few enough for the memory to stay small.
_BLOCK_POSITIONS = 2048


def counted_blocks(
    model: CharLSTM,
    ids: NDArray[np.unsignedinteger],
    cut: Cut,
    *,
    device: torch.device | None = None,
    precision: TracePrecision = "float32",
) -> Iterator[CountedBlock]:
    """Yield the cell states and gates of model at every counted position of ids (characters,), each once.

    ids are cut into stretches by cut. A copy of model reads them on device; None is the device of model.
    precision is that of `trace`.
    """
    if device not in (None, model.device):
        model = copy.deepcopy(model).to(device)
    rows_per_stretch = cut.length - WARMUP
    window = max(1, _BLOCK_POSITIONS // cut.streams)
    for block in trace(model, ids, streams=cut.streams, window=window, precision=precision):
        stop = block.start + block.layers[0].c.shape[1]
        first = max(block.start, WARMUP)
        if first < stop:
            first_rows = torch.arange(cut.streams)[:, None] * rows_per_stretch
            rows = first_rows + torch.arange(first - WARMUP, stop - WARMUP)
            yield CountedBlock(rows.flatten(), first - block.start, block)
