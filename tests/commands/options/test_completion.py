"""What a shell offers when the Tab key is pressed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from charlstm.commands.options import completion


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A folder with two runs in `runs`, one of them inspected, one run beside it, and something else."""
    for place in ("runs/a/config.json", "runs/a/findings.json", "runs/b/config.json", "ruin/config.json"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    (tmp_path / "running").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("incomplete", "offered"),
    [
        ("ru", ["ruin", "runs/a", "runs/b"]),
        ("runs/", ["runs/a", "runs/b"]),
        ("./ruin", ["./ruin"]),
        ("nowhere/", []),
        ("~nobody/", []),
    ],
)
def test_runs_are_offered_by_the_names_that_were_begun(folder, incomplete, offered):
    assert completion.runs(incomplete) == offered


def test_runs_are_offered_by_their_whole_path_where_it_was_begun(folder):
    assert completion.runs(f"{folder}/runs/b") == [f"{folder}/runs/b"]


def test_findings_are_offered_where_there_are_some(folder):
    assert completion.inspections("") == ["runs/a"]


def test_twins_are_offered_beside_runs(folder):
    assert completion.compared("") == ["untrained", "shuffled", "ruin", "runs/a", "runs/b"]


def test_devices_are_offered_by_name():
    assert completion.devices("") == ["auto", "cpu", "cuda", "mps"]
    assert completion.devices("cu") == ["cuda"]


def test_a_shell_is_answered_without_torch():
    program = "import sys, atexit; from charlstm.commands.app import main; sys.argv = ['charlstm']\n"
    program += "atexit.register(lambda: print('torch' in sys.modules))\nmain()"
    asked = {
        "COMP_WORDS": "charlstm train grammar:q",
        "COMP_CWORD": "2",
        "_CHARLSTM_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["grammar:quotes", "False"]
