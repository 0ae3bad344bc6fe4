"""How many threads this process can keep busy, and how its libraries are told."""

import math
import os
import platform
import time
from contextlib import suppress
from pathlib import Path

THREADS_SETTING = "OMP_NUM_THREADS"
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")
_PROCESSORS = Path("/proc/cpuinfo")
_TIMES = Path("/proc/stat")
# What a processor did, by the columns of _TIMES: work for programs, for niced programs and for the system,
# interrupts of two kinds, and what a virtual machine lost to others. Columns 3 and 4 are of its idle time.
_BUSY_COLUMNS = (0, 1, 2, 5, 6, 7)


def default_thread_count() -> int:
    """Return the number in the environment variable OMP_NUM_THREADS, or else available_processors.

    Anything but a whole number above 0 in the variable is ignored.
    """
    setting = os.environ.get(THREADS_SETTING, "")
    return int(setting) if setting.isdigit() and int(setting) else available_processors()


def available_processors() -> int:
    """Return the number of processors that this process may use at the same time, 1 or more.

    They are those that it may run on, where the system tells them, and all of the machine's otherwise. A
    container may have a quota of processor time below that, 1.5 seconds each second, say; it counts rounded
    up.
    """
    processors, quota = permitted_processors(), processor_quota()
    return processors if quota is None else max(1, min(processors, math.ceil(quota)))


def permitted_processors() -> int:
    """Return the number of processors that this process may run on, whatever a quota says, 1 or more."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class OtherPrograms:
    """How many of the processors that this process may run on other programs keep busy.

    Only Linux tells. In a virtual machine, what other machines take of its processors counts as well.
    """

    def __init__(self) -> None:
        """Begin to watch."""
        self._last = self._now()

    def busy_processors(self) -> float | None:
        """Return how many processors others kept busy since the last call, or None where it is not known.

        0.5 means half of one processor's time. The processor time of this process is not counted, but that of
        processes that it started is.
        """
        last, self._last = self._last, self._now()
        if last is None or self._last is None:
            return None
        wall, by_all, by_this = (now - before for now, before in zip(self._last, last, strict=True))
        return max(0.0, by_all - by_this) / wall if wall > 0 else None

    def _now(self) -> tuple[float, float, float] | None:
        """Return seconds so far: of the wall clock, of the processors' work, and of this process's work."""
        with suppress(OSError, ValueError, AttributeError):
            usable = {f"cpu{number}" for number in os.sched_getaffinity(0)}
            lines = [line.split() for line in _TIMES.read_text().splitlines()]
            columns = [[int(ticks) for ticks in line[1:]] for line in lines if line and line[0] in usable]
            ticks = sum(times[column] for times in columns for column in _BUSY_COLUMNS if column < len(times))
            return time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), time.process_time()
        return None


def processor_name() -> str:
    """Return the processor's name as the system tells it, else the name of its instruction set."""
    with suppress(OSError):
        for line in _PROCESSORS.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine() or "unknown"


def processor_quota() -> float | None:
    """Return the processor time that this process's control groups may use, in seconds a second, or None.

    None means that there is no limit, or that the system has no control groups. Of a group and the groups
    around it, the lowest limit counts.
    """
    quotas: list[float] = []
    with suppress(OSError, ValueError):
        for line in _OWN_CGROUPS.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "cpu", "cpu,cpuacct"):
                quotas += _quotas_along(_CGROUPS / controllers, path)
    return min(quotas, default=None)


def _quotas_along(root: Path, path: str) -> list[float]:
    """Return the quotas of the group at path below root and of all groups around it."""
    group = root / path.lstrip("/")
    groups = [group, *group.parents]
    found = [_quota_of(each) for each in groups[: groups.index(root) + 1]]
    return [quota for quota in found if quota is not None]


def _quota_of(group: Path) -> float | None:
    """Return the quota of one group, by version 2 of control groups (cpu.max) or by version 1."""
    with suppress(OSError, ValueError):
        most, period = (group / "cpu.max").read_text().split()
        return float(most) / float(period)  # "max" is no number
    with suppress(OSError, ValueError):
        most, period = ((group / name).read_text() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        return float(most) / float(period) if float(most) > 0 else None
    return None


def tell_libraries_of_quota() -> None:
    """Set OMP_NUM_THREADS where a quota allows fewer processors than there are, and nothing is set yet.

    Libraries that compute in threads read it when they are imported. They know nothing of quotas: with a
    thread for every processor, the threads that run wait for those that the quota has stopped.
    """
    if processor_quota() is not None:
        os.environ.setdefault(THREADS_SETTING, str(available_processors()))
