"""Several processes that train one model together, or inspect it.

In a training each process reads streams of its own. Gradients are summed and decisions (the clock, the wish
to stop) are agreed upon, so that all processes make the same updates and have the same weights at every step.
An inspection is dealt out in pieces, and every process gets all results. Only process 0 writes and shows
anything. In a group of one process nothing is exchanged, and no number changes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.rendezvous import rendezvous

from charlstm.errors import CharLSTMError, DeviceError, ProcessError
from charlstm.machine.launch import Launch

# A process waits this long for the others at the start, where all of them have been started by then, and this
# long later, where the first one may read a text for minutes.
_START_LIMIT, _LIMIT = timedelta(seconds=60), timedelta(minutes=30)

S = TypeVar("S")
T = TypeVar("T")


class Shard(NamedTuple):
    """The rows from start up to, but not including, stop, of rows rows."""

    start: int
    stop: int
    rows: int

    @property
    def own(self) -> slice:
        """The slice of an array that has all rows."""
        return slice(self.start, self.stop)

    @property
    def share(self) -> float:
        """The share of all rows, in [0, 1]."""
        return (self.stop - self.start) / self.rows


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a training or an inspection, as process rank of count sees them.

    All methods but leads and shard exchange values, so all processes must call them, in one order; they raise
    ProcessError when another process is gone.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def shard(self, rows: int) -> Shard:
        """Return this process's share of `rows` rows: contiguous; sizes differ by one row at most."""
        return Shard(self.rank * rows // self.count, (self.rank + 1) * rows // self.count, rows)

    def sums(self, *numbers: float) -> tuple[float, ...]:
        """Return the sum of each number over all processes, in float64, and equal in all of them."""
        if self.count == 1:
            return numbers
        summed = torch.tensor(numbers, dtype=torch.float64)
        with _all_there():
            distributed.all_reduce(summed)
        return tuple(summed.tolist())

    def any(self, wish: bool) -> bool:
        """Return whether wish is true in any process."""
        return self.sums(float(wish))[0] > 0

    def first(self, number: float) -> float:
        """Return the number that process 0 has."""
        return self.sums(number if self.leads else 0.0)[0]

    def sum_gradients(self, parameters: Iterable[nn.Parameter], loss: Tensor) -> Tensor:
        """Replace every gradient by its sum over all processes; return the sum of the losses, a scalar."""
        if self.count == 1:
            return loss.detach()
        gradients = [each.grad for each in parameters if each.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients] + [loss.detach().reshape(1)])
        with _all_there():
            distributed.all_reduce(flat)
        parts = torch.split(flat[:-1], [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return flat[-1]

    def gathered(self, values: Tensor, shard: Shard) -> Tensor:
        """Return values (layers, rows, width) float32 with each row taken from the process that owns it."""
        if self.count == 1:
            return values
        whole = torch.zeros_like(values)
        whole[:, shard.own] = values[:, shard.own]
        with _all_there():
            distributed.all_reduce(whole)
        return whole

    def shared(self, value: T) -> T:
        """Return the value that process 0 has: tensors on the CPU, numbers, and containers of them."""
        if self.count == 1:
            return value
        box: list[Any] = [value if self.leads else None]
        with _all_there():
            distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]  # type: ignore[no-any-return]

    def in_turn(self, do: Callable[[], T]) -> T:
        """Return the result of do(), which process 0 runs first, since it fills caches and makes folders.

        Raises in all processes the first CharLSTMError that any of them raised.
        """
        if self.count == 1:
            return do()
        done: list[T] = []
        for leading in (True, False):
            problem = None
            try:
                if leading == self.leads:
                    done.append(do())
            except CharLSTMError as error:
                problem = error
            self._all_of(None, problem)
        return done[0]

    def dealt(self, do: Callable[[S], T], items: Sequence[S]) -> Iterator[T]:
        """Yield do(item) for every item in order, in all processes; each computes every count-th item.

        Results are numbers, tensors on the CPU, and containers of them. Raises in all processes the first
        CharLSTMError that any of them raised.
        """
        if self.count == 1:
            yield from map(do, items)
            return
        for first in range(0, len(items), self.count):
            problem = None
            done: list[T] = []
            try:
                done.extend(map(do, items[first + self.rank : first + self.rank + 1]))
            except CharLSTMError as error:
                problem = error
            for part in self._all_of(done, problem):
                yield from part

    def _all_of(self, own: T, problem: CharLSTMError | None) -> list[T]:
        """Return the values of all processes, or raise the first problem that any of them has."""
        given: list[Any] = [None] * self.count
        with _all_there():
            distributed.all_gather_object(given, (own, problem))
        for _, raised in given:
            if raised is not None:
                raise raised
        return [theirs for theirs, _ in given]


ALONE = ProcessGroup()


@contextmanager
def joined(launch: Launch, device: torch.device) -> Iterator[ProcessGroup]:
    """Give the group of all processes that were launched together while the context lasts.

    Numbers on the CPU are exchanged over gloo, and gradients on GPUs over nccl, so that no step waits for the
    GPU because of a decision. Raises DeviceError for a device on which several processes cannot train, and
    ProcessError where the processes do not find each other within _START_LIMIT.
    """
    if launch.count == 1:
        yield ALONE
        return
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"several processes cannot train on {device.type}", 'use `device="cpu"`')
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        found = rendezvous("env://", launch.rank, launch.count, timeout=_START_LIMIT)
        store, rank, count = next(iter(found))
        store.set_timeout(_LIMIT)
        distributed.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=_LIMIT)
    except (RuntimeError, ValueError) as error:
        raise ProcessError(
            f"the {launch.count} processes of WORLD_SIZE={launch.count} do not find each other "
            f"({_reason(error)})",
            "start all of them with torchrun, or `unset RANK WORLD_SIZE` for a process alone",
        ) from error
    yield ProcessGroup(launch.rank, launch.count)
    distributed.destroy_process_group()  # not after a problem: it may wait for who is gone


def own_device(launch: Launch, device: torch.device) -> torch.device:
    """Return the device of this process: each process on a machine gets a GPU of its own.

    Raises DeviceError when the machine has fewer GPUs than processes.
    """
    if launch.count == 1 or device.type != "cuda":
        return device
    present = torch.cuda.device_count()
    if launch.local >= present:
        raise DeviceError(
            f"process {launch.local} of this machine has no GPU: there are {present}",
            f'start {present} processes on it, or use `device="cpu"`',
        )
    torch.cuda.set_device(launch.local)
    return torch.device("cuda", launch.local)


@contextmanager
def _all_there() -> Iterator[None]:
    """Turn an exchange that fails inside the context into a ProcessError."""
    try:
        yield
    except RuntimeError as error:  # of torch.distributed: a lost connection, a timeout
        raise ProcessError(
            f"another process is gone ({_reason(error)})",
            "see what it said; a training goes on from what it saved with `charlstm train --resume`",
        ) from error


def _reason(error: Exception) -> str:
    """Return the first sentence of a message of torch, without the place in its source."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"^\[\S+\] ", "", said).split(". ")[0]
