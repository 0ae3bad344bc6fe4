"""The finder sits a few papers of its own exam."""

import pytest

from charlstm.inspection.exam.marking import Answer, mark, marks, twins_apart, untrained_findings
from charlstm.inspection.exam.questions import set_paper

CHARACTERS = 60_000


@pytest.mark.parametrize("seed", [1002, 1003])
def test_hard_papers_get_full_marks(seed: int) -> None:
    paper = set_paper(seed, characters=CHARACTERS)
    assert paper.hard
    answers = mark(paper, seed=seed)
    asked = [a for a in answers if not (a.tolerated and a.found in (None, a.wanted))]
    wrong = [a for a in asked if a.found != a.wanted or (a.wanted and not a.drivers_right)]
    assert wrong == []
    assert sum(a.wanted is not None for a in answers) >= 5


def test_an_untrained_network_gives_no_finding() -> None:
    assert untrained_findings(1000, characters=CHARACTERS) == 0


def answer(**changes: object) -> Answer:
    plain = {"label": "toggle", "wanted": "toggle", "found": "toggle", "drivers_right": True}
    verdicts = {"wanted_verdict": "verified", "verdict": "verified", "tolerated": False, "hard": True}
    return Answer(**{**plain, **verdicts, **changes})


def test_marks_count_what_is_missed_misnamed_and_made_up() -> None:
    answers = [
        answer(),
        answer(drivers_right=False, verdict="correlate"),
        answer(found=None, drivers_right=False, verdict=None),
        answer(label="nothing", wanted=None, found="toggle", wanted_verdict=None),
        answer(label="word counter", wanted="counter", found="counter", tolerated=True),
    ]
    kind, design = marks(answers)
    assert (kind.name, kind.asked, kind.found) == ("toggle", 3, 2)
    assert (kind.precision, kind.recall, kind.drivers, kind.verdicts) == pytest.approx(
        (2 / 3, 2 / 3, 0.5, 0.5)
    )
    assert (design.name, design.recall, design.precision) == ("toggle", 2 / 3, None)


def test_twins_are_apart_when_the_unread_one_is_found_and_not_verified() -> None:
    assert twins_apart([answer()]) is None
    assert twins_apart([answer(label="twin", verdict="correlate")])
    assert not twins_apart([answer(label="twin")])
    assert not twins_apart([answer(label="twin", found=None, verdict=None)])
