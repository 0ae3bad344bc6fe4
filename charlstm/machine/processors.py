"""How many threads a computation without torch uses."""

import os


def default_thread_count() -> int:
    """Return the number in the environment variable OMP_NUM_THREADS, or else that of available processors.

    Anything but a whole number above 0 in the variable is ignored. The available processors are those that
    this process may run on, where the system tells them, and all of the machine's otherwise.
    """
    setting = os.environ.get("OMP_NUM_THREADS", "")
    if setting.isdigit() and int(setting):
        return int(setting)
    has_affinity = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
