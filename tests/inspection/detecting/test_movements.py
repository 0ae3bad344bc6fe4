"""How planted cells move, against numpy, and what they propose."""

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.detecting.discovery import calibrate
from charlstm.inspection.detecting.movements import Movements, watch
from charlstm.inspection.detecting.proposals import flip_drivers, proposals
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, plant, toggle
from charlstm.inspection.features.automata import Automaton
from charlstm.inspection.reading.splits import Split

CELLS = [toggle('"'), latch("(", ")").negated(), line_counter("\n"), depth_counter("[", "]")]


@pytest.fixture(scope="module")
def read() -> tuple[Movements, np.ndarray, np.ndarray, np.ndarray]:
    """What was seen, and c, c before and the characters at every counted position."""
    model = plant(CELLS, SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))
    ids = ids_of(written(20_000, seed=1))
    split = Split(ids, SYMBOLS, 0, 4)
    calibration = calibrate(model, split)
    seen = watch(model, split, calibration.thresholds, calibration.means, SYMBOLS)
    part = split.first
    c = np.empty((2, len(part.characters), 7))
    for block in part.blocks(model):
        c[0, block.rows], c[1, block.rows] = block.c, block.c_before
    return seen, c, part.characters.numpy(), calibration.thresholds.numpy()


def test_sums_equal_numpy(read: tuple[Movements, np.ndarray, np.ndarray, np.ndarray]) -> None:
    seen, (c, before), characters, thresholds = read
    rising = (c > thresholds) & (before <= thresholds)
    quote = characters == SYMBOLS.index('"')
    place = SYMBOLS.index('"')
    np.testing.assert_array_equal(seen.flips["lag_0"].up[:, place], rising[quote].sum(0))
    np.testing.assert_array_equal(seen.flips["lag_0"].below[:, place], (before <= thresholds)[quote].sum(0))
    np.testing.assert_allclose(seen.steps[:, place], (c - before)[quote].mean(0), atol=1e-5)
    np.testing.assert_allclose(seen.landing_variances[:, place], c[quote].var(0), atol=1e-4)
    np.testing.assert_allclose(seen.variance, c.var(0), rtol=1e-3)
    after_quote = np.flatnonzero(quote) + 1
    after_quote = after_quote[after_quote < len(c)]
    late = seen.flips["lag_1"].up[:, place]
    assert (np.abs(late - rising[after_quote].sum(0)) <= 4).all()  # stretches begin in between
    pair = seen.drivers["pairs"].index(' "')
    both = quote[1:] & (characters[:-1] == SYMBOLS.index(" "))
    assert abs(seen.flips["pairs"].up[0, pair] - rising[1:][both].sum(0)[0]) <= 4


def test_cells_propose_what_they_are(read: tuple[Movements, np.ndarray, np.ndarray, np.ndarray]) -> None:
    seen = read[0]
    assert flip_drivers(seen, 0) == Automaton("switch", ('"',), ('"',))
    assert flip_drivers(seen, 1) == Automaton("switch", (")",), ("(",))
    found = proposals(seen)
    assert Automaton("counter", ("*",), ("\n",)) in found
    assert Automaton("depth", ("[",), ("]",)) in found
    assert len(set(found)) == len(found)
