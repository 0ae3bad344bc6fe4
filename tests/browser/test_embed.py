"""One cell alone, for a frame in another page, and a button that copies the address of the view."""

import re
from pathlib import Path

from playwright.sync_api import expect


def test_an_embedded_cell_is_shown_alone_with_a_link_to_the_whole_page(open_page, sample_report: Path):
    page = open_page(place="?embed=0:31", viewport={"width": 640, "height": 700})

    expect(page.locator("#chosen")).to_have_text("0:31")
    for shown in ("#text", "#tracks", "#chosen-line"):
        expect(page.locator(shown)).to_be_visible()
    for hidden in ("header", "#summary", "#findings", "#evidence", "#model"):
        assert not page.locator(hidden).is_visible(), hidden
    link = page.get_by_role("link", name="The whole page")
    expect(link).to_have_attribute("href", f"{sample_report.as_uri()}#cell=0%3A31")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    page.goto(str(link.get_attribute("href")))
    expect(page.locator("#summary")).to_be_visible()
    expect(page.locator("#chosen")).to_have_text("0:31")


def test_an_embedded_cell_that_is_not_in_the_page_is_said_to_be_missing(open_page):
    page = open_page(place="?embed=9:9")

    expect(page.locator("#embed-note")).to_contain_text("no values of a cell 9:9")
    assert not page.locator("#reading").is_visible()


def test_the_address_of_the_view_is_copied_or_shown_selected(open_page, sample_report: Path):
    page = open_page(place="#cell=0:31&at=7")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    page.locator("#copy-link").click()

    address = f"{sample_report.as_uri()}#cell=0:31&at=7"
    expect(page.locator("#copy-field")).to_have_value(re.compile(f"^{re.escape(address)}"))
    assert page.evaluate("getSelection().toString()").startswith(address)
    page.evaluate(
        """() => Object.defineProperty(navigator, "clipboard", {
          value: { writeText: async (text) => { document.title = text; } },
        })"""
    )
    page.locator("#copy-link").click()
    expect(page.locator("#copy-link")).to_have_text("Copied")
    expect(page).to_have_title(re.compile(f"^{re.escape(address)}"))
