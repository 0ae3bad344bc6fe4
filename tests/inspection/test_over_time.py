"""The found cells at earlier points of a training: not there before it, and as found at its end."""

import base64
import zlib

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.inspection.exam.planted_cells import plant, toggle
from charlstm.inspection.over_time import Moment, read_over_time
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.study import Study, study
from charlstm.inspection.twins import untrained_twin
from charlstm.model.char_lstm import CharLSTM


@pytest.fixture(scope="module")
def model() -> CharLSTM:
    """A network with a toggle that the head reads."""
    drawn = torch.Generator().manual_seed(0)
    return plant([toggle('"').read('"', 4.0)], SYMBOLS, idle=6, generator=drawn).requires_grad_(False)


@pytest.fixture(scope="module")
def studied(model: CharLSTM) -> Study:
    text = read_text(ids_of(written(70_000, seed=1)), SYMBOLS, 8)
    return study(model, text, InspectionConfig(interventions=1))


def test_a_toggle_appears_between_the_moments_without_it_and_with_it(model: CharLSTM, studied: Study) -> None:
    before = untrained_twin(model, torch.Generator().manual_seed(3))
    stages: list[tuple[str, float]] = []
    read = read_over_time(
        [Moment(0, 0, lambda: before), Moment(50, 800, lambda: model)],
        studied,
        lambda stage, done: stages.append((stage, done)),
    )
    assert stages == [("step 0", 0.0), ("step 50", 0.5)]
    assert (read["steps"], read["characters"]) == ([0, 50], [0, 800])
    (cell,) = read["cells"]
    assert (cell["layer"], cell["cell"]) == (0, 0)
    assert abs(cell["score"][0]) < 0.4 < 0.9 < cell["score"][1]
    assert cell["two_levels"] == [False, True]
    assert abs(cell["effect"][0]["value"]) < 0.1
    assert cell["effect"][1]["high"] < -0.5
    assert cell["input_gate"][1]["at_drivers"] > 0.9 > 0.2 > cell["input_gate"][1]["elsewhere"]
    assert read["closers"][cell["feature"]][1] > read["closers"][cell["feature"]][0]


def test_the_text_over_time_has_the_toggle_off_at_first_and_with_its_feature_at_the_end(
    model: CharLSTM, studied: Study
) -> None:
    before = untrained_twin(model, torch.Generator().manual_seed(3))
    moments = [Moment(0, 0, lambda: before), Moment(50, 800, lambda: model)]
    excerpt = read_over_time(moments, studied)["excerpt"]
    steps = np.frombuffer(zlib.decompress(base64.b64decode(excerpt["tanh_c"])), np.uint8)
    first, last = steps.reshape(2, -1).cumsum(axis=1, dtype=np.uint8).view(np.int8) / 127
    assert excerpt["cells"] == ["0:0"]
    (inside,) = excerpt["features"].values()
    assert excerpt["text"] == written(70_000, seed=1)[excerpt["start"] :][: len(inside)]
    assert abs(np.corrcoef(last, inside)[0, 1]) > 0.95 > 0.4 > abs(np.corrcoef(first, inside)[0, 1])


def test_the_last_moment_has_the_numbers_of_the_study(model: CharLSTM, studied: Study) -> None:
    (cell,) = read_over_time([Moment(1, 16, lambda: model)], studied)["cells"]
    (pair,) = studied.confirmed_pairs
    held_out = studied.found.confirmation.equal_share[pair.index] * studied.found.pairs.signs[pair.index]
    assert cell["score"] == [pytest.approx(float(held_out), abs=1e-9)]
    assert pair.proof.causal is not None
    assert cell["effect"][0]["value"] == pytest.approx(pair.proof.causal["effect_nats"], abs=1e-6)


def test_without_moments_there_is_nothing_to_tell(studied: Study) -> None:
    assert read_over_time([], studied) == {}
