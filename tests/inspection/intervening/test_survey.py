"""A survey equals what a plain run of the network gives: states, spreads, means by state and character."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from intervention_fixture import (
    BRACKETS,
    COLUMN,
    QUOTES,
    TOGGLES,
    behaviour,
    network,
    run_by_itself,
    split_of,
    tidy_passage,
)
from numpy.typing import NDArray
from written_text import SYMBOLS, written

from charlstm.config import ModelConfig
from charlstm.inspection.exam.planted_cells import depth_counter, line_counter, toggle
from charlstm.inspection.intervening.survey import Survey, similar_cells, survey_text
from charlstm.inspection.reading.passage import passage_of
from charlstm.inspection.reading.trace import WARMUP
from charlstm.model.char_lstm import CharLSTM

# What a counter adds up in float32 depends on the order of the additions.
CLOSE = {"rtol": 1e-3, "atol": 1e-3}
PLANTED = [toggle('"'), depth_counter("[", "]"), line_counter("\n")]


class Surveyed(NamedTuple):
    """A survey of planted cells, and c (characters, cells) of all characters by a run of the model."""

    model: CharLSTM
    survey: Survey
    c: NDArray[np.float64]


@pytest.fixture(scope="module")
def surveyed() -> Surveyed:
    model, passage = network(PLANTED), tidy_passage()
    thresholds = torch.full((1, model.config.cells), 0.106, dtype=torch.float64)
    behaviours = [behaviour(QUOTES), behaviour(BRACKETS), behaviour(COLUMN)]
    survey = survey_text(model, passage, behaviours, thresholds, np.array([700, 201, 5_999, 201]))
    return Surveyed(model, survey, run_by_itself(model, passage).c)


def test_the_state_before_a_position_is_that_of_its_stretch_read_so_far() -> None:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=5, layers=2, embedding=4)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False).eval()
    passage = passage_of(split_of(written(6_000, seed=2), [COLUMN], streams=3), [COLUMN])
    length = passage.cut.length
    wanted = np.array([1, 2 * length - 1, 681, 682, 683, length + 5, 5_999, 682])
    survey = survey_text(model, passage, [], torch.zeros(2, 5, dtype=torch.float64), wanted)
    asked = np.array([5_999, 1, 682, length + 5, 682])
    found = survey.states_before(asked)
    for place, position in enumerate(asked.tolist()):
        start = position // length * length
        text = torch.from_numpy(passage.ids[start:position].astype(np.int64))[None]
        _, state = model(text, model.initial_state(1))
        torch.testing.assert_close(found.h[:, place], state.h[:, 0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(found.c[:, place], state.c[:, 0], atol=1e-5, rtol=1e-5)


def test_spreads_are_those_of_all_characters(surveyed: Surveyed) -> None:
    survey, c = surveyed.survey, surveyed.c
    np.testing.assert_allclose(survey.deviation[0], c.std(0), **CLOSE)
    np.testing.assert_allclose(survey.covariance[0], np.cov(c.T, bias=True), **CLOSE)
    streams = tidy_passage().cut.streams
    above = c.reshape(streams, -1, c.shape[1]) > 0.106
    flips = (above[:, 1:] != above[:, :-1]).sum((0, 1)) / len(c)
    blocks = len(c) // 2048 + 1
    assert (survey.flip_rate[0].numpy() <= flips + 1e-9).all()
    assert (survey.flip_rate[0].numpy() >= flips - blocks * streams / len(c)).all(), "but between blocks"
    assert survey.output_gate[0, :3].numpy() == pytest.approx(1, abs=1e-4), "planted cells keep theirs open"
    assert 0.2 < float(survey.output_gate[0, 3:].mean()) < 0.8


@pytest.mark.parametrize("name", [QUOTES, BRACKETS, COLUMN])
def test_the_mean_in_the_other_state_is_told_apart_by_the_current_character(
    surveyed: Surveyed, name: str
) -> None:
    passage, other = tidy_passage(), behaviour(name).in_other_state
    counted = np.zeros(len(passage.text), bool)
    counted[passage.cut.counted] = True
    means = surveyed.survey.other_means[name][:, 0].numpy()
    assert means.shape == (len(SYMBOLS), surveyed.c.shape[1])
    characters = np.array(list(passage.text))
    compared = 0
    for symbol, mean in zip(SYMBOLS, means, strict=True):
        here = counted & other & (characters == symbol)
        overall = surveyed.c[counted & other].mean(0)
        np.testing.assert_allclose(mean, surveyed.c[here].mean(0) if here.any() else overall, **CLOSE)
        compared += bool(here.any())
    assert compared > 8
    gap = surveyed.c[counted & other].mean(0) - surveyed.c[counted & ~other].mean(0)
    np.testing.assert_allclose(surveyed.survey.gaps[name][0], gap, **CLOSE)


def test_a_character_that_never_occurs_in_the_other_state_gets_the_mean_over_all(surveyed: Surveyed) -> None:
    passage, other = tidy_passage(), behaviour(BRACKETS).in_other_state
    opener = SYMBOLS.index("[")
    assert not (other & (passage.ids == opener)).any(), "behind an opener a bracket is open"
    counted = passage.cut.counted
    overall = surveyed.c[counted[other[counted]]].mean(0)
    np.testing.assert_allclose(surveyed.survey.other_means[BRACKETS][opener, 0], overall, **CLOSE)


def test_warmed_up_positions_alone_count_for_means() -> None:
    assert WARMUP == 200
    passage = tidy_passage()
    first = passage.cut.starts + WARMUP
    assert np.isin(first, passage.cut.counted).all()


def test_the_best_direction_reads_the_cell_that_follows_the_feature(surveyed: Surveyed) -> None:
    reader, step = surveyed.survey.direction(QUOTES, 0)
    assert int((reader.abs() * surveyed.survey.deviation[0]).argmax()) == 0
    assert float(reader @ step) == pytest.approx(1, abs=1e-6)
    # The feature is off where c of the toggle is -1: by the reader the two states are far apart.
    projected, other = surveyed.c @ reader.numpy(), behaviour(QUOTES).in_other_state
    counted = tidy_passage().cut.counted
    is_other = other[counted]
    on, off = projected[counted][~is_other], projected[counted][is_other]
    distance = off.mean() - on.mean()
    assert distance > 0
    assert float(step[0]) < 0
    assert distance > 3 * max(on.std(), off.std())


def test_similar_cells_are_all_other_cells_and_equal_ones_come_first() -> None:
    model = network([*TOGGLES, line_counter("\n"), toggle('"').read('"', 3)])
    thresholds = torch.zeros(1, model.config.cells, dtype=torch.float64)
    survey = survey_text(model, tidy_passage(), [behaviour(QUOTES)], thresholds, np.array([700]))
    order = similar_cells(model, survey, 0, 0)
    assert sorted([0, *order]) == list(range(model.config.cells))
    assert order[0] == 3, "it is planted alike"
    assert order[1] == 1, "only its outgoing weights differ"
