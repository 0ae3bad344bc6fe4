"""The work of an inspection in pieces that processes share: parts of a split, and jobs that draw at random.

One process does the same pieces and puts them together in the same order, so that many processes find exactly
what one finds.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import torch

from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ProcessGroup


class Sums(Protocol):
    """What is summed over the parts of a text."""

    def merge(self, other: Any) -> None:
        """Add what another one has seen."""


S = TypeVar("S")
T = TypeVar("T")
AnySums = TypeVar("AnySums", bound=tuple[Sums, ...])


def read_chunks(split: Split, read: Callable[[Chunk], AnySums], processes: ProcessGroup) -> AnySums:
    """The sums that read gives of every part of a split, merged."""
    parts = processes.dealt(lambda number: read(split.chunk(number)), range(split.chunk_count))
    merged = next(parts)
    for sums in parts:
        for total, more in zip(merged, sums, strict=True):
            total.merge(more)
    return merged


def do_jobs(
    jobs: Sequence[S],
    do: Callable[[S, torch.Generator], T],
    generator: torch.Generator,
    processes: ProcessGroup,
) -> list[T]:
    """What do gives for every job, with random numbers of the job's own."""
    seeds = torch.randint(2**62, (len(jobs),), generator=generator).tolist()

    def done(number: int) -> T:
        return do(jobs[number], torch.Generator().manual_seed(seeds[number]))

    return list(processes.dealt(done, range(len(jobs))))
