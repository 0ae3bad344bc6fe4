"""Evidence, sets, edges and unexpected cells that cannot be drawn are refused by their path."""

from typing import Any

import pytest
from proven_fixture import proven_findings

from charlstm.errors import UsageError
from charlstm.report.page.shapes.shape import refuse_other_shapes


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("causal", "interval"), [1], "causal.interval must be two numbers"),
        (("causal", "dose_response", 0, "low"), "1", r"dose_response\[0\].low must be a number"),
        (("evidence",), [], "evidence must be an object"),
        (("evidence", "limit_nats"), "1", "limit_nats must be a number"),
        (("evidence", "necessity", "resample", "nats"), 0.5, "resample.nats must be an object"),
        (("evidence", "necessity", "resample", "nats", "low"), {}, "nats.low must be a number"),
        (("evidence", "necessity", "by_lag", 0, "lag"), None, r"by_lag\[0\] lacks the field 'lag'"),
        (("evidence", "interchange", "random_cells"), [], "random_cells must be a number"),
        (("evidence", "specificity", "behaviours", 0, "target"), 1, "target must be a string"),
        (("evidence", "rank", "cells"), -1, "rank.cells must be a whole number"),
        (("grade", "share"), "all", "grade.share must be a number"),
    ],
)
def test_a_part_of_a_proof_is_named(path: tuple[Any, ...], value: Any, said: str):
    findings = proven_findings()
    place: Any = findings["findings"][0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(UsageError, match=said):
        refuse_other_shapes(findings)


@pytest.mark.parametrize(
    ("part", "name", "value", "said"),
    [
        ("behaviours", "feature", None, r"behaviours\[0\] lacks the field 'feature'"),
        ("behaviours", "curves", [{"keep": [{}]}], r"keep\[0\] lacks the field 'cells'"),
        ("behaviours", "smallest_set", {"cells": [1]}, r"smallest_set.cells\[0\] must be a string"),
        ("unexpected", "effect", "1", "effect must be an object"),
        ("unexpected", "cell", None, r"unexpected\[0\] lacks the field 'cell'"),
        ("edges", "to", 1, r"edges\[0\].to must be a string"),
        ("edges", "of", [], r"edges\[0\].of must be a number"),
    ],
)
def test_a_part_of_the_circuits_is_named(part: str, name: str, value: Any, said: str):
    findings = proven_findings()
    findings[part][0][name] = value
    with pytest.raises(UsageError, match=said):
        refuse_other_shapes(findings)
