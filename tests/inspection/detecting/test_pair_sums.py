"""One-pass sums over frozen pairs, against numpy."""

import numpy as np
import pytest
import torch
from planted_pairs import PlantedPairs, planted_pairs
from written_text import SYMBOLS

from charlstm.inspection.detecting.pair_sums import FrozenPairs, PairSums, chunk_signals
from charlstm.inspection.detecting.scores.separation import BOOTSTRAP_BLOCKS


@pytest.fixture(scope="module")
def planted() -> PlantedPairs:
    return planted_pairs()


def sums_over(planted: PlantedPairs) -> tuple[FrozenPairs, PairSums]:
    frozen = FrozenPairs(planted.split, planted.pairs, planted.calibration)
    sums = PairSums(frozen, planted.shifts, len(SYMBOLS))
    signals = chunk_signals(planted.split.first, frozen)
    for block in planted.split.first.blocks(planted.model):
        sums.update(signals, block, frozen)
    sums.finish(signals)
    return frozen, sums


def test_frozen_pairs_have_each_feature_once_and_know_the_nuisances(planted: PlantedPairs) -> None:
    frozen = FrozenPairs(planted.split, planted.pairs, planted.calibration)
    assert frozen.used.tolist() == [0, 1]
    assert frozen.used[frozen.feature].tolist() == planted.pairs.features.tolist()
    assert frozen.kinds == ["switch", "counter", "switch"]
    assert frozen.nuisances.tolist() == [1], "the column"


def test_blocks_sum_c_and_the_feature_over_contiguous_parts_of_the_split(planted: PlantedPairs) -> None:
    _, sums = sums_over(planted)
    cells, features = planted.pairs.cells.numpy(), planted.pairs.features.numpy()
    c = planted.c[:, cells] - planted.calibration.means.numpy()[cells]
    f = planted.features[:, features]
    number = np.arange(len(c)) * BOOTSTRAP_BLOCKS // len(c)
    for block in (0, 7, BOOTSTRAP_BLOCKS - 1):
        here = number == block
        on = f > 0
        parts = (np.ones_like(c), c, f, c * c, f * f, c * f, on, c * on, c * c * on)
        expected = np.stack([part[here].sum(0) for part in parts], axis=1)
        np.testing.assert_allclose(sums.blocks[block], expected, rtol=1e-4, atol=1e-3)
    assert sums.blocks[:, 0, 0].sum() == planted.split.rows


def test_a_cell_holds_where_it_stays_on_its_side_while_the_feature_does_not_change(
    planted: PlantedPairs,
) -> None:
    frozen, sums = sums_over(planted)
    since = chunk_signals(planted.split.first, frozen).since
    blocks = list(planted.split.first.blocks(planted.model))
    sides = [
        torch.cat([getattr(block, name)[:, planted.pairs.cells] for block in blocks]) > frozen.thresholds
        for name in ("c", "c_before")
    ]
    steady = since[torch.cat([block.rows for block in blocks])][:, frozen.feature] > 0
    held = steady & (sides[0] == sides[1])
    np.testing.assert_array_equal(sums.holding, torch.stack((held.sum(0), steady.sum(0))))
    assert (sums.holding[0, 0] / sums.holding[1, 0]) > 0.95, "a toggle holds"


def test_steps_are_summed_by_the_direction_of_the_features_rise(planted: PlantedPairs) -> None:
    sums = PairSums(
        FrozenPairs(planted.split, planted.pairs, planted.calibration), planted.shifts, len(SYMBOLS)
    )
    rises = torch.tensor([[1.0], [-1.0], [0.0], [1.0]]).expand(-1, 3)
    moves = torch.tensor([[0.5], [-0.25], [7.0], [0.75]]).expand(-1, 3)
    before = sums.steps.clone()
    sums._update_steps(rises, moves)
    up, down = (sums.steps - before)[:, :, 0].tolist()
    assert (up, down) == ([2, 1.25], [1, -0.25])


def test_gates_are_averaged_over_the_positions_of_each_character(planted: PlantedPairs) -> None:
    _, sums = sums_over(planted)
    blocks = list(planted.split.first.blocks(planted.model))
    rows = torch.cat([block.rows for block in blocks])
    characters = planted.split.first.characters[rows]
    where = torch.tensor([symbol in '"(' for symbol in SYMBOLS])
    for name, letter in (("input", "i"), ("forget", "f"), ("output", "o")):
        gate = torch.cat([getattr(block, letter) for block in blocks])
        expected = float(gate[where[characters]][:, 0].double().mean())
        assert sums.gates.mean(name, 0, where) == pytest.approx(expected, abs=1e-6)
    assert sums.gates.mean("input", 0, torch.zeros(len(SYMBOLS), dtype=torch.bool)) == 0
    saturated = (np.abs(np.tanh(planted.c[:, planted.pairs.cells.numpy()])) > 0.9).mean(0)
    np.testing.assert_allclose(sums.gates.output_saturation.shares()[1], saturated, atol=1e-3)


def test_merging_equal_sums_doubles_the_counts_and_changes_no_share(planted: PlantedPairs) -> None:
    frozen, once = sums_over(planted)
    _, twice = sums_over(planted)
    twice.merge(sums_over(planted)[1])
    where = torch.ones(len(SYMBOLS), dtype=torch.bool)
    np.testing.assert_allclose(twice.blocks, 2 * once.blocks, rtol=1e-12)
    np.testing.assert_allclose(twice.holding, 2 * once.holding, rtol=1e-12)
    np.testing.assert_allclose(twice.staircases.counts(), 2 * once.staircases.counts(), rtol=1e-12)
    np.testing.assert_allclose(twice.on_off_moments.products, 2 * once.on_off_moments.products, rtol=1e-9)
    assert twice.gates.mean("forget", 1, where) == pytest.approx(once.gates.mean("forget", 1, where))
    shares = [sums.context.partial(frozen.feature) for sums in (once, twice)]
    np.testing.assert_allclose(*shares, atol=1e-9)
    np.testing.assert_allclose(twice.scores.result().correlation, once.scores.result().correlation, atol=1e-9)
    np.testing.assert_allclose(*(sums.null.scores() for sums in (once, twice)), atol=1e-5)
    np.testing.assert_allclose(*(sums.separation.auc() for sums in (once, twice)), atol=1e-9)
    np.testing.assert_allclose(twice.dwells.counts, 2 * once.dwells.counts)
