"""How fast this machine multiplies matrices and reads memory: the limits of all that is computed on it."""

import time
from collections.abc import Callable

import torch

_LONGEST_SECONDS = 1.0


def product_rate(dtype: torch.dtype, *, size: int = 1024) -> float:
    """Return the operations per second of a product of two square matrices on the CPU by torch."""
    left, right = (torch.ones(size, size, dtype=dtype) for _ in range(2))
    return 2 * size**3 / best_seconds(lambda: left @ right)


def bandwidth(*, megabytes: int = 128) -> float:
    """Return the bytes per second at which a sum reads an array, which should be larger than any cache."""
    numbers = torch.ones(megabytes * 250_000)
    return 4 * numbers.numel() / best_seconds(numbers.sum)


def best_seconds(
    run: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter, calls: int = 7
) -> float:
    """Return the shortest time of several calls of run, in seconds by a clock.

    After a second no call is begun: some processors take seconds for one product in bfloat16.
    """
    seconds: list[float] = []
    while len(seconds) < calls and sum(seconds) < _LONGEST_SECONDS:
        begun = clock()
        run()
        seconds.append(clock() - begun)
    return min(seconds)
