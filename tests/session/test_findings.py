"""Findings in a session show themselves as a table, a page and HTML."""

import json
from dataclasses import replace

import pytest
import torch
from proven_fixture import proven_findings
from tiny_run import saved_run

from charlstm import findings as document
from charlstm.checkpoint.tensor_file import weights_sha256
from charlstm.errors import UsageError
from charlstm.report.findings_table import findings_table
from charlstm.session.findings import Findings
from charlstm.session.run import Run, load


@pytest.fixture(scope="module")
def plain() -> document.Findings:
    return document.Findings.from_json(proven_findings())


@pytest.fixture
def run(tmp_path) -> Run:
    return load(saved_run(tmp_path))


def about(plain: document.Findings, run: Run) -> Findings:
    """The findings as if they were about the model of the run."""
    config = run.model.config
    arrays = {name: values.numpy() for name, values in run.model.state_dict().items()}
    shape = {"layers": config.layers, "cells": config.cells, "vocabulary_size": config.vocabulary_size}
    changed = replace(
        plain,
        model=replace(plain.model, **shape),
        provenance=plain.provenance | {"weights_sha256": weights_sha256(arrays)},
    )
    return Findings.of(changed, run.model, run.vocabulary)


def test_they_hold_what_the_document_holds_and_are_read_back(plain, tmp_path):
    findings = Findings.of(plain)
    assert findings.to_json() == plain.to_json()
    assert findings.records() == plain.records()
    assert repr(findings) == repr(plain)
    findings.save(str(tmp_path / "findings.json"))
    read = Findings.load(tmp_path / "findings.json")
    assert type(read) is Findings
    assert (read, read.inspected) == (findings, None)


def test_the_table_is_the_one_of_the_terminal(plain):
    table = Findings.of(plain).table(most=3)
    assert table == findings_table(plain, most=3)
    assert "\x1b" not in table


def test_the_page_carries_the_model_in_hand(plain, run, tmp_path):
    path = about(plain, run).report(tmp_path / "page.html")
    data = path.read_text().split('id="model-data">')[1].split("</script>")[0]
    header = json.loads(data)["header"]
    assert (header["cells"], header["symbols"]) == (8, list(run.vocabulary.symbols))


def test_the_page_says_why_it_has_no_model(plain, run, tmp_path):
    findings = about(plain, run)
    with torch.no_grad():
        run.model.head.bias.add_(1)
    changed = findings.report(str(tmp_path / "changed.html")).read_text()
    assert 'id="model-data"' not in changed
    assert "The model is not the one inspected: it has changed since." in changed
    alone = Findings.of(plain).report(tmp_path / "alone.html").read_text()
    assert "drawn from the findings alone" in alone
    (tmp_path / "mine.csv").write_text("mine")
    with pytest.raises(UsageError, match="is no page of charlstm's"):
        findings.report(tmp_path / "mine.csv")
    with pytest.raises(UsageError, match="cannot be written"):
        findings.report(tmp_path / "alone.html" / "page.html")


def test_html_has_the_best_cells_and_their_text_and_nothing_that_runs(plain):
    html = Findings.of(plain)._repr_html_()
    best = next(iter(findings_table(plain).splitlines()[1:])).split()[0]
    assert f"<td>{best}</td>" in html
    assert html.count("<tr>") == 1 + min(10, len(plain.findings))
    assert "score    correlation on held-out text" in html
    assert html.count("<span") == 128 * sum(finding.portrait is not None for finding in plain.findings) > 0
    assert "<script" not in html
    assert len(html) < 100_000


def test_html_escapes_what_a_text_brings(plain):
    first = replace(plain.findings[0], feature="<img_src=x>", drivers={"set": ["<b>"], "reset": ["&"]})
    html = Findings.of(replace(plain, findings=[first]))._repr_html_()
    assert "<img" not in html
    assert "<b>on" not in html
    assert "&lt;img src=x&gt;" in html


def test_html_of_nothing_found_is_a_sentence(plain):
    html = Findings.of(replace(plain, findings=[]))._repr_html_()
    assert html.startswith("<p>Findings: 0 of 160 cells follow a feature")
    assert "<table>" not in html
