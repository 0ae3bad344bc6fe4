"""Streams of characters that the compiled loops read, draw and trace side by side, without torch."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from charlstm.config import Hold, StepPrecision, TracePrecision
from charlstm.model.kernels.drawing import DrawRules, draw_block
from charlstm.model.kernels.jit import Floats
from charlstm.model.kernels.matrix_tiles import thread_spans
from charlstm.model.kernels.shared_steps import Share, draw_together
from charlstm.model.kernels.steps import (
    NOTHING_HELD,
    Holds,
    StreamState,
    StreamWeights,
    read_block,
    step_layer,
    trace_block,
)
from charlstm.model.packed_weights import for_streams, stream_weights
from charlstm.model.shared_stream import SharedStream, new_shared_state, sharing_threads

Symbols = NDArray[np.int64]

_Result = TypeVar("_Result")

# A thread gets at least this number of streams where there are enough: each weight that it reads from memory
# then serves all of them.
_STREAMS_PER_TILE = 4


def sorted_holds(holds: Sequence[Hold]) -> Holds:
    """Return holds as arrays sorted by start: of two holds of one cell, the later one is written last."""
    ordered = sorted(holds, key=lambda hold: hold.start)
    return Holds(
        np.array([hold.layer for hold in ordered], np.int64),
        np.array([hold.cell for hold in ordered], np.int64),
        np.array([hold.value for hold in ordered], np.float32),
        np.array([hold.start for hold in ordered], np.int64),
    )


class _ThreadStreams(NamedTuple):
    """The streams of one thread: which of all streams they are, and their state."""

    span: slice
    state: StreamState


# A function that calls work(part) for the streams of every thread, in that thread, and returns the results in
# order.
InThreads = Callable[[Callable[[_ThreadStreams], Any], list[_ThreadStreams]], list[Any]]


class Streams:
    """Streams of one model that are read side by side: their states, and the cells held in all of them."""

    def __init__(
        self,
        weights: StreamWeights,
        holds: Sequence[Hold] = (),
        *,
        count: int = 1,
        threads: int = 1,
        in_threads: InThreads | None = None,
    ) -> None:
        """Start count streams from a state of zeros, to be computed by at most that number of threads.

        weights are in the layout for one stream. All held cells must exist in the model. in_threads runs work
        in threads (`machine.torch_threads.in_threads`, say); None starts threads of this object's own.
        """
        layers, cells = 1 + len(weights.upper), weights.table.shape[1] // 4
        self._weights = for_streams(weights) if count > 1 else weights
        self._cells = cells
        self._holds = sorted_holds(holds)
        self._parts = [
            _ThreadStreams(span, _zero_state(layers, span.stop - span.start, cells))
            for span in thread_spans(count, threads, _STREAMS_PER_TILE)
        ]
        self._in_threads = in_threads or _own_threads(len(self._parts))
        sharing = sharing_threads(weights, threads) if count == 1 else 1
        self._shared = SharedStream(weights, self._holds, sharing) if sharing > 1 else None

    def start_as(self, other: "Streams") -> None:
        """Set the state of every stream to that of the only stream of other."""
        state = other._only_state
        for part in self._parts:
            part.state.h[:], part.state.c[:] = state.h, state.c

    @property
    def _only_state(self) -> StreamState:
        (part,) = self._parts
        return part.state

    @property
    def state(self) -> tuple[Floats, Floats]:
        """Copies of the hidden states h and cell states c, each (layers, streams, cells) float32."""
        h = np.concatenate([part.state.h[:, :, self._cells :] for part in self._parts], axis=1)
        return h, np.concatenate([part.state.c for part in self._parts], axis=1)

    def read(self, symbols: Symbols, *, first: int) -> Floats:
        """Read symbols (characters,) in the only stream; return the logits after each.

        The logits are (characters, vocabulary) float32. `first` is the number, from 0, of the drawn character
        that follows the first symbol; it is negative within a prompt, where nothing is held.
        """
        return read_block(self._weights, symbols, *self._only_state, self._holds, first)

    def draw(
        self, symbols: Symbols, uniforms: NDArray[np.float64], *, first: int, rules: DrawRules
    ) -> Symbols:
        """Read symbols (streams,), then draw and read symbol after symbol; return those drawn.

        uniforms (characters, streams) in [0, 1) decide each draw, and the result has their shape. `first` is
        the number, from 0, of the drawn character that follows `symbols`; the `start` of a hold is such a
        number. The last symbols drawn are not read.
        """
        if self._shared:
            column = np.ascontiguousarray(uniforms[:, 0])
            state, symbol = self._only_state, int(symbols[0])
            return self._shared.draw(state, symbol, column, first=first, rules=rules)[:, None]

        def draw_part(part: _ThreadStreams) -> Symbols:
            columns = np.ascontiguousarray(uniforms[:, part.span])
            last = symbols[part.span]
            return draw_block(self._weights, last, *part.state, self._holds, first, rules, columns)

        return np.concatenate(self._in_threads(draw_part, self._parts), axis=1)

    def trace(self, symbols: Symbols, traces: tuple[Floats, Floats, Floats]) -> None:
        """Read symbols (streams, positions) and write what every cell does into traces, float32.

        traces are the gates i, f, g, o (layers, positions, streams, 4 cells), then c and h after each
        position, each (layers, positions, streams, cells).
        """

        def trace_part(part: _ThreadStreams) -> None:
            columns = np.ascontiguousarray(symbols[part.span].T)
            trace_block(self._weights, columns, *part.state, self._holds, traces, part.span.start)

        self._in_threads(trace_part, self._parts)


def _zero_state(layers: int, streams: int, cells: int) -> StreamState:
    """Return the state before the first character."""
    return StreamState(
        np.zeros((layers, streams, 2 * cells), np.float32), np.zeros((layers, streams, cells), np.float32)
    )


def _own_threads(count: int) -> InThreads:
    """Return an InThreads for work in count parts: the calling thread and count - 1 waiting ones."""
    pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def in_threads(work: Callable[[_ThreadStreams], _Result], parts: list[_ThreadStreams]) -> list[_Result]:
        first, *others = parts
        submitted = [pool.submit(work, part) for part in others] if pool else []
        return [work(first), *(future.result() for future in submitted)]

    return in_threads


def warm_up_drawing(precision: StepPrecision) -> None:
    """Compile the loops that sampling and single steps run with a precision, where they are not on disk yet.

    A loop is compiled for the types of its arguments: all that commands use occur here, on a model of one
    layer with one cell and one symbol. One stream is read and drawn, one that threads share, and two.
    """
    weights = stream_weights(_smallest_model(), precision)
    rules, symbols = DrawRules(1.0, 0, 1.0), np.zeros(2, np.int64)
    streams = Streams(weights)
    streams.read(symbols, first=0)
    streams.draw(symbols[:1], np.zeros((1, 1)), first=0, rules=rules)
    share, shared = Share(0, (0, 1), (0, 1)), new_shared_state(1, weights)
    state = _zero_state(1, 1, 1)
    draw_together(weights, 0, *state, sorted_holds(()), 0, rules, np.zeros(1), share, shared)
    Streams(weights, count=2).draw(symbols, np.zeros((1, 2)), first=0, rules=rules)
    h, c, gates, c_before = (np.zeros((2, width), np.float32) for width in (1, 1, 4, 1))
    step_layer(for_streams(weights).recurrent, h, weights.table, symbols, c_before, NOTHING_HELD, gates, c, h)


def warm_up_tracing(precision: TracePrecision) -> None:
    """Compile the loops that trace with a precision, as `warm_up_drawing` does: of one stream, and of two."""
    weights = stream_weights(_smallest_model(), precision)
    for count in (1, 2):
        gates, c, h = (np.zeros((1, 1, count, width), np.float32) for width in (4, 1, 1))
        Streams(weights, count=count).trace(np.zeros((count, 1), np.int64), (gates, c, h))


def _smallest_model() -> dict[str, Floats]:
    """Return the weights, all zeros, of a model with one layer of one cell and one symbol."""
    shapes = {"weight_ih_l0": (4, 1), "weight_hh_l0": (4, 1), "bias_ih_l0": (4,), "bias_hh_l0": (4,)}
    model = {f"layers.0.{name}": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    one = np.zeros((1, 1), np.float32)
    return model | {"embedding.weight": one, "head.weight": one, "head.bias": one[0]}
