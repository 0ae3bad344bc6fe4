"""A command names options where the library names parameters."""

import pytest
import typer
from command_line import SMALL, problem_in, run

from charlstm.commands.app import app
from charlstm.commands.options.command import typed_names, with_options
from charlstm.errors import CharLSTMError
from charlstm.session.train import train

NAMES = {
    "level": "--level",
    "newlines": "--newlines",
    "out": "--out",
    "save_every": "charlstm train --save-every",
}


@pytest.mark.parametrize(
    ("advice", "typed"),
    [
        ("lower `level` or `out`", "lower --level or --out"),
        ('read it by `level="bytes"`, or not', "read it by --level bytes, or not"),
        ("read it by `newlines=True`", "read it by --newlines"),
        ("name `out='a b'` or `out=FILE`", "name --out 'a b' or --out FILE"),
        ("train with `save_every`", "train with `charlstm train --save-every`"),
        ("leave `frobnicate` to `charlstm train --out x`", "leave `frobnicate` to `charlstm train --out x`"),
    ],
)
def test_parameters_become_what_is_typed(advice, typed):
    assert with_options(advice, NAMES) == typed


def test_an_option_is_that_of_the_command_itself_or_of_the_first_command_that_has_it():
    commands = typer.main.get_command(app).commands
    names = typed_names(commands["score"], *commands.values())
    assert names["newlines"] == "--newlines"
    assert names["gate_activation"] == "charlstm train --gates"
    assert names["begin_from"] == "charlstm train --from"
    assert names["top_p"] == "charlstm sample --top-p"
    assert "corpus" not in names


@pytest.mark.parametrize(
    ("settings", "options", "in_python", "typed"),
    [
        ({"window": 900}, ["--window", 900], "lower `streams` or `window`", "lower --streams or --window"),
        ({"out": "."}, ["--out", "."], "name a new folder by `out`", "name a new folder by --out"),
    ],
)
def test_one_problem_names_parameters_in_python_and_options_in_a_terminal(
    settings, options, in_python, typed, prose_file, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    place = prose_file.with_name("short.txt")
    place.write_text(prose_file.read_text()[:2_000])
    with pytest.raises(CharLSTMError) as raised:
        train(place, steps=1, **({"out": "new", "cells": 12, "embedding": 6, "streams": 4} | settings))
    assert in_python in str(raised.value)
    assert run(monkeypatch, "train", place, "--out", "new", *SMALL, "--steps", 1, *options) > 0
    assert typed in capsys.readouterr().err


def test_a_problem_with_an_option_of_another_command_names_that_command(
    trained, tmp_path, monkeypatch, capsys
):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 " * 100)
    assert run(monkeypatch, "score", trained, tmp_path / "latin.txt") == 3
    assert "read it by `charlstm train --level bytes`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (
            ["train", "x.txt", "--cells", "-1", "--dropout", "7", "--split", "1/2", "--learning-rate", "abc"],
            [
                "--learning-rate",
                "--cells must be at least 1, not -1",
                "--dropout must be at least 0 and below 1, not 7.0",
                "the split '1/2' is not two or three percentages that sum to 100",
            ],
        ),
        (
            ["train", "x.txt", "--steps", 1, "--minutes", 2, "--layers", 0],
            [
                "--layers must be at least 1, not 0",
                "--minutes and --steps are given together",
            ],
        ),
        (
            ["import", "weights.pt", "--strems", "4", "--gates", "soft"],
            ["No such option: --strems", "Missing option '--out'", "--gates: 'soft' is not one of 'sigmoid'"],
        ),
        (
            ["sample", "run", "--top-k", -3, "--seed", -1, "--temperature", "hot"],
            [
                "--temperature",
                "--top-k must be at least 0, not -3",
                "--seed must be",
            ],
        ),
        (
            ["inspect", "run", "--characters", 0, "--seed", -1],
            ["--characters must be at least 1", "--seed must"],
        ),
        (["train", "x.txt", "--cells"], ["Option '--cells' requires an argument"]),
    ],
)
def test_all_bad_options_are_named_at_once(arguments, problems, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    problem, _ = problem_in(capsys.readouterr().err)
    said = problem.removeprefix("charlstm: ").split("; ")
    assert [part.startswith(begin) for part, begin in zip(said, problems, strict=True)] == [True] * len(
        problems
    )


def test_what_to_do_about_several_options_is_said_of_each(monkeypatch, capsys):
    arguments = ["train", "x.txt", "--steps", 1, "--minutes", 2, "--layers", 0, "--cells", 0, "--split", 1]
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err.endswith(
        "give a value in that range; give one of --minutes, --steps and --epochs; give "
        "train/validation/test such as 90/5/5, or train/validation such as 90/10\n"
    )


def test_an_option_that_cannot_be_read_names_the_help_of_its_command(monkeypatch, capsys):
    assert run(monkeypatch, "score", "run", "--nothing") == 2
    assert capsys.readouterr().err.endswith("see what there is with `charlstm score --help`\n")
