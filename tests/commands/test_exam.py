"""`charlstm exam` as a person types it, with an exam that is over at once."""

import json

import pytest
from command_line import run

from charlstm.inspection.exam import marking


@pytest.fixture
def short_exam(monkeypatch) -> list[tuple[int, int, int]]:
    """Replace the exam by one that records what was asked for."""
    asked = []

    def run_exam(networks, untrained, *, seed):
        asked.append((networks, untrained, seed))
        yield marking.ExamProgress(1.0)
        mark = marking.ExamScore(
            name="toggle", asked=2, found=1, precision=1.0, recall=0.5, drivers=1.0, verdicts=None
        )
        yield marking.ExamResult(networks, seed, [mark], [], None, [0, 1])

    monkeypatch.setattr(marking, "run_exam", run_exam)
    return asked


def test_the_marks_are_a_table(short_exam, monkeypatch, capsys):
    assert run(monkeypatch, "exam", "--networks", 3, "--untrained", 2, "--seed", 7, "--quiet") == 0
    shown = capsys.readouterr().out
    assert short_exam == [(3, 2, 7)]
    assert "toggle" in shown
    assert "no finding in 1 of 2 untrained networks" in shown


def test_the_marks_are_one_json_document(short_exam, monkeypatch, capsys):
    assert run(monkeypatch, "exam", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["hard"][0]["recall"], document["untrained"]) == (0.5, [0, 1])
