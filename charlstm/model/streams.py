"""Streams of characters that compiled steps read side by side, without torch."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from charlstm.config import Hold
from charlstm.model.kernels.drawing import Draw, draw_block
from charlstm.model.kernels.jit import Floats, Weights
from charlstm.model.kernels.matrix_tiles import spans
from charlstm.model.kernels.shared_steps import Share, draw_together
from charlstm.model.kernels.steps import (
    NOTHING_HELD,
    Holds,
    StreamWeights,
    read_block,
    step_rows,
    trace_block,
)
from charlstm.model.packed_weights import for_streams, panels_of
from charlstm.model.shared_stream import Team, meeting_for, members

Symbols = NDArray[np.int64]

_Result = TypeVar("_Result")

# Streams that one thread has at least, where there are as many: they share what is read of the weights.
_TILE = 4


def in_order(holds: Sequence[Hold]) -> Holds:
    """As steps read them: by start, so that of two holds of one cell the later one is written last."""
    ordered = sorted(holds, key=lambda hold: hold.start)
    return Holds(
        np.array([hold.layer for hold in ordered], np.int64),
        np.array([hold.cell for hold in ordered], np.int64),
        np.array([hold.value for hold in ordered], np.float32),
        np.array([hold.start for hold in ordered], np.int64),
    )


class _Group(NamedTuple):
    """Those of all streams that one thread reads: h (layers, streams, 2 cells) and c, of cells."""

    span: slice
    h: Floats
    c: Floats


# What lets threads do some work for each group, and gives the results in order.
InThreads = Callable[[Callable[[_Group], Any], list[_Group]], list[Any]]


class Streams:
    """Where some streams are that are read side by side, and the cells that are held in all of them."""

    def __init__(
        self,
        weights: StreamWeights,
        holds: Sequence[Hold] = (),
        *,
        count: int = 1,
        threads: int = 1,
        in_threads: InThreads | None = None,
    ) -> None:
        """Nothing is read yet; the holds are of cells that are there. Threads are our own, or those that
        in_threads lets work.
        """
        layers, cells = 1 + len(weights.upper), weights.recurrent.shape[1]
        self._weights = for_streams(weights) if count > 1 else weights
        self._cells = cells
        self._holds = in_order(holds)
        self._groups = [
            _Group(
                span,
                np.zeros((layers, span.stop - span.start, 2 * cells), np.float32),
                np.zeros((layers, span.stop - span.start, cells), np.float32),
            )
            for span in spans(count, threads, _TILE)
        ]
        self._in_threads = in_threads or _own_threads(len(self._groups))
        sharing = members(weights, threads) if count == 1 else 1
        self._team = Team(weights, self._holds, sharing) if sharing > 1 else None

    def start_as(self, other: "Streams") -> None:
        """Take over where the only stream of another is, in all of these."""
        (one,) = other._groups
        for group in self._groups:
            group.h[:], group.c[:] = one.h, one.c

    @property
    def state(self) -> tuple[Floats, Floats]:
        """h and c now, each (layers, streams, cells)."""
        h = np.concatenate([group.h[:, :, self._cells :] for group in self._groups], axis=1)
        return h, np.concatenate([group.c for group in self._groups], axis=1)

    def read(self, symbols: Symbols, *, first: int) -> Floats:
        """Logits (characters, vocabulary) after each of symbols, in the only stream.

        They are read at drawn characters first, first + 1 and so on; a negative one is before all holds.
        """
        (one,) = self._groups
        return read_block(self._weights, symbols, one.h, one.c, self._holds, first)

    def draw(self, symbols: Symbols, uniforms: NDArray[np.float64], *, first: int, draw: Draw) -> Symbols:
        """Read symbols (streams,), draw the next, read those, and so on: (characters, streams), one for each
        of uniform numbers in [0, 1).
        """
        if self._team:
            (one,) = self._groups
            numbers = np.ascontiguousarray(uniforms[:, 0])
            return self._team.draw(int(symbols[0]), one.h, one.c, numbers, first=first, draw=draw)[:, None]

        def drawn(group: _Group) -> Symbols:
            own = np.ascontiguousarray(uniforms[:, group.span])
            last = symbols[group.span]
            return draw_block(self._weights, last, group.h, group.c, self._holds, first, draw, own)

        return np.concatenate(self._in_threads(drawn, self._groups), axis=1)

    def trace(self, symbols: Symbols, kept: tuple[Floats, Floats, Floats]) -> None:
        """Read symbols (streams, positions); kept are gates i, f, g, o (layers, positions, streams, 4 cells),
        and c and h, of cells, after each.
        """

        def traced(group: _Group) -> None:
            own = np.ascontiguousarray(symbols[group.span].T)
            trace_block(self._weights, own, group.h, group.c, self._holds, kept, group.span.start)

        self._in_threads(traced, self._groups)


def _own_threads(count: int) -> InThreads:
    """This thread and others that wait for work meanwhile."""
    pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def in_threads(work: Callable[[_Group], _Result], groups: list[_Group]) -> list[_Result]:
        mine, *others = groups
        started = [pool.submit(work, group) for group in others] if pool else []
        return [work(mine), *(each.result() for each in started)]

    return in_threads


def warm_up() -> None:
    """Compile all that sampling and tracing need, so that the first command does not wait for it."""
    one, table = np.zeros((1, 1), np.float32), np.zeros((1, 4), np.float32)
    kinds: list[Weights] = [table, np.zeros((1, 4), np.uint16)]
    draw, rows = Draw(1.0, 0, 1.0), np.zeros(2, np.int64)
    for products in kinds:
        upper = np.empty((0, 4, 2), products.dtype)
        weights = StreamWeights(table, products.T.copy(), upper, table[:0], one, one[0])
        streams = Streams(weights)
        streams.read(rows, first=0)
        streams.draw(rows[:1], np.zeros((1, 1)), first=0, draw=draw)
        state, share = (np.zeros((1, 1, 2), np.float32), one[None].copy()), Share(0, (0, 1), (0, 1))
        meeting = meeting_for(1, weights)
        draw_together(weights, 0, *state, in_order(()), 0, draw, np.zeros(1), share, meeting)
        streams = Streams(weights, count=2)
        streams.draw(rows, np.zeros((1, 2)), first=0, draw=draw)
        gates, c, h = (np.zeros((2, width), np.float32) for width in (4, 1, 1))
        step_rows(panels_of(products.T), h, table, rows, c.copy(), NOTHING_HELD, gates, c, h)
        if products.dtype == np.float32:
            kept = np.zeros((1, 1, 2, 4), np.float32), np.zeros((1, 1, 2, 1), np.float32)
            for reader, read in ((Streams(weights), rows[:1]), (streams, rows)):
                reader.trace(read[:, None], (kept[0], kept[1], kept[1].copy()))
