"""Faults of the report page that readers met, each with the test that failed before."""

import re
from pathlib import Path

import pytest
from page_models import SOURCE, page_of, trained
from playwright.sync_api import expect
from proven_fixture import proven_findings

from charlstm.report.render import write_report

# Moves the mark to the end of one long text and writes another one before the first is continued.
OVERTAKE = """async (text) => {
  await unpackNetwork();
  await writeText(text);
  moveMark(live.spans.length - 1);
  await writeText(text.split("").reverse().join(""));
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(trained(layers=1, cells=256, steps=2), tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def proven_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("proven") / "report.html"
    write_report(proven_findings(), path)
    return path


def test_the_legends_of_line_charts_are_visible(open_page, proven_report: Path):
    page = open_page(proven_report)
    entries = page.locator(".chart .legend-entry")

    assert entries.count() > 1
    assert all(
        entries.evaluate_all("all => all.map((one) => one.checkVisibility({ visibilityProperty: true }))")
    )


def test_a_text_that_replaces_another_one_before_it_is_continued_raises_no_error(open_page, report: Path):
    page = open_page(report)
    page.evaluate(OVERTAKE, SOURCE[:2_500])
    page.wait_for_timeout(200)

    assert page.seen == [report.as_uri()]


def test_flipping_again_while_the_network_wakes_ends_in_one_flip(open_page, report: Path):
    page = open_page(report, "#cell=0:31&at=30")
    page.evaluate("() => { for (let press = 0; press < 3; press += 1) find('#flip').click(); }")

    expect(page.locator("#live-hold [value=free]")).not_to_be_checked()
    expect(page.locator("#live-held .before")).to_have_count(1)
    assert page.seen == [report.as_uri()]


def test_a_link_with_a_hold_opens_at_the_live_panel(open_page, report: Path):
    page = open_page(report, "#cell=0:31&at=30&hold=on")

    expect(page.locator("#model-title")).to_be_in_viewport()


def test_the_method_is_told_in_sentences_and_its_settings_are_folded(open_page, proven_report: Path):
    section = open_page(proven_report).locator("section:has(> #method-title)")

    expect(section.locator("details").first).not_to_have_attribute("open", re.compile(""))
    assert section.locator("li").count() >= 3
    assert section.evaluate("section => section.offsetHeight") < 600


def test_a_text_that_the_model_was_trained_on_is_not_called_held_out_without_a_word(
    open_page, tmp_path: Path
):
    findings = proven_findings()
    findings["corpus"]["trained_on_characters"] = 12_345
    write_report(findings, tmp_path / "report.html")
    limits = open_page(tmp_path / "report.html").locator("aside").filter(has_text="Limits")

    expect(limits).to_contain_text("The model was trained on 12,345 of these characters")


def test_the_table_and_the_sentence_of_a_verified_cell_quote_the_same_interval(
    open_page, proven_report: Path
):
    page = open_page(proven_report, "#cell=0:1&at=0")
    found = next(one for one in proven_findings()["findings"] if one["cell"] == 1)
    low, high = (f"{-end:.2f}" for end in found["causal"]["interval"])

    row = page.locator("#table tr[data-row]").filter(has=page.get_by_text("0:1", exact=True))
    expect(row.locator(".interval")).to_contain_text(low)
    expect(row.locator(".interval")).to_contain_text(high)
    expect(page.locator("#chart-told")).to_contain_text(f"{high} to {low}")
