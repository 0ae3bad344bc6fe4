"""Fixtures that the tests of several commands share."""

from pathlib import Path

import pytest
from command_line import SMALL, run


@pytest.fixture
def trained(tmp_path: Path, prose_file: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Path:
    path = tmp_path / "run"
    assert (
        run(monkeypatch, "train", prose_file, "--out", path, "--steps", 30, "--split", "80/10/10", *SMALL)
        == 0
    )
    capsys.readouterr()
    return path
