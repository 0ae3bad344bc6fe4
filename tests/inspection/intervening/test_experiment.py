"""Every number of an experiment equals that of the equations, written once more in numpy and run by hand."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from intervention_fixture import (
    COLUMN,
    DEPTH,
    PARENTHESES,
    QUOTES,
    ByHand,
    Run,
    behaviour,
    context_of,
    network,
    run_by_itself,
    tidy_passage,
)
from numpy.typing import NDArray
from written_text import SYMBOLS

from charlstm.config import ModelConfig
from charlstm.inspection.estimates import mean_of
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, toggle
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening import rollouts
from charlstm.inspection.intervening.behaviours import LAGS, VERDICT_LAG
from charlstm.inspection.intervening.experiment import (
    Candidate,
    Changes,
    ClosersUnderTest,
    InterventionContext,
)
from charlstm.model.char_lstm import CharLSTM

PLANTED = [
    toggle('"').read('"', 3),
    latch("(", ")").read(")", 2),
    line_counter("\n").read("\n", 1),
    depth_counter("[", "]").read("]", 1),
]
CLOSE = {"rtol": 1e-3, "atol": 1e-3}


class Planned(NamedTuple):
    """A context with some closers, and the whole run of its network by hand."""

    context: InterventionContext
    closers: ClosersUnderTest
    hand: ByHand
    run: Run


@pytest.fixture(scope="module")
def plan() -> Planned:
    model = network(PLANTED)
    context = context_of(model, QUOTES, PARENTHESES, COLUMN, DEPTH)
    found = context.behaviours[QUOTES]
    closers = ClosersUnderTest(context, found, found.deciding_sites)
    return Planned(context, closers, ByHand(model), run_by_itself(model, tidy_passage()))


def scores_of(logits: NDArray[np.float64], target: str) -> tuple[float, float]:
    """The log probability of a target and its log odds against the likeliest other character."""
    shares = dict(zip(SYMBOLS, np.exp(logits) / np.exp(logits).sum(), strict=True))
    ours = shares.pop(target)
    return float(np.log(ours)), float(np.log(ours / max(shares.values())))


def by_hand(plan: Planned, index: int, start: int, values: dict[int, float]) -> tuple[float, float]:
    """The changes at one site when the network starts from the state before `start` with cells set."""
    site = int(plan.closers.sites.positions[index])
    natural = plan.run.logits[site + VERDICT_LAG]
    edited = plan.hand.after_edit(plan.run, tidy_passage(), start, site, values)
    before, after = (scores_of(logits, '"') for logits in (natural, edited))
    return after[0] - before[0], after[1] - before[1]


def assert_changes(plan: Planned, found: Changes, expected: dict[int, tuple[float, float]]) -> None:
    for index, (nats, log_odds) in expected.items():
        assert found.nats[index] == pytest.approx(nats, abs=2e-3)
        assert found.log_odds[index] == pytest.approx(log_odds, abs=2e-3)


@pytest.mark.parametrize("name", [QUOTES, PARENTHESES, COLUMN, DEPTH])
def test_the_undisturbed_prediction_is_the_networks_own_of_the_very_closer(plan: Planned, name: str) -> None:
    text, found = tidy_passage().text, plan.context.behaviours[name]
    for lag in LAGS:
        sites = found.sites[lag]
        if not len(sites):
            continue
        closers = ClosersUnderTest(plan.context, found, sites, lag)
        assert {text[site + lag + 1] for site in sites.positions} == {found.target}
        np.testing.assert_allclose(closers.natural_logits, plan.run.logits[sites.positions + lag], **CLOSE)
        for spelt, site in zip(closers.ids.tolist(), sites.positions.tolist(), strict=True):
            assert "".join(SYMBOLS[one] for one in spelt) == text[site : site + lag + 1]


def test_it_is_so_in_a_network_of_two_layers_as_well() -> None:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=6, layers=2, embedding=4)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False).eval()
    context, passage = context_of(model, QUOTES), tidy_passage()
    found = context.behaviours[QUOTES]
    closers = ClosersUnderTest(context, found, found.deciding_sites)
    for index in (0, 7, 100):
        closes = int(found.deciding_sites.positions[index]) + VERDICT_LAG + 1
        start = closes // passage.cut.length * passage.cut.length
        ids = torch.from_numpy(passage.ids[start:closes].astype(np.int64))[None]
        assert passage.text[closes] == '"'
        logits, _ = model(ids, model.initial_state(1))
        torch.testing.assert_close(closers.natural_logits[index], logits[0, -1], atol=1e-4, rtol=1e-4)
        expected = logits[0, -1].log_softmax(0)[SYMBOLS.index('"')]
        assert float(closers._natural_scores[0, index]) == pytest.approx(float(expected), abs=1e-4)


def test_cells_at_sites_and_donors_have_the_values_that_they_really_have_there(plan: Planned) -> None:
    context, closers, _, run = plan
    sites = closers.sites
    np.testing.assert_allclose(closers.natural_c[0], run.c[sites.positions], **CLOSE)
    np.testing.assert_allclose(closers.donor_c[0], run.c[sites.donors], **CLOSE)
    for values, positions in (
        (closers.donor_values([(0, 2), (0, 0)]), sites.donors),
        (closers.natural_values([(0, 2), (0, 0)]), sites.positions),
    ):
        cells, c = values[0]
        assert list(cells) == [2, 0]
        np.testing.assert_allclose(c, run.c[positions][:, [2, 0]], **CLOSE)
    cells, means = closers.mean_values([(0, 3)])[0]
    assert list(cells) == [3]
    by_character = context.survey.other_means[QUOTES][:, 0, 3]
    torch.testing.assert_close(means[:, 0], by_character[closers.ids[:, 0]])


def test_setting_cells_changes_the_prediction_as_the_equations_say(plan: Planned) -> None:
    closers, sites = plan.closers, plan.closers.sites
    found = closers.change(closers.donor_values([(0, 0), (0, 9)]))
    expected = {}
    for index in range(0, len(sites), 17):
        site, donor = int(sites.positions[index]), int(sites.donors[index])
        values = {cell: float(plan.run.c[donor, cell]) for cell in (0, 9)}
        expected[index] = by_hand(plan, index, site, values)
    assert_changes(plan, found, expected)
    assert found.nats.mean() < -1
    assert np.array_equal(found.clusters, sites.clusters)


def test_the_whole_change_is_that_of_the_donors_whole_state(plan: Planned) -> None:
    sites = plan.closers.sites
    donors = {index: int(sites.donors[index]) for index in range(0, len(sites), 17)}
    expected = {index: by_hand(plan, index, donor, {}) for index, donor in donors.items()}
    assert_changes(plan, plan.closers.whole_change, expected)


def test_restoring_cells_in_the_donors_state_is_that_of_the_equations(plan: Planned) -> None:
    closers, sites = plan.closers, plan.closers.sites
    found = closers.change(closers.natural_values([(0, 0)]), from_donors=True)
    expected = {}
    for index in range(0, len(sites), 17):
        site, donor = int(sites.positions[index]), int(sites.donors[index])
        expected[index] = by_hand(plan, index, donor, {0: float(plan.run.c[site, 0])})
    assert_changes(plan, found, expected)


def test_a_direction_is_moved_by_what_it_reads_of_the_donor(plan: Planned) -> None:
    closers = plan.closers
    reader, step = plan.closers.context.survey.direction(closers.behaviour.feature.name, 0)
    ((numbers, values),) = closers.direction_values([0]).values()
    assert list(numbers) == list(range(len(step)))
    natural, donor = (c[0].double().numpy() for c in (closers.natural_c, closers.donor_c))
    moved = ((donor - natural) @ reader.numpy())[:, None] * step.numpy()
    np.testing.assert_allclose(values.numpy() - natural, moved, atol=1e-6)
    assert np.abs(moved).max() > 0.1


@pytest.mark.parametrize("from_donors", [False, True])
def test_many_cells_at_once_are_changed_each_alone(
    plan: Planned, from_donors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    closers, cells = plan.closers, [0, 7, 3, 2, 12]
    values = closers.natural_values if from_donors else closers.donor_values
    alone = [closers.change(values([(0, cell)]), from_donors=from_donors) for cell in cells]
    for rows in (4096, 2 * len(closers.sites) + 1):
        monkeypatch.setattr(rollouts, "_ROWS_PER_BATCH", rows)
        nats, log_odds = closers.changes_by_cell(0, cells, from_donors=from_donors)
        np.testing.assert_allclose(nats, [change.nats for change in alone], atol=1e-5)
        np.testing.assert_allclose(log_odds, [change.log_odds for change in alone], atol=1e-5)


def test_cells_of_both_layers_are_changed_together() -> None:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=6, layers=2, embedding=4)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False).eval()
    context = context_of(model, QUOTES)
    found = context.behaviours[QUOTES]
    closers = ClosersUnderTest(context, found, found.deciding_sites.thinned(20))
    everything = [(layer, cell) for layer in range(2) for cell in range(6)]
    assert set(closers.donor_values(everything)) == {0, 1}
    by_values = closers.change(closers.donor_values(everything))
    # With all c of the donors, h = o tanh(c) differs from the donors' by the output gates of the sites alone.
    nothing = closers.change(closers.natural_values(everything))
    assert np.abs(nothing.nats).max() < 1e-5
    restored = closers.change(closers.donor_values(everything), from_donors=True)
    np.testing.assert_allclose(restored.nats, closers.whole_change.nats, atol=1e-5)
    assert np.corrcoef(by_values.nats, closers.whole_change.nats)[0, 1] > 0.7
    upper = closers.changes_by_cell(1, range(6))[0]
    np.testing.assert_allclose(upper[4], closers.change(closers.donor_values([(1, 4)])).nats, atol=1e-5)


def test_a_held_cell_keeps_its_value_up_to_the_closer(plan: Planned) -> None:
    closers = plan.closers
    at_zero = {0: ([1], torch.zeros(len(closers.sites), 1))}
    held = closers.outcome(at_zero, hold=True)
    assert float(held.state.c[0, :, 1].abs().max()) == 0
    assert float(closers.outcome(at_zero).state.c[0, :, 1].abs().max()) < 1e-4, "a latch holds by itself"
    counter = {0: ([2], torch.zeros(len(closers.sites), 1))}
    assert float(closers.outcome(counter).state.c[0, :, 2].min()) > 0.03, "a counter goes on"
    assert float(closers.outcome(counter, hold=True).state.c[0, :, 2].abs().max()) == 0


def test_several_targets_count_together_against_the_best_of_the_others(plan: Planned) -> None:
    targets = np.isin(list(SYMBOLS), ["a", '"'])
    several = ClosersUnderTest(
        plan.context, replace(plan.closers.behaviour, targets=targets), plan.closers.sites
    )
    logits = plan.run.logits[plan.closers.sites.positions + VERDICT_LAG]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    together = shares[:, targets].sum(1)
    np.testing.assert_allclose(several.natural_nats, np.log(together).mean(), atol=1e-3)
    rival = shares[:, ~targets].max(1)
    np.testing.assert_allclose(several.natural_log_odds, np.log(together / rival), atol=1e-3)


def test_a_rival_is_the_likeliest_other_character_of_each_prediction(plan: Planned) -> None:
    closers, logits = plan.closers, plan.closers.natural_logits
    others = torch.where(closers.targets, -torch.inf, logits)
    best = others.argmax(1)
    moved = logits.clone()
    moved[torch.arange(len(logits)), best] -= 50
    second = others.scatter(1, best[:, None], -torch.inf).amax(1)
    np.testing.assert_allclose(closers.changes(moved).log_odds, others.amax(1) - second, atol=1e-4)
    np.testing.assert_allclose(closers.changes(logits + 3).log_odds, 0, atol=1e-5)


def test_closers_are_made_once_and_thinned(plan: Planned) -> None:
    context, found = plan.context, plan.context.behaviours[COLUMN]
    assert context.closers(COLUMN) is context.closers(COLUMN, lag=VERDICT_LAG)
    few = context.closers(COLUMN, lag=12, most=7)
    assert few.sites.positions.tolist() == found.sites[12].thinned(7).positions.tolist()
    assert few.ids.shape == (7, 13)
    assert len(context.closers(COLUMN, lag=12).sites) == len(found.sites[12])


def test_changes_are_summed_up_by_clusters() -> None:
    random = np.random.default_rng(0)
    clusters = np.arange(60) // 5
    nats, log_odds = random.normal(-1, 0.3, 60), random.normal(-2, 0.3, 60)
    changes, whole = Changes(nats, log_odds, clusters), Changes(2 * nats, 4 * log_odds, clusters)
    assert changes.effect(0.2) == mean_of(nats, clusters, 0.2)
    assert changes.effect_on_log_odds() == mean_of(log_odds, clusters)
    assert changes.share_of(whole) == pytest.approx((0.25, 0.25, 0.25))
    assert changes.less(whole).effect() == pytest.approx(mean_of(-nats, clusters))
    assert changes.less(whole).effect_on_log_odds() == pytest.approx(mean_of(-3 * log_odds, clusters))
    assert changes.chance_beyond(0.1) < 1e-4
    assert changes.chance_beyond(1.5) == 1


def test_a_context_without_behaviours_still_surveys_the_text() -> None:
    context = context_of(network([toggle('"')]))
    assert context.behaviours == {}
    assert len(context.survey.positions) == 0
    assert float(context.survey.deviation[0, 0]) > 0.3


def test_a_context_reads_the_text_at_any_position(plan: Planned) -> None:
    found = plan.context.characters(np.array([1_000, 7]), 5)
    text = tidy_passage().text
    assert ["".join(SYMBOLS[one] for one in row) for row in found.tolist()] == [text[1_000:1_005], text[7:12]]


@pytest.mark.parametrize(("kind", "counter"), [("switch", False), ("depth", False), ("counter", True)])
def test_only_the_closer_of_a_counter_may_become_likelier(kind: str, counter: bool) -> None:
    assert Candidate(0, 0, Feature("any", kind, {}), 1.0).is_counter == counter


def test_behaviours_are_kept_by_the_names_of_their_features(plan: Planned) -> None:
    assert list(plan.context.behaviours) == [QUOTES, PARENTHESES, COLUMN, DEPTH]
    assert plan.context.behaviours[QUOTES].target == behaviour(QUOTES).target


def test_only_the_target_beside_the_others_counts_where_one_character_takes_all(plan: Planned) -> None:
    closers = plan.closers
    natural = closers.natural_logits
    one_other = natural.clone()
    one_other[:, (~closers.targets).nonzero()[0]] += 3
    target = natural.clone()
    target[:, closers.targets] -= 2
    assert closers.changes(one_other).effect().value < -0.01
    assert closers.beside_others(one_other).value == pytest.approx(0, abs=1e-5)
    assert closers.beside_others(target).value == pytest.approx(-2, abs=1e-5)
