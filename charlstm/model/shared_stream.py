"""One stream of a large model that several threads read together, each its share of the cells.

The threads wait for each other after every layer, which pays only while each has a processor of its own. When
one comes late, because other programs use its processor, one thread goes on alone for a while.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from charlstm.model.kernels.drawing import DrawRules, draw_block
from charlstm.model.kernels.shared_steps import NUMBERS_APART, Share, SharedState, draw_together
from charlstm.model.kernels.steps import Holds, StreamState, StreamWeights

Symbols = NDArray[np.int64]

# A thread has at least this number of multiplications in a step. Measured: with 131,072 each (256 cells, one
# layer), two threads take 0.6 of one thread's time; see tests/benchmarks/EXPERIMENTS.md.
_PRODUCTS_PER_THREAD = 131_072
# Only two threads were measured; the more there are, the likelier one of them is late.
_MOST_THREADS = 4
# The cells and symbols of a share are whole tiles of these sizes, but for the last share's end. The compiled
# loops take several vectors of cells and four rows of weights at a time, and what is left over is rounded in
# another way: with whole tiles no result depends on the number of threads.
_CELLS_PER_TILE, _SYMBOLS_PER_TILE = 64, 4
# Blocks of fewer characters are drawn by one thread: waking a sleeping thread takes some 50 us.
_SHORTEST_SHARED_CHARACTERS = 8
# After a thread came late, one thread draws _SHORTEST_ALONE_CHARACTERS alone; the number doubles each time a
# thread comes late again, up to `_LONGEST_ALONE_CHARACTERS`, and halves each time none does. Without this,
# beside two busy processes a text takes a hundred times as long; see tests/benchmarks/EXPERIMENTS.md.
_SHORTEST_ALONE_CHARACTERS, _LONGEST_ALONE_CHARACTERS = 64, 65_536


def sharing_threads(weights: StreamWeights, threads: int) -> int:
    """Return how many of that number of threads are worth using for one stream of a model: 1 to 4."""
    rows = weights.table.shape[1]
    cells = rows // 4
    products = rows * cells * (1 + 2 * len(weights.upper))
    worth = min(threads, _MOST_THREADS, products // _PRODUCTS_PER_THREAD, cells // _CELLS_PER_TILE)
    return max(1, worth) if cells % _SYMBOLS_PER_TILE == 0 else 1


def new_shared_state(threads: int, weights: StreamWeights) -> SharedState:
    """Return what that number of threads share, with no thread at the barrier yet."""
    cells, symbols = weights.table.shape[1] // 4, len(weights.head)
    h = np.zeros((1 + len(weights.upper), 1, cells), np.float32)
    arrivals, characters, abandoned = (
        np.zeros(shape, np.int64) for shape in ((threads, NUMBERS_APART), 1, 1)
    )
    return SharedState(arrivals, h, np.zeros(symbols, np.float32), characters, abandoned)


class SharedStream:
    """Threads that draw one stream together, to the bit as one thread would."""

    def __init__(self, weights: StreamWeights, holds: Holds, threads: int) -> None:
        """Deal the cells and symbols of a model to threads, 2 at least; holds are sorted by start.

        weights are in the layout for one stream.
        """
        cells, symbols = weights.table.shape[1] // 4, len(weights.head)
        self._weights, self._holds = weights, holds
        self._shares = [
            Share(
                number,
                _range_of(number, threads, cells, _CELLS_PER_TILE),
                _range_of(number, threads, symbols, _SYMBOLS_PER_TILE),
            )
            for number in range(threads)
        ]
        self._shared = new_shared_state(threads, weights)
        self._pool = ThreadPoolExecutor(threads - 1)
        self._alone_left, self._next_alone = 0, _SHORTEST_ALONE_CHARACTERS

    def draw(
        self, state: StreamState, symbol: int, uniforms: NDArray[np.float64], *, first: int, rules: DrawRules
    ) -> Symbols:
        """Read symbol, then draw and read symbol after symbol; return those drawn, (characters,).

        state is that of the one stream before symbol, and becomes that before the last symbol drawn. uniforms
        (characters,) in [0, 1) decide each draw. `first` is the number, from 0, of the drawn character that
        follows `symbol`; the `start` of a hold is such a number.
        """
        done, drawn = 0, np.empty(len(uniforms), np.int64)
        while done < len(uniforms):
            left = uniforms[done:]
            alone = self._alone_left or len(left) < _SHORTEST_SHARED_CHARACTERS
            draw_some = self._draw_alone if alone else self._draw_together
            part = draw_some(state, symbol, left, first + done, rules)
            drawn[done : done + len(part)] = part
            done, symbol = done + len(part), int(part[-1])
        return drawn

    def _draw_alone(
        self, state: StreamState, symbol: int, uniforms: NDArray[np.float64], first: int, rules: DrawRules
    ) -> Symbols:
        """Draw in the calling thread, up to the number of characters that it is to draw alone."""
        count = min(self._alone_left, len(uniforms)) or len(uniforms)
        last, columns = np.array([symbol]), uniforms[:count, None].copy()
        self._alone_left = max(0, self._alone_left - count)
        return draw_block(self._weights, last, *state, self._holds, first, rules, columns)[:, 0]

    def _draw_together(
        self, state: StreamState, symbol: int, uniforms: NDArray[np.float64], first: int, rules: DrawRules
    ) -> Symbols:
        """Draw in all threads; the result is shorter than uniforms where a thread came late."""

        def work(share: Share) -> Symbols:
            return draw_together(
                self._weights, symbol, *state, self._holds, first, rules, uniforms, share, self._shared
            )

        own, *others = self._shares
        try:
            submitted = [self._pool.submit(work, share) for share in others]
            drawn = work(own)
        except (
            BaseException
        ):  # Ctrl-C before this thread came to the barrier: the others must not wait for it
            self._shared.abandoned[0] = 1
            raise
        for future in submitted:
            future.result()
        if len(drawn) < len(uniforms):
            self._alone_left = self._next_alone
            self._next_alone = min(2 * self._next_alone, _LONGEST_ALONE_CHARACTERS)
        else:
            self._next_alone = max(_SHORTEST_ALONE_CHARACTERS, self._next_alone // 2)
        return drawn


def _range_of(number: int, threads: int, size: int, tile: int) -> tuple[int, int]:
    """Return (first, stop) of the part of range(size) that thread `number` computes.

    A part is a whole number of tiles; the last thread's also has what is left over.
    """
    tiles = size // tile
    first, stop = (tile * ((2 * tiles * step + threads) // (2 * threads)) for step in (number, number + 1))
    return first, size if number == threads - 1 else stop
