"""`charlstm exam` as a person types it, with an exam that is over at once."""

import json

import pytest
from command_line import run

from charlstm.inspection.exam import exam_folder, exam_run
from charlstm.inspection.exam.exam_run import MethodMarks
from charlstm.inspection.exam.marking import ExamScore
from charlstm.inspection.exam.rivals.sitting import RIVALS

ANSWERS = {"format": 1, "method": "mine", "seed": 40, "networks": 3, "answers": []}


@pytest.fixture
def short_exam(monkeypatch) -> list[tuple[int, int, int, list[str]]]:
    """Replace the exam by one that records what was asked for."""
    asked = []

    def run_exam(networks, untrained, *, seed, others):
        asked.append((networks, untrained, seed, list(others)))
        yield exam_run.ExamProgress(1.0)
        mark = ExamScore("toggle", 2, 1, precision=1.0, recall=0.5, drivers=1.0, verdicts=None)
        methods = [MethodMarks(name, mark, mark) for name in ("inspection", *others)]
        yield exam_run.ExamResult(networks, seed, [mark], [], None, [0, 1], methods)

    monkeypatch.setattr(exam_run, "run_exam", run_exam)
    return asked


def test_the_marks_are_a_table_with_a_row_for_each_rival(short_exam, monkeypatch, capsys):
    assert run(monkeypatch, "exam", "--networks", 3, "--untrained", 2, "--seed", 7, "--quiet") == 0
    shown = capsys.readouterr().out
    assert short_exam == [(3, 2, 7, list(RIVALS))]
    assert "toggle" in shown
    assert all(name in shown for name in RIVALS)
    assert "no finding in 1 of 2 untrained networks" in shown


def test_the_marks_are_one_json_document(short_exam, monkeypatch, capsys):
    assert run(monkeypatch, "exam", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["hard"][0]["recall"], document["untrained"]) == (0.5, [0, 1])
    assert [method["name"] for method in document["methods"]] == ["inspection", *RIVALS]
    assert short_exam[0][:3] == (100, 20, 0)


def test_answers_of_another_method_are_marked_on_the_networks_that_they_are_about(
    short_exam, monkeypatch, capsys, tmp_path
):
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(ANSWERS))
    assert run(monkeypatch, "exam", "--answers", file, "--untrained", 0) == 0
    assert short_exam == [(3, 0, 40, [*RIVALS, "mine"])]
    assert "mine" in capsys.readouterr().out


def test_answers_and_networks_of_ones_own_exclude_each_other(short_exam, monkeypatch, capsys, tmp_path):
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(ANSWERS))
    assert run(monkeypatch, "exam", "--answers", file, "--seed", 3) == 2
    assert "--answers already names its networks" in capsys.readouterr().err
    assert short_exam == []


@pytest.mark.parametrize("name", ["inspection", "highest |r|"])
def test_a_method_may_not_have_the_name_of_another(name, short_exam, monkeypatch, capsys, tmp_path):
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(ANSWERS | {"method": name}))
    assert run(monkeypatch, "exam", "--answers", file) == 2
    assert f"{name!r} is the name of another method" in capsys.readouterr().err


def test_an_exam_is_written_for_others(monkeypatch, capsys, tmp_path):
    asked = []

    def write_exam(folder, networks, *, seed):
        asked.append((folder, networks, seed))
        yield 1.0

    monkeypatch.setattr(exam_folder, "write_exam", write_exam)
    assert run(monkeypatch, "exam", "--write", tmp_path, "--networks", 4, "--seed", 5, "--quiet") == 0
    assert asked == [(tmp_path, 4, 5)]
    assert capsys.readouterr().out == f"{tmp_path / 'questions.json'}\n"
