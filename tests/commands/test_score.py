"""`charlstm score` as a person types it."""

import json

import pytest
from command_line import run


def test_score_prints_bits_of_a_text_or_a_part_of_it(trained, prose_file, monkeypatch, capsys):
    assert run(monkeypatch, "score", trained, prose_file) == 0
    assert "bits per character" in capsys.readouterr().out
    assert run(monkeypatch, "score", trained, "--json", "--part", "validation", "--split", "60/20/20") == 0
    assert (
        run(monkeypatch, "score", trained, "--json", "--part", "validation") == 0
    )  # the run's own, 80/10/10
    other, document = map(json.loads, capsys.readouterr().out.splitlines())
    assert other["characters"] > document["characters"]
    assert run(monkeypatch, "score", trained, prose_file, "--json", "--part", "validation") == 0
    assert json.loads(capsys.readouterr().out)["characters"] == document["characters"]  # it is the same text
    evaluations = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    best = min(
        line["validation_bits_per_character"]
        for line in evaluations
        if "validation_bits_per_character" in line
    )
    assert document["bits_per_character"] == pytest.approx(best, abs=1e-4)
    assert len(document["sha256"]) == 64


def test_score_says_that_the_runs_text_has_changed(trained, prose_file, monkeypatch, capsys):
    assert run(monkeypatch, "score", trained) == 0
    assert "has changed" not in capsys.readouterr().err
    prose_file.write_text("\N{SNOWMAN}" + prose_file.read_text())
    assert run(monkeypatch, "score", trained) == 0
    assert "the run's text has changed since it was trained" in capsys.readouterr().err
    assert run(monkeypatch, "score", trained, prose_file) == 3, "a text that was named is taken at its word"


def test_score_with_dynamic_evaluation(trained, prose_file, monkeypatch, capsys):
    bits = []
    for options in ([], ["--dynamic"]):
        assert run(monkeypatch, "score", trained, prose_file, "--json", *options) == 0
        bits.append(json.loads(capsys.readouterr().out)["bits_per_character"])
    assert bits[1] < bits[0]


def test_score_lists_the_bits_of_each_character(trained, tmp_path, monkeypatch, capsys):
    (tmp_path / "short.txt").write_text("He said\n")
    assert run(monkeypatch, "score", trained, tmp_path / "short.txt", "--per-character") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[1] for row in rows] == ["e", " ", "s", "a", "i", "d", "\\n"]
    assert run(monkeypatch, "score", trained, tmp_path / "short.txt", "--per-character", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["per_character"][0] == pytest.approx(float(rows[0][2]), abs=1e-4)
    assert sum(document["per_character"]) / 7 == pytest.approx(document["bits_per_character"])
