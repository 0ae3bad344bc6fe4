"""Verdicts on planted networks: what the head reads is verified, what it needs only in part is redundant."""

from dataclasses import replace

import pytest
import torch
from intervention_fixture import network, planned
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.inspection.exam.planted_cells import PlantedCell, latch, line_counter, toggle
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.control_cells import CONTROL_SETS, CellRoles
from charlstm.inspection.intervening.effect import MeasuredEffect
from charlstm.inspection.intervening.experiment import Candidate, Intervention
from charlstm.inspection.intervening.joint_effect import JointEffect
from charlstm.inspection.intervening.verdict import (
    JudgedCandidate,
    ProofRequest,
    _intervention,
    prove,
)
from charlstm.inspection.reading.inspected_text import InspectedText, read_text
from charlstm.inspection.study import ConfirmedPair, study
from charlstm.model.char_lstm import CharLSTM

# What one of two equal cells adds to its closer's logit: too little alone.
HALF = 0.025
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


def network_of(cells: dict[str, PlantedCell]) -> CharLSTM:
    """The planted cells beside idle ones; with the counter, no line break unless it has counted far."""
    model = network(list(cells.values()))
    if cells is COUNTED:
        model.head.bias[SYMBOLS.index("\n")] -= 3
    return model


@pytest.fixture(scope="module")
def text() -> InspectedText:
    return read_text(ids_of(written(50_000, seed=1)), SYMBOLS, 8)


@pytest.fixture(scope="module")
def confirmed(text: InspectedText) -> dict[str, ConfirmedPair]:
    """The pairs that stand after detection, with their proofs, by the names of the planted cells."""
    found: dict[str, ConfirmedPair] = {}
    for cells in (CELLS, HALVES, COUNTED):
        generator = torch.Generator().manual_seed(0)
        names = list(cells)
        studied = study(network_of(cells), text, InspectionConfig(seed=0), generator=generator)
        found |= {names[pair.cell]: pair for pair in studied.confirmed_pairs}
    return found


@pytest.mark.parametrize("name", WANTED)
def test_verdicts_are_what_the_head_reads(confirmed: dict[str, ConfirmedPair], name: str) -> None:
    proof = confirmed[name].proof
    assert proof.verdict == WANTED[name], proof.causal
    assert proof.causal["control_effects"]["count"] == CONTROL_SETS


def test_the_numbers_of_a_verified_toggle(confirmed: dict[str, ConfirmedPair]) -> None:
    causal = confirmed["read"].proof.causal
    assert causal["target"] == '"'
    assert causal["effect_nats"] < -1
    assert causal["insertion_nats"] > 1
    assert causal["specificity"] > 2
    assert causal["half_life"] is None, "nothing of it is lost before the closer"
    assert causal["steps"] is None, "a toggle has no steps"
    assert causal["group"] is None
    controls = causal["control_effects"]
    assert controls["quantiles"] == sorted(controls["quantiles"])
    assert controls["quantiles"][10] == pytest.approx(controls["median"])
    assert causal["ratio"] == pytest.approx(abs(causal["specific_nats"]) / controls["p95"])
    assert confirmed["unread"].proof.causal["effect_nats"] == pytest.approx(0, abs=1e-6)


def test_a_counter_moves_the_line_break(confirmed: dict[str, ConfirmedPair]) -> None:
    moved = confirmed["counted"].proof.causal["displacement"]
    assert moved["steps"] > 5
    assert 0 < moved["interval"][0] < moved["characters"] < moved["interval"][1]
    assert confirmed["saturated"].proof.causal["displacement"]["characters"] == pytest.approx(0, abs=0.1)


def test_a_redundant_cell_names_the_cells_that_it_acts_with(confirmed: dict[str, ConfirmedPair]) -> None:
    joint = confirmed["one half"].proof.causal["group"]
    assert sorted(joint["cells"]) == ["0:0", "0:1"]
    assert abs(joint["effect_nats"]) > 2 * joint["control_p95"]


def test_named_controls_are_neither_candidates_nor_follow_the_feature(
    confirmed: dict[str, ConfirmedPair],
) -> None:
    controls = confirmed["read"].proof.controls
    assert controls
    assert not {0, 1} & set(controls)


@pytest.fixture(scope="module")
def intervention() -> Intervention:
    return planned().intervention


