"""The next symbol from logits, and texts drawn symbol by symbol."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.model.kernels.arithmetic import LOG2_E, power_of_two
from charlstm.model.kernels.jit import Floats, compiled
from charlstm.model.kernels.steps import Holds, StreamWeights, add_all, in_panels, read, room_for

# A lower temperature has no reciprocal, which fast division takes: the likeliest is drawn, as at 0.
COLDEST = 1e-300
# What has less than e^this of the likeliest's probability is not drawn.
_NEVER = np.float32(-80)


class Draw(NamedTuple):
    """How a symbol is taken from logits: as in SamplingConfig."""

    temperature: float
    top_k: int
    top_p: float


class Chances(NamedTuple):
    """Where a symbol's chances are computed, (symbols,) each."""

    scaled: Floats
    weights: Floats


@compiled
def chances_for(symbols: int) -> Chances:
    """Room to pick one of so many symbols."""
    return Chances(np.empty(symbols, np.float32), np.empty(symbols, np.float32))


@compiled
def pick(logits: Floats, draw: Draw, uniform: float, chances: Chances) -> int:
    """The symbol at a uniform number in [0, 1) of what `sampling.next_probabilities` gives."""
    if draw.temperature < COLDEST:
        return int(np.argmax(logits))
    scaled, weights = chances
    largest = logits[0]
    for symbol in range(logits.size):
        largest = max(largest, logits[symbol])
    for symbol in range(logits.size):
        scaled[symbol] = (np.float64(logits[symbol]) - np.float64(largest)) / draw.temperature
    for symbol in range(logits.size):
        weight = power_of_two(LOG2_E * scaled[symbol])
        weights[symbol] = weight if scaled[symbol] > _NEVER else np.float32(0)
    if 0 < draw.top_k < logits.size:
        least = np.sort(scaled)[logits.size - draw.top_k]
        weights[scaled < least] = 0.0
    if draw.top_p < 1:
        order = np.argsort(-scaled, kind="mergesort")
        enough, before = draw.top_p * weights.sum(), 0.0
        for symbol in order:
            weight = weights[symbol]
            if before >= enough:
                weights[symbol] = 0.0
            before += weight
    goal = uniform * weights.sum()
    reached = 0.0
    for symbol in range(logits.size):
        reached += weights[symbol]
        if reached > goal:
            return symbol
    return int(np.argmax(logits))  # what rounding left over


@compiled
def draw_block(
    weights: StreamWeights,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    holds: Holds,
    first: int,
    draw: Draw,
    uniforms: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The next symbols of every stream, (characters, streams) as the uniform numbers, each read before the
    next is drawn; symbols (streams,) are read first.
    """
    cells, streams = c.shape[2], symbols.size
    gates = np.empty((streams, 4 * cells), np.float32)
    room = room_for(streams, cells)
    vocabulary = weights.head_bias.size
    logits = np.empty((streams, in_panels(vocabulary)), np.float32)
    chances = chances_for(vocabulary)
    drawn = np.empty(uniforms.shape, np.int64)
    for number in range(len(uniforms)):
        last = symbols if number == 0 else drawn[number - 1]
        read(weights, last, h, c, holds, first + number, gates, room)
        for stream in range(streams):
            logits[stream, :vocabulary] = weights.head_bias
        add_all(weights.head, h[-1], cells, cells, room.short, logits)
        for stream in range(streams):
            own = logits[stream, :vocabulary]
            drawn[number, stream] = pick(own, draw, uniforms[number, stream], chances)
    return drawn
