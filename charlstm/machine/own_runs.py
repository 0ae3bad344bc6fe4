"""Which runs this user trained on this machine, as a record that a copied folder cannot bring along.

A run's config.json names the text that it was trained on. Whoever made the folder could have written any name
there, so that name is trusted only where this record, which lies outside the run, says that the run was
trained here: one small file per run (`private_state`), named by a hash of the run's path. It holds the
SHA-256 of the run's config.json. A run that was moved, or whose config.json was changed, is no longer this
user's own. Where no home is known, nothing is recorded and no run is own.
"""

from hashlib import sha256
from os import fsencode
from pathlib import Path

from charlstm.machine.files import open_regular, refuse_link_outside
from charlstm.machine.private_state import keep, kept
from charlstm.run_files import CONFIG

# As in checkpoint.record, which refuses a larger config.json; this package may not import it.
_CONFIG_BYTES = 4 << 20


def record_own(run: Path) -> None:
    """Record that the run in the folder run was trained here by this user; does nothing where it cannot."""
    try:
        keep(_name(run), _record(run))
    except (OSError, ValueError):
        return  # a run that cannot be read stops no training


def is_own(run: Path) -> bool:
    """Return whether the record says that the run in the folder run was trained here by this user."""
    try:
        return bool(kept(_name(run)) == _record(run))
    except (OSError, ValueError):
        return False


def _name(run: Path) -> str:
    """Return the name of the record for a run."""
    return f"runs/{sha256(fsencode(run.resolve())).hexdigest()}.json"


def _record(run: Path) -> dict[str, str]:
    """Return what the record of a run says. Raises OSError, or ValueError when config.json is too large."""
    return {"run": str(run.resolve()), "config_sha256": _config_sha256(run)}


def _config_sha256(run: Path) -> str:
    """Return the SHA-256 of a run's config.json. Raises OSError, or ValueError when it is too large."""
    refuse_link_outside(run / CONFIG)
    with open_regular(run / CONFIG) as file:
        content = file.read(_CONFIG_BYTES + 1)
    if len(content) > _CONFIG_BYTES:
        raise ValueError(f"{run / CONFIG} is too large")
    return sha256(content).hexdigest()
