"""Draws: the next symbol from logits, and texts of several streams drawn symbol by symbol."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.model.kernels.arithmetic import LOG2_E, power_of_two
from charlstm.model.kernels.jit import Floats, compiled
from charlstm.model.kernels.products import NO_SCALES, add_products
from charlstm.model.kernels.steps import (
    Holds,
    StreamWeights,
    read_symbols,
    step_buffers,
    whole_panels,
)

# Lower temperatures count as 0 (the likeliest symbol): their reciprocal, by which compiled code multiplies,
# would be infinite.
LOWEST_TEMPERATURE = 1e-300
# Symbols whose scaled logit is this far below the largest, in nats, are never drawn.
_LOWEST_SCALED_LOGIT = np.float32(-80)


class DrawRules(NamedTuple):
    """How a symbol is drawn from logits: the fields of `SamplingConfig` with these names."""

    temperature: float
    top_k: int
    top_p: float


class PickBuffers(NamedTuple):
    """Memory that a draw computes in: scaled logits and unnormalised probabilities, each (symbols,)."""

    scaled: Floats
    weights: Floats


@compiled
def pick_buffers(symbols: int) -> PickBuffers:
    """Return buffers to pick one of that number of symbols."""
    return PickBuffers(np.empty(symbols, np.float32), np.empty(symbols, np.float32))


@compiled
def pick(logits: Floats, rules: DrawRules, uniform: float, buffers: PickBuffers) -> int:
    """Return the symbol that a uniform number in [0, 1) selects from logits (symbols,).

    The distribution is that of `sampling.sampler.next_probabilities`. The symbol is the first at which the
    sum of probabilities exceeds uniform (inverse transform sampling).
    """
    if rules.temperature < LOWEST_TEMPERATURE:
        return int(np.argmax(logits))
    scaled, weights = buffers
    largest = logits[0]
    for symbol in range(logits.size):
        largest = max(largest, logits[symbol])
    for symbol in range(logits.size):
        scaled[symbol] = (np.float64(logits[symbol]) - np.float64(largest)) / rules.temperature
    for symbol in range(logits.size):
        weight = power_of_two(LOG2_E * scaled[symbol])
        weights[symbol] = weight if scaled[symbol] > _LOWEST_SCALED_LOGIT else np.float32(0)
    if 0 < rules.top_k < logits.size:
        least = np.sort(scaled)[logits.size - rules.top_k]
        weights[scaled < least] = 0.0
    if rules.top_p < 1:
        order = np.argsort(-scaled, kind="mergesort")
        enough, before = rules.top_p * weights.sum(), 0.0
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
    return int(np.argmax(logits))  # the sums above are rounded: the last one may miss the goal


@compiled
def draw_block(
    weights: StreamWeights,
    symbols: NDArray[np.int64],
    h: Floats,
    c: Floats,
    holds: Holds,
    first: int,
    rules: DrawRules,
    uniforms: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Read symbols (streams,), then draw and read symbol after symbol; return those drawn.

    uniforms (characters, streams) in [0, 1) decide each draw, and the result has their shape. The last
    symbols drawn are not read: h and c (shapes in `steps`) become the state before them. first is the number
    of the first drawn character, as the holds count.
    """
    cells, streams = c.shape[2], symbols.size
    gates = np.empty((streams, 4 * cells), np.float32)
    buffers = step_buffers(streams, cells)
    vocabulary = weights.head_bias.size
    logits = np.empty((streams, whole_panels(vocabulary)), np.float32)
    for_pick = pick_buffers(vocabulary)
    drawn = np.empty(uniforms.shape, np.int64)
    for number in range(len(uniforms)):
        last = symbols if number == 0 else drawn[number - 1]
        read_symbols(weights, last, h, c, holds, first + number, gates, buffers)
        for stream in range(streams):
            logits[stream, :vocabulary] = weights.head_bias
        add_products(weights.head, NO_SCALES, h[-1], cells, cells, buffers.short, logits)
        for stream in range(streams):
            row = logits[stream, :vocabulary]
            drawn[number, stream] = pick(row, rules, uniforms[number, stream], for_pick)
    return drawn
