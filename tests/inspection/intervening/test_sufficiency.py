"""What cells alone are enough for, against planted cells and counts by hand."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from intervention_fixture import COLUMN, PARENTHESES, closers_of, context_of, network

from charlstm.inspection.estimates import Estimate
from charlstm.inspection.exam.planted_cells import PlantedCell, latch, line_counter, toggle
from charlstm.inspection.intervening import sufficiency
from charlstm.inspection.intervening.behaviours import VERDICT_LAG
from charlstm.inspection.intervening.experiment import ClosersUnderTest
from charlstm.inspection.intervening.sufficiency import (
    Baselines,
    Sufficiency,
    baselines_of,
    restored_share,
    sufficiency_of,
)

# Two latches that the head reads three to one, and a toggle that it does not read.
UNEQUAL = [latch("(", ")").read(")", 3), latch("(", ")").read(")", 1), toggle('"')]
NO_BASELINES = Baselines(0.0, 0.0, 0.0)


def measured(closers: ClosersUnderTest, *cells: int) -> Sufficiency:
    chosen = [(0, cell) for cell in cells]
    resampled = closers.change(closers.donor_values(chosen))
    return sufficiency_of(closers, resampled, chosen, NO_BASELINES)


@pytest.fixture(scope="module")
def closers() -> ClosersUnderTest:
    return closers_of(UNEQUAL, PARENTHESES)


@pytest.mark.parametrize(("cells", "share"), [((0,), 0.75), ((1,), 0.25), ((0, 1), 1.0), ((2,), 0.0)])
def test_the_share_that_comes_back_is_that_of_the_weights(
    closers: ClosersUnderTest, cells: tuple[int, ...], share: float
) -> None:
    found = measured(closers, *cells)
    assert found.restoration.value == pytest.approx(share, abs=0.08)
    assert found.restores == (share > 0)


def test_a_restored_share_is_one_of_sums_of_log_odds(closers: ClosersUnderTest) -> None:
    restored = closers.change(closers.natural_values([(0, 0)]), from_donors=True)
    lost, left = closers.whole_change.log_odds.sum(), restored.log_odds.sum()
    assert restored_share(closers, restored).value == pytest.approx((lost - left) / lost)
    nothing = restored_share(closers, closers.whole_change)
    assert nothing == pytest.approx((0, 0, 0), abs=1e-9)


def test_insertion_brings_the_closer_where_the_feature_is_off(closers: ClosersUnderTest) -> None:
    found = measured(closers, 0).insertion
    context, outside = closers.context, closers.behaviour.outside
    run = context.rollouts.run
    ids = context.characters(outside.positions, VERDICT_LAG + 1)
    state = context.survey.states_before(outside.positions)
    before = run(ids, state).logits.log_softmax(1)
    # The head reads 3 h, which becomes tanh(1) from tanh(-1); nothing of it is lost up to the closer.
    after = run(ids, state).logits + 6 * math.tanh(1) * torch.from_numpy(closers.behaviour.targets)
    gained = (after.log_softmax(1) - before)[:, closers.targets].mean()
    assert found.value == pytest.approx(float(gained), abs=0.05)
    assert found.value > 2
    assert measured(closers, 2).insertion.value == pytest.approx(0, abs=1e-4)
    nowhere = replace(closers.behaviour, outside=closers.behaviour.outside.subset(np.zeros(0, np.int64)))
    without = ClosersUnderTest(context, nowhere, closers.sites)
    assert measured(without, 0).insertion is None


def choice_is_target(closers: ClosersUnderTest, logits: torch.Tensor) -> np.ndarray:
    """Whether the likeliest character of logits (sites, vocabulary) is the target."""
    return closers.targets[logits.argmax(1)].numpy()


@pytest.mark.parametrize("cells", [(0,), (1,), (2,), (0, 1)])
def test_interchange_counts_the_pairs_in_which_the_choice_becomes_the_donors(
    closers: ClosersUnderTest, cells: tuple[int, ...]
) -> None:
    found = measured(closers, *cells)
    natural = choice_is_target(closers, closers.natural_logits)
    donors = choice_is_target(closers, closers.outcome({}, from_donors=True).logits)
    pairs = natural & ~donors
    assert found.pairs == pairs.sum() > 50
    values = closers.donor_values([(0, cell) for cell in cells])
    changed = choice_is_target(closers, closers.outcome(values).logits)
    assert found.interchange.value == pytest.approx((~changed)[pairs].mean())
    assert found.interchanges == (0 in cells), "the larger of the two decides the choice alone"


def test_pairs_in_which_the_donor_prefers_the_closer_as_well_do_not_count() -> None:
    # Far in a line the model prefers the closer whether a parenthesis is open or not.
    reading = [latch("(", ")").read(")", 4), line_counter("\n", step=0.01).read(")", 8)]
    closers = closers_of(reading, PARENTHESES)
    natural = choice_is_target(closers, closers.natural_logits)
    donors = choice_is_target(closers, closers.outcome({}, from_donors=True).logits)
    assert 10 < (natural & donors).sum() < natural.sum() - 10
    found = measured(closers, 0, 1)
    assert found.pairs == (natural & ~donors).sum()
    assert found.interchange.value == pytest.approx(1, abs=0.1)


def test_where_the_model_never_prefers_the_closer_there_are_no_pairs() -> None:
    found = measured(closers_of([toggle('"').read('"', 1)], line_break=5), 0)
    assert found.pairs == 0
    assert found.interchange is None
    assert not found.interchanges
    assert found.interchange_data["share"] is None
    assert found.interchange_data["random_cells"] is None
    assert found.interchange_data["linear_direction"] is None


def baselines(
    planted: list[PlantedCell], name: str, bystanders: list[int], *, line_break: float = 0.0
) -> Baselines:
    return baselines_of(context_of(network(planted, line_break=line_break), name), name, 0, bystanders)


def test_cells_that_the_head_hardly_reads_bring_back_nothing() -> None:
    found = baselines(UNEQUAL, PARENTHESES, [2, 5, 6, 7])
    assert found.restoration == pytest.approx(0, abs=0.02)
    assert found.interchange == pytest.approx(0, abs=0.05)
    assert baselines(UNEQUAL, PARENTHESES, []) == Baselines(0.0, 0.0, found.direction)


def test_baselines_are_the_quantile_of_shares_and_the_mean_of_interchanges() -> None:
    # Among the three cells are the two that the head reads: restored alone they bring back 3/4 and 1/4.
    found = baselines(UNEQUAL, PARENTHESES, [0, 1, 2])
    assert found.restoration == pytest.approx(np.quantile([0.75, 0.25, 0], 0.95), abs=0.08)
    assert found.interchange == pytest.approx(1 / 3, abs=0.05)


def test_the_best_direction_does_what_two_cells_do_together() -> None:
    found = baselines([latch("(", ")").read(")", 2), latch("(", ")").read(")", 2)], PARENTHESES, [])
    assert found.direction > 0.95
    unread = baselines([latch("(", ")"), latch("(", ")")], PARENTHESES, [], line_break=5)
    assert unread.direction == 0, "the model always prefers a line break"


def test_a_direction_moves_what_it_reads_and_nothing_beside_it(closers: ClosersUnderTest) -> None:
    reader, step = closers.context.survey.direction(PARENTHESES, 0)
    cells, moved = closers.direction_values([0])[0]
    assert list(cells) == list(range(len(step)))
    natural, donor = closers.natural_c[0].double(), closers.donor_c[0].double()
    torch.testing.assert_close(moved @ reader, donor @ reader, atol=1e-4, rtol=1e-4)
    shift = moved - natural
    along = (shift @ step / step.square().sum())[:, None] * step
    torch.testing.assert_close(shift, along, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("restoration", "interchange", "baselines", "restores", "interchanges"),
    [
        (Estimate(0.3, 0.2, 0.4), Estimate(0.95, 0.9, 1), Baselines(0.1, 0.1, 0.9), True, True),
        (Estimate(0.3, 0.2, 0.4), Estimate(0.95, 0.9, 1), Baselines(0.25, 0.9, 0.9), False, False),
        (Estimate(0.3, -0.1, 0.7), Estimate(0.59, 0.5, 0.7), Baselines(-0.5, 0.0, 0.0), False, False),
        (Estimate(0.3, 0.01, 0.7), Estimate(0.6, 0.5, 0.7), Baselines(-0.5, 0.39, 0.0), True, True),
        (Estimate(0.3, 0.01, 0.7), Estimate(0.6, 0.5, 0.7), Baselines(-0.5, 0.41, 0.0), True, False),
        (Estimate(0.3, 0.01, 0.7), None, Baselines(0.0, 0.0, 0.0), True, False),
    ],
)
def test_both_stand_above_their_baselines(
    restoration: Estimate,
    interchange: Estimate | None,
    baselines: Baselines,
    restores: bool,
    interchanges: bool,
) -> None:
    found = Sufficiency(None, restoration, 50, interchange, baselines)
    assert (found.restores, found.interchanges) == (restores, interchanges)
    assert found.data == {
        "insertion": None,
        "restoration": restoration.data,
        "restoration_baseline": baselines.restoration,
    }
    assert found.interchange_data["pairs"] == 50


def test_a_counter_whose_closer_it_alone_decides_is_enough() -> None:
    closers = closers_of([line_counter("\n", step=0.005).read("\n", 12)], COLUMN, line_break=-3)
    found = measured(closers, 0)
    assert found.restoration.value == pytest.approx(1, abs=0.1)
    assert found.insertion.value > 0.5, "where the count is low a high one brings the line break"


def test_a_cell_for_another_feature_is_enough_for_little() -> None:
    # It brings back a little, because some donors lie inside quotes, where the model prefers a quote.
    closers = closers_of([latch("(", ")").read(")", 3), toggle('"').read('"', 3)], PARENTHESES)
    assert abs(measured(closers, 1).restoration.value) < 0.25
    assert not measured(closers, 1).interchanges
    assert measured(closers, 0).interchanges


def test_pairs_are_the_sites_at_which_the_donor_takes_the_choice_from_the_target() -> None:
    natural, change = [-0.5, 0.5, 0.5, 2.0, 0.01], [-1.0, -1.0, -0.4, -1.0, -0.02]
    closers = SimpleNamespace(
        natural_log_odds=torch.tensor(natural, dtype=torch.float64),
        whole_change=SimpleNamespace(log_odds=np.array(change)),
    )
    assert sufficiency._interchangeable(closers).tolist() == [1, 4]


@pytest.mark.parametrize(
    ("insertion", "makes_likelier", "makes_less_likely"),
    [
        ((0.5, 0.2, 0.8), True, False),
        ((0.5, 0.1, 0.9), False, False),
        ((0.5, -0.2, 1.2), False, False),
        ((-0.5, -0.8, -0.2), False, True),
        ((-0.5, -0.9, -0.1), False, False),
    ],
)
def test_an_insertion_counts_with_its_whole_interval_beyond_a_tenth_of_a_nat(
    insertion: tuple[float, float, float], makes_likelier: bool, makes_less_likely: bool
) -> None:
    found = Sufficiency(Estimate(*insertion), Estimate(0, 0, 0), 0, None, Baselines(0.0, 0.0, 0.0))
    assert found.inserts(lost=True) == makes_likelier
    assert found.inserts(lost=False) == makes_less_likely
    assert not Sufficiency(None, Estimate(0, 0, 0), 0, None, Baselines(0.0, 0.0, 0.0)).inserts(lost=True)
