"""An exam that is written can be loaded as runs, tells no answers, and is marked when it comes back."""

import json
from pathlib import Path

import pytest
import torch

from charlstm.checkpoint.loading import load
from charlstm.errors import CheckpointError
from charlstm.inspection.exam import exam_folder
from charlstm.inspection.exam.answer_file import read_answer_file
from charlstm.inspection.exam.exam_folder import QUESTIONS, write_exam
from charlstm.inspection.exam.exam_networks import exam_network
from charlstm.inspection.exam.marking import mark, total_score
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.tasks.score import ScoreRequest, score_run

CHARACTERS = 3_000


@pytest.fixture(autouse=True)
def _short_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(seed: int) -> ExamNetwork:
        return exam_network(seed, characters=CHARACTERS)

    monkeypatch.setattr(exam_folder, "exam_network", short)


def test_each_network_is_a_run_that_can_be_loaded_and_scored_on_its_text(tmp_path: Path) -> None:
    assert list(write_exam(tmp_path, 2, seed=2)) == [0.5, 1.0]
    document = json.loads((tmp_path / QUESTIONS).read_text(encoding="utf-8"))
    assert (document["seed"], document["networks"]) == (2, 2)
    for described in document["runs"]:
        network = exam_network(described["network"], characters=CHARACTERS)
        text = tmp_path / described["text"]
        assert text.read_bytes().decode() == network.text
        checkpoint = load(tmp_path / described["run"])
        assert checkpoint.config.vocabulary.symbols == tuple(network.symbols)
        assert torch.equal(checkpoint.model.head.weight, network.model.head.weight)
        config = checkpoint.model.config
        assert (described["layers"], described["cells"]) == (config.layers, config.cells)
        scored = score_run(ScoreRequest(run=tmp_path / described["run"], corpus=str(text)))
        assert 1 < scored.bits_per_character < 6


def test_the_questions_tell_no_answers(tmp_path: Path) -> None:
    list(write_exam(tmp_path, 1, seed=2))
    described = json.loads((tmp_path / QUESTIONS).read_text(encoding="utf-8"))["runs"]
    assert set(described[0]) == {"network", "run", "text", "characters", "layers", "cells"}


def test_a_folder_with_an_exam_is_left_as_it_is(tmp_path: Path) -> None:
    list(write_exam(tmp_path, 1, seed=2))
    with pytest.raises(CheckpointError, match="holds a run already"):
        list(write_exam(tmp_path, 1, seed=2))


def test_who_knows_all_answers_has_full_marks(tmp_path: Path) -> None:
    network = exam_network(1, characters=CHARACTERS)
    cells = network.model.config.cells
    answers = [
        {
            "network": 1,
            "cell": f"{cell // cells}:{cell % cells}",
            "kind": question.kind,
            "drivers": question.drivers,
            "verdict": question.verdict,
            "share": question.share,
        }
        for question, cell in zip(network.questions, network.cells, strict=True)
        if question.kind
    ]
    place = tmp_path / "answers.json"
    place.write_text(json.dumps({"format": 1, "method": "all", "seed": 1, "networks": 1, "answers": answers}))
    total = total_score("all", mark(network, read_answer_file(place).about(network, 1)))
    assert total.asked == total.found == len(answers)
    assert (total.precision, total.recall, total.drivers, total.verdicts, total.shares) == (1.0,) * 5
