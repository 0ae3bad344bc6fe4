"""How planted cells move at each character, against sums by numpy."""

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.detecting.calibration import calibrate
from charlstm.inspection.detecting.movements import measure_movements
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, plant, toggle
from charlstm.inspection.reading import splits
from charlstm.inspection.reading.splits import Split
from charlstm.model.char_lstm import CharLSTM


@pytest.fixture(scope="module")
def model() -> CharLSTM:
    cells = [toggle('"'), latch("(", ")").negated(), line_counter("\n"), depth_counter("[", "]")]
    return plant(cells, SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))


def text_split() -> Split:
    return Split(ids_of(written(20_000, seed=1)), SYMBOLS, 0, 4)


def test_flips_and_steps_equal_sums_by_numpy(model: CharLSTM) -> None:
    split = text_split()
    calibration = calibrate(model, split)
    movements = measure_movements(model, split, calibration)
    thresholds, means = calibration.thresholds.numpy(), calibration.means.numpy()
    characters = split.first.characters.numpy()
    c, before = np.empty((2, len(characters), 7))
    for block in split.first.blocks(model):
        c[block.rows], before[block.rows] = block.c, block.c_before
    rising = (c > thresholds) & (before <= thresholds)
    quote = characters == SYMBOLS.index('"')
    place = SYMBOLS.index('"')
    flips = movements.flips["lag_0"]
    np.testing.assert_array_equal(flips.up[:, place], rising[quote].sum(0))
    np.testing.assert_array_equal(flips.below[:, place], (before <= thresholds)[quote].sum(0))
    np.testing.assert_array_equal(flips.above[:, place], (before > thresholds)[quote].sum(0))
    np.testing.assert_allclose(movements.steps[:, place], (c - before)[quote].mean(0), atol=1e-5)
    np.testing.assert_allclose(
        movements.step_squares[:, place], np.square(c - before)[quote].mean(0), atol=1e-5
    )
    np.testing.assert_allclose(movements.landings[:, place], c[quote].mean(0) - means, atol=1e-5)
    np.testing.assert_allclose(movements.landing_variances[:, place], c[quote].var(0), atol=1e-4)
    np.testing.assert_allclose(movements.variance, c.var(0), rtol=1e-3)
    np.testing.assert_array_equal(movements.counts, np.bincount(characters, minlength=len(SYMBOLS)))
    # The first counted character of each of the four stretches follows one that is not counted.
    after_quote = np.flatnonzero(quote) + 1
    after_quote = after_quote[after_quote < len(c)]
    late = movements.flips["lag_1"].up[:, place]
    assert (np.abs(late - rising[after_quote].sum(0)) <= 4).all()
    pair = movements.drivers["pairs"].index(' "')
    both = quote[1:] & (characters[:-1] == SYMBOLS.index(" "))
    assert abs(movements.flips["pairs"].up[0, pair] - rising[1:][both].sum(0)[0]) <= 4


def test_movements_of_a_text_in_chunks_are_sums_over_all_of_them(
    model: CharLSTM, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration = calibrate(model, text_split())
    monkeypatch.setattr(splits, "LONGEST_CHUNK_CHARACTERS", 8_000)
    split = text_split()
    movements = measure_movements(model, split, calibration)
    assert split.chunk_count == 3
    assert movements.counts.sum() == split.rows
    thresholds = calibration.thresholds.float()
    blocks = [block for chunk in split for block in chunk.blocks(model)]
    rising = sum(((b.c > thresholds) & (b.c_before <= thresholds)).sum(0).numpy() for b in blocks)
    assert rising[0] > 50
    for name in ("lag_0", "lag_1", "lag_2"):
        np.testing.assert_array_equal(movements.flips[name].up.sum(1), rising)
