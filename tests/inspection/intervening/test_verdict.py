"""Cells that the head reads are verified, their unread twins are not; controls are given the same dose."""

from dataclasses import replace

import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.inspection.exam.planted_cells import PlantedCell, latch, line_counter, plant, toggle
from charlstm.inspection.features.catalogue import Traits, features
from charlstm.inspection.intervening.control_cells import (
    CONTROLS,
    control_groups,
    dose_in_h,
    doses_like,
    matched,
)
from charlstm.inspection.intervening.effect import holm, measure, ranked
from charlstm.inspection.intervening.experiment import (
    Bench,
    Candidate,
    Laboratory,
    Trial,
    either_way,
    specific,
)
from charlstm.inspection.intervening.sites import sites_of
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.reading.trace import Cut
from charlstm.inspection.study import Standing, study
from charlstm.model.char_lstm import CharLSTM

HALF = 0.025  # what one of two equal cells adds to its closer's logit: too little alone
CELLS = {
    "read": toggle('"').read('"', 3),
    "unread": toggle('"'),
    "saturated": line_counter("\n", step=0.6),
}
COUNTED = {"counted": line_counter("\n", step=0.005).read("\n", 12)}
HALVES = {"one half": latch("(", ")").read(")", HALF), "other half": latch("(", ")").read(")", HALF)}
WANTED = {
    "read": "verified",
    "unread": "correlate",
    "saturated": "correlate",
    "counted": "verified",
    "one half": "redundant",
    "other half": "redundant",
}


def network(cells: dict[str, PlantedCell] = CELLS) -> CharLSTM:
    """The planted cells beside idle ones that the head hardly reads."""
    model = plant(list(cells.values()), SYMBOLS, idle=12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.head.weight[:, len(cells) :] *= 0.01
        if cells is COUNTED:
            model.head.bias[SYMBOLS.index("\n")] -= 3  # no line break unless it has counted far
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def standing() -> dict[str, Standing]:
    """What stands, by the names of the planted cells."""
    text = read_text(ids_of(written(50_000, seed=1)), SYMBOLS, 8)
    found: dict[str, Standing] = {}
    for cells in (CELLS, HALVES, COUNTED):
        generator = torch.Generator().manual_seed(0)
        names = list(cells)
        for one in study(network(cells), text, InspectionConfig(seed=0), generator=generator).standing:
            found[names[one.cell]] = one
    return found


@pytest.mark.parametrize("name", WANTED)
def test_verdicts_are_what_the_head_reads(standing: dict[str, Standing], name: str) -> None:
    proof = standing[name].proof
    assert proof.verdict == WANTED[name], proof.causal
    assert proof.causal["control_effects"]["count"] == CONTROLS


def test_what_a_verified_toggle_does(standing: dict[str, Standing]) -> None:
    causal = standing["read"].proof.causal
    assert causal["target"] == '"'
    assert causal["effect_nats"] < -1
    assert causal["insertion_nats"] > 1
    assert causal["specificity"] > 2
    assert causal["half_life"] is None, "nothing of it is lost before the closer"
    by_dose = [entry["effect_nats"] for entry in causal["dose_response"]]
    assert by_dose[1] > by_dose[2] > by_dose[3]
    unread = standing["unread"].proof.causal
    assert unread["effect_nats"] == pytest.approx(0, abs=1e-6)


def test_a_counter_moves_the_line_break(standing: dict[str, Standing]) -> None:
    moved = standing["counted"].proof.causal["displacement"]
    assert moved["steps"] > 5
    assert 0 < moved["interval"][0] < moved["characters"] < moved["interval"][1]
    assert standing["saturated"].proof.causal["displacement"]["characters"] == pytest.approx(0, abs=0.1)
    assert standing["read"].proof.causal["displacement"] is None, "a toggle has no steps"


def bench_of(feature_name: str, planted_cell: int) -> tuple[Laboratory, Bench, Trial]:
    text = written(20_000, seed=3)
    ids, cut, model = ids_of(text), Cut(len(text), 4), network()
    found = features(text, Traits.of(text, SYMBOLS), starts=cut.starts)
    signal = next(signal for signal in found if signal.feature.name == feature_name)
    feature = signal.feature
    sites = sites_of(signal, text, SYMBOLS, cut, torch.Generator().manual_seed(0))
    excluded = {feature.name: torch.zeros(1, model.config.cells, dtype=torch.bool)}
    excluded[feature.name][0, 14] = True
    thresholds = torch.zeros(1, model.config.cells, dtype=torch.float64)
    laboratory = Laboratory(model, ids, cut, thresholds, [sites], excluded)
    candidate = Candidate(0, planted_cell, feature, 1.0)
    return (
        laboratory,
        Bench(laboratory, sites),
        Trial(candidate, sites, torch.full((len(sites.closers),), -1.0), 1),
    )


def test_controls_get_the_same_dose_in_h() -> None:
    laboratory, bench, trial = bench_of("inside_double_quotes", 0)
    natural = bench.natural.track[0, 0]
    wanted = 0.2 * dose_in_h(laboratory, natural, {0: trial.dose}, 0)
    cells = torch.tensor([[7, 9], [10, 12], [8, 11]])
    shifts, reached = doses_like(
        laboratory, 0, natural, cells, wanted, torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]).double()
    )
    gates = laboratory.seen.output_gate[0]
    for group, (pair, share) in enumerate(zip(cells.tolist(), reached.tolist(), strict=True)):
        before = natural[:, pair].double()
        moved = ((before + shifts[group]).tanh() - before.tanh()) * gates[pair]
        size = moved.square().sum(1).sqrt()
        assert float(size.mean()) == pytest.approx(share * float(wanted.mean()), rel=1e-3)
        given = dose_in_h(laboratory, natural, {c: shifts[group, :, n] for n, c in enumerate(pair)}, 0)
        torch.testing.assert_close(given, size)
        assert (shifts[group].sign() == torch.tensor([[1, 1], [-1, -1], [1, -1]][group])).all()
    assert (reached > 0.5).all()


