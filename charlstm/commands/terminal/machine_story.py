"""A machine in lines: what it has, its rates, and which way each job goes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charlstm.machine.speed.backend_choice import Choice
    from charlstm.tasks.devices import Machine


def machine_lines(machine: "Machine") -> Iterator[str]:
    """Yield the lines of `charlstm devices`, at most 79 characters each but for long names."""
    yield f"processor  {machine.processor}"
    limit = "" if machine.quota is None else f", a quota of {machine.quota:g}"
    of_all = f"{machine.processors} of {machine.machine_processors} processors"
    yield f"threads    {machine.threads}, on {of_all}{limit}"
    yield f"GPU        {', '.join(machine.gpus) or 'none that torch can use'}"
    yield f"device     {machine.device} with `--device auto`"
    yield (
        f"products   {machine.float32_per_second / 1e9:,.0f} billion operations a second in float32, "
        f"{machine.bfloat16_per_second / 1e9:,.0f} in bfloat16"
    )
    if machine.streams_per_second is not None:
        rate = f"{machine.streams_per_second / 1e9:,.0f} billion"
        yield f"streams    {rate} operations a second of many streams in bfloat16"
    yield f"memory     {machine.bytes_per_second / 1e9:,.0f} GB a second"
    yield ""
    yield "which way a job goes on the CPU, and the time of a trial of each way"
    for choice in machine.choices:
        yield f"  {choice.job:28}{choice.backend:16}{_times(choice)}"


def _times(choice: "Choice") -> str:
    """Return the times of a choice in words, that of the chosen way first."""
    if not choice.seconds:
        return "the only way here"
    ordered = sorted(choice.seconds, key=lambda way: way != choice.backend)
    own, *others = (_milliseconds(choice.seconds[way]) for way in ordered)
    named = [f"{way} {time}" for way, time in zip(ordered[1:], others, strict=True)]
    return f"{own}; {', '.join(named)}"


def _milliseconds(seconds: float | None) -> str:
    """Return the seconds of a trial in words."""
    return "cannot run here" if seconds is None else f"{1000 * seconds:.1f} ms"
