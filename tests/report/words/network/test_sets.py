"""Which cells are the mechanism of a behaviour, in a sentence."""

from typing import Any

from charlstm.report.words.network.sets import mechanism, share_of
from charlstm.report.words.phrases import sentence_text
from charlstm.report.words.proof_numbers import Estimate

FOUND = {
    "cells": ["0:1", "0:2"],
    "share": {"value": 0.93, "low": 0.9, "high": 0.96},
    "without": 0.04,
    "jaccard": None,
}


def said(**changes: Any) -> str:
    behaviour = {"feature": "column", "target": "\n", "smallest_set": FOUND}
    return sentence_text(mechanism(behaviour | changes))


def test_a_small_set_is_the_mechanism():
    assert said() == (
        "The closing ↵ of the column: these 2 cells are the mechanism: alone they keep 93% (90 to 96%) of "
        "what the network knows, without them 4% is left. Set: 0:1, 0:2."
    )
    assert said(smallest_set=FOUND | {"jaccard": 0.5}).endswith(
        " The sets of two halves of the text share 50% of their cells."
    )


def test_one_cell_is_told_as_one():
    assert "this cell is the mechanism: alone it keeps" in said(smallest_set=FOUND | {"cells": ["0:1"]})


def test_of_many_cells_the_first_are_named():
    cells = [f"0:{number}" for number in range(20)]
    assert said(smallest_set=FOUND | {"cells": cells}).endswith("0:10, 0:11 and 8 others.")


def test_no_small_set_is_said_with_the_reason_where_there_is_one():
    assert said(smallest_set=None) == "The closing ↵ of the column: No small set of cells is the mechanism."
    assert said(smallest_set=None, sentence="Few\u202e cells.").endswith(": FewU+202E cells.")
    assert said(smallest_set=None, target=None).startswith("the column: ")


def test_a_contrast_is_told_by_its_name():
    contrast = {"contrast": "double, not single quote", "feature": "inside_double_quotes", "rival": "'"}
    assert said(**contrast).startswith("The choice of double, not single quote: these 2 cells are the mech")
    assert said(contrast="a\u202eb", smallest_set=None).startswith("The choice of aU+202Eb: ")


def test_a_share_is_a_number_or_an_estimate():
    assert share_of(0.5) == share_of({"value": 0.5}) == 0.5
    assert share_of({"value": 0.5, "low": 0.4, "high": 0.6}) == Estimate(0.5, 0.4, 0.6)
    assert share_of(None) is None