def test_groups_of_cells_are_changed_as_by_single_edits() -> None:
    _, bench, trial = bench_of("inside_double_quotes", 0)
    shifts = torch.stack((trial.dose, 0.5 * trial.dose))[:, :, None]
    changes = bench.changes(0, [[0], [0]], shifts)
    for change, shift in zip(changes, shifts, strict=True):
        torch.testing.assert_close(change, bench.effect({0: ([0], shift)}, both_ways=False))
    up, down = (bench.effect({0: ([0], sign * shifts[0])}, both_ways=False) for sign in (1, -1))
    torch.testing.assert_close(bench.effect({0: ([0], shifts[0])}, both_ways=True), either_way(up, down))


def test_controls_resemble_and_do_not_carry() -> None:
    laboratory, _, trial = bench_of("inside_double_quotes", 0)
    twin = Trial(Candidate(0, 1, trial.candidate.feature, 1.0), trial.sites, trial.dose, 1)
    pool = matched(laboratory, trial, [trial, twin])
    assert sorted(pool) == [*range(2, 14)], "neither itself, nor the twin, nor what carries the feature"
    groups = control_groups(pool, CONTROLS, torch.Generator().manual_seed(0))
    assert len({frozenset(group) for group in groups}) == CONTROLS
    assert [group[0] for group in groups[: len(pool)]] == pool
    assert [sum(len(group) == size for group in groups) for size in (1, 2, 3)] == [12, 66, 121]
    assert control_groups([], CONTROLS, torch.Generator()) == []
    assert len(control_groups(pool, 10_000, torch.Generator())) == 12 + 66 + 220 + 495, (
        "and there are no more"
    )


def test_an_effect_counts_so_far_as_both_its_parts_agree() -> None:
    changes = torch.tensor([[-2.0, -1.0], [1.0, 3.0], [1.0, -1.0], [0.0, 2.0]])
    assert specific(changes).tolist() == [-1, 1, 0, 0]


def test_a_counter_counts_by_its_slope_or_where_it_is_exact_by_its_peak() -> None:
    up, down = torch.tensor([[0.5, 0.4], [-2.0, -2.5]]), torch.tensor([[-0.3, -0.4], [-1.0, -1.5]])
    torch.testing.assert_close(either_way(up, down), torch.tensor([[0.4, 0.4], [-1.5, -2.0]]))


def test_a_promising_rank_is_taken_among_more_controls_at_fewer_sites() -> None:
    laboratory, _, trial = bench_of("inside_double_quotes", 0)
    generator = torch.Generator().manual_seed(0)
    first = measure(laboratory, trial, [trial], generator)
    assert (first.among, first.p_value) == (CONTROLS, pytest.approx(1 / (1 + CONTROLS)))
    more = ranked(laboratory, first, 250, 0.01, generator)
    assert (more.among, more.p_value) == (250, pytest.approx(1 / 251))
    assert more.effect == first.effect, "the effect itself is that at all sites"
    unread = measure(
        laboratory, replace(trial, candidate=replace(trial.candidate, cell=1)), [trial], generator
    )
    assert ranked(laboratory, unread, 250, 0.01, generator) is unread


def test_trials_are_thinned_evenly() -> None:
    _, _, trial = bench_of("inside_double_quotes", 0)
    few = trial.thinned(3)
    assert few.sites.closers.tolist() == trial.sites.closers[[0, len(trial.dose) // 2, -1]].tolist()
    assert len(few.dose) == len(few.sites.values) == 3
    assert len(trial.thinned(10_000).dose) == len(trial.dose)


def test_holm_corrects_for_those_that_are_no_smaller() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
