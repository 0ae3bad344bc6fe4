"""What is missing for the verdict "verified" is told in plain words, with the numbers of the findings."""

from typing import Any

import pytest
from proven_fixture import proven_findings

from charlstm.report.words.doubts import doubt, failures, grounds
from charlstm.report.words.phrases import sentence_text

HOLDS = dict.fromkeys(("necessity", "specificity", "restoration", "interchange"), True)


def estimate(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def evidence(*failed: str, **changes: Any) -> dict[str, Any]:
    """Return evidence of a clear effect in which the conditions `failed` do not hold."""
    effect = {"nats": estimate(-0.9, -1.2, -0.6)}
    return {
        "limit_nats": 0.1,
        "conditions": HOLDS | dict.fromkeys(failed, False),
        "necessity": {"resample": effect, "conditional_mean": effect},
        **changes,
    }


def said(verdict: str | None, kind: str = "toggle", causal: Any = None, **of: Any) -> str:
    finding = {"verdict": verdict, "kind": kind, "causal": causal or {}, **of}
    return sentence_text(doubt(finding, 0.01))


def undecided(*failed: str, kind: str = "toggle", **changes: Any) -> str:
    text = said("undecided", kind, evidence=evidence(*failed, **changes))
    return text.removeprefix("It is not decided whether the model uses it: ")


def necessity(resample: Any, mean: Any) -> dict[str, Any]:
    return {"resample": {"nats": estimate(*resample)}, "conditional_mean": {"nats": estimate(*mean)}}


def test_a_verified_finding_leaves_no_doubt():
    assert said("verified", causal={"p_value": 0.002}) == ""
    assert said("verified", evidence=evidence()) == ""


def test_a_verified_finding_quotes_the_intervals_and_the_rank_that_decided():
    found = next(one for one in proven_findings()["findings"] if one["verdict"] == "verified")
    evidence = found["evidence"]
    told = sentence_text(grounds(found))

    for name in ("resample", "conditional_mean"):
        low = evidence["necessity"][name]["nats"]["low"]
        assert f"({low:+.2f} to ".replace("-", "−") in told
    assert f"number {evidence['rank']['rank']} of {evidence['rank']['cells']} cells" in told
    assert grounds(found | {"verdict": "undecided"}) == ()


def test_a_cell_that_was_not_changed_is_said_to_be_open():
    assert said(None) == "No experiment changed this cell, so whether the model uses it is open."


def test_without_evidence_a_correlate_says_which_p_value_it_would_have_needed():
    assert said("correlate", causal={"p_value": 0.6}) == (
        "Changing it does not show that the model uses it (p = 0.6, corrected for all tested cells; "
        "0.01 at most is required)."
    )
    assert "required" not in sentence_text(doubt({"verdict": "correlate", "causal": {"p_value": 0.6}}, None))
    assert "required" not in said("correlate", causal={"p_value": 0.002})


def test_without_evidence_a_redundant_cell_says_how_many_cells_it_takes():
    causal = {"p_value": 0.012, "group": {"cells": ["0:1", "0:2", "0:3"]}}
    assert said("redundant", causal=causal) == (
        "Changing this cell alone does not show that the model uses it (p = 0.012, corrected for all tested "
        "cells; 0.01 at most is required); changing the 3 cells of its feature together does."
    )


@pytest.mark.parametrize(
    ("effects", "words"),
    [
        (((-0.05, -0.3, 0.2), (-0.04, -0.3, 0.2)), "the effect is not beyond the required 0.10 nats"),
        (
            ((-0.5, -1.2, 0.2), (-0.4, -1.1, 0.3)),
            "the interval, corrected for all tested cells, is too wide to lie beyond the required 0.10 nats",
        ),
        (
            ((-0.5, -0.6, -0.4), (-0.05, -0.1, 0.0)),
            "only one of the two ways to take its memory away has an effect beyond the required 0.10 nats",
        ),
        (
            ((0.5, 0.4, 0.6), (0.5, 0.4, 0.6)),
            "without its memory the closing character becomes likelier, not less likely",
        ),
    ],
)
def test_a_failed_necessity_is_told(effects: Any, words: str):
    assert undecided("necessity", necessity=necessity(*effects)) == f"{words}."


def test_a_counter_may_make_its_closer_likelier():
    told = undecided("necessity", kind="counter", necessity=necessity((0.5, 0.4, 0.6), (0.5, 0.4, 0.6)))
    assert "likelier" not in told


def test_a_failed_specificity_names_the_other_character():
    other = {"feature": "column", "target": "\n", "nats": estimate(-0.95, -1.0, -0.9)}
    specificity = {"runner_up": "column", "behaviours": [other]}
    assert undecided("specificity", specificity=specificity) == (
        "the effect is larger at another character's places (↵, −0.95 nats)."
    )
    assert "no larger at its own places" in undecided("specificity")


@pytest.mark.parametrize(
    ("restored", "baseline", "words"),
    [
        ((-0.02, -0.1, 0.05), 0.0, "restoring it alone brings nothing back"),
        ((0.3, -2.0, 2.0), 0.0, "what restoring it alone brings back is too uncertain"),
        (
            (0.12, 0.05, 0.2),
            0.1,
            "restoring it alone brings 12% (5 to 20%) back, where other cells bring 10%",
        ),
    ],
)
def test_a_failed_sufficiency_says_what_comes_back(restored: Any, baseline: float, words: str):
    sufficiency = {"restoration": estimate(*restored), "restoration_baseline": baseline}
    told = undecided("restoration", "interchange", sufficiency=sufficiency)
    assert told == f"{words}, and there are too few places to exchange it."
    swapped = {"share": estimate(0.15, 0.1, 0.2)}
    told = undecided("restoration", "interchange", sufficiency=sufficiency, interchange=swapped)
    assert told.endswith(", and exchanging it alone turns 15% of the model's choices.")


@pytest.mark.parametrize("enough", ["insertion", "restoration", "interchange"])
def test_one_of_insertion_restoration_and_interchange_is_enough(enough):
    found = evidence("insertion", "restoration", "interchange")
    assert list(failures({"kind": "toggle", "evidence": found}))
    found["conditions"] |= {enough: True}
    assert not list(failures({"kind": "toggle", "evidence": found}))


def test_a_correlate_says_within_what_its_effect_lies():
    small = {"effect_nats": -0.02, "interval": [-0.04, 0.01]}
    assert said("correlate", causal=small, evidence=evidence("necessity")) == (
        "Its effect surely lies within 0.10 nats: little is lost when its memory is taken away."
    )
    large = {"effect_nats": -1.5, "interval": [-1.8, -1.2]}
    told = said("correlate", causal=large, evidence=evidence("necessity", limit_nats=2.9, margin_nats=0.1))
    assert told == "Its effect surely lies within 0.10 nats: little is lost when its memory is taken away."


def test_a_correlate_with_a_sure_insertion_says_so():
    inserted = {"insertion": estimate(0.34, 0.22, 0.51)}
    found = evidence("necessity", sufficiency=inserted)
    found["conditions"]["insertion"] = True
    assert said("correlate", evidence=found).endswith(
        " Set where its feature is in the other state, it does change the prediction: "
        "+0.34 nats (+0.22 to +0.51)."
    )
    found["conditions"]["insertion"] = False
    assert "in the other state" not in said("correlate", evidence=found)


@pytest.mark.parametrize(("elsewhere", "is_told"), [(-0.8, False), (-1.1, True), (1.1, True)])
def test_a_verified_cell_says_where_its_effect_came_out_larger(elsewhere: float, is_told: bool):
    other = {"feature": "column", "target": "\n", "nats": estimate(elsewhere, elsewhere - 1, elsewhere + 1)}
    specificity = {"own": estimate(-0.9, -1, -0.8), "runner_up": "column", "behaviours": [other]}
    told = sentence_text(grounds({"verdict": "verified", "evidence": evidence(specificity=specificity)}))
    assert ("At the places of ↵ its effect came out larger" in told) == is_told


def test_a_correlate_that_matters_where_it_is_changed_earlier_says_so():
    lags = [{"lag": 4, "nats": estimate(0, 0, 0)}, {"lag": 24, "nats": estimate(-0.5, -0.6, -0.4)}]
    found = evidence("necessity")
    found["necessity"] |= {"lag": 4, "by_lag": lags}
    assert said("correlate", evidence=found) == (
        "Its effect surely lies within 0.10 nats when it is changed 4 characters before. "
        "Changed 24 characters before, it matters (−0.50 nats (−0.60 to −0.40)): "
        "other cells may have taken over by then what it held."
    )


def test_an_undecided_cell_that_matters_where_it_is_changed_earlier_says_so():
    found = evidence("necessity")
    for name in ("resample", "conditional_mean"):
        found["necessity"][name] = {"nats": estimate(-0.01, -0.03, 0.01)}
    found["necessity"] |= {
        "lag": 4,
        "by_lag": [{"lag": 24, "nats": estimate(-0.5, -0.6, -0.4)}],
    }
    first = sentence_text(next(iter(failures({"kind": "toggle", "evidence": found}))))
    assert first == (
        "the effect is not beyond the required 0.10 nats, though changed 24 characters before it matters "
        "(−0.50 nats (−0.60 to −0.40)): others may copy from it"
    )


def test_a_redundant_cell_tells_what_its_group_does():
    group = {"cells": ["0:1", "0:2"], "effect_nats": -1.2, "interval": [-1.5, -0.9]}
    told = said("redundant", causal={"group": group}, evidence=evidence("necessity"))
    assert told.startswith("Alone it is not verified: the interval, corrected")
    assert told.endswith(
        "The 2 cells of its feature together are needed: −1.20 nats (−1.50 to −0.90). Without this cell "
        "that effect is smaller."
    )
    group["leave_one_out"] = [
        {"cell": "0:1", "lost": estimate(-0.3, -0.4, -0.2)},
        {"cell": "0:2", "lost": estimate(-0.1, -0.2, -0.05)},
    ]
    of = {"causal": {"group": group}, "evidence": evidence("necessity"), "layer": 0, "cell": 2}
    assert said("redundant", **of).endswith("is smaller, by −0.10 nats (−0.20 to −0.05).")


def test_every_measured_finding_but_the_verified_ones_has_a_doubt():
    for finding in proven_findings()["findings"]:
        assert bool(doubt(finding, 0.01)) == (finding["verdict"] != "verified")
        assert bool(list(failures(finding))) == (finding["verdict"] != "verified")
