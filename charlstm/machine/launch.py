"""Whether torchrun started this process, and as which of how many, by the environment's variables."""

import os
from dataclasses import dataclass

_HIGHEST_PORT = 65_535
_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


# torchrun sets it for every process that it starts; the other variables may be left over from something else.
_TORCHRUN = "TORCHELASTIC_RUN_ID"


@dataclass(frozen=True)
class Launch:
    """This is process `rank`, from 0, of `count` on all machines; `local` is its number on this machine."""

    rank: int = 0
    count: int = 1
    local: int = 0


SINGLE = Launch()


def launch() -> Launch:
    """Return what torchrun started this process as, or SINGLE where its variables are not set.

    Where one of them makes no sense, all count as not set.
    """
    values = {name: os.environ.get(name, "") for name in (*_VARIABLES, "LOCAL_RANK")}
    rank, count, port, local = map(
        _number, (values[n] for n in ("RANK", "WORLD_SIZE", "MASTER_PORT", "LOCAL_RANK"))
    )
    if not values["MASTER_ADDR"] or rank is None or count is None or port is None or rank >= count:
        return SINGLE
    return Launch(rank, count, rank if local is None else local)


def by_torchrun() -> bool:
    """Return whether torchrun started this process, so that there surely are others with it."""
    return bool(os.environ.get(_TORCHRUN))


def _number(text: str) -> int | None:
    """Return the whole number that text is, from 0 to the highest port, or None where it is none."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST_PORT))
    return int(text) if is_number and int(text) <= _HIGHEST_PORT else None
