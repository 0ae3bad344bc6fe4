"""The table of cells in a browser: what a sort puts first, and which words the filter knows."""

from pathlib import Path

import pytest
from playwright.sync_api import Page
from proven_fixture import proven_findings

from charlstm.report.render import write_report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "report.html"
    write_report(proven_findings(), path)
    return path


def effects(page: Page) -> list[float]:
    column = page.locator("#table thead th").all_inner_texts().index("Effect")
    cells = page.locator(f"#table tbody td:nth-child({column + 1})").all_inner_texts()
    return [float(cell.split()[0].replace("−", "-")) for cell in cells if cell != "–"]


def test_sorting_by_effect_puts_the_strongest_first_whatever_its_sign(open_page, report: Path):
    page = open_page(report)
    page.get_by_role("button", name="Effect").click()
    sizes = [abs(effect) for effect in effects(page)]

    assert len(set(sizes)) > 1
    assert sizes == sorted(sizes, reverse=True)
    page.get_by_role("button", name="Effect").click()
    assert [abs(effect) for effect in effects(page)] == sorted(sizes)


def test_on_a_phone_the_table_has_fewer_columns_and_fades_where_it_goes_on(open_page, report: Path):
    page = open_page(report, viewport={"width": 390, "height": 844})
    shown = page.locator("#table thead th:visible").all_inner_texts()
    assert [name.split()[0] for name in shown] == [
        "Cell",
        "Kind",
        "Feature",
        "Score",
        "Effect",
        "Carries",
        "Verdict",
    ]
    fade = "box => getComputedStyle(box).getPropertyValue('--more-right')"
    box = page.locator("#findings .scroller")

    assert box.evaluate(fade) == "40px"
    box.evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    page.wait_for_function(f"() => ({fade})(document.querySelector('#findings .scroller')) === '0px'")


def test_the_filter_finds_common_words_in_the_singular_and_the_plural(open_page, report: Path):
    page = open_page(report)
    shown = page.locator("#table tbody tr:not([hidden]) .kind")
    for typed, kind in [
        ("brackets", "depth counter"),
        ("parentheses", "latch"),
        ("switches", "toggle"),
        ("quotations", "toggle"),
    ]:
        page.locator("#filter").fill(typed)
        assert kind in shown.all_inner_texts(), typed
    page.locator("#filter").fill("zebra")
    assert shown.count() == 0
    hint = page.locator("#shown").inner_text()
    assert hint.startswith("no cell matches; try quote, bracket")
    page.locator("#filter").fill(hint.rpartition(" ")[2])
    assert shown.count() > 0
