"""The packed examples of a finding become plain numbers for the page, and what does not fit is refused."""

import numpy as np
import pytest
from full_fixture import with_examples
from report_fixture import sample_findings

from charlstm.errors import UsageError
from charlstm.inspection.describing.packing import packed, whole_127ths
from charlstm.report.page.examples import example_lines, own_excerpt, unpacked
from charlstm.report.render import render


def rows(length: int) -> dict:
    c = np.sin(np.arange(length))
    return {
        "names": ["c", "feature"],
        "largest": [2.54, 0],
        "values": packed(np.stack([whole_127ths(c), np.arange(length, dtype=np.uint8)])),
    }


def test_rows_are_unpacked_in_the_units_that_they_were_packed_in():
    found = unpacked(rows(256), 256)

    assert found["c"] == pytest.approx(2.54 * np.sin(np.arange(256)), abs=0.0101)
    assert found["feature"] == list(range(256))


@pytest.mark.parametrize("length", [255, 257, 10**12])
def test_rows_of_another_length_than_their_text_are_refused(length: int):
    with pytest.raises(UsageError, match="do not fit the text"):
        unpacked(rows(256), length)


@pytest.mark.parametrize("values", ["", "AAAA", "not base64!", "eJw="])
def test_rows_that_are_not_packed_are_refused(values: str):
    with pytest.raises(UsageError, match="examples"):
        unpacked(rows(9) | {"values": values}, 9)


def test_findings_without_examples_have_neither_excerpt_nor_lines():
    finding = sample_findings()["findings"][0]

    assert own_excerpt(finding) is None
    assert list(example_lines(finding)) == []


def test_a_page_of_examples_that_do_not_fit_is_refused_with_advice():
    findings = with_examples(sample_findings())
    findings["findings"][0]["examples"]["excerpt"]["text"] += "x"

    with pytest.raises(UsageError, match="do not fit"):
        render(findings)
