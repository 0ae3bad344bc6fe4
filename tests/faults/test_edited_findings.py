"""Whatever one field of a findings.json becomes, `report` draws a page or says in words what is wrong."""

import copy
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from damage import seconds_if_quiet
from edited_findings import edited, edits, small_documents, told

from charlstm.errors import CharLSTMError
from charlstm.findings import Findings
from charlstm.report.render import render
from charlstm.tasks.report import draw_comparison, draw_figures, draw_report

DOCUMENTS = small_documents()
FEW_EDITS, MOST_SECONDS, MOST_PAGE_BYTES = 200, 2.0, 12_000_000


def drawn_or_refused(document: Any, folder: Path) -> str:
    """Draw document as `report` does; returns "" or what is wrong: a traceback, a slow or a large page."""
    path = folder / "findings.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    began = time.process_time()
    try:
        page = draw_report(path, folder / "page.html", with_model=False)
    except CharLSTMError as error:
        return "" if error.problem and error.advice else "an error without words"
    except Exception as error:  # every other error is what is looked for
        return repr(error)
    if seconds_if_quiet(time.process_time() - began, MOST_SECONDS) > MOST_SECONDS:
        return "it took too long"
    return "" if page.stat().st_size < MOST_PAGE_BYTES else "the page is too large"


@pytest.mark.no_cover  # it takes twice the time with coverage, and runs no line that no other test runs
@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_edited_field_ends_in_a_page_or_in_words(name: str, heavy: bool, tmp_path: Path) -> None:
    document = DOCUMENTS[name]
    assert drawn_or_refused(document, tmp_path) == ""
    assert (tmp_path / "page.html").exists(), "the document itself has to have a page"
    every = list(edits(document))
    few = FEW_EDITS // 4 if name == "checkpoint" else FEW_EDITS  # its page takes four times as long
    chosen = every if heavy else random.Random(25).sample(every, few)
    wrong = [
        f"{told(path, replacement)}: {problem}"
        for path, replacement in chosen
        if (problem := drawn_or_refused(edited(document, path, replacement), tmp_path))
    ]
    assert not wrong, f"{len(wrong)} of {len(chosen)} edits:\n" + "\n".join(wrong[:40])


def with_facts(document: Any) -> None:
    """Give the provenance a name of a million characters above 10,000 values."""
    document["provenance"] = {"k" * 1_000_000: {str(number): number for number in range(10_000)}}


def with_columns(document: Any) -> None:
    """Give every one of 900 layers shares of its own names."""
    layer: dict[str, Any] = {"input": {"cells": {}}}
    document["gates"]["layers"] = [
        layer | {"forget": {f"{place} {share}": 0.5 for share in range(100)}} for place in range(900)
    ]


def with_names(document: Any) -> None:
    """Give findings features whose names could be spelled in very many ways."""
    finding = document["findings"][0]
    names = ("_or_".join(["a_b_c_d_e_f_g_h_i_j"] * 40), f"column_{'1' * 900}_late")
    document["findings"] = [
        finding | {"feature": f"after_{name}_until_{number}"} for name in names for number in range(40)
    ] + [finding | {"feature": name} for name in names]


def with_curves(document: Any) -> None:
    """Give as many behaviours as a page lists as many sets and edges as it takes, with long names."""
    behaviour, edge = document["behaviours"][0], document["edges"][0]
    curve = behaviour["curves"][0] | {"keep": behaviour["curves"][0]["keep"] * 60}
    document["behaviours"] = [behaviour | {"curves": [curve] * 20}] * 100
    document["edges"] = [edge | {"from": "x" * 5_000}] * 9_000
    document["unexpected"] *= 9_000


@pytest.mark.no_cover  # coverage would take most of the time that is allowed
@pytest.mark.parametrize("enlarge", [with_facts, with_columns, with_names, with_curves])
def test_a_page_neither_hangs_nor_grows_without_bound(enlarge: Any, tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENTS["proven" if enlarge is with_curves else "fixture"])
    enlarge(document)
    assert drawn_or_refused(document, tmp_path) == ""


@pytest.mark.parametrize(("part", "value", "said"), [
    (("excerpts", 0, "grid"), {"cells": []}, "grid lacks the field 'of'"),
    (("findings", 0, "portrait", "trace"), [], "portrait.trace must be an object, not []"),
    (("findings", 0, "causal", "steps"), 1e308, "causal.steps must be a number"),
    (("corpus", "splits", "confirm"), [1], "splits.confirm must be two numbers"),
    (("model", "layers"), 10**400, "more than 308 digits"),
])  # fmt: skip
def test_a_field_that_cannot_be_drawn_is_named(part: Any, value: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    path.write_text(json.dumps(edited(DOCUMENTS["fixture"], part, value)), encoding="utf-8")
    with pytest.raises(CharLSTMError) as caught:
        draw_report(path, None, with_model=False)
    assert said in caught.value.problem
    assert not (tmp_path / "report.html").exists()


def test_figures_and_a_comparison_check_what_they_draw(tmp_path: Path) -> None:
    document = DOCUMENTS["fixture"]
    wrong = edited(document, ("findings", 0, "portrait", "histogram"), {"on": []})
    (tmp_path / "findings.json").write_text(json.dumps(wrong), encoding="utf-8")
    (tmp_path / "compared.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CharLSTMError, match=r"histogram\.on must be"):
        draw_comparison(tmp_path)
    pytest.importorskip("matplotlib")
    with pytest.raises(CharLSTMError, match=r"histogram\.on must be"):
        draw_figures(tmp_path, tmp_path / "figures")


def test_unknown_fields_and_later_fields_change_nothing(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENTS["fixture"])
    before = render(Findings.from_json(document).to_json())
    for part in (document, document["findings"][0], document["excerpts"][0], document["method"]):
        part["a_field_of_another_version"] = [{"deep": None}]
    assert render(Findings.from_json(document).to_json()) == before
    for later in ("credit", "provenance"):
        del document[later]
    del document["findings"][0]["portrait"], document["excerpts"][0]["grid"]
    assert render(Findings.from_json(document).to_json())
