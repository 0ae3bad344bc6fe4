"""What a shell offers where a run, a text, an inspection or a device is named, and files where nothing fits.

Nothing here imports torch: a shell waits for the answer.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from charlstm.run_files import CONFIG, FINDINGS

# A folder of runs is looked into, such as `checkpoints`, but not what lies deeper.
_DEPTHS = ("*", "*/*")


def runs(incomplete: str) -> list[str]:
    """Return the folders of runs whose names begin with incomplete."""
    return _folders_with(CONFIG, incomplete)


def inspections(incomplete: str) -> list[str]:
    """Return the folders with findings whose names begin with incomplete."""
    return _folders_with(FINDINGS, incomplete)


def compared(incomplete: str) -> list[str]:
    """Return what a run can be compared with: the two twins, and the folders of runs."""
    return [*_beginning(("untrained", "shuffled"), incomplete), *runs(incomplete)]


def corpora(incomplete: str) -> list[str]:
    """Return the built-in texts whose names begin with incomplete."""
    from charlstm.text.sources import BUILT_IN

    return _beginning(BUILT_IN, incomplete)


def devices(incomplete: str) -> list[str]:
    """Return the names of devices that begin with incomplete, whether this machine has them or not."""
    return _beginning(("auto", "cpu", "cuda", "mps"), incomplete)


def _folders_with(file: str, incomplete: str) -> list[str]:
    """Return the folders that hold file, up to two below the last whole folder that incomplete names."""
    typed = incomplete[: incomplete.rfind("/") + 1]
    start = Path(os.path.expanduser(typed or "."))
    found = {
        typed + str(place.parent.relative_to(start))
        for depth in _DEPTHS
        for place in start.glob(f"{depth}/{file}")
    }
    return _beginning(sorted(found), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    """Return those of names that begin with incomplete."""
    return [name for name in names if name.startswith(incomplete)]
