"""Many processes that train one model, or inspect it.

In a training each has streams of its own, and all do the same update. What is decided (the clock, the wish to
stop) is agreed upon, gradients are summed, and all else follows from the same numbers: every process has the
same weights at every step. An inspection is dealt out in pieces, and all get what each of them gave. Process
0 alone writes and tells. A process that is alone asks nobody: nothing here then changes a number.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, distributed, nn

from charlstm.errors import CharLSTMError, DeviceError, ProcessError
from charlstm.machine.launch import Launch

S = TypeVar("S")
T = TypeVar("T")


class Shard(NamedTuple):
    """The rows start..stop-1 of so many."""

    start: int
    stop: int
    rows: int

    @property
    def own(self) -> slice:
        """For indexing what has all rows."""
        return slice(self.start, self.stop)

    @property
    def share(self) -> float:
        """How much of all this is, 0 to 1."""
        return (self.stop - self.start) / self.rows


@dataclass(frozen=True)
class ProcessGroup:
    """All processes of a training or an inspection, as one of them sees it: it is process rank of count.

    What has "all" in its description has to be called by all of them, in the same order. All of it raises
    ProcessError when another process is gone.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and tells."""
        return self.rank == 0

    def shard(self, rows: int) -> Shard:
        """The rows of this process: contiguous, in the order of the processes, equal but for one."""
        return Shard(self.rank * rows // self.count, (self.rank + 1) * rows // self.count, rows)

    def sums(self, *numbers: float) -> tuple[float, ...]:
        """The sums of numbers that all have, in float64, the same ones everywhere."""
        if self.count == 1:
            return numbers
        summed = torch.tensor(numbers, dtype=torch.float64)
        with _all_there():
            distributed.all_reduce(summed)
        return tuple(summed.tolist())

    def any(self, wish: bool) -> bool:
        """Whether any of all wishes it."""
        return self.sums(float(wish))[0] > 0

    def first(self, number: float) -> float:
        """The number of process 0, to all."""
        return self.sums(number if self.leads else 0.0)[0]

    def sum_gradients(self, parameters: Iterable[nn.Parameter], loss: Tensor) -> Tensor:
        """Give every parameter the sum of its gradients over all; returns the sum of the losses, a scalar."""
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
        """values (layers, rows, width) float32 with each row as the process has it that owns it, to all."""
        if self.count == 1:
            return values
        whole = torch.zeros_like(values)
        whole[:, shard.own] = values[:, shard.own]
        with _all_there():
            distributed.all_reduce(whole)
        return whole

    def shared(self, value: T) -> T:
        """The value of process 0, to all: tensors on the CPU, numbers and what holds them."""
        if self.count == 1:
            return value
        box: list[Any] = [value if self.leads else None]
        with _all_there():
            distributed.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]  # type: ignore[no-any-return]

    def in_turn(self, do: Callable[[], T]) -> T:
        """What do gives, done by process 0 first (it fills caches, it makes the folder), then by the others.

        Raises on all of them the first CharLSTMError that any of them raised.
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
        """Yield to all what do gives for each item, in their order: the processes take the items in turn.

        What it gives is of numbers, tensors on the CPU and what holds them. Raises on all of them the first
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
        """What each process has, to all; or the first problem of any, raised."""
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
    """The group of all processes that were launched together: over gloo, on GPUs over nccl.

    Decisions go over gloo everywhere: no step waits for the GPU because of them.
    Raises DeviceError for a device that several processes cannot train on, ProcessError where they do not
    find each other.
    """
    if launch.count == 1:
        yield ALONE
        return
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"several processes cannot train on {device.type}", "use --device cpu")
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        distributed.init_process_group(backend, rank=launch.rank, world_size=launch.count)
    except (RuntimeError, ValueError) as error:
        raise ProcessError(
            f"the {launch.count} processes do not find each other ({_reason(error)})",
            "start all of them with torchrun, see `torchrun --help`",
        ) from error
    yield ProcessGroup(launch.rank, launch.count)
    distributed.destroy_process_group()  # not after a problem: it may wait for who is gone


def own_device(launch: Launch, device: torch.device) -> torch.device:
    """The device of this process: each on a machine has a GPU of its own. Raises DeviceError for too few."""
    if launch.count == 1 or device.type != "cuda":
        return device
    present = torch.cuda.device_count()
    if launch.local >= present:
        raise DeviceError(
            f"process {launch.local} of this machine has no GPU: there are {present}",
            f"start {present} processes on it, or use --device cpu",
        )
    torch.cuda.set_device(launch.local)
    return torch.device("cuda", launch.local)


@contextmanager
def _all_there() -> Iterator[None]:
    """Turn a failed exchange into a ProcessError."""
    try:
        yield
    except RuntimeError as error:  # of torch.distributed: a lost connection, a timeout
        raise ProcessError(
            f"another process is gone ({_reason(error)})",
            "see what it said; a training goes on from what it saved with `charlstm train --resume`",
        ) from error


def _reason(error: Exception) -> str:
    """The first sentence of what torch says, without the place in its source."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"^\[\S+\] ", "", said).split(". ")[0]
