"""Findings are read back as they were written, and a document that holds none is refused with a reason."""

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proven_fixture import proven_findings

from charlstm.errors import UsageError
from charlstm.findings import (
    READABLE_VERSIONS,
    SCHEMA_VERSION,
    CorpusFacts,
    Detection,
    Excerpt,
    Finding,
    Findings,
    Mechanism,
    Method,
    ModelFacts,
    Verdict,
)

shares = st.floats(0, 1)
words = st.text(max_size=5)
json_values = st.dictionaries(words, st.one_of(st.integers(), shares, words, st.none()), max_size=2)
strategies = {  # the type of a field -> values of it
    dict[str, Any]: json_values,
    dict[str, dict[str, Any]]: st.dictionaries(words, json_values, max_size=2),
    dict[str, float]: st.dictionaries(words, shares, max_size=2),
    list[float]: st.lists(shares, max_size=2),
    list[int]: st.lists(st.integers(), max_size=2),
    float: shares,
    int: st.integers(),
    bool: st.booleans(),
    str: words,
}


def of_every_field(wanted: type) -> st.SearchStrategy[Any]:
    """Return a strategy for all fields of a dataclass, also those with defaults; None where it is allowed."""
    return st.builds(wanted, **{name: of_type(hint) for name, hint in get_type_hints(wanted).items()})


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a field of this type, which may be optional."""
    if hint in strategies:
        return strategies[hint]
    return st.none() | of_type(next(kind for kind in get_args(hint) if kind is not type(None)))


findings = st.builds(
    Findings,
    model=st.builds(ModelFacts, activation=words),
    corpus=st.builds(
        CorpusFacts, splits=st.dictionaries(words, st.lists(st.integers(), max_size=2), max_size=2)
    ),
    method=st.builds(
        Method,
        null=json_values,
        rules=st.dictionaries(words, shares, max_size=2),
        controls=strategies[dict[str, dict[str, Any]]],
        share=json_values,
    ),
    findings=st.lists(
        st.builds(
            Finding,
            detection=of_every_field(Detection),
            mechanism=of_every_field(Mechanism),
            causal=st.none() | json_values,
            verdict=st.none() | st.sampled_from(get_args(Verdict)),
            evidence=st.none() | json_values,
            grade=st.none() | json_values,
        ),
        max_size=2,
    ),
    gates=json_values,
    credit=json_values,
    excerpts=st.lists(
        st.builds(
            Excerpt,
            cells=st.dictionaries(
                words, st.dictionaries(words, st.lists(shares, max_size=2), max_size=1), max_size=1
            ),
        ),
        max_size=1,
    ),
    provenance=json_values,
    behaviours=st.lists(json_values, max_size=1),
    unexpected=st.lists(json_values, max_size=1),
    edges=st.lists(json_values, max_size=1),
    rules=json_values,
    schema_version=st.sampled_from(READABLE_VERSIONS),
)


def example() -> dict[str, Any]:
    """Return a document with one finding, as JSON values."""
    plain = {name: 0.5 for name, hint in get_type_hints(Detection).items() if hint is float}
    optional = dict.fromkeys(Detection.__annotations__.keys() - plain.keys())
    gates = {name: 0.5 for name, hint in get_type_hints(Mechanism).items() if hint is float}
    return {
        "schema_version": 2,
        "model": {"layers": 1, "cells": 2, "activation": "tanh", "vocabulary_size": 3, "parameters": 4},
        "corpus": {"name": "text", "sha256": "0", "characters": 10, "splits": {"confirm": [0, 5]}},
        "method": {
            "features": ["column"],
            "dropped_features": [],
            "aliases": {},
            "null": {"shifts": 99},
            "rules": {},
            "controls": {"untrained": {"candidates": 0}},
            "seed": 0,
        },
        "findings": [
            {
                "layer": 0,
                "cell": 1,
                "kind": "counter",
                "feature": "column",
                "drivers": {"step": ["*"], "reset": ["\n"]},
                "polarity": -1,
                "detection": {**plain, **optional, "leak": 0.5, "shape": "linear", "staircase": [0.0, 0.5]},
                "mechanism": {**gates, "weights": {"from_self": {"input": 0.5}}},
                "causal": None,
                "verdict": None,
                "portrait": None,
                "evidence": {"limit_nats": 0.1},
                "grade": {"share": 0.5, "low": 0.4, "high": 0.6, "of": "state"},
                "examples": {"excerpt": None, "lines": None},
            }
        ],
        "gates": {},
        "credit": {},
        "excerpts": [],
    }


@settings(max_examples=40, deadline=None)
@given(found=findings)
def test_findings_are_read_back_as_they_were_written(
    found: Findings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / "new" / "findings.json"
    found.save(path)
    assert Findings.load(path) == found
    assert [child.name for child in path.parent.iterdir()] == ["findings.json"]


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    findings_of_example = Findings.from_json(example())
    path = str(tmp_path / "findings.json")
    findings_of_example.save(path)
    assert Findings.load(path) == Findings.load(Path(path)) == findings_of_example
    with pytest.raises(UsageError, match=r"cannot read absent\.json"):
        Findings.load("absent.json")


def test_the_document_has_the_fields_of_the_contract() -> None:
    document = Findings.from_json(example()).to_json()
    assert list(document)[:4] == ["schema_version", "model", "corpus", "method"]
    assert {"findings", "gates", "credit", "excerpts", "provenance"} <= set(document)
    (finding,) = document["findings"]
    assert finding == example()["findings"][0]


def test_fields_that_were_added_later_may_be_absent() -> None:
    document = example()
    finding = document["findings"][0]
    for name in ("leak", "shape", "staircase", "levels", "held_out_context_partial"):
        del finding["detection"][name]
    del finding["mechanism"]["weights"], finding["causal"], finding["verdict"]
    del finding["evidence"], finding["grade"], finding["examples"]
    (read,) = Findings.from_json(document).findings
    assert (read.evidence, read.grade, read.examples) == (None, None, None)
    assert read.detection.staircase is None
    assert read.mechanism.weights == {}
    assert read.verdict is None


def test_the_newest_version_is_written_and_the_first_one_is_still_read() -> None:
    old = example() | {"schema_version": 1}
    for name in ("evidence", "grade"):
        del old["findings"][0][name]
    read = Findings.from_json(old)
    assert read.schema_version == 1
    assert (read.behaviours, read.unexpected, read.edges, read.rules) == ([], [], [], {})
    assert read.findings[0].detection == Findings.from_json(example()).findings[0].detection
    fields = {name: getattr(read, name) for name in ("model", "corpus", "method", "findings", "gates")}
    assert Findings(**fields).schema_version == SCHEMA_VERSION == max(READABLE_VERSIONS)


@pytest.mark.parametrize("verdict", ["verified", "redundant", "correlate", "undecided", None])
def test_every_verdict_is_read(verdict: str | None) -> None:
    document = example()
    document["findings"][0]["verdict"] = verdict
    assert Findings.from_json(document).findings[0].verdict == verdict


def test_unknown_fields_are_ignored() -> None:
    document = example()
    document["findings"][0]["later"] = {"a": 1}
    document["later"] = []
    assert Findings.from_json(document) == Findings.from_json(example())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ["findings", 0, "kind"],
            "wheel",
            r"findings.json.findings\[0\].kind must be one of 'toggle'.* not 'wheel'",
        ),
        (["findings", 0, "cell"], "1", r"findings\[0\].cell must be int, not '1'"),
        (["findings", 0, "cell"], True, r"cell must be int, not True"),
        (["findings", 0, "drivers", "reset"], "\n", r"drivers.reset must be a list"),
        (["findings", 0, "detection", "score"], None, r"detection.score must be float, not None"),
        (["findings", 0, "detection", "score"], float("nan"), r"detection.score must be float, not nan"),
        (["findings", 0, "mechanism"], [], r"mechanism must be an object"),
        (["findings", 0, "detection", "staircase"], 1, r"detection.staircase must be a list, not 1"),
        (["findings", 0, "detection", "leak"], "0", r"detection.leak must be float, not '0'"),
        (["findings", 0, "verdict"], "true", r"verdict must be one of 'verified', 'redundant', 'correlate'"),
        (["gates"], 1, r"findings.json.gates must be an object"),
        (["corpus"], ..., r"findings.json lacks the field 'corpus'"),
        (["findings", 0, "detection", "p_value"], ..., r"detection lacks the field 'p_value'"),
        (["schema_version"], 3, r"has schema_version 3, not 1 or 2"),
        (["schema_version"], 0, r"has schema_version 0, not 1 or 2"),
        (["findings", 0, "grade"], 0.5, r"grade must be an object"),
        (["edges"], {}, r"findings.json.edges must be a list"),
    ],
)
def test_the_first_wrong_field_is_named_with_its_value(
    path: list[str | int], value: Any, message: str
) -> None:
    document: Any = example()
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(UsageError, match=message):
        Findings.from_json(document)


def test_reading_findings_needs_no_torch() -> None:
    code = "import sys, charlstm.findings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_findings_are_told_in_one_line():
    findings = Findings.from_json(proven_findings())
    cells, verified = len(findings.findings), sum(one.verdict == "verified" for one in findings.findings)
    told = f"{cells} of 160 cells follow a feature, {verified} verified; 60,000 characters of written"
    assert repr(findings) == f"<Findings: {told}>"


def test_records_have_one_flat_row_for_each_finding():
    findings = Findings.from_json(proven_findings())
    records = findings.records()
    assert [(row["layer"], row["cell"]) for row in records] == [(f.layer, f.cell) for f in findings.findings]
    assert all(isinstance(value, str | int | float | None) for row in records for value in row.values())
    row = next(row for row in records if row["verdict"] == "verified")
    assert row["effect_low"] <= row["effect_nats"] <= row["effect_high"]
    assert row["carries_low"] <= row["carries"] <= row["carries_high"]
    assert row["score_low"] <= row["score"] <= row["score_high"]
