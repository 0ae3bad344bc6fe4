"""Whether torchrun started this process, and as which of how many, by the environment's variables."""

import os
from dataclasses import dataclass

_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Launch:
    """This is process rank of count over all machines, from 0; local is its number on this machine."""

    rank: int = 0
    count: int = 1
    local: int = 0


SINGLE = Launch()


def launch() -> Launch:
    """Return what torchrun started this process as, or SINGLE where its variables are not set."""
    values = {name: os.environ.get(name, "") for name in (*_VARIABLES, "LOCAL_RANK")}
    if not all(values[name] for name in _VARIABLES) or not (values["RANK"] + values["WORLD_SIZE"]).isdigit():
        return SINGLE
    local = values["LOCAL_RANK"] if values["LOCAL_RANK"].isdigit() else values["RANK"]
    return Launch(int(values["RANK"]), int(values["WORLD_SIZE"]), int(local))
