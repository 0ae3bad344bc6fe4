"""Which runs this user trained on this machine, as a record that a copied folder cannot bring along.

A run's config.json names the text that it was trained on. Whoever made the folder could have written any name
there, so that name is trusted only where this record, which lies outside the run, says that the run was
trained here: under $XDG_STATE_HOME/charlstm/runs, else ~/.local/state/charlstm/runs, one small file per run,
named by a hash of the run's path. It holds the SHA-256 of the run's config.json. A run that was moved, or
whose config.json was changed, is no longer this user's own. Where no home is known, nothing is recorded and
no run is own.
"""

import json
import os
import stat
from hashlib import sha256
from pathlib import Path

from charlstm.machine.files import open_regular, refuse_link_outside, whole_file
from charlstm.run_files import CONFIG

# No record is as large as this, and no config.json larger than what the record's maker allows.
_RECORD_BYTES, _CONFIG_BYTES = 1 << 16, 4 << 20


def record_own(run: Path) -> None:
    """Record that the run in the folder run was trained here by this user; does nothing where it cannot."""
    record = _record(run)
    if record is None:
        return
    try:
        record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        document = {"run": str(run.resolve()), "config_sha256": _config_sha256(run)}
        with whole_file(record) as partial:
            partial.chmod(0o600)
            partial.write_text(json.dumps(document), encoding="utf-8")
    except (OSError, ValueError):
        return  # a state folder that cannot be written stops no training


def is_own(run: Path) -> bool:
    """Return whether the record says that the run in the folder run was trained here by this user."""
    record = _record(run)
    if record is None:
        return False
    try:
        with open_regular(record) as file:
            if not _is_private(os.fstat(file.fileno())):
                return False
            document = json.loads(file.read(_RECORD_BYTES))
        wanted = {"run": str(run.resolve()), "config_sha256": _config_sha256(run)}
        return bool(document == wanted)
    except (OSError, ValueError, RecursionError):
        return False


def _record(run: Path) -> Path | None:
    """Return the path of the record for run, None where neither a state folder nor a home is known."""
    state, home = os.environ.get("XDG_STATE_HOME"), os.environ.get("HOME") or os.environ.get("USERPROFILE")
    if not (state and os.path.isabs(state)):  # a relative one is to be ignored, says the specification
        if not (home and os.path.isabs(home)):
            return None
        state = os.path.join(home, ".local", "state")
    name = sha256(os.fsencode(run.resolve())).hexdigest()
    return Path(state) / "charlstm" / "runs" / f"{name}.json"


def _config_sha256(run: Path) -> str:
    """Return the SHA-256 of a run's config.json. Raises OSError, or ValueError when it is too large."""
    refuse_link_outside(run / CONFIG)
    with open_regular(run / CONFIG) as file:
        content = file.read(_CONFIG_BYTES + 1)
    if len(content) > _CONFIG_BYTES:
        raise ValueError(f"{run / CONFIG} is too large")
    return sha256(content).hexdigest()


def _is_private(record: os.stat_result) -> bool:
    """Return whether a file is this user's, and nobody else's to write."""
    if not hasattr(os, "getuid"):
        return True
    return record.st_uid == os.getuid() and not record.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