def request_of(text: InspectedText, candidates: list[Candidate]) -> ProofRequest:
    """A request on a network of two toggles in which every other cell may be a control."""
    model, names = network_of(CELLS), text.table.names
    roles = CellRoles(
        torch.zeros(model.config.cells, len(names)), {name: place for place, name in enumerate(names)}, 1
    )
    return ProofRequest(
        model=model,
        chunk=text.splits["intervene"].first,
        candidates=candidates,
        roles=roles,
        thresholds=torch.full((1, model.config.cells), 0.5, dtype=torch.float64),
        significance=0.05,
    )


def test_proofs_come_in_the_order_of_the_candidates(text: InspectedText) -> None:
    features = {feature.name: feature for feature in text.table.features}
    quotes = features["inside_double_quotes"]
    candidates = [Candidate(0, 1, quotes, 0.0), Candidate(0, 0, quotes, 1.0), Candidate(0, 1, quotes, 1.0)]
    proofs = prove(request_of(text, candidates), generator=torch.Generator().manual_seed(0))
    assert (proofs[0].causal, proofs[0].verdict) == (None, None), "a slope of 0 gives no dose"
    assert [proof.verdict for proof in proofs[1:]] == ["verified", "correlate"]
    assert proofs[1].causal["p_value_alone"] <= proofs[1].causal["p_value"]


def test_where_every_cell_has_a_role_there_is_no_control_and_no_verified_candidate(
    text: InspectedText,
) -> None:
    quotes = next(feature for feature in text.table.features if feature.name == "inside_double_quotes")
    request = request_of(text, [Candidate(0, 0, quotes, 1.0)])
    everywhere = replace(request.roles, correlations=torch.ones_like(request.roles.correlations))
    (proof,) = prove(replace(request, roles=everywhere), generator=torch.Generator().manual_seed(0))
    assert proof.verdict == "correlate"
    assert proof.causal["effect_nats"] < -0.5
    assert proof.causal["control_effects"] == {
        "count": 0,
        "median": None,
        "p95": None,
        "max": None,
        "quantiles": [],
    }
    assert (proof.causal["ratio"], proof.controls) == (None, ())


def test_nothing_to_prove_needs_no_sites(text: InspectedText) -> None:
    assert prove(request_of(text, []), generator=torch.Generator()) == []


@pytest.mark.parametrize(
    ("kind", "values", "slope", "dose", "steps"),
    [
        ("switch", [1, 1, 1], 0.5, [-0.5, -0.5, -0.5], 1),
        ("depth", [1, 2, 3], 0.5, [-0.5, -1.0, -1.5], 1),
        ("counter", [10, 20, 30], 0.5, [5.0, 5.0, 5.0], 10),
        ("counter", [1, 1, 1], 0.5, [0.5, 0.5, 0.5], 1),
        ("counter", [200, 220, 240], -0.5, [-15.0, -15.0, -15.0], 30),
    ],
)
def test_the_dose_takes_the_feature_away_or_half_of_the_usual_count(
    intervention: Intervention, kind: str, values: list[int], slope: float, dose: list[float], steps: float
) -> None:
    sites = replace(intervention.sites, values=torch.tensor(values).float().numpy())
    found = _intervention(Candidate(0, 0, Feature("any", kind, {}), slope), sites)
    assert found.dose.tolist() == dose
    assert found.steps == steps


def test_without_sites_there_is_no_intervention() -> None:
    assert _intervention(Candidate(0, 0, Feature("any", "switch", {}), 1.0), None) is None


@pytest.mark.parametrize(
    ("verified", "convincing", "needed", "verdict"),
    [
        (True, False, False, "verified"),
        (False, True, True, "redundant"),
        (False, True, False, "correlate"),
        (False, False, True, "correlate"),
    ],
)
def test_a_verdict_is_redundant_when_a_convincing_joint_effect_needs_the_cell(
    intervention: Intervention, verified: bool, convincing: bool, needed: bool, verdict: str
) -> None:
    measured = MeasuredEffect(intervention, -1.0, -1.0, torch.ones(9), [], 0.01, 9)
    joint = JointEffect([[0, 0], [0, 1]], -1.0, 0.1, 0.01, convincing, [needed, needed])
    assert JudgedCandidate(measured, 0.02, verified, joint, needed).verdict == verdict
    assert JudgedCandidate(measured, 0.02, False).verdict == "correlate"
