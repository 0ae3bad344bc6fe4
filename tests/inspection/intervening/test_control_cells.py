"""Controls are similar cells without a role in the text, and they are given the candidate's dose in h."""

import math
from dataclasses import replace

import pytest
import torch
from intervention_fixture import Planned, planned

from charlstm.config import ACTIVATIONS
from charlstm.inspection.intervening.control_cells import (
    CONTROL_SETS,
    CellRoles,
    _inverse,
    control_cell_sets,
    control_effects,
    dose_in_h,
    equal_doses,
    possible_controls,
)
from charlstm.model import equations


@pytest.fixture(scope="module")
def plan() -> Planned:
    return planned(excluded=(13,))


def test_cells_that_carry_the_feature_or_have_a_role_may_not_be_controls() -> None:
    correlations = torch.tensor([[0.3, 0.0, 0.0], [0.0, 0.3, 0.0], [0.0, 0.45, 0.0], [0.0, 0.0, 0.9]])
    roles = CellRoles(correlations, {"quotes": 0, "column": 1}, layers=2)
    excluded = roles.excluded_controls(["quotes", "column"])
    assert excluded["quotes"].tolist() == [[True, False], [True, False]]
    assert excluded["column"].tolist() == [[False, True], [True, False]]
    assert set(excluded) == {"quotes", "column"}, "what follows only the pseudo feature may be a control"


def test_controls_are_no_candidates_and_carry_no_feature(plan: Planned) -> None:
    intervention = plan.intervention
    other = replace(intervention, candidate=replace(intervention.candidate, cell=1))
    possible = possible_controls(plan.context, intervention, [intervention, other])
    assert sorted(possible) == [*range(2, 13)], (
        "neither itself, nor the other candidate, nor the excluded cell"
    )


def test_a_candidate_of_another_layer_takes_no_control_away(plan: Planned) -> None:
    intervention = plan.intervention
    above = replace(intervention, candidate=replace(intervention.candidate, layer=1, cell=5))
    assert 5 in possible_controls(plan.context, intervention, [intervention, above])


def test_the_most_similar_cell_comes_first(plan: Planned) -> None:
    possible = possible_controls(plan.context, plan.intervention, [])
    assert possible[0] == 1, "the cell that is built like the candidate"


def test_cell_sets_are_single_cells_then_pairs_then_larger_sets() -> None:
    possible = [*range(20, 32)]
    sets = control_cell_sets(possible, CONTROL_SETS, torch.Generator().manual_seed(0))
    assert len({frozenset(cells) for cells in sets}) == CONTROL_SETS
    assert [cells[0] for cells in sets[: len(possible)]] == possible
    assert [sum(len(cells) == size for cells in sets) for size in (1, 2, 3)] == [12, 66, 121]
    assert all(len(set(cells)) == len(cells) for cells in sets)


def test_there_are_no_more_cell_sets_than_the_cells_give() -> None:
    generator = torch.Generator().manual_seed(0)
    assert control_cell_sets([], CONTROL_SETS, generator) == []
    assert len(control_cell_sets([*range(12)], 10_000, generator)) == 12 + 66 + 220 + 495
    assert control_cell_sets([4, 2, 9], 2, generator) == [[4], [2]], "single cells need no draw"


def test_a_dose_in_h_is_the_change_of_the_activation_times_the_mean_output_gate(plan: Planned) -> None:
    context, closers, intervention = plan
    before = closers.natural_c(0)[:, [0, 3]].double()
    gates = context.survey.output_gate[0, [0, 3]]
    doses = {0: intervention.dose.double(), 3: torch.full((len(before),), 0.2, dtype=torch.float64)}
    moved = ((before + torch.stack(tuple(doses.values()), dim=1)).tanh() - before.tanh()) * gates
    torch.testing.assert_close(dose_in_h(closers, 0, doses), moved.square().sum(1).sqrt())


def test_cell_sets_are_given_the_wanted_dose_in_h(plan: Planned) -> None:
    _, closers, intervention = plan
    wanted = 0.2 * dose_in_h(closers, 0, {0: intervention.dose})
    cells = torch.tensor([[7, 9], [10, 12], [8, 11]])
    signs = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]).double()
    doses, reached = equal_doses(closers, 0, cells, wanted, signs)
    for pair, of_pair, share in zip(cells.tolist(), doses, reached.tolist(), strict=True):
        given = dose_in_h(closers, 0, {cell: of_pair[:, place] for place, cell in enumerate(pair)})
        assert float(given.mean()) == pytest.approx(share * float(wanted.mean()), rel=1e-3)
    assert (doses.sign() == signs[:, None, :]).all()
    assert (reached > 0.5).all()


def test_the_share_of_a_dose_beyond_reach_is_limited(plan: Planned) -> None:
    _, closers, intervention = plan
    wanted = 50 * dose_in_h(closers, 0, {0: intervention.dose})
    doses, reached = equal_doses(closers, 0, torch.tensor([[7]]), wanted, torch.ones(1, 1).double())
    assert reached.tolist() == [0.5]
    assert doses.isfinite().all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_inverse_gives_the_c_of_every_value_that_the_activation_has(activation: str) -> None:
    function = equations.activation_function(activation)
    c = torch.linspace(0.05, 0.9, 18, dtype=torch.float64)
    torch.testing.assert_close(_inverse(activation, function(c)), c)
    beyond = _inverse(activation, torch.tensor([-3.0, 3.0]).double())
    assert beyond.isfinite().all()
    assert float(function(beyond)[1]) == pytest.approx(
        3 if activation in ("relu", "identity") else 1, abs=2e-3
    )


def test_effects_of_controls_do_not_depend_on_how_they_are_batched(
    plan: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, closers, intervention = plan
    sets = [[3], [4], [5, 6], [1], [7, 8]]

    def effects() -> torch.Tensor:
        return control_effects(closers, intervention, sets, torch.Generator().manual_seed(4))

    whole = effects()
    assert whole.shape == (5,)
    assert (whole >= 0).all()
    assert whole[3] < 1e-6, "the head does not read cell 1"
    monkeypatch.setattr("charlstm.inspection.intervening.control_cells._CELL_SETS_PER_BATCH", 2)
    torch.testing.assert_close(effects(), whole)
    assert control_effects(closers, intervention, [], torch.Generator()).shape == (0,)


def test_controls_of_a_cell_that_the_head_reads_have_its_effect_at_its_dose(plan: Planned) -> None:
    """Cell 0 is the control of cell 1, which is built like it; one of two directions is the candidate's."""
    _, closers, intervention = plan
    read_as_control = replace(intervention, candidate=replace(intervention.candidate, cell=1))
    own = closers.mean_change({0: ([0], intervention.dose[:, None])}, both_ways=False)
    effects = [
        float(control_effects(closers, read_as_control, [[0]], torch.Generator().manual_seed(seed)))
        for seed in range(6)
    ]
    assert math.isclose(max(effects), float(own.abs().min()), rel_tol=0.05)
