"""The comparison page, which shows two models on the same text, in a browser."""

import re
from pathlib import Path

import pytest
from accessibility import serious_problems
from full_fixture import full_findings, untrained
from playwright.sync_api import expect

from charlstm.report.render import render_comparison, write_page


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pair") / "compare.html"
    write_page(render_comparison(full_findings(), untrained()), path)
    return path


def test_choosing_a_cell_shows_the_best_correlated_cell_of_the_other_model(open_page, comparison: Path):
    page = open_page(comparison)
    left, right = page.locator(".side select").first, page.locator(".side select").last
    expect(left).to_have_value("0:194")
    # The untrained findings store the same values, so the best correlated cell has the same name.
    expect(right).to_have_value("0:194")
    left.select_option("0:7")
    expect(right).to_have_value("0:7")
    expect(page.locator(".side .note").last).to_have_text(re.compile("no finding; correlation .0.9"))
    assert page.seen == [comparison.as_uri()]


def test_one_cursor_moves_in_both_texts_and_is_restored_from_the_address(open_page, comparison: Path):
    page = open_page(comparison)
    page.locator(".side .coloured").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".side [data-here]")).to_have_count(2)
    expect(page).to_have_url(re.compile("#left=0:194&right=0:194&at=41$"))
    page.reload()
    expect(page.locator(".side [data-at='41'][data-here]")).to_have_count(2)
    expect(page.locator("#pair-readout")).to_contain_text("untrained 0:194: tanh(c)")


def test_on_is_orange_on_both_sides_whatever_the_sign_of_c(open_page, comparison: Path):
    page = open_page(comparison)
    page.locator(".side select").first.select_option("0:88")
    opener = full_findings()["excerpts"][0]["text"].index('"')
    inside = page.locator(f".side [data-at='{opener + 1}']").first
    expect(inside).to_have_class(re.compile("^level[1-9].* strong$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_accessibility_problem(open_page, tmp_path: Path, scheme: str):
    write_page(render_comparison(full_findings(200), untrained(200)), tmp_path / "compare.html")
    page = open_page(tmp_path / "compare.html", color_scheme=scheme)
    expect(page.locator("#pair-readout")).to_contain_text("tanh(c)")
    assert serious_problems(page, scheme) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_never_scrolls_sideways(open_page, comparison: Path, width: int):
    page = open_page(comparison, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
