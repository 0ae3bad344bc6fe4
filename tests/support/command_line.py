"""Run `charlstm` in this process."""

import sys

import pytest

from charlstm.commands import app

# Options of a model that trains in a second.
SMALL = ["--cells", "12", "--embedding", "6", "--streams", "4", "--window", "16", "--precision", "float32"]


def problem_in(said: str) -> list[str]:
    """Return the lines of what was said on stderr from the problem on: two where all is well."""
    lines = said.splitlines()
    return lines[next(number for number, line in enumerate(lines) if line.startswith("charlstm: ")) :]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command line in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["charlstm", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        app.main()
    return int(left.value.code or 0)
