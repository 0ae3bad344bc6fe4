"""The work of an inspection is dealt out to processes in two kinds of pieces: chunks of a split, and jobs.

A single process does the same pieces and combines their results in the same order, so that several processes
find exactly what one process finds.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import torch

from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.processes import ProcessGroup


class Sums(Protocol):
    """Sums of one statistic over some chunks of a text can be merged with those over other chunks."""

    def merge(self, other: Any) -> None:
        """Add the sums of other, an object of the same class."""


Job = TypeVar("Job")
Result = TypeVar("Result")
AnySums = TypeVar("AnySums", bound=tuple[Sums, ...])


def read_chunks(split: Split, read: Callable[[Chunk], AnySums], processes: ProcessGroup) -> AnySums:
    """Return the results of `read` for the chunks of split, merged; `read` sums over one chunk.

    The processes take the chunks in turn. All of them return the sums over all chunks, merged in the chunks'
    order. Raises on all of them the first CharLSTMError that `read` raises in any of them.
    """
    of_chunks = processes.dealt(lambda number: read(split.chunk(number)), range(split.chunk_count))
    merged = next(of_chunks)
    for sums in of_chunks:
        for total, more in zip(merged, sums, strict=True):
            total.merge(more)
    return merged


def do_jobs(
    jobs: Sequence[Job],
    do: Callable[[Job, torch.Generator], Result],
    generator: torch.Generator,
    processes: ProcessGroup,
) -> list[Result]:
    """Return the result of `do` for each of jobs, in their order; `do` takes a job and its own generator.

    The processes take the jobs in turn, and all of them return all results. Each job's generator is seeded
    from generator, whichever process does the job. Raises on all processes the first CharLSTMError that
    `do` raises in any of them.
    """
    seeds = torch.randint(2**62, (len(jobs),), generator=generator).tolist()

    def do_numbered(number: int) -> Result:
        return do(jobs[number], torch.Generator().manual_seed(seeds[number]))

    return list(processes.dealt(do_numbered, range(len(jobs))))
