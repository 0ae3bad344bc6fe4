"""Verdicts and grades of planted cells are what the head of their network reads."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
import torch
from group_processes import results_of_processes
from intervention_fixture import (
    BRACKETS,
    COLUMN,
    DEPTH,
    PARENTHESES,
    QUOTES,
    candidate,
    network,
    roles_of,
    tidy_passage,
    tidy_split,
)
from written_text import SYMBOLS

from charlstm.inspection.exam.planted_cells import PlantedCell, depth_counter, latch, line_counter, toggle
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.experiment import Candidate
from charlstm.inspection.intervening.verdict import Proof, ProofRequest, Proven, prove
from charlstm.machine.processes import ALONE, ProcessGroup

NAMES = (QUOTES, COLUMN, PARENTHESES, BRACKETS, DEPTH)
# Each network: its planted cells, and the candidates by the names that the tests use.
NETWORKS: dict[str, tuple[list[PlantedCell], dict[str, Candidate]]] = {
    "used and unused": (
        [toggle('"').read('"', 3), toggle('"'), latch("(", ")").read(")", 3), latch("(", ")").read("e", 0.5)],
        {
            "alone": candidate(0),
            "unread": candidate(1),
            "latch": candidate(2, PARENTHESES),
            "read for a letter": candidate(3, PARENTHESES),
        },
    ),
    "shared": (
        [
            toggle('"').read('"', 1.5),
            toggle('"').read('"', 1.5),
            latch("(", ")").read(")", 3),
            latch("(", ")").read(")", 1),
        ],
        {
            "half": candidate(0),
            "other half": candidate(1),
            "three quarters": candidate(2, PARENTHESES),
            "one quarter": candidate(3, PARENTHESES),
        },
    ),
    "counters": (
        [line_counter("\n", step=0.005).read("\n", 12)],
        {"column": candidate(0, COLUMN, 0.005)},
    ),
    "depths": (
        [depth_counter("[", "]").read("]", 6)],
        {"depth": candidate(0, DEPTH, math.tanh(0.5))},
    ),
    "spared": (
        [latch("(", ")").read(")", 0.055), latch("(", ")").read(")", 0.055), latch("(", ")")],
        {
            "spared": candidate(0, PARENTHESES),
            "other spared": candidate(1, PARENTHESES),
            "idle beside them": candidate(2, PARENTHESES),
        },
    ),
    "elsewhere": (
        [toggle('"').read(")", 3), latch("(", ")").read(")", 1)],
        {"read for another closer": candidate(0)},
    ),
}
VERDICTS = {
    "alone": "verified",
    "unread": "correlate",
    "latch": "verified",
    "read for a letter": "correlate",
    "half": "verified",
    "other half": "verified",
    "three quarters": "verified",
    "one quarter": "verified",
    "column": "verified",
    "depth": "verified",
    "spared": "redundant",
    "other spared": "redundant",
    "idle beside them": "correlate",
}
GRADES = {
    "alone": 1.0,
    "unread": 0.0,
    "latch": 1.0,
    "half": 0.5,
    "other half": 0.5,
    "three quarters": 0.75,
    "one quarter": 0.25,
    "column": 1.0,
    "depth": 1.0,
}


def request_of(
    planted: Sequence[PlantedCell], candidates: Sequence[Candidate], **followed: float
) -> ProofRequest:
    """A request on a network in which each candidate, and no other cell, follows its feature.

    followed has |r| of the first candidate with other features.
    """
    model = network(planted, line_break=-3.0)
    scores: dict[int, dict[str, float]] = {}
    for one in candidates:
        scores.setdefault(one.cell, {})[one.feature.name] = 0.9
    if followed:
        scores[candidates[0].cell] |= followed
    return ProofRequest(
        model=model,
        split=tidy_split(),
        candidates=candidates,
        roles=roles_of(model, scores, NAMES),
        thresholds=torch.zeros(1, model.config.cells, dtype=torch.float64),
        significance=0.01,
    )


@cache
def proven(name: str) -> Proven:
    planted, candidates = NETWORKS[name]
    return prove(request_of(planted, list(candidates.values())))


def proof(name: str) -> Proof:
    """The proof of a candidate by its name."""
    for network_name, (_, candidates) in NETWORKS.items():
        if name in candidates:
            return proven(network_name).proofs[list(candidates).index(name)]
    raise KeyError(name)


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts_are_what_the_head_reads(name: str) -> None:
    assert proof(name).verdict == VERDICTS[name], proof(name).evidence


@pytest.mark.parametrize("name", GRADES)
def test_grades_are_the_shares_that_the_head_takes_from_each_cell(name: str) -> None:
    grade = proof(name).grade.share
    assert grade.value == pytest.approx(GRADES[name], abs=0.1)
    assert grade.low - 0.1 < GRADES[name] < grade.high + 0.1
    assert grade.low <= grade.value <= grade.high


def test_a_cell_that_is_read_for_another_closer_is_not_verified() -> None:
    found = proof("read for another closer")
    assert found.verdict in ("correlate", "undecided")
    assert not found.evidence["conditions"]["necessity"]


def test_a_cell_that_does_more_at_another_closer_is_not_specific() -> None:
    planted = [latch("(", ")").read(")", 4), toggle('"').read('"', 3)]
    rightly, wrongly = (
        prove(request_of(planted, [candidate(0, own)], **{other: 0.5})).proofs[0]
        for own, other in ((PARENTHESES, QUOTES), (QUOTES, PARENTHESES))
    )
    assert rightly.verdict == "verified"
    assert rightly.evidence["specificity"]["runner_up"] == QUOTES
    assert rightly.evidence["conditions"]["specificity"]
    assert wrongly.verdict != "verified"
    assert wrongly.evidence["specificity"]["runner_up"] == PARENTHESES
    assert not wrongly.evidence["conditions"]["specificity"]


def test_an_effect_right_at_the_limit_is_undecided() -> None:
    weight = 0.07
    small = prove(request_of([toggle('"').read('"', weight)], [candidate(0)])).proofs[0]
    assert small.verdict == "correlate"
    exact = weight * small.evidence["limit_nats"] / abs(small.causal["effect_nats"])
    found = prove(request_of([toggle('"').read('"', exact)], [candidate(0)])).proofs[0]
    assert found.causal["effect_nats"] == pytest.approx(-found.evidence["limit_nats"], rel=0.01)
    assert found.verdict == "undecided"
    assert (
        prove(request_of([toggle('"').read('"', 1.3 * exact)], [candidate(0)])).proofs[0].verdict
        == "verified"
    )


def test_the_numbers_of_a_toggle_that_is_read() -> None:
    found = proof("alone")
    causal, evidence = found.causal, found.evidence
    assert causal["target"] == '"'
    assert causal["effect_nats"] == causal["resample_nats"] < -2
    assert causal["interval"][0] <= causal["effect_nats"] <= causal["interval"][1]
    assert causal["insertion_nats"] > 1
    assert (causal["half_life"], causal["steps"], causal["group"]) == (None, None, None)
    assert causal["p_value_alone"] < 1e-6
    assert causal["p_value"] == pytest.approx(4 * causal["p_value_alone"]), "of four candidates"
    assert evidence["rank"]["rank"] == 1
    assert evidence["rank"]["cells"] == 16
    assert evidence["rank"]["others"] == 14, "all but the two that follow the feature"
    assert evidence["interchange"]["share"]["value"] > 0.95
    assert evidence["sufficiency"]["restoration"]["value"] == pytest.approx(1, abs=0.1)
    assert found.controls
    assert not {0, 1, 2, 3} & set(found.controls)


def test_no_other_candidate_is_named_as_a_control() -> None:
    """Cells without a role resemble one that is tested, and one of them is tested itself."""
    planted, candidates = NETWORKS["used and unused"]
    request = request_of(planted, [candidates["latch"]])
    (alone,) = prove(request).proofs
    named = alone.controls[0]
    beside, _ = prove(replace(request, candidates=[candidates["latch"], candidate(named)])).proofs
    assert named not in beside.controls
    assert set(alone.controls) - {named} <= set(beside.controls)


def test_spared_cells_name_the_cells_that_they_act_with() -> None:
    group = proof("spared").causal["group"]
    assert sorted(group["cells"]) == ["0:0", "0:1", "0:2"]
    assert group["interval"][1] < -0.1
    alone = [proof(name).causal["effect_nats"] for name in ("spared", "other spared")]
    assert group["effect_nats"] == pytest.approx(sum(alone), rel=0.05)
    assert max(map(abs, alone)) < 0.1


def test_a_counter_moves_the_line_break_and_no_other_feature_has_a_displacement() -> None:
    moved = proof("column").causal["displacement"]
    assert moved["steps"] > 5
    assert 0 < moved["interval"][0] < moved["characters"] < moved["interval"][1]
    per_step = proof("column").evidence["dose"]["characters_per_step"]
    assert moved["characters"] == pytest.approx(per_step["value"] * moved["steps"])
    assert proof("depth").causal["displacement"] is None
    assert proof("alone").evidence["dose"]["characters_per_step"] is None


def prove_spared_cells(processes: ProcessGroup) -> str:
    """Prove the cells of one network anew, and return all that the proofs say."""
    planted, candidates = NETWORKS["spared"]
    made = prove(request_of(planted, list(candidates.values())), processes=processes)
    return repr(
        [(one.causal, one.evidence, one.grade, one.verdict, one.controls) for one in made.proofs]
        + [census.nats.tolist() for census in made.censuses]
    )


def test_proofs_do_not_depend_on_random_numbers() -> None:
    torch.manual_seed(1)
    first = prove_spared_cells(ALONE)
    torch.manual_seed(2)
    assert prove_spared_cells(ALONE) == first
    assert "redundant" in first


def test_proofs_do_not_depend_on_the_number_of_processes() -> None:
    (alone,) = results_of_processes(prove_spared_cells, 1)
    assert results_of_processes(prove_spared_cells, 2) == [alone] * 2


def test_proofs_come_in_the_order_of_the_candidates_and_need_closers() -> None:
    absent = Feature("inside_guillemets", "switch", {"set": ["<"], "reset": [">"]})
    split = tidy_split()
    planted, _ = NETWORKS["used and unused"]
    request = request_of(planted, [candidate(1), candidate(0)])
    assert [one.verdict for one in prove(request).proofs] == ["correlate", "verified"]
    with pytest.raises(ValueError, match="inside_guillemets"):
        prove(replace(request, candidates=[Candidate(0, 0, absent, 1.0)]))
    # Of a text of 2,000 characters fewer than 40 quotations remain.
    short = replace(split, ids=split.ids[:2_000], streams=1, only_chunk=None)
    (proof_of_short,) = prove(replace(request, split=short, candidates=[candidate(0)])).proofs
    assert (proof_of_short.causal, proof_of_short.evidence, proof_of_short.grade) == (None, None, None)
    assert (proof_of_short.verdict, proof_of_short.controls) == (None, ())


def test_nothing_to_prove_has_no_proofs() -> None:
    planted, _ = NETWORKS["used and unused"]
    assert prove(replace(request_of(planted, [candidate(0)]), candidates=[])).proofs == []


def test_more_candidates_make_a_verdict_harder() -> None:
    planted, candidates = NETWORKS["used and unused"]
    one = prove(request_of(planted, [candidates["latch"]])).proofs[0].causal
    two = prove(request_of(planted, [candidates["latch"], candidate(0)])).proofs[0].causal
    assert one["p_value_alone"] == two["p_value_alone"]
    assert two["p_value"] == pytest.approx(2 * one["p_value"])


def test_where_every_cell_carries_the_feature_there_is_nothing_to_compare_with() -> None:
    planted, _ = NETWORKS["used and unused"]
    request = request_of(planted, [candidate(0)])
    everywhere = replace(request.roles, correlations=torch.ones_like(request.roles.correlations))
    (found,) = prove(replace(request, roles=everywhere)).proofs
    assert found.causal["control_effects"]["count"] == 0
    assert found.causal["ratio"] is None
    assert found.controls == ()
    assert found.evidence["limit_nats"] == 0.1
    assert found.verdict == "verified"


def test_what_the_proofs_were_made_from_is_kept() -> None:
    made = proven("used and unused")
    assert set(made.context.behaviours) == {QUOTES, PARENTHESES}
    assert {(census.feature, census.layer) for census in made.censuses} == {(QUOTES, 0), (PARENTHESES, 0)}
    assert made.context.passage.text == tidy_passage().text
    assert SYMBOLS[int(made.context.behaviours[PARENTHESES].targets.argmax())] == ")"
