"""The size and the p-value of a candidate's effect beside its controls."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from intervention_fixture import Planned, planned

from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.control_cells import CONTROL_SETS
from charlstm.inspection.intervening.effect import (
    LEAST_EFFECT_NATS,
    LEAST_RATIO,
    MeasuredEffect,
    holm_corrected,
    measure_effect,
    ranked_among_more_controls,
)


@pytest.fixture(scope="module")
def plan() -> Planned:
    return planned(excluded=(13,))


@pytest.fixture(scope="module")
def measured(plan: Planned) -> MeasuredEffect:
    generator = torch.Generator().manual_seed(0)
    return measure_effect(plan.context, plan.intervention, [plan.intervention], generator)


def test_a_cell_that_the_head_reads_ranks_above_all_its_controls(measured: MeasuredEffect) -> None:
    assert measured.effect_nats < -1
    assert len(measured.control_effects) == measured.control_count == CONTROL_SETS
    assert measured.p_value == pytest.approx(1 / (1 + CONTROL_SETS))
    assert measured.convincing


def test_an_unread_cell_has_no_effect(plan: Planned) -> None:
    unread = replace(plan.intervention, candidate=replace(plan.intervention.candidate, cell=1))
    generator = torch.Generator().manual_seed(0)
    measured = measure_effect(plan.context, unread, [unread, plan.intervention], generator)
    assert measured.effect_nats == pytest.approx(0, abs=1e-6)
    assert not measured.convincing
    assert ranked_among_more_controls(plan.context, measured, 250, 0.01, generator) is measured


def test_a_promising_effect_is_ranked_among_more_controls(plan: Planned, measured: MeasuredEffect) -> None:
    more = ranked_among_more_controls(plan.context, measured, 250, 0.01, torch.Generator().manual_seed(1))
    assert (more.control_count, more.p_value) == (250, pytest.approx(1 / 251))
    assert more.specific_nats == measured.specific_nats, "the effect itself stays that at all closers"
    assert more.control_effects is measured.control_effects


def test_no_more_controls_are_drawn_where_they_cannot_matter(plan: Planned, measured: MeasuredEffect) -> None:
    generator = torch.Generator()
    assert ranked_among_more_controls(plan.context, measured, CONTROL_SETS, 0.01, generator) is measured
    assert ranked_among_more_controls(plan.context, measured, 250, 0.001, generator) is measured


def test_too_few_controls_show_no_significance() -> None:
    plan = planned(excluded=tuple(range(2, 12)))
    generator = torch.Generator().manual_seed(0)
    measured = measure_effect(plan.context, plan.intervention, [plan.intervention], generator)
    assert 0 < measured.control_count < CONTROL_SETS
    assert measured.p_value == 1


def test_without_possible_controls_nothing_convinces() -> None:
    plan = planned(excluded=tuple(range(14)))
    generator = torch.Generator().manual_seed(0)
    measured = measure_effect(plan.context, plan.intervention, [plan.intervention], generator)
    assert (measured.possible_controls, measured.control_count, measured.p_value) == ([], 0, 1)
    assert measured.effect_nats < -1
    assert not measured.convincing


def with_effect(
    measured: MeasuredEffect, nats: float, controls: float, kind: str = "switch"
) -> MeasuredEffect:
    """An effect of nats beside controls that all have the same one."""
    candidate = replace(measured.intervention.candidate, feature=Feature("any", kind, {}))
    return replace(
        measured,
        intervention=replace(measured.intervention, candidate=candidate),
        specific_nats=nats,
        control_effects=torch.full((CONTROL_SETS,), controls, dtype=torch.float64),
    )


@pytest.mark.parametrize(
    ("nats", "controls", "convincing"),
    [
        (-LEAST_EFFECT_NATS, 0.0, True),
        (-0.99 * LEAST_EFFECT_NATS, 0.0, False),
        (-1.01 * LEAST_RATIO, 1.0, True),
        (-0.99 * LEAST_RATIO, 1.0, False),
        (+1.0, 0.0, False),
    ],
)
def test_an_effect_convinces_when_it_is_large_and_lowers_the_closer(
    measured: MeasuredEffect, nats: float, controls: float, convincing: bool
) -> None:
    assert with_effect(measured, nats, controls).convincing == convincing


def test_a_counters_effect_convinces_in_either_direction(measured: MeasuredEffect) -> None:
    assert with_effect(measured, 1.0, 0.0, "counter").convincing
    assert with_effect(measured, -1.0, 0.0, "counter").convincing


def test_holm_multiplies_by_the_number_of_p_values_that_are_not_smaller() -> None:
    assert holm_corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_corrected([0.9, 0.8]) == [1.0, 1.0]
    assert holm_corrected([]) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=12))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values: list[float]) -> None:
    """Holm goes up the sorted p-values while the k-th smallest of n is at most 0.05 / (n - k + 1)."""
    rejected = 0
    for rank, p_value in enumerate(sorted(p_values)):
        if p_value * (len(p_values) - rank) > 0.05:
            break
        rejected += 1
    corrected = holm_corrected(p_values)
    assert sum(value <= 0.05 for value in corrected) == rejected
    assert all(value >= p_value for value, p_value in zip(corrected, p_values, strict=True))
