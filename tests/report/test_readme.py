"""charlstm/report/README.md names every field of findings.json and no other, and its examples run."""

import json
import re
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from full_fixture import full_findings
from proven_fixture import proven_findings
from readme_paths import documented_paths, leaf_paths, names
from report_fixture import sample_findings

import charlstm
from charlstm import findings_file
from charlstm.findings import Findings
from charlstm.report.page.shapes import checks, proof_shape, shape

PROJECT = Path(charlstm.__file__).parent.parent
README = (PROJECT / "charlstm" / "report" / "README.md").read_text(encoding="utf-8")
RELEASED = PROJECT / "checkpoints" / "stdlib" / "findings.json"
DOCUMENTED = documented_paths(README)


@cache
def released() -> Any:
    return json.loads(RELEASED.read_text(encoding="utf-8"))


def without_circuits() -> Any:
    return proven_findings(circuits=False)


def undocumented(findings: Any) -> set[tuple[str, ...]]:
    """Paths in findings without a row; of what is null or empty everywhere, a row may be for a part of it."""
    return {
        path
        for path, has_value in leaf_paths(findings).items()
        if not any(names(row, path, beginning=not has_value) for row in DOCUMENTED)
    }


def test_every_field_of_the_released_findings_is_documented():
    assert undocumented(released()) == set()


@pytest.mark.parametrize("findings", [sample_findings, full_findings, without_circuits, proven_findings])
def test_every_field_of_the_findings_that_tests_draw_is_documented(findings: Any):
    assert undocumented(findings()) == set()


def declared_paths(kind: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The paths of all fields of a dataclass, with those of the dataclasses in its fields and lists."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return {path}.union(*(declared_paths(hint, (*path, name)) for name, hint in hints.items()))
    if get_origin(kind) is list:
        return declared_paths(get_args(kind)[0], (*path, "[]"))
    return {path}


def test_every_declared_field_is_documented():
    declared = declared_paths(Findings)

    assert ("findings", "[]", "detection", "levels_told_apart") in declared
    assert {
        path for path in declared if not any(names(row, path, beginning=True) for row in DOCUMENTED)
    } == set()


def test_a_field_without_a_row_is_noticed():
    findings = full_findings()
    findings["findings"][0]["causal"]["control_effects"]["mean"] = 0.1
    findings["gates"]["layers"][0]["below_0.2"] = 0.1

    assert undocumented(findings) == {
        ("findings", "[]", "causal", "control_effects", "mean"),
        ("gates", "layers", "[]", "below_0.2"),
    }


def test_every_documented_field_occurs():
    occurring = [*leaf_paths(released()), *leaf_paths(full_findings()), *leaf_paths(proven_findings())]

    assert {row for row in DOCUMENTED if not any(names(row, path) for path in occurring)} == set()


def test_the_limits_are_those_of_the_code():
    limits = {
        "bytes of the file": findings_file.MOST_BYTES,
        "values in it": findings_file.MOST_VALUES,
        "levels of lists": findings_file.MOST_LEVELS,
        "size of a number": checks._LARGEST,
        "findings": shape._MOST_FINDINGS,
        "layers in": shape._MOST_LAYERS,
        "excerpts": shape._MOST_EXCERPTS,
        "bins of a histogram": checks.MOST_BINS,
        "characters in the name of a feature": checks._LONGEST_FEATURE_CHARACTERS,
        "names in an object": checks.MOST_NAMES,
        "behaviours": proof_shape._MOST_TOLD,
        "curves of": proof_shape._MOST_CURVES,
        "sets in": proof_shape._MOST_SETS,
        "cells of a set": proof_shape._MOST_CELLS,
        "moments of a training": proof_shape._MOST_MOMENTS,
    }
    table = README.split("| what | at most |\n|---|---|\n")[1].split("\n\n")[0]
    told = dict(re.fullmatch(r"\| (.*) \| ([\d,e]+).*\|", row).groups() for row in table.splitlines())

    assert len(told) == len(limits)
    for begins, limit in limits.items():
        [number] = [number for what, number in told.items() if what.startswith(begins)]
        assert float(number.replace(",", "")) == limit, begins
    constants = {
        name
        for module in (checks, shape, proof_shape)
        for name in vars(module)
        if re.match("_?(MOST|LARGEST|LONGEST)", name)
    }
    assert len(constants) == 12, "a new limit of the page needs a row"


def test_the_examples_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(PROJECT)
    found: dict[str, Any] = {}
    for example in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(example, found)

    assert len(capsys.readouterr().out.splitlines()) == sum(
        finding["verdict"] == "verified" for finding in released()["findings"]
    )
    excerpt = released()["excerpts"][0]
    cell = next(cell for cell in excerpt["grid"]["cells"] if cell in excerpt["cells"])
    unpacked = found["tanh_c"][excerpt["grid"]["cells"].index(cell)]
    assert np.abs(unpacked - excerpt["cells"][cell]["tanh_c"]).max() < 0.0051
