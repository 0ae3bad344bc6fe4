"""Which of how many processes this one is, as torchrun says it in the environment."""

import os
from dataclasses import dataclass

_TOLD = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Launch:
    """Process rank of count, both counted over all machines; local is its number on this machine."""

    rank: int = 0
    count: int = 1
    local: int = 0


SINGLE = Launch()


def launch() -> Launch:
    """What torchrun, or whoever else sets its variables, started this process as; one of one without."""
    said = {name: os.environ.get(name, "") for name in (*_TOLD, "LOCAL_RANK")}
    if not all(said[name] for name in _TOLD) or not (said["RANK"] + said["WORLD_SIZE"]).isdigit():
        return SINGLE
    local = said["LOCAL_RANK"] if said["LOCAL_RANK"].isdigit() else said["RANK"]
    return Launch(int(said["RANK"]), int(said["WORLD_SIZE"]), int(local))
