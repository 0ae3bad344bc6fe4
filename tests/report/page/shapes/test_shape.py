"""The check of what a page draws takes what an inspection writes, and names what it refuses."""

import json
from pathlib import Path

import pytest
from full_fixture import full_findings, odd_findings
from proven_fixture import proven_findings
from report_fixture import sample_findings

from charlstm.errors import UsageError
from charlstm.report.page.shapes.shape import refuse_other_shapes

STDLIB = Path(__file__).parents[4] / "checkpoints" / "stdlib" / "findings.json"


def test_it_takes_what_an_inspection_writes():
    for document in (full_findings(), sample_findings(), odd_findings(200), proven_findings(), {}):
        refuse_other_shapes(document)
    refuse_other_shapes(json.loads(STDLIB.read_text(encoding="utf-8")))


def test_it_names_a_list_of_another_length():
    document = full_findings(200)
    document["findings"][0]["portrait"]["excerpts"]["weakest"]["tanh_c"].pop()
    with pytest.raises(UsageError, match=r"findings\[0\]\.portrait\.excerpts\.weakest must be as long"):
        refuse_other_shapes(document)


@pytest.mark.parametrize("value", [True, "1", 1e16, [1]])
def test_it_refuses_what_is_no_number(value: object):
    document = full_findings(200)
    document["findings"][0]["causal"]["effect_nats"] = value
    with pytest.raises(UsageError, match="effect_nats must be a number"):
        refuse_other_shapes(document)
