"""The command line as a whole: its help, and how its problems end."""

import os
import subprocess
import sys
import time

import pytest
from command_line import run

from charlstm.commands import exits
from charlstm.errors import (
    CharLSTMError,
    CheckpointError,
    CorpusError,
    DeviceError,
    DivergedError,
    ProcessError,
    UsageError,
)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["train"], 2, "CORPUS"),
        (["train", "nowhere.txt", "--steps", "1"], 3, "nowhere.txt"),
        (["train", "grammar:poems", "--steps", "1"], 3, "grammar:records"),
        (["train", "grammar:quotes:many", "--steps", "1"], 3, "quotes, brackets, records, indent"),
        (["train", "stdlib", "--steps", "1", "--minutes", "1"], 2, "minutes"),
        (["train", "stdlib", "--cells", "many"], 2, "--cells"),
        (["train", "stdlib", "--split", "50/60"], 2, "50/60"),
        (["train", "stdlib", "--device", "tpu"], 5, "tpu"),
        (["inspect", "no-such-run", "--device", "tpu"], 5, "tpu"),
        (["sample", "nowhere"], 4, "nowhere"),
        (["sample", "nowhere", "--temperature", "-1"], 2, "temperature"),
        (["score", "nowhere"], 4, "nowhere"),
        (["inspect", "nowhere"], 4, "nowhere"),
        (["report", "nowhere.json"], 2, "nowhere.json"),
        (["dance"], 2, "dance"),
    ],
)
def test_a_problem_ends_with_its_exit_code_and_names_what_is_wrong(
    arguments, code, word, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert word in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (DivergedError, 2),
        (CorpusError, 3),
        (CheckpointError, 4),
        (DeviceError, 5),
        (ProcessError, 6),
        (CharLSTMError, 1),
    ],
)
def test_every_kind_of_problem_has_its_exit_code(kind, code):
    assert exits.exit_code(kind("fact", "advice")) == code


def test_ctrl_c_while_scoring_ends_with_130(trained, monkeypatch, capsys):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("charlstm.tasks.score.score_run", interrupted)
    assert run(monkeypatch, "score", trained) == 130


def test_the_help_is_quick_and_fits_80_columns():
    environment = os.environ | {"COLUMNS": "80"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "charlstm", "--help"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert time.perf_counter() - started < 3  # generous: the tests of a busy machine; it takes 0.15 s
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "..." not in done.stdout.partition("Commands:")[2], "a command's line is cut"
