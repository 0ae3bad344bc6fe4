"""The experiment: doses reach their cells, and what is measured of the closers follows its definition."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from intervention_fixture import Planned, chunk_of, context_of, network, planned
from written_text import SYMBOLS, written

from charlstm.inspection.exam.planted_cells import toggle
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.experiment import (
    Candidate,
    ClosersUnderTest,
    Intervention,
    combined_change,
    specific_part,
)


@pytest.fixture(scope="module")
def plan() -> Planned:
    return planned()


def test_several_cell_sets_at_once_equal_one_after_another(plan: Planned) -> None:
    _, closers, intervention = plan
    doses = torch.stack((intervention.dose, 0.5 * intervention.dose))[:, :, None]
    changes = closers.mean_changes(0, [[0], [0]], doses)
    for change, dose in zip(changes, doses, strict=True):
        torch.testing.assert_close(change, closers.mean_change({0: ([0], dose)}, both_ways=False))
    pairs = torch.stack((intervention.dose, -0.3 * intervention.dose), dim=1)
    torch.testing.assert_close(
        closers.mean_changes(0, [[0, 5]], pairs[None])[0],
        closers.mean_change({0: ([0, 5], pairs)}, both_ways=False),
    )


def test_a_counters_dose_is_given_upwards_and_downwards(plan: Planned) -> None:
    _, closers, intervention = plan
    dose = intervention.dose[:, None]
    up, down = (closers.mean_change({0: ([0], sign * dose)}, both_ways=False) for sign in (1, -1))
    both = closers.mean_change({0: ([0], dose)}, both_ways=True)
    torch.testing.assert_close(both, combined_change(up, down))


def test_a_dose_of_zero_changes_nothing(plan: Planned) -> None:
    _, closers, intervention = plan
    nothing = torch.zeros(len(intervention.dose), 1)
    assert closers.mean_change({0: ([0], nothing)}, both_ways=False).abs().max() < 1e-6


def test_a_dose_is_added_to_the_cells_it_names_and_to_no_others(plan: Planned) -> None:
    context, closers, _ = plan
    doses = torch.randn(len(closers.ids), 2, generator=torch.Generator().manual_seed(0))
    edit = context.edit([4, 2], doses)
    changed = context.rollouts.run(closers.ids, closers.state, {0: edit}, track=True).track[0, 0]
    moved = changed - closers.natural_c(0)
    torch.testing.assert_close(moved[:, [4, 2]], doses, atol=1e-6, rtol=1e-5)
    rest = [cell for cell in range(moved.shape[1]) if cell not in (2, 4)]
    assert moved[:, rest].abs().max() == 0
    assert not edit.hold


def test_closer_scores_are_the_log_probability_and_the_logit_of_the_target(plan: Planned) -> None:
    _, closers, _ = plan
    logits = torch.randn(3, len(SYMBOLS), generator=torch.Generator().manual_seed(0)).double()
    quote = SYMBOLS.index('"')
    assert closers.targets.nonzero().flatten().tolist() == [quote]
    scores = closers.scores(logits)
    torch.testing.assert_close(scores[:, 0], logits.softmax(1)[:, quote].log())
    torch.testing.assert_close(scores[:, 1], logits[:, quote] - logits.mean(1))


def test_several_targets_count_together(plan: Planned) -> None:
    context, closers, intervention = plan
    targets = np.isin(list(SYMBOLS), ["a", "b"])
    several = ClosersUnderTest(context, replace(intervention.sites, targets=targets))
    probabilities = closers.natural.logits.double().softmax(1)
    together = probabilities[:, SYMBOLS.index("a")] + probabilities[:, SYMBOLS.index("b")]
    torch.testing.assert_close(several.natural_scores[:, 0].exp(), together, atol=1e-6, rtol=1e-5)


def test_a_context_reads_the_true_text_from_each_site(plan: Planned) -> None:
    context, closers, intervention = plan
    length = intervention.sites.lag + 1
    site = int(intervention.sites.before_closers[3])
    spelt = "".join(
        SYMBOLS[i] for i in context.characters(intervention.sites.before_closers, length + 1)[3].tolist()
    )
    assert spelt[-1] == '"', "the closer comes lag + 1 characters after the site"
    assert closers.ids[3].tolist() == context.characters(np.array([site]), length)[0].tolist()


def test_a_context_without_sites_still_surveys_the_text(plan: Planned) -> None:
    surveyed = context_of(network([toggle('"')]), chunk_of(written(6_000, seed=3)), [], {}).survey
    assert len(surveyed.positions) == 0
    assert (surveyed.deviation[0, 0] > 0.3).all()


def test_an_effect_is_specific_as_far_as_both_scores_agree() -> None:
    changes = torch.tensor([[-2.0, -1.0], [1.0, 3.0], [1.0, -1.0], [0.0, 2.0]])
    assert specific_part(changes).tolist() == [-1, 1, 0, 0]


def test_a_counter_counts_by_its_slope_or_where_its_count_is_exact_by_its_peak() -> None:
    up, down = torch.tensor([[0.5, 0.4], [-2.0, -2.5]]), torch.tensor([[-0.3, -0.4], [-1.0, -1.5]])
    torch.testing.assert_close(combined_change(up, down), torch.tensor([[0.4, 0.4], [-1.5, -2.0]]))


def test_an_intervention_is_thinned_evenly(plan: Planned) -> None:
    intervention = plan.intervention
    few = intervention.thinned(3)
    middle = len(intervention.dose) // 2
    assert few.sites.before_closers.tolist() == intervention.sites.before_closers[[0, middle, -1]].tolist()
    assert len(few.dose) == len(few.sites.values) == 3
    assert len(intervention.thinned(10_000).dose) == len(intervention.dose)


def test_doses_stay_with_their_closers_when_an_intervention_is_thinned(plan: Planned) -> None:
    _, _, intervention = plan
    count = len(intervention.dose)
    numbered = Intervention(
        intervention.candidate, intervention.sites, torch.arange(count, dtype=torch.float64), 1.0
    )
    few = numbered.thinned(5)
    assert (
        few.sites.before_closers.tolist()
        == intervention.sites.before_closers[few.dose.long().numpy()].tolist()
    )


@pytest.mark.parametrize(("kind", "counter"), [("switch", False), ("depth", False), ("counter", True)])
def test_only_a_counter_is_dosed_both_ways(kind: str, counter: bool) -> None:
    assert Candidate(0, 0, Feature("any", kind, {}), 1.0).is_counter == counter
