"""Texts drawn by compiled steps, block by block, without torch."""

import os
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from charlstm.config import SamplingConfig
from charlstm.model.kernels.drawing import Draw
from charlstm.model.kernels.steps import (
    StreamWeights,
)
from charlstm.model.streams import Streams, Symbols

Uniforms = Callable[[int], NDArray[np.float64]]

# Characters drawn between two looks at the outside: one first, for it is waited for, then twice as many each
# time, up to what takes some milliseconds.
_LONGEST_BLOCK = 64

# Characters of a prompt read at once: each leaves its logits.
_PROMPT_BLOCK = 4096


def usual_threads() -> int:
    """As many as OMP_NUM_THREADS says, or as there are processors for this process."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told):
        return int(told)
    can_tell = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if can_tell else os.cpu_count() or 1


def draw_rules(config: SamplingConfig) -> Draw:
    """How config draws, in the types that were compiled: a temperature of 0 for 0.0 would compile anew."""
    return Draw(float(config.temperature), int(config.top_k), float(config.top_p))


def draw_streams(
    streams: Streams, symbol: int, *, config: SamplingConfig, uniforms: Uniforms
) -> Iterator[list[int]]:
    """Yield config.length times the next id of every stream.

    They have read all but symbol, the last of their text. uniforms(n) gives the next n numbers in [0, 1).
    The same numbers draw the same texts.
    """
    draw, number, block, count = draw_rules(config), 0, 1, config.count
    symbols = np.full(count, symbol)
    while number < config.length:
        characters = min(block, config.length - number)
        numbers = uniforms(characters * count).reshape(characters, count)
        drawn = streams.draw(symbols, numbers, first=number, draw=draw)
        yield from drawn.tolist()
        symbols, number, block = drawn[-1], number + characters, min(2 * block, _LONGEST_BLOCK)


def draw_after(
    weights: StreamWeights, prompt: Symbols, *, config: SamplingConfig, uniforms: Uniforms, threads: int
) -> Iterator[list[int]]:
    """Read a prompt (characters,) int64, one at least, and yield config.length times the next ids, as many as
    config.count.
    """
    one, last = Streams(weights, config.hold), len(prompt) - 1
    for start in range(0, last, _PROMPT_BLOCK):
        block = prompt[start : min(start + _PROMPT_BLOCK, last)]
        one.read(block, first=start - last)
    streams = Streams(weights, config.hold, count=config.count, threads=threads)
    streams.start_as(one)
    return draw_streams(streams, int(prompt[-1]), config=config, uniforms=uniforms)


def seeded_uniforms(seed: int) -> Uniforms:
    """The numbers in [0, 1) that torch.rand gives as float64 on the CPU: 53 bits of two draws of MT19937."""
    generator = np.random.RandomState(seed % 2**32)

    def uniforms(count: int) -> NDArray[np.float64]:
        drawn = generator.randint(0, 2**32, (count, 2), dtype=np.uint32).astype(np.uint64)
        return ((drawn[:, 0] << 32 | drawn[:, 1]) % 2**53).astype(np.float64) / 2**53

    return uniforms
