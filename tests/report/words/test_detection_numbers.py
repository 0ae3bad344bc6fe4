"""The score that decided, its limit, the feature that came next, and what chance finds."""

from typing import Any

import pytest
from report_fixture import finding

from charlstm.report.words.detection_numbers import (
    false_discoveries,
    held_out_score,
    near_limit_sentence,
    partners_sentence,
    rank_score,
    runner_up_sentence,
    score_sentence,
    share_line,
)
from charlstm.report.words.phrases import sentence_text


def found(kind: str = "toggle", **numbers: Any) -> dict[str, Any]:
    one = finding(3, kind, "inside_comment", {}, 0.75)
    one["detection"] |= numbers
    return one


def test_the_score_is_the_one_that_decided():
    assert held_out_score(found(held_out_equal_share=0.9)) == 0.9
    assert held_out_score(found()) == 0.75
    assert held_out_score(found(held_out_score=None)) is None
    assert rank_score(found(held_out_score=None)) < rank_score(found(held_out_score=0.0))


def test_the_sentence_about_the_score_keeps_the_plain_correlation():
    numbers = {"held_out_equal_share": 0.9, "held_out_interval": [0.881, 0.926]}
    told = "Its score on held-out text is 0.90 (95% interval 0.88 to 0.93)"
    with_plain = f"{told}; its plain correlation with the feature, |r|, is 0.75."
    assert sentence_text(score_sentence(found(**numbers))) == with_plain
    assert sentence_text(score_sentence(found("counter", **numbers))) == f"{told}."
    assert sentence_text(score_sentence(found())) == "Its score on held-out text is 0.75."
    assert score_sentence(found(held_out_score=None)) == ()


def test_a_score_near_its_limit_is_told():
    assert "may not be found" in sentence_text(near_limit_sentence(found(near_limit=True)))
    assert near_limit_sentence(found(near_limit=False)) == near_limit_sentence(found()) == ()


@pytest.mark.parametrize(
    ("contrast", "words"),
    [
        (0.88, "where the two differ, the cell follows its own (0.88; 1 is its own feature, 0 the other)."),
        (0.52, "where the two differ, the cell stands about halfway between them (0.52; 1 is its own"),
        (None, "the text hardly tells the two apart."),
    ],
)
def test_the_feature_that_came_next_is_told(contrast: float | None, words: str):
    other = {"feature": "text_column", "score": 0.87, "contrast": contrast}
    told = sentence_text(runner_up_sentence(found(runner_up=other)))
    assert told.startswith("The feature that fits next best is text column (score 0.87): ")
    assert words in told
    assert runner_up_sentence(found(runner_up=None)) == runner_up_sentence(found()) == ()


def test_cells_that_share_a_depth_are_named() -> None:
    assert "as cell 0:3, but" in sentence_text(partners_sentence(found(partners=[3])))
    assert "as cells 0:3, 0:9, but" in sentence_text(partners_sentence(found(partners=[3, 9])))
    assert partners_sentence(found(partners=[])) == partners_sentence(found()) == ()


def test_the_share_of_cells_is_told_without_an_interval():
    document = {
        "method": {"share": {"above_untrained": 0.0408}},
        "findings": [found(near_limit=True), found()],
    }
    assert share_line(document) == (
        "After subtracting the share found in untrained networks, 4.1% of all cells have a finding. "
        "The share differs between texts; one text cannot show by how much. 1 finding is near the limit."
    )
    assert "near" not in share_line(document | {"findings": [found()]})
    assert share_line({"method": None}) == ""


@pytest.mark.parametrize(
    ("rate", "findings", "words"),
    [
        (
            0.0,
            0,
            "0% of the findings, estimated from 16 features about letters, which no cell has a reason to",
        ),
        (0.25, 2, "2 cells follow one of them."),
        (0.125, 1, "1 cell follows one of them."),
    ],
)
def test_the_false_discovery_rate_is_told(rate: float, findings: int, words: str):
    pseudo = {"features": 16, "findings": findings, "false_finding_rate": rate}
    assert words in false_discoveries({"method": {"controls": {"pseudo_features": pseudo}}})


def test_no_rate_is_told_where_none_is_known():
    empty = {"features": 16, "findings": 0, "false_finding_rate": None}
    for controls in (None, {}, {"pseudo_features": empty}):
        assert false_discoveries({"method": {"controls": controls}}) == ""
