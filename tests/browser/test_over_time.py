"""The slider that goes through a training: the text, the numbers and the lines of the charts follow it."""

from pathlib import Path

import pytest
from accessibility import ONLY_PROBLEMS
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from proven_fixture import OVER_TIME, proven_findings

from charlstm.report.render import write_report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("training") / "report.html"
    write_report(proven_findings(), path)
    return path


@pytest.fixture
def training(open_page, report: Path):
    """Return a function that opens the report and waits for the slider."""

    def opened(place: str = "", **options) -> Page:
        page = open_page(report, place, **options)
        expect(page.locator("#moments")).to_be_visible()
        return page

    return opened


def colours(page: Page, shown: str) -> set[str]:
    """Return the different first classes of the characters `shown` in the text over time."""
    spans = page.locator("#moment-text span")
    names = spans.evaluate_all("all => all.map(one => [one.textContent, one.className.split(' ')[0]])")
    return {name for character, name in names if character == shown}


def lines(page: Page) -> list[float]:
    """Return the horizontal places of the lines in the charts."""
    paths = page.locator("#over-time .moment-line")
    return [
        float(path.split()[0][1:]) for path in paths.evaluate_all("all => all.map(x => x.getAttribute('d'))")
    ]


def test_arrow_keys_go_back_from_the_end_of_the_training_and_recolour_the_text(training):
    page = training()
    expect(page.locator("#moment-told")).to_contain_text("Cell 0:0 follows text after an odd number of")
    expect(page.locator("#moment-step")).to_have_text("step 2,560 of 2,560")
    expect(page.locator("#moment-bits")).to_have_text("1.50 bits per character")
    expect(page.locator("#moment-score")).to_have_text("+0.95")
    expect(page.locator("#moment-effect")).to_have_text("−1.20 nats")
    assert page.locator("#moment-text").evaluate("box => box.textContent") == OVER_TIME["excerpt"]["text"]
    expect(page.locator("#moment-deeds")).to_have_text(
        "follows its feature, has two levels, is needed by the network"
    )
    assert colours(page, "t") == {"level-90", "level90"}
    ends = lines(page)
    page.locator("#moment").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#moment-step")).to_have_text("step 320 of 2,560")
    assert colours(page, "t") == {"level-36", "level36"}
    assert page.locator("#moment").get_attribute("aria-valuetext") == (
        "step 320 of 2,560, 2.00 bits per character, the cell does not follow its feature yet"
    )
    page.keyboard.press("Home")
    expect(page.locator("#moment-step")).to_have_text("step 0 of 2,560")
    expect(page.locator("#moment-score")).to_have_text("−0.02")
    assert colours(page, "t") == {"level0"}
    starts = lines(page)
    assert len(starts) == 2
    assert all(start < end for start, end in zip(starts, ends, strict=True))


def test_the_training_plays_from_its_beginning_and_stops_at_its_end(training):
    page = training()
    play = page.locator("#moment-play")
    play.click()
    expect(play).to_have_text("Pause")
    expect(page.locator("#moment-step")).to_have_text("step 0 of 2,560")
    expect(page.locator("#moment-step")).to_have_text("step 2,560 of 2,560")
    expect(play).to_have_text("Play")


def test_a_cell_is_chosen_from_the_list_with_its_chart_or_by_a_link(training):
    page = training()
    page.locator("#moment-cell").select_option("0")
    expect(page.locator("#moment-told")).to_contain_text("Cell 0:4")
    assert (colours(page, "t"), colours(page, "f")) == ({"level0", "level45"}, {"level0", "level90"})
    chart = page.locator("#chart-appears")
    expect(chart.locator("strong")).to_have_text("Cell 0:4")
    expect(chart.locator("svg.chart-picture .line")).to_have_count(2)
    chart.locator("summary").click()
    assert chart.locator("tbody tr").nth(2).inner_text().split("\t") == ["320", "0.9", "−0.6"]
    page.locator("#over-time a", has_text="0:0").click()
    expect(page.locator("#moment-told")).to_contain_text("Cell 0:0")


def test_without_states_the_charts_alone_are_shown(open_page, tmp_path: Path):
    findings = proven_findings()
    findings["over_time"]["excerpt"] = {}
    write_report(findings, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")
    expect(page.locator("#chart-appears svg.chart-picture")).to_be_visible()
    expect(page.locator("#moment-text")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_section_fits_a_phone_and_has_no_barrier(training, scheme: str):
    page = training(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    slider = page.locator("#moment")
    box = slider.bounding_box()
    assert box
    assert box["width"] > 120
    slider.click(position={"x": 2, "y": box["height"] / 2})
    expect(page.locator("#moment-step")).to_have_text("step 0 of 2,560")
    results = Axe().run(page, context="#over-time", options=ONLY_PROBLEMS)
    assert results.violations_count == 0, results.generate_report()
