"""What a reader sees of a proof: verdicts, shares, evidence with intervals, sets of cells and their edges."""

from pathlib import Path

import pytest
from accessibility import serious_problems
from playwright.sync_api import Page, expect
from proven_fixture import proven_findings

from charlstm.report.render import write_report

PROOF = {"effect", "lag", "dose", "sufficiency", "isolation"}


@pytest.fixture(scope="session")
def proven_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("proven") / "report.html"
    write_report(proven_findings(), path)
    return path


@pytest.fixture
def open_proven(open_page, proven_report: Path):
    return lambda place="", **options: open_page(proven_report, place, **options)


def charts(page: Page) -> set[str]:
    """Return the names of the visible charts of evidence, once they are drawn."""
    expect(page.locator("#chart-told")).to_be_visible()
    shown = page.locator("#evidence .chart:visible").evaluate_all("all => all.map(one => one.id)")
    return {name.removeprefix("chart-") for name in shown}


def column(page: Page, name: str) -> list[str]:
    """Return the visible texts of a column of the table of cells."""
    heads = [text.split()[0] for text in page.locator("#table thead th").all_inner_texts()]
    place = heads.index(name) + 1
    return page.locator(f"#table tbody tr:visible > :nth-child({place})").all_inner_texts()


@pytest.mark.parametrize("cell", ["0:0", "0:3", "0:5", "0:8"])
def test_a_cell_of_every_verdict_has_its_evidence(open_proven, cell: str):
    shown = charts(open_proven(f"#cell={cell}&at=0"))
    assert shown >= PROOF
    assert ("edges" in shown) == (cell in ("0:0", "0:8"))


def test_the_charts_of_the_evidence_have_their_numbers(open_proven):
    page = open_proven("#cell=0:1&at=0")
    charts(page)
    found = next(one for one in proven_findings()["findings"] if one["cell"] == 1)
    effect = found["evidence"]["necessity"]["resample"]["nats"]
    for name in PROOF:
        page.locator(f"#chart-{name} summary").click()
        expect(page.locator(f"#chart-{name} tbody tr").nth(1)).to_be_attached()
        assert page.locator(f"#chart-{name} svg").get_attribute("aria-label")
    first = page.locator("#chart-effect tbody tr").first.inner_text().replace("−", "-").split("\t")
    assert first[0] == "other state's value"
    assert [float(one) for one in first[1:4]] == pytest.approx(
        [effect[name] for name in ("value", "low", "high")], abs=0.006
    )
    assert first[4] == "52"
    doses = page.locator("#chart-dose tbody tr").first.inner_text().split("\t")
    assert len(doses) == 4
    expect(page.locator("#chart-dose .whisker")).to_have_count(8)
    expect(page.locator("#chart-effect figcaption")).to_contain_text("of the 160 cells of its layer")
    expect(page.locator("#chart-effect .whisker")).to_have_count(3)


def test_the_table_sorts_by_what_cells_carry_and_filters_by_verdict(open_proven):
    page = open_proven()
    page.get_by_role("button", name="Carries").click()
    assert column(page, "Carries") == ["95%", "94%", "58%", "58%", "50%", "50%", "2%", "2%", "0%"]
    page.get_by_role("button", name="Carries").click()
    assert column(page, "Carries")[-2:] == ["94%", "95%"]
    page.locator("#filter").fill("undecided")
    assert column(page, "Verdict") == ["undecided"]
    title = page.locator("#table tbody tr", has_text="50%").first.locator("td[title]").nth(1)
    assert title.get_attribute("title") == "50% (49 to 50%)"


def test_verdicts_are_told_apart_without_colour(open_proven):
    page = open_proven()
    marks = page.locator("#table .verdict").evaluate_all(
        "all => all.map(one => [one.textContent, getComputedStyle(one, '::before').content[1]])"
    )
    assert {tuple(mark) for mark in marks} == {
        ("verified", "●"),
        ("redundant", "◐"),
        ("correlate", "○"),
        ("undecided", "?"),
    }


def test_sets_of_cells_have_their_curves_and_edges_their_graph(open_proven):
    page = open_proven("#cell=0:0&at=0")
    charts(page)
    expect(page.locator("#circuits")).to_contain_text("these 4 cells are the mechanism")
    expect(page.locator("#chart-set-0 .line:not(.legend-entry *)")).to_have_count(3)
    page.locator("#chart-set-0 summary").click()
    expect(page.locator("#chart-set-0 tbody tr")).to_have_count(24)
    expect(page.locator("#chart-edges .node")).to_have_count(8)
    page.locator("#chart-edges summary").click()
    assert page.locator("#chart-edges tbody tr").first.inner_text().startswith('" → input\t−2.4')


def test_an_edge_is_named_by_its_other_end(open_proven):
    page = open_proven("#cell=0:8&at=0")
    charts(page)
    expect(page.locator("#chart-edges .node + text")).to_have_text(["from 0:0", "0:8"])


def test_an_unexpected_cell_is_a_link_where_it_can_be_shown(open_page, tmp_path: Path):
    findings = proven_findings()
    findings["unexpected"].append(findings["unexpected"][0] | {"cell": 1})
    write_report(findings, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")
    expect(page.locator("#circuits tbody th")).to_have_text(["0:41", "0:1"])
    page.locator("#circuits tbody").get_by_role("link").click()
    expect(page.locator("#chosen")).to_have_text("0:1")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_proven_page_never_scrolls_sideways(open_proven, width: int):
    page = open_proven("#cell=0:0&at=30", viewport={"width": width, "height": 800})
    charts(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_problem_in_a_proof(open_proven, scheme: str):
    page = open_proven("#cell=0:0&at=20", color_scheme=scheme)
    charts(page)
    assert serious_problems(page, scheme) == []


def test_hostile_names_stay_text_in_the_circuits(open_page, tmp_path: Path):
    findings = proven_findings()
    markup = "<img src=x onerror=alert(1)>"
    for edge in findings["edges"]:
        edge["to"] = f"{markup}{edge['to']}" if edge["from"] == "0:0" else edge["to"]
        edge["kind"] = markup
    findings["behaviours"][0] |= {"target": markup, "sentence": markup}
    findings["behaviours"][0]["curves"][0]["order"] = markup
    findings["unexpected"][0]["target"] = markup
    write_report(findings, tmp_path / "hostile.html")
    page = open_page(tmp_path / "hostile.html", "#cell=0:0&at=0")
    page.on("dialog", lambda dialog: pytest.fail("the page ran text of the findings"))
    charts(page)
    assert page.locator("img").count() == 0


def test_evidence_with_hardly_a_number_is_drawn_without_an_error(open_page, tmp_path: Path):
    findings = proven_findings()
    few = {"necessity": {"by_lag": [{"lag": 4}]}, "specificity": {"own": None}, "rank": {"rank": 3}}
    findings["findings"][1]["evidence"] = few
    findings["behaviours"][0]["curves"] = [{"keep": [{"cells": 0}]}]
    write_report(findings, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html", "#cell=0:0&at=0")
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.reload()
    assert {"effect", "lag", "sufficiency", "edges"} <= charts(page)
    expect(page.locator("#chart-set-0 svg.chart-picture")).to_be_visible()
    assert errors == []
