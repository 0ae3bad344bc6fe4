"""Time charlstm and a reference in turn, and print the ratios in a table."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import references
import torch
from references import seconds

from charlstm.inspection.reading.matrix_product import matrix_backend
from charlstm.machine.processors import processor_name
from charlstm.machine.speed.rates import bandwidth
from charlstm.model.streams_backend import streams_backend
from charlstm.model.training_backend import layer_backend, number_format

ROUNDS = 5
Run = Callable[[], object]


@dataclass(frozen=True)
class Limits:
    """What the machine can do at most: operations per second by number format, and bytes per second read."""

    float32: float
    bfloat16: float
    bandwidth: float


@dataclass(frozen=True)
class Row:
    """One comparison: what was timed with which model, both speeds per second, and the median ratio.

    limit names a field of Limits, and used is how much of it charlstm used, in that field's unit.
    """

    what: str
    shape: str
    reference: str
    ours: float
    theirs: float
    ratio: float
    limit: str = ""
    used: float = 0.0

    def share(self, limits: Limits) -> float | None:
        """Return which part of its limit charlstm reached, 0 to 1, or None if the row has no limit."""
        return self.used / getattr(limits, self.limit) if self.limit else None


def measure_limits() -> Limits:
    rates = [references.product_rate(dtype) for dtype in (torch.float32, torch.bfloat16)]
    return Limits(*rates, bandwidth())


def compare(ours: Run, theirs: Run) -> tuple[float, float, float]:
    """Call both in turn in several rounds, and return median seconds of ours and theirs and the median ratio.

    The reference also runs on one thread in each round, and its faster time counts. A ratio above 1 means
    that ours is faster.
    """
    threads = torch.get_num_threads()
    rounds = []
    for number in range(ROUNDS + 1):
        our_seconds, their_seconds = seconds(ours), seconds(theirs)
        if threads > 1:
            torch.set_num_threads(1)
            their_seconds = min(their_seconds, wall_seconds(theirs))
            torch.set_num_threads(threads)
        if number:  # the first round compiles and fills caches
            rounds.append((our_seconds, their_seconds, their_seconds / our_seconds))
    return tuple(statistics.median(column) for column in zip(*rounds, strict=True))


def wall_seconds(run: Run) -> float:
    """Return how many seconds a call of run takes, by the wall clock."""
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def limited(row: Row, limit: str, used: float) -> Row:
    """Return row with the name of its limit, and how much of that limit charlstm used."""
    return replace(row, limit=limit, used=used)


def table(rows: list[Row], limits: Limits) -> str:
    """Return the machine's limits and a table with a line for each row."""
    headings = f"{'charlstm/s':>12}{'reference/s':>13}{'ratio':>7}"
    lines = [
        f"{processor_name()}; training goes by {layer_backend().backend} in {number_format().backend}, "
        f"many streams in bfloat16 by {streams_backend().backend}, products of an inspection by "
        f"{matrix_backend().backend}",
        f"limits: {limits.float32 / 1e9:.0f} GFLOP/s in float32, {limits.bfloat16 / 1e9:.0f} in bfloat16, "
        f"{limits.bandwidth / 1e9:.0f} GB/s; {torch.get_num_threads()} threads, "
        f"load {os.getloadavg()[0]:.1f}",
        f"{'what':20}{'cells':10}{'reference':30}{headings}  share of limit",
    ]
    return "\n".join([*lines, *(line(row, limits) for row in rows)])


def line(row: Row, limits: Limits) -> str:
    """Return a row as one line of the table."""
    share = row.share(limits)
    reached = "" if share is None else f"{share:.0%} of {row.limit}"
    numbers = f"{row.ours:>12,.4g}{row.theirs:>13,.4g}{row.ratio:>7.2f}"
    return f"{row.what:20}{row.shape:10}{row.reference:30}{numbers}  {reached}"
