"""One finding has one effect: terminal, page and figure tell the same numbers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from proven_fixture import proven_findings

from charlstm.findings import Findings
from charlstm.report.figures import write_figures
from charlstm.report.findings_table import findings_table
from charlstm.report.page.view import view
from charlstm.report.render import render


@pytest.fixture(scope="module")
def findings() -> dict[str, Any]:
    """Findings with one cell, whose effect and interval are other numbers than all others in them."""
    document = proven_findings()
    document["findings"] = [one for one in document["findings"] if one["cell"] == 1]
    document["findings"][0]["causal"] |= {"effect_nats": -1.2345, "interval": [-1.3456, -1.1234]}
    return document


def test_terminal_page_and_figure_tell_the_same_effect(findings: dict[str, Any], tmp_path: Path):
    told = "−1.23 nats (−1.35 to −1.12)"
    (row,) = view(findings).rows
    drawn = [path for path in write_figures(findings, tmp_path) if path.name.startswith("cell-0-1-")]
    (figure,) = [path.read_text(encoding="utf-8") for path in drawn if path.suffix == ".svg"]
    html = render(findings)

    assert f"effect {told}" in figure
    assert f'title="{told}, at 95%">−1.23 <span class="interval">−1.35 to −1.12</span></td>' in html
    assert "1.23 nats, 1.12 to 1.35" in re.sub(r"<[^>]+>", "", html)
    assert "1.23 nats, 1.12 to 1.35" in json.dumps(row.sentences)
    assert (row.effect_nats, row.effect_told) == (-1.2345, f"{told}, at 95%")
    assert " -1.23 " in findings_table(Findings.from_json(findings))
