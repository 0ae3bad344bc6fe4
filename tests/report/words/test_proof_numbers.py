"""The effect, its interval and the share that a cell carries, as every place tells them."""

import pytest

from charlstm.report.words.proof_numbers import (
    carried_share,
    earlier_effect,
    effect_nats,
    effect_of,
    estimate_of,
    percent,
    share_in_short,
    signed,
)


def test_the_effect_is_one_field_of_either_schema_version():
    old = {"effect_nats": -2.6, "specific_nats": -0.01}
    assert (effect_nats(old), effect_of(old)) == (-2.6, None)
    new = effect_of(old | {"interval": [-3.0, -2.0]})
    assert new is not None
    assert new.nats == "−2.60 nats (−3.00 to −2.00)"
    assert effect_nats({}) is None
    assert effect_of({"effect_nats": -1.0, "interval": [None, None]}) is None


def test_an_estimate_needs_all_its_parts():
    whole = {"value": 0.424, "low": 0.37, "high": 0.481}
    known = estimate_of(whole)
    assert known is not None
    assert known.percent == "42% (37 to 48%)"
    for name in whole:
        assert estimate_of(whole | {name: None}) is None
    assert estimate_of(None) is None


@pytest.mark.parametrize(
    ("grade", "told", "short"),
    [
        ({"share": 0.42, "low": 0.37, "high": 0.48}, "42% (37 to 48%)", "42%"),
        ({"share": -0.02, "low": -0.05, "high": 0.01}, "−2% (−5 to 1%)", "−2%"),
        ({"share": 0.4, "low": -0.2, "high": 0.9}, None, "?"),
        ({"share": -0.2, "low": -0.3, "high": -0.1}, None, "?"),
        ({"share": 0.4, "low": None, "high": None}, None, "?"),
        (None, None, "?"),
    ],
)
def test_a_share_is_told_where_it_says_something(grade: object, told: str | None, short: str):
    share = carried_share({"grade": grade})
    assert (share.percent if share else None) == told
    assert share_in_short({"grade": grade, "evidence": {"limit_nats": 0.1}}) == short


def test_a_cell_without_evidence_has_no_share():
    assert share_in_short({"grade": None, "evidence": None}) == ""


def test_numbers_that_are_nearly_0_have_no_sign():
    assert [signed(-0.004), signed(0.25), signed(-1.5), signed(None)] == ["0.00", "+0.25", "−1.50", "–"]
    assert [percent(-0.001), percent(-0.12), percent(12.5)] == ["0%", "−12%", "1,250%"]


@pytest.mark.parametrize(
    ("by_lag", "found"),
    [
        ({1: (-9, -9.5, -8)}, None),  # later than the change that decides
        ({12: (-0.2, -0.3, -0.05)}, None),  # too small, perhaps
        ({12: (0.1, -0.5, 0.7)}, None),  # of either sign
        ({12: (-0.2, -0.3, -0.15), 24: (-0.5, -0.6, -0.4)}, 24),
        ({12: (0.9, 0.8, 1.0), 24: (-0.5, -0.6, -0.4)}, 12),
    ],
)
def test_an_earlier_effect_lies_surely_beyond_what_counts_as_little(by_lag, found):
    lags = [
        {"lag": lag, "nats": dict(zip(("value", "low", "high"), numbers, strict=True))}
        for lag, numbers in by_lag.items()
    ]
    effect = earlier_effect({"evidence": {"limit_nats": 0.1, "necessity": {"lag": 4, "by_lag": lags}}})
    assert (effect and effect[0]) == found
