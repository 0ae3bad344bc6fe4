"""Threads that read one stream together, each its share of the cells, as long as that is faster."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from charlstm.model.kernels.drawing import Draw, draw_block
from charlstm.model.kernels.jit import Floats
from charlstm.model.kernels.shared_steps import APART, Meeting, Share, draw_together
from charlstm.model.kernels.steps import Holds, StreamWeights

Symbols = NDArray[np.int64]

# Products of a step that a thread has at least: meeting the others takes as long as some ten thousand. Two
# threads take .53 to .6 of the time of one with 256 x 2 cells and more, .6 with 256 x 1, .84 with 128 x 2.
_OWN_PRODUCTS = 131_072
# Nobody has measured more than two; the more there are, the likelier one of them is late.
_MOST_THREADS = 4
# Shares begin at multiples of so many cells and symbols, and have as many at least: cells are taken by
# vectors, several at a time, rows of weights by fours, and what is left over is rounded otherwise. So no
# number depends on how many threads there are.
_CELLS, _SYMBOLS = 64, 4
# Fewer characters at once are drawn alone: a thread that sleeps takes 50 us to come.
_FEW = 8
# When a thread was late, so many characters are drawn alone before the next attempt, twice as many each time;
# half as many again when none was. Beside two processes that never sleep 10,000 characters then take 1.1 to
# 1.4 times as long as by one thread; without this they took a hundred times as long.
_ALONE, _MOST_ALONE = 64, 65_536


def members(weights: StreamWeights, threads: int) -> int:
    """How many of so many threads one stream is worth."""
    rows, cells = weights.recurrent.shape
    products = rows * cells * (1 + 2 * len(weights.upper))
    worth = min(threads, _MOST_THREADS, products // _OWN_PRODUCTS, cells // _CELLS)
    return max(1, worth) if cells % _SYMBOLS == 0 else 1


def meeting_for(threads: int, weights: StreamWeights) -> Meeting:
    """One that nobody has come to yet."""
    cells, symbols = weights.recurrent.shape[1], len(weights.head)
    h = np.zeros((1 + len(weights.upper), 1, cells), np.float32)
    arrived, characters, left = (np.zeros(shape, np.int64) for shape in ((threads, APART), 1, 1))
    return Meeting(arrived, h, np.zeros(symbols, np.float32), characters, left)


class Team:
    """Threads for one stream. What they draw is what one of them would."""

    def __init__(self, weights: StreamWeights, holds: Holds, threads: int) -> None:
        """The holds are in order of start; threads is two at least."""
        cells, symbols = weights.recurrent.shape[1], len(weights.head)
        self._weights, self._holds = weights, holds
        self._shares = [
            Share(number, _part(cells, _CELLS, number, threads), _part(symbols, _SYMBOLS, number, threads))
            for number in range(threads)
        ]
        self._meeting = meeting_for(threads, weights)
        self._threads = ThreadPoolExecutor(threads - 1)
        self._alone, self._next_alone = 0, _ALONE

    def draw(
        self, symbol: int, h: Floats, c: Floats, uniforms: NDArray[np.float64], *, first: int, draw: Draw
    ) -> Symbols:
        """(characters,) after symbol, one for each of uniforms (characters,); h and c become what is then."""
        done, drawn = 0, np.empty(len(uniforms), np.int64)
        while done < len(uniforms):
            left = uniforms[done:]
            work = self._by_one if self._alone or len(left) < _FEW else self._by_all
            part = work(symbol, h, c, left, first + done, draw)
            drawn[done : done + len(part)] = part
            done, symbol = done + len(part), int(part[-1])
        return drawn

    def _by_one(
        self, symbol: int, h: Floats, c: Floats, uniforms: NDArray[np.float64], first: int, draw: Draw
    ) -> Symbols:
        count = min(self._alone, len(uniforms)) or len(uniforms)
        last, numbers = np.array([symbol]), uniforms[:count, None].copy()
        self._alone = max(0, self._alone - count)
        return draw_block(self._weights, last, h, c, self._holds, first, draw, numbers)[:, 0]

    def _by_all(
        self, symbol: int, h: Floats, c: Floats, uniforms: NDArray[np.float64], first: int, draw: Draw
    ) -> Symbols:
        """Up to as many as uniforms: fewer where a thread was late."""

        def work(share: Share) -> Symbols:
            return draw_together(
                self._weights, symbol, h, c, self._holds, first, draw, uniforms, share, self._meeting
            )

        mine, *others = self._shares
        try:
            started = [self._threads.submit(work, share) for share in others]
            drawn = work(mine)
        except BaseException:  # Ctrl-C before this thread met the others, who would wait for it
            self._meeting.left[0] = 1
            raise
        for other in started:
            other.result()
        if len(drawn) < len(uniforms):
            self._alone, self._next_alone = self._next_alone, min(2 * self._next_alone, _MOST_ALONE)
        else:
            self._next_alone = max(_ALONE, self._next_alone // 2)
        return drawn


def _part(size: int, tile: int, number: int, threads: int) -> tuple[int, int]:
    """Where the share of this number begins and ends: whole tiles, the last with what is left over."""
    tiles = size // tile
    first, stop = (tile * ((2 * tiles * step + threads) // (2 * threads)) for step in (number, number + 1))
    return first, size if number == threads - 1 else stop
