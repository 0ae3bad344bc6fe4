"""What this machine has for computing, how fast it is, and which way each job goes on it."""

import os
from dataclasses import dataclass

import torch

from charlstm.inspection.reading.matrix_product import matrix_backend
from charlstm.machine.devices import choose_device
from charlstm.machine.processors import available_processors, processor_name, processor_quota
from charlstm.machine.speed.backend_choice import Choice, forget
from charlstm.machine.speed.rates import bandwidth, best_seconds, product_rate
from charlstm.machine.torch_threads import in_threads
from charlstm.model.kernels.library_products import functions_in_use
from charlstm.model.ready_loops import are_ready
from charlstm.model.streams_backend import TRIAL_OPERATIONS, choose_streams_backend, streams_backend, trial
from charlstm.model.training_backend import layer_backend, number_format


@dataclass(frozen=True)
class Machine:
    """What a machine has, and what was measured on it.

    processors are those that this process may use, of machine_processors that there are; quota is the limit
    of a container, in seconds of processor time a second, or None. threads compute at the same time. gpus are
    the names of graphics processors that torch can use, and device is the one that `--device auto` takes.
    Rates are operations per second of matrix products, and bytes per second read from memory; that of streams
    is of the products of many streams in bfloat16, as they are computed here, or None while no loops are
    compiled. choices say which way each job goes that can be done in several.
    """

    processor: str
    processors: int
    machine_processors: int
    quota: float | None
    threads: int
    gpus: tuple[str, ...]
    device: str
    float32_per_second: float
    bfloat16_per_second: float
    streams_per_second: float | None
    bytes_per_second: float
    choices: tuple[Choice, ...]


def measure_machine(*, again: bool = False) -> Machine:
    """Measure the rates of this machine, and return them with what it has.

    The choices are those that were measured first; with again, they are measured anew.
    """
    if again:
        forget()
    return Machine(
        processor=processor_name(),
        processors=available_processors(),
        machine_processors=os.cpu_count() or 1,
        quota=processor_quota(),
        threads=torch.get_num_threads(),
        gpus=_gpus(),
        device=choose_device("auto").type,
        float32_per_second=product_rate(torch.float32),
        bfloat16_per_second=product_rate(torch.bfloat16),
        streams_per_second=_streams_rate(),
        bytes_per_second=bandwidth(),
        choices=(number_format(), layer_backend(), streams_backend(), matrix_backend()),
    )


def _streams_rate() -> float | None:
    """Return the operations per second of products of many streams in bfloat16, by all threads together."""
    if not are_ready("bfloat16"):
        return None
    choose_streams_backend()
    parts = [functions_in_use()] * torch.get_num_threads()
    return len(parts) * TRIAL_OPERATIONS / best_seconds(lambda: in_threads(trial, parts))


def _gpus() -> tuple[str, ...]:
    """Return the names of the graphics processors that torch can use."""
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return (*names, "Apple GPU (mps)") if torch.backends.mps.is_available() else tuple(names)
