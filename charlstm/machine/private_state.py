"""Small JSON files that charlstm keeps for this user alone, outside of every run's folder.

They lie under $XDG_STATE_HOME/charlstm, else ~/.local/state/charlstm. What is read there was written by this
user: a file that another user owns or may write to counts as not there. Where no home is known, nothing is
kept.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

from charlstm.machine.files import open_regular, whole_file

_MOST_BYTES = 1 << 16


def keep(name: str, document: object) -> None:
    """Write document, a JSON value, as the file name below the state folder; does nothing where it cannot."""
    place = _place(name)
    if place is None:
        return
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(place) as partial:
            partial.chmod(0o600)
            partial.write_text(json.dumps(document), encoding="utf-8")
    except (OSError, ValueError):
        return  # a state folder that cannot be written stops no work


def kept(name: str) -> Any:
    """Return the JSON value in the file name below the state folder, None where there is none to trust."""
    place = _place(name)
    if place is None:
        return None
    try:
        with open_regular(place) as file:
            return json.loads(file.read(_MOST_BYTES)) if _is_private(os.fstat(file.fileno())) else None
    except (OSError, ValueError, RecursionError):
        return None


def _place(name: str) -> Path | None:
    """Return the path of a file, None where neither a state folder nor a home is known."""
    state, home = os.environ.get("XDG_STATE_HOME"), os.environ.get("HOME") or os.environ.get("USERPROFILE")
    if not (state and os.path.isabs(state)):  # a relative one is to be ignored, says the specification
        if not (home and os.path.isabs(home)):
            return None
        state = os.path.join(home, ".local", "state")
    return Path(state) / "charlstm" / name


def _is_private(file: os.stat_result) -> bool:
    """Return whether a file is this user's, and nobody else's to write."""
    if not hasattr(os, "getuid"):
        return True
    return file.st_uid == os.getuid() and not file.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
