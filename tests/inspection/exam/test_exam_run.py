"""An exam reads consecutive networks, marks each method, and separates hard cells from soft ones."""

import pytest
from answers_of_methods import answer

from charlstm.inspection.exam import exam_run
from charlstm.inspection.exam.exam_run import (
    ExamProgress,
    ExamResult,
    count_findings_in_untrained,
    run_exam,
)
from charlstm.inspection.exam.marking import Answer


def test_there_is_no_finding_in_an_untrained_network() -> None:
    assert count_findings_in_untrained(1000) == 0


@pytest.fixture
def quick_exam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a network be its seed, and an answer to it be the name of the method and the seed."""

    def marked(network: int, answers: tuple[str, int]) -> list[Answer]:
        method, seed = answers
        assert network == seed
        found = "toggle" if method == exam_run.INSPECTION else None
        return [
            answer(hard=seed % 2 == 0, found=found, drivers_right=found is not None),
            answer(
                label="twin", wanted_verdicts=("correlate",), verdict="correlate" if seed < 7 else "verified"
            ),
        ]

    monkeypatch.setattr(exam_run, "exam_network", lambda seed: seed)
    monkeypatch.setattr(exam_run, "mark", marked)
    monkeypatch.setattr(exam_run, "inspection_answers", lambda network, seed: (exam_run.INSPECTION, seed))
    monkeypatch.setattr(exam_run, "count_findings_in_untrained", lambda seed: 10 * seed)


def test_an_exam_reads_consecutive_seeds_and_separates_hard_cells_from_soft_ones(quick_exam: None) -> None:
    *progress, result = run_exam(3, 2, seed=5, others={})
    assert progress == [ExamProgress(pytest.approx(number / 5)) for number in range(1, 6)]
    assert isinstance(result, ExamResult)
    assert (result.networks, result.seed, result.untrained) == (3, 5, [50, 60])
    assert result.twins == pytest.approx(2 / 3)
    assert [(score.name, score.asked) for score in result.soft] == [("toggle", 2), ("toggle", 2)]
    assert [(score.name, score.asked) for score in result.hard] == [("toggle", 4), ("toggle", 1), ("twin", 3)]


def test_every_method_is_marked_on_every_network(quick_exam: None) -> None:
    *_, result = run_exam(3, 0, seed=5, others={"nobody": lambda network, seed: ("nobody", seed)})
    assert isinstance(result, ExamResult)
    inspection, nobody = result.methods
    assert (inspection.name, inspection.hard.recall, inspection.soft.recall) == ("inspection", 1.0, 1.0)
    assert (nobody.name, nobody.hard.recall, nobody.soft.recall) == ("nobody", 0.75, 0.0)
