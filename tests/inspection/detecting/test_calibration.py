"""The mean, the threshold and the share of variance between the levels of every cell, against numpy."""

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.detecting.calibration import calibrate
from charlstm.inspection.exam.planted_cells import latch, line_counter, plant, toggle
from charlstm.inspection.reading import splits
from charlstm.inspection.reading.splits import Split
from charlstm.model.char_lstm import CharLSTM


@pytest.fixture
def model() -> CharLSTM:
    cells = [toggle('"'), latch("(", ")"), line_counter("\n")]
    return plant(cells, SYMBOLS, idle=2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("most", [150_000, 4_000])
def test_levels_equal_those_by_numpy_in_one_chunk_and_in_several(
    model: CharLSTM, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(splits, "LONGEST_CHUNK_CHARACTERS", most)
    split = Split(ids_of(written(12_000, seed=3)), SYMBOLS, 0, 2)
    calibration = calibrate(model, split)
    c = np.concatenate([block.c.numpy() for chunk in split for block in chunk.blocks(model)]).astype(float)
    assert len(c) == split.rows
    np.testing.assert_allclose(calibration.means, c.mean(0), atol=1e-6)
    np.testing.assert_allclose(calibration.deviations, c.std(0), rtol=1e-4, atol=1e-6)
    thresholds = calibration.thresholds.numpy()
    on = c > thresholds
    share_on = on.mean(0)
    levels = np.array([[c[~on[:, cell], cell].mean(), c[on[:, cell], cell].mean()] for cell in range(5)])
    between = share_on * (1 - share_on) * (levels[:, 1] - levels[:, 0]) ** 2
    of_c = ~calibration.levels.of_tanh.numpy()
    assert of_c.tolist()[:2] == [True, True]
    np.testing.assert_allclose(calibration.level_shares[of_c], (between / c.var(0))[of_c], atol=0.02)


def test_the_threshold_of_a_planted_switch_lies_between_its_two_levels(model: CharLSTM) -> None:
    split = Split(ids_of(written(12_000, seed=3)), SYMBOLS, 0, 2)
    calibration = calibrate(model, split)
    c = torch.cat([block.c for block in split.first.blocks(model)])[:, :2]
    distances = (c - calibration.thresholds[:2]).abs().amin(0)
    assert distances.min() > 0.3, "no position is near the threshold"
    assert calibration.level_shares[:2].min() > 0.9
    assert calibration.level_shares[2] < 0.9, "a counter has no two levels"
