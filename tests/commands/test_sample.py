"""`charlstm sample` as a person types it."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from command_line import run


def test_the_same_seed_draws_the_same_text_and_only_the_text_is_on_stdout(trained, monkeypatch, capsys):
    texts = []
    for _ in range(2):
        assert run(monkeypatch, "sample", trained, "--prompt", "He ", "--length", 50) == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        texts.append(shown.out)
    assert texts[0] == texts[1]
    assert texts[0].startswith("He ")
    assert len(texts[0]) == len("He ") + 50 + 1


def test_sample_prints_several_texts_and_json(trained, monkeypatch, capsys):
    assert run(monkeypatch, "sample", trained, "--count", 3, "--length", 20) == 0
    assert "--- 3 ---" in capsys.readouterr().out
    assert run(monkeypatch, "sample", trained, "--count", 3, "--length", 20, "--json") == 0
    assert [len(text) for text in json.loads(capsys.readouterr().out)["samples"]] == [20, 20, 20]


def test_sample_draws_with_bfloat16_weights(trained, monkeypatch, capsys):
    assert run(monkeypatch, "sample", trained, "--count", 2, "--length", 20, "--precision", "bfloat16") == 0
    assert "--- 2 ---" in capsys.readouterr().out
    assert run(monkeypatch, "sample", trained, "--length", 20, "--precision", "bfloat16") == 0
    assert len(capsys.readouterr().out) == 21
    assert run(monkeypatch, "sample", trained, "--precision", "int3") == 2


def test_a_cell_can_be_held_at_a_cell_state(trained, monkeypatch, capsys):
    command = ["sample", trained, "--length", 60, "--count", 2, "--json"]
    assert run(monkeypatch, *command) == 0
    plain = json.loads(capsys.readouterr().out)
    assert run(monkeypatch, *command, "--hold", "0:3=9", "--hold", "0:5=-4@20") == 0
    held = json.loads(capsys.readouterr().out)
    assert plain["hold"] == []
    assert held["hold"] == [
        {"layer": 0, "cell": 3, "value": 9.0, "start": 0},
        {"layer": 0, "cell": 5, "value": -4.0, "start": 20},
    ]
    assert held["samples"] != plain["samples"]
    assert run(monkeypatch, *command, "--hold", "0:3=9@20") == 0
    later = json.loads(capsys.readouterr().out)["samples"]
    assert [text[:20] for text in later] == [text[:20] for text in plain["samples"]]
    assert later != plain["samples"]


def test_a_cell_can_be_held_on_or_off_after_an_inspection(trained, monkeypatch, capsys):
    levels = ({"on": 1.75, "off": -0.25}, None)
    findings = [
        SimpleNamespace(layer=0, cell=number, detection=SimpleNamespace(levels=each))
        for number, each in enumerate(levels)
    ]
    (trained / "findings.json").touch()
    monkeypatch.setattr(
        "charlstm.tasks.sample.Findings.load_from", lambda folder: SimpleNamespace(findings=findings)
    )
    command = ["sample", trained, "--length", 9, "--json"]
    assert run(monkeypatch, *command, "--hold", "0:0=on", "--hold", "0:0=off@4") == 0
    holds = json.loads(capsys.readouterr().out)["hold"]
    assert [(hold["value"], hold["start"]) for hold in holds] == [(1.75, 0), (-0.25, 4)]
    assert run(monkeypatch, *command, "--hold", "0:1=on") == 2
    said = capsys.readouterr().err
    assert "says it of 0:0" in said
    assert "charlstm inspect" not in said, "it would say nothing new"


@pytest.mark.parametrize(
    ("hold", "words"),
    [
        ("0:3=on", ["there is no", "charlstm inspect", "0:3=1.5"]),
        ("0:12=on", ["no cell 0:12", "layer 0 is the only one", "cell from 0 to 11"]),
        ("1:3=2", ["no cell 1:3", "layer 0 is the only one", "cell from 0 to 11"]),
        ("0:-1=off", ["no cell 0:-1", "cell from 0 to 11"]),
        ("0:3=inf", ["finite, not inf"]),
        ("0:3=1@-1", ["at least 0, not -1"]),
        ("cell 3", ["LAYER:CELL=VALUE[@FROM]"]),
    ],
)
def test_holds_that_make_no_sense_are_refused(trained, monkeypatch, capsys, hold, words):
    assert run(monkeypatch, "sample", trained, "--hold", hold) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(word in shown.err for word in words), shown.err


def test_a_prompt_with_an_unknown_character_is_refused_or_replaced(trained, monkeypatch, capsys):
    assert run(monkeypatch, "sample", trained, "--prompt", "é") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "U+00E9" in shown.err
    assert run(monkeypatch, "sample", trained, "--prompt", "é", "--unknown", "skip", "--length", 5) == 0


def test_a_reader_that_closes_the_pipe_ends_the_command_quietly(trained):
    command = f"{sys.executable} -m charlstm sample {trained} --length 100000 | head -c 20"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=os.environ
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("compiling loops")]
    assert said == []
    assert done.returncode == 0


@pytest.mark.parametrize("stop", [r"\n", "\n"])
def test_a_text_ends_at_a_line_break_that_was_typed_as_people_write_it(trained, monkeypatch, capsys, stop):
    command = ["sample", trained, "--length", 3000, "--temperature", 1.5, "--stop", stop, "--json"]
    assert run(monkeypatch, *command) == 0
    (text,) = json.loads(capsys.readouterr().out)["samples"]
    assert text.count("\n") == 1
    assert text.endswith("\n")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_first_of_several_texts_is_the_one_that_is_drawn_alone(trained, monkeypatch, capsys, precision):
    samples = {}
    for count in (1, 2, 3, 9):
        command = ["sample", trained, "--seed", 1, "--count", count, "--length", 300, "--json"]
        assert run(monkeypatch, *command, "--precision", precision) == 0
        samples[count] = json.loads(capsys.readouterr().out)["samples"]
    assert samples[3][:1] == samples[1]
    assert samples[9][:3] == samples[3]
    assert samples[3][:2] == samples[2]
    assert len(set(samples[9])) == 9
