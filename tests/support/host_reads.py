"""Finds where code makes the host read a number of the device, which no CUDA graph can capture."""

from collections.abc import Callable

import torch

# On a CPU this operation reads its rate on the host; on a GPU its kernel reads it there.
_READS_ON_A_CPU_ALONE = "aten::_fused_adamw_"
_READING = ("aten::item", "aten::nonzero", "aten::masked_select")


def host_reads(run: Callable[[], object]) -> list[str]:
    """Call run, and return the name of each operation in it that makes the host wait for the device."""
    with torch.autograd.profiler.profile() as profile:
        run()
    events = profile.function_events
    assert any(event.name.startswith("aten::") for event in events)
    return [
        event.name
        for event in events
        if event.name in _READING
        and (event.cpu_parent is None or event.cpu_parent.name != _READS_ON_A_CPU_ALONE)
    ]
