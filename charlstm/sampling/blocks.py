"""Sampling by the compiled loops, block by block, without torch."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from charlstm.config import SamplingConfig
from charlstm.model.kernels.drawing import DrawRules
from charlstm.model.kernels.steps import StreamWeights
from charlstm.model.streams import Streams, Symbols
from charlstm.model.streams_backend import choose_streams_backend

# A function that returns uniform random numbers in [0, 1), (characters, streams) float64, for the number of
# characters that it is given: the next ones of all streams.
Uniforms = Callable[[int], NDArray[np.float64]]

# The seeds of texts that are drawn side by side differ by multiples of this odd number, modulo 2^32: they are
# all different, and far from the small seeds that people choose.
_SEED_STRIDE = 0x9E3779B1

# The longest block of characters that is drawn at once, which takes some milliseconds: between blocks the
# caller can stop.
LONGEST_BLOCK_CHARACTERS = 64

# A prompt is read in blocks of this length, since every character read leaves its logits in memory.
_PROMPT_BLOCK_CHARACTERS = 4096


def draw_rules(config: SamplingConfig) -> DrawRules:
    """Return the rules of config with the types that the loops are compiled for.

    An int 0 as the temperature in the place of 0.0 would compile them once more.
    """
    return DrawRules(float(config.temperature), int(config.top_k), float(config.top_p))


def block_lengths(length: int) -> Iterator[int]:
    """Yield the lengths in characters of the blocks in which length characters are drawn, which sum to it.

    The first block is one character, since somebody waits for it. Each further one has twice the length of
    the one before, up to LONGEST_BLOCK_CHARACTERS.
    """
    block = 1
    while length > 0:
        yield min(block, length)
        length -= block
        block = min(2 * block, LONGEST_BLOCK_CHARACTERS)


def draw_streams(
    streams: Streams, symbol: int, *, config: SamplingConfig, uniforms: Uniforms
) -> Iterator[list[int]]:
    """Yield config.length lists of ids, the next one of every stream.

    All streams have read their text but for its last symbol, which is the same in all. The numbers from
    uniforms, which gives them for config.count streams, decide the draws: equal numbers give equal texts,
    however they are cut into blocks.
    """
    rules, number = draw_rules(config), 0
    symbols = np.full(config.count, symbol)
    for characters in block_lengths(config.length):
        drawn = streams.draw(symbols, uniforms(characters), first=number, rules=rules)
        yield from drawn.tolist()
        symbols, number = drawn[-1], number + characters


def draw_after(
    weights: StreamWeights, prompt: Symbols, *, config: SamplingConfig, uniforms: Uniforms, threads: int
) -> Iterator[list[int]]:
    """Read a prompt, then yield config.length lists of ids, the next one of each of config.count streams.

    prompt is (characters,) int64 and has one character at least. uniforms decides the draws. At most the
    given number of threads compute, and the texts do not depend on it.
    """
    reader, last = Streams(weights, config.hold), len(prompt) - 1
    for start in range(0, last, _PROMPT_BLOCK_CHARACTERS):
        block = prompt[start : min(start + _PROMPT_BLOCK_CHARACTERS, last)]
        reader.read(block, first=start - last)
    if config.count > 1 and config.precision == "bfloat16":
        choose_streams_backend()
    streams = Streams(weights, config.hold, count=config.count, threads=threads)
    streams.start_as(reader)
    return draw_streams(streams, int(prompt[-1]), config=config, uniforms=uniforms)


def seeded_uniforms(seed: int, count: int = 1) -> Uniforms:
    """Return a source of the random numbers of count texts, without torch; the first are those of count 1.

    The numbers of the first text equal those of torch.rand in float64 on the CPU for this seed: the lowest
    53 bits of two numbers of the Mersenne Twister MT19937, divided by 2^53. Seeds that differ by a multiple
    of 2^32 are the same. Every further text has a generator of its own, with a seed from further_seeds.
    """
    generators = [np.random.RandomState(seed % 2**32)]
    if count > 1:
        first_number = float(_numbers(np.random.RandomState(seed % 2**32), 1)[0])
        generators += map(np.random.RandomState, further_seeds(first_number, count))

    def uniforms(characters: int) -> NDArray[np.float64]:
        return np.stack([_numbers(generator, characters) for generator in generators], axis=1)

    return uniforms


def further_seeds(first_number: float, count: int) -> list[int]:
    """Return the count - 1 seeds, below 2^32, of the texts after the first one of count texts.

    They follow from first_number in [0, 1), the number that the generator of the first text gives first.
    """
    start = int(first_number * 2**32)
    return [(start + number * _SEED_STRIDE) % 2**32 for number in range(1, count)]


def _numbers(generator: np.random.RandomState, count: int) -> NDArray[np.float64]:
    """Return the next numbers (count,) in [0, 1) of one generator."""
    words = generator.randint(0, 2**32, (count, 2), dtype=np.uint32).astype(np.uint64)
    return ((words[:, 0] << 32 | words[:, 1]) % 2**53).astype(np.float64) / 2**53
