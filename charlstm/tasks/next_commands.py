"""Command lines that work for a run as it is. CORPUS stands where the user has to name a text."""

import shlex
from pathlib import Path

from charlstm.checkpoint.record import load_config
from charlstm.config import LEAST_INSPECTED_CHARACTERS
from charlstm.tasks.run_text import may_be_read_unasked


def sample_command(run: Path) -> str:
    """Return the command line that draws text from the run."""
    return f"charlstm sample {shlex.quote(str(run))}"


def inspect_command(run: Path) -> str:
    """Return the command line that inspects the run, with a text where its own is not read or too short.

    Raises CheckpointError when the run cannot be used.
    """
    command, record = f"charlstm inspect {shlex.quote(str(run))}", load_config(run).corpus
    if record is None:
        return f"{command} CORPUS"
    if record.characters < LEAST_INSPECTED_CHARACTERS:
        return f"{command} CORPUS  # of {LEAST_INSPECTED_CHARACTERS:,} characters or more"
    return command if may_be_read_unasked(run, record.name) else f"{command} {shlex.quote(record.name)}"


def resume_command(run: Path) -> str:
    """Return the command line that goes on with the training of the run.

    Raises CheckpointError when the run cannot be used.
    """
    words, record = ["charlstm", "train"], load_config(run).corpus
    if record and not may_be_read_unasked(run, record.name):
        words.append(record.name)
    words += ["--resume", "--out", str(run)]
    if record and record.validation and not may_be_read_unasked(run, record.validation):
        words += ["--validation", record.validation]
    return shlex.join(words)
