"""Detection from calibration to confirmation on a network whose cells are planted."""

import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.inspection.detecting import detect as module
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.detecting.scores.shifts import LEAST_SHIFT_CHARACTERS
from charlstm.inspection.exam.planted_cells import character_detector, latch, line_counter, plant, toggle
from charlstm.inspection.reading.inspected_text import InspectedText, read_text
from charlstm.model.char_lstm import CharLSTM

STAGES = ["calibration", "movements", "untrained scores", "discovery", "confirmation"]


@pytest.fixture(scope="module")
def text() -> InspectedText:
    return read_text(ids_of(written(40_000, seed=1)), SYMBOLS, 8)


def planted() -> CharLSTM:
    cells = [toggle('"'), latch("(", ")"), line_counter("\n"), character_detector("[")]
    return plant(cells, SYMBOLS, idle=4, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def stages() -> list[tuple[str, float]]:
    """What the progress reports: each stage and the share of the work before it."""
    return []


@pytest.fixture(scope="module")
def detected(text: InspectedText, stages: list[tuple[str, float]]) -> Detected:
    return detect(
        planted(),
        text,
        InspectionConfig(seed=0),
        progress=lambda stage, done: stages.append((stage, done)),
    )


def test_planted_cells_are_findings_with_the_features_that_they_follow(detected: Detected) -> None:
    found = detected.is_finding.nonzero().flatten()
    features = [detected.text.table.features[place] for place in detected.pairs.features[found].tolist()]
    assert detected.pairs.cells[found].tolist() == [0, 1, 2], (
        "neither the character detector nor an idle cell"
    )
    assert detected.pairs.cell_count == 3
    assert [feature.kind for feature in features] == ["switch", "switch", "counter"]
    assert features[0].drivers == {"set": ['"'], "reset": ['"']}
    assert features[2].name == "column"
    assert detected.pseudo_found == 0
    assert detected.pseudo_confirmed == 0
    assert detected.shortest_shift >= LEAST_SHIFT_CHARACTERS
    assert 0 < detected.independent_shifts <= 99
    assert detected.two_levels[found].tolist() == [True, True, False], "a counter has no two levels"


def test_nothing_depends_on_the_seed(text: InspectedText, detected: Detected) -> None:
    again = detect(planted(), text, InspectionConfig(seed=7))
    assert again.untrained.tolist() == detected.untrained.tolist()
    assert again.discovery.by_chance.null.tolist() == detected.discovery.by_chance.null.tolist()
    assert again.confirmation.equal_share.tolist() == detected.confirmation.equal_share.tolist()


@pytest.mark.parametrize(("stage", "place", "number"), [("discover", 3, 0), ("confirm", 4, 1)])
def test_each_stage_is_held_against_the_shifts_of_its_own_split(
    text: InspectedText,
    detected: Detected,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    place: int,
    number: int,
) -> None:
    original, given = getattr(module, stage), []

    def watched(*arguments):
        given.append(arguments[place].tolist())
        return original(*arguments)

    monkeypatch.setattr(module, stage, watched)
    detect(planted(), text, InspectionConfig(seed=0))
    assert given == [detected.shifts[number].values.tolist()]
    assert given != [detected.shifts[1 - number].values.tolist()]


def test_features_that_cells_propose_stand_behind_the_listed_ones(
    text: InspectedText, detected: Detected
) -> None:
    names = detected.text.table.names
    assert names[: len(text.table.names)] == text.table.names
    assert "after_left_parenthesis_until_right_parenthesis" in names[len(text.table.names) :]
    for columns in (detected.untrained, detected.discovery.scores.correlation[0]):
        assert len(columns) == len(names)


def test_the_stages_report_rising_shares_of_the_work(
    detected: Detected, stages: list[tuple[str, float]]
) -> None:
    assert [stage for stage, _ in stages] == STAGES
    shares = [share for _, share in stages]
    assert shares[0] == 0
    assert shares == sorted(set(shares))
    assert shares[-1] < 1
