"""What a term means is shown beside it, by mouse, keyboard and touch, and in a list at the end."""

import re
from pathlib import Path

import pytest
from accessibility import serious_problems
from full_fixture import full_findings
from playwright.sync_api import Page, expect

from charlstm.report.render import write_report

TIP = "#term-tip"
NATS = "#summary [data-term=term-nats], #findings [data-term=term-nats]"


def tip_of(page: Page, term: str) -> None:
    expect(page.locator(TIP)).to_be_visible()
    assert page.locator(TIP).inner_text().startswith(f"{term}: ")
    expect(page.locator(f"[data-term=term-{term}]").first).to_have_accessible_description(
        re.compile(f"^{term}: ")
    )


def test_a_term_is_explained_where_it_is_pointed_at_focused_or_clicked(open_page):
    page = open_page()
    term = page.locator(NATS).first
    expect(page.locator(TIP)).to_be_hidden()
    term.hover()
    tip_of(page, "nats")
    page.locator(TIP).hover()
    expect(page.locator(TIP)).to_be_visible()
    page.locator("h1").hover()
    expect(page.locator(TIP)).to_be_hidden()
    term.focus()
    tip_of(page, "nats")
    page.keyboard.press("Escape")
    expect(page.locator(TIP)).to_be_hidden()
    term.click()
    tip_of(page, "nats")
    box, tip = term.bounding_box(), page.locator(TIP).bounding_box()
    assert box
    assert tip
    assert abs(tip["y"] - box["y"] - box["height"]) < 3
    assert page.seen[1:] == []


def test_a_tap_explains_a_term_on_a_phone_within_its_width(open_page):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    term = page.locator("#first [data-term]").last
    term.tap()
    expect(page.locator(TIP)).to_be_visible()
    box = page.locator(TIP).bounding_box()

    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.locator("h1").tap()
    expect(page.locator(TIP)).to_be_hidden()


def test_a_heading_of_the_table_is_explained_and_still_sorts(open_page):
    page = open_page()
    heading = page.locator("#table thead button", has_text="Verdict")
    heading.focus()
    tip_of(page, "verdict")
    heading.click()
    expect(page.locator("#table th[aria-sort]")).to_contain_text("Verdict")


def test_each_section_marks_a_term_once_and_no_quotation_or_control(open_page, tmp_path: Path):
    write_report(full_findings(), tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")
    for cell in ("j", "k"):
        page.keyboard.press(cell)
        expect(page.locator("#evidence dfn[data-term=term-feature]")).to_have_count(1)
    repeated = page.evaluate(
        """() => [...document.querySelectorAll("header, main > section")].flatMap((section) => {
          const terms = [...section.querySelectorAll("dfn")].map((term) => term.dataset.term);
          return terms.filter((term, place) => terms.indexOf(term) !== place);
        })"""
    )
    assert repeated == []
    assert page.locator("dfn").count() > 20
    assert page.locator(":is(a, button, code, label, h2, .coloured, #glossary) dfn").count() == 0


@pytest.mark.parametrize("has_script", [True, False])
def test_the_list_at_the_end_needs_no_script(open_page, has_script: bool):
    page = open_page(java_script_enabled=has_script)

    expect(page.locator("#glossary #term-logit dd")).to_contain_text("doubles its odds")
    if has_script:
        assert serious_problems(page, context="#glossary") == []
