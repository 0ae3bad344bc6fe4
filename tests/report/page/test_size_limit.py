"""What is left out of a page that would be too large, and in which order."""

import base64
import random
from typing import Any

from full_fixture import full_findings
from proven_fixture import proven_findings

from charlstm.report.page.size_limit import CUTS, cut_to_fit, packed
from charlstm.report.page.view import view
from charlstm.report.render import render


def packed_bytes(data: Any) -> int:
    return len(packed(data))


def test_nothing_is_left_out_where_there_is_room():
    data = view(full_findings()).data
    assert cut_to_fit(data, packed_bytes(data)) == (data, [])


def whole_findings() -> dict[str, Any]:
    """Return findings with every part that can be left out: the evidence of a proof besides the others."""
    findings, proven = full_findings(), proven_findings()
    findings["findings"][0]["evidence"] = proven["findings"][0]["evidence"]
    return findings | {name: proven[name] for name in ("behaviours", "edges", "over_time")}


def test_parts_are_left_out_in_order_and_each_makes_room():
    data = view(whole_findings()).data
    sizes = [packed_bytes(data)]
    for count in range(1, len(CUTS) + 1):
        cut, left_out = cut_to_fit(data, sizes[-1] - 1)
        if len(left_out) == count:
            sizes.append(packed_bytes(cut))
    cut, left_out = cut_to_fit(data, 0)
    assert left_out == list(CUTS)
    assert sizes == sorted(set(sizes), reverse=True)
    assert cut["excerpts"][0]["grid"] is None
    assert list(cut["excerpts"][0]["cells"]["0:194"]) == ["tanh_c"]
    assert cut["rows"][0]["portrait"] is cut["rows"][0]["evidence"] is None
    assert cut["overTime"]["excerpt"] is None
    assert cut["overTime"]["cells"] == data["overTime"]["cells"]
    assert cut["circuits"] == {"behaviours": [], "edges": []}
    assert data["excerpts"][0]["grid"] is not None


def test_a_page_stays_below_ten_megabytes_and_says_what_was_left_out():
    findings = full_findings()
    findings["excerpts"][0]["grid"]["tanh_c"] = base64.b64encode(
        random.Random(0).randbytes(8_000_000)
    ).decode()
    page = render(findings)
    assert len(page) < 10_000_000
    assert "To keep this page below 10 MB, the values of all cells" in page
    assert "To keep this page below 10 MB" not in render(full_findings())
