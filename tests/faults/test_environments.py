"""Where programs run: streams that are closed, an encoding of 128 characters, names that are too long, a
reader that goes away, a process that is stopped, variables that something else has left behind.
"""

import itertools
import json
import os
import shlex
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from command_line import problem_in, run
from small_run import TEXT, request, train_small
from stopped_child import train_and_stop

from charlstm.checkpoint.loading import load
from charlstm.inspection.features import expression_spans
from charlstm.machine import processes
from charlstm.run_files import METRICS

CHARLSTM = f"'{sys.executable}' -m charlstm"
SMALL = "--cells 8 --embedding 4 --streams 4 --window 16 --precision float32"
ROOT = Path(__file__).parents[2]
TOO_LONG = "x" * 300


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a text whose commonest character is not one of ASCII's."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text("é" * 60 + TEXT.replace(" ", "é"))
    train_small(request(folder / "run", steps=4))
    return folder / "run"


def shell(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of bash in folder; a pipeline fails where any of its commands does."""
    bash = ["bash", "-o", "pipefail", "-c", command]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(bash, capture_output=True, text=True, cwd=folder, env=environment)


def test_a_training_whose_reader_has_gone_goes_on_and_is_saved(tmp_path):
    (tmp_path / "text.txt").write_text(TEXT)
    done = shell(f"{CHARLSTM} train text.txt --out run --steps 60 {SMALL} --json -q | head -1", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["event"] == "prepared"
    assert load(tmp_path / "run").step > 0
    assert "60" in (tmp_path / "run" / METRICS).read_text()


@pytest.mark.parametrize(
    ("stream", "why"), [("> /dev/full", "No space left on device"), ("<&- >&-", "closed")]
)
def test_a_training_whose_json_cannot_be_written_is_saved_and_then_says_so(tmp_path, stream, why):
    """With streams that are closed, files of the run get their numbers, where nothing else keeps these."""
    (tmp_path / "text.txt").write_text(TEXT)
    done = shell(f"{CHARLSTM} train text.txt --out run --steps 9 {SMALL} --json -q {stream}", tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("charlstm: the result cannot be written: ")
    assert why in done.stderr.splitlines()[0]
    assert load(tmp_path / "run").step > 0


@pytest.mark.parametrize("command", ["--help", "corpora", "sample run --length 9"])
def test_a_closed_stdout_is_one_error(trained, command):
    done = shell(f"{CHARLSTM} {command} >&-", trained.parent)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "charlstm: the result cannot be written: stdout is closed",
        "          send it elsewhere",
    ]


def test_characters_that_a_stream_does_not_have_are_escaped(trained):
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    drawn = shell(f"{CHARLSTM} sample run --prompt é --length 30", trained.parent, **ascii_only)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert drawn.stdout.startswith(r"\xe9")
    drawn = shell(f"{CHARLSTM} sample run --prompt é --length 9 --json", trained.parent, **ascii_only)
    assert json.loads(drawn.stdout)["prompt"] == "é"
    refused = shell(f"{CHARLSTM} sample é", trained.parent, **ascii_only)
    assert refused.returncode == 4
    assert refused.stderr.startswith(r"charlstm: \xe9 is not a run's folder")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["sample", TOO_LONG], 4),
        (["score", TOO_LONG], 4),
        (["inspect", TOO_LONG], 4),
        (["import", TOO_LONG, "--out", "imported"], 4),
        (["report", TOO_LONG], 2),
        (["train", TOO_LONG], 3),
        (["train", "text.txt", "--out", TOO_LONG, "--steps", 1], 4),
        (["sample", "text.txt/run"], 4),
        (["report", "text.txt/run"], 2),
    ],
)
def test_a_name_that_cannot_be(trained, monkeypatch, capsys, command, code):
    monkeypatch.chdir(trained.parent)
    assert run(monkeypatch, *command) == code
    said = problem_in(capsys.readouterr().err)
    assert len(said) == 2
    assert said[0].startswith("charlstm: ")


def test_a_working_folder_that_is_gone(tmp_path):
    done = shell(f"mkdir gone && cd gone && rmdir ../gone && {CHARLSTM} train stdlib", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2] == "charlstm: the working folder has been deleted"


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_nothing_is_left_in_the_working_folder(trained, tmp_path, home):
    done = shell(f"{CHARLSTM} sample '{trained}' --length 9", tmp_path, HOME=home)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rank", [0, 1])
def test_variables_of_other_processes_that_are_not_there(trained, monkeypatch, capsys, rank):
    """Something else has left them in the environment, and nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(processes, "_START_LIMIT", timedelta(seconds=1))
    began = time.monotonic()
    code = run(monkeypatch, "train", trained.parent / "text.txt", "--out", trained.parent / "other")
    assert code == 6
    assert time.monotonic() - began < 20
    said = capsys.readouterr().err
    assert "the 2 processes of WORLD_SIZE=2 do not find each other" in said
    assert "unset RANK WORLD_SIZE" in said
    assert ("waiting for the other processes" in said) == (rank == 0)
    assert not (trained.parent / "other").exists()


def test_a_process_of_a_training_that_never_was_says_what_is_wrong_all_the_same(
    tmp_path, monkeypatch, capsys
):
    for name, value in {"RANK": 1, "WORLD_SIZE": 2, "MASTER_ADDR": "localhost", "MASTER_PORT": 9}.items():
        monkeypatch.setenv(name, str(value))
    assert run(monkeypatch, "sample", tmp_path) == 4
    assert "is not a run's folder" in capsys.readouterr().err


def test_the_clock_of_a_training_stands_still_while_the_process_is_stopped():
    """A run of two seconds that is stopped for three trains for two seconds all the same."""
    elapsed = train_and_stop(2.0, stopped_seconds=3.0)
    assert 2.0 <= elapsed[-1] < 4.0
    assert max(after - before for before, after in itertools.pairwise(elapsed)) < 2.0
    assert sum(seconds > 0.5 for seconds in elapsed) > 10, "it trained on after the stop"


@pytest.mark.parametrize("expression", ["(o+o+)+y", "(.|o)*y"])
def test_an_expression_that_never_ends(trained, tmp_path, monkeypatch, capsys, expression):
    (tmp_path / "long.txt").write_text(TEXT.replace("come", "o" * 60).replace(" ", "é") * 20)
    monkeypatch.setattr(expression_spans, "LONGEST_SEARCH_SECONDS", 1.0)
    command = ["inspect", trained, tmp_path / "long.txt", "--out", tmp_path, "--unknown", "skip"]
    assert run(monkeypatch, *command, "--feature", f"all={expression}") == 2
    said = capsys.readouterr().err
    assert "the feature all is no regular expression that can be used" in said
    assert "takes more than 1 seconds" in said


def test_commands_that_are_shown_can_be_typed(tmp_path, monkeypatch, capsys):
    """A path with a space and a quote in it, in what `train` and `sample` say to type next."""
    out = tmp_path / "a person's run"
    (tmp_path / "text.txt").write_text(TEXT)
    assert run(monkeypatch, "train", tmp_path / "text.txt", "--out", out, "--steps", 3, *SMALL.split()) == 0
    shown = capsys.readouterr().err.splitlines()
    typed = [shlex.split(line.removeprefix("next:")) for line in shown[-2:]]
    assert typed[0] == ["charlstm", "sample", str(out)]
    assert typed[1][:3] == ["charlstm", "inspect", str(out)]
    assert run(monkeypatch, "sample", out, "--hold", "0:1=on") == 2
    advice = capsys.readouterr().err.split("`")[1]
    assert shlex.split(advice)[:3] == ["charlstm", "inspect", str(out)]
