"""What the page shows of each cell, its query, and whom it shuts out."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from full_fixture import PASSAGE, full_findings, odd_findings, odd_text
from playwright.sync_api import Page, expect

from charlstm.report.render import write_report

CHARTS = {
    "0:194": {"told", "trace", "histogram", "survival", "effect", "dose", "mechanism"},
    "0:7": {"told", "trace", "histogram", "staircase", "effect", "dose", "mechanism"},
    "0:88": {"told", "mechanism"},
}


@pytest.fixture(scope="session")
def full_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "report.html"
    write_report(full_findings(), path)
    return path


@pytest.fixture
def open_full(open_page, full_report: Path):
    return lambda place="", **options: open_page(full_report, place, **options)


def charts(page: Page) -> set[str]:
    # All are drawn in one go, and this one is there for every finding.
    expect(page.locator("#chart-told")).to_be_visible()
    return {
        name.removeprefix("chart-")
        for name in page.locator("#evidence .chart:visible").evaluate_all("all => all.map(one => one.id)")
    }


def mark(page: Page, first: int, last: int) -> None:
    page.locator(f"[data-at='{first}']").focus()
    page.evaluate(f"moveTo({first}, {{focus: true}})")
    for _ in range(last - first):
        page.keyboard.press("Shift+ArrowRight")


@pytest.mark.parametrize("cell", CHARTS)
def test_each_cell_has_the_charts_that_it_has_numbers_for(open_full, cell: str):
    assert charts(open_full(f"#cell={cell}&at=0")) == CHARTS[cell]


def test_every_plot_has_its_numbers(open_full):
    page = open_full("#cell=0:194&at=0")
    assert charts(page)
    plots = page.locator("figure.chart:visible:has(.chart-picture, .wiring)")
    assert plots.count() >= 10
    for place in range(plots.count()):
        plot = plots.nth(place)
        plot.locator("summary").click()
        expect(plot.locator("tbody td").nth(1), plot.get_attribute("id")).to_be_attached()
    assert page.locator("#chart-effect tbody").inner_text().startswith("this cell\t−1.79\t5.99")
    dose = page.locator("#chart-dose tbody tr").all_inner_texts()
    assert dose[0] == "−0.5\t0.895"
    assert len(dose) == 5


def test_controls_show_as_many_points_as_there_are(open_full):
    page = open_full("#cell=0:7&at=0")
    expect(page.locator("#chart-effect .stroke")).to_have_count(21)
    page.locator("#chart-effect summary").click()
    expect(page.locator("#chart-effect tbody")).to_be_visible()
    lines = page.locator("#chart-effect tbody tr").all_inner_texts()
    assert "matched cells, 100%\t0.095\t1.1" in lines
    assert page.locator("#chart-mechanism").inner_text().count("1:3") == 1


def test_the_cell_is_told_in_words(open_full):
    page = open_full("#cell=0:194&at=0")
    told = page.locator("#chart-told")
    expect(told).to_contain_text(
        'It marks text inside double quotes: it switches on at one " and off at the next, and holds its value'
    )
    expect(told).to_contain_text(
        'When the cell is forced off 8 characters earlier, the closing " becomes 6.0 times less likely; '
        "equal changes of 99 matched cells or small groups of them change that by at most 1.10 times."
    )
    expect(told).to_contain_text("Verified.")


def test_gates_run_along_the_text_under_one_cursor(open_full):
    page = open_full("#cell=0:194&at=25")
    names = page.locator(".track:visible .track-name").all_inner_texts()
    assert names == ["c", "input", "forget", "candidate", "output", "inside double quotes"]
    recorded = full_findings()["excerpts"][0]["cells"]["0:194"]
    page.keyboard.press("ArrowRight")
    shown = page.locator(".track:visible .track-value").all_inner_texts()
    expected = [recorded[name][26] for name in ("c", "input", "forget", "candidate", "output")]
    assert [float(value.replace("−", "-")) for value in shown[:5]] == pytest.approx(expected, abs=0.006)
    cursors = page.locator(".track:visible .cursor").evaluate_all(
        "all => all.map(one => one.getAttribute('x'))"
    )
    assert cursors == ["26"] * 6


def test_a_cell_without_gates_shows_what_it_has(open_full):
    page = open_full("#cell=0:31&at=25")
    assert page.locator(".track:visible .track-name").all_inner_texts() == ["tanh(c)", "bracket depth"]


def test_excerpts_are_coloured(open_full):
    page = open_full("#cell=0:194&at=0")
    expect(page.locator("#excerpts figcaption strong")).to_have_text(
        ["Follows best", "Follows faintly", "Counter-example"]
    )
    found = full_findings()["findings"][0]["portrait"]["excerpts"]["strongest"]
    box = page.locator("#excerpts .coloured").first
    assert box.evaluate("box => box.textContent") == found["text"]
    assert (
        box.locator("span")
        .nth(7)
        .get_attribute("class")
        .startswith(f"level{round(100 * found['tanh_c'][7])}")
    )


def test_shift_and_arrows_ask_which_cells_mark_a_passage(open_full):
    page = open_full("#cell=0:194&at=0")
    mark(page, PASSAGE[0], PASSAGE[1] - 1)
    first = page.locator("#query tbody tr").first
    assert first.inner_text().split("\t") == ["0:5", "high", "1.00", "+0.80", "−0.60", "no finding"]
    expect(page.locator("#text .passage")).to_have_count(PASSAGE[1] - PASSAGE[0])

    first.get_by_role("button").click()
    expect(page.locator("#chosen")).to_have_text("0:5")
    expect(page.locator("#chosen-kind")).to_have_text("no finding")
    expect(page.locator(f"[data-at='{PASSAGE[0]}']")).to_have_class(re.compile("level80"))
    expect(page.locator("#text .passage")).to_have_count(PASSAGE[1] - PASSAGE[0])

    expect(page).to_have_url(re.compile("#cell=0:5&at=339&to=300$"))
    page.reload()
    expect(page.locator("#chosen")).to_have_text("0:5")
    expect(page.locator("#text .passage")).to_have_count(PASSAGE[1] - PASSAGE[0])
    expect(page.locator("#query tbody tr").first).to_contain_text("0:5")
    page.keyboard.press("Escape")
    expect(page.locator("#query")).to_be_hidden()
    expect(page).to_have_url(re.compile("#cell=0:5&at=339$"))


def test_a_passage_can_be_dragged(open_full):
    page = open_full("#cell=0:194&at=0")
    page.locator("#text").scroll_into_view_if_needed()
    page.locator("[data-at='3']").hover()
    page.mouse.down()
    page.locator("[data-at='9']").hover()
    page.mouse.up()
    expect(page.locator("#text .passage")).to_have_count(7)
    page.locator("[data-at='5']").click()
    expect(page.locator("#text .passage")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_page, tmp_path: Path, scheme: str):
    # Axe looks at every element, and 2,000 characters are no different from 200.
    write_report(full_findings(200), tmp_path / "report.html")
    page = open_page(tmp_path / "report.html", "#cell=0:194&at=20&to=30", color_scheme=scheme)
    charts(page)
    found = Axe().run(page).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
    ] == []


def test_tab_reaches_every_control(open_full):
    page = open_full(f"#cell=0:194&at={PASSAGE[0]}&to={PASSAGE[1]}")
    charts(page)
    reached = set()
    page.evaluate("document.activeElement.blur()")
    for _ in range(200):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
    wanted = page.locator(
        "button:visible, input:visible, select:visible, a[href]:visible, summary:visible, "
        "#text [tabindex='0']"
    ).evaluate_all("all => all.map(one => one.outerHTML.slice(0, 120))")
    assert set(wanted) <= reached


def test_forced_colours_keep_every_mark(open_full):
    page = open_full("#cell=0:194&at=30", forced_colors="active")
    charts(page)
    colours = page.locator("[data-at='25'], [data-at='0']").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 2
    bars = page.locator("#chart-effect .bar").evaluate_all(
        "all => all.map(one => getComputedStyle(one).fill)"
    )
    assert len(set(bars)) == 2
    assert page.locator("[data-at='30']").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"


def test_nothing_moves_where_motion_is_reduced(open_full):
    page = open_full("#cell=0:194&at=30", reduced_motion="reduce")
    charts(page)
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].map(one => getComputedStyle(one)).filter(style => "
        "style.transitionDuration !== '0s' || style.animationName !== 'none' || "
        "style.scrollBehavior !== 'auto').length"
    )
    assert moving == 0


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_full_page_never_scrolls_sideways(open_full, width: int):
    page = open_full("#cell=0:194&at=30", viewport={"width": width, "height": 800})
    charts(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_odd_text_is_shown_literally_in_one_line_of_twenty_thousand(open_page, tmp_path: Path):
    write_report(odd_findings(20_000), tmp_path / "odd.html")
    page = open_page(tmp_path / "odd.html", "#cell=0:194&at=5")
    page.on("dialog", lambda dialog: pytest.fail("the page ran text of the corpus"))
    charts(page)
    page.keyboard.press("ArrowRight")

    text = odd_text(20_000)
    assert page.seen == [(tmp_path / "odd.html").as_uri()]
    assert page.locator("img").count() == 0
    assert page.locator("#text [data-at]").count() == len(text)
    drawn = {**page.evaluate("data.symbols"), "\n": ""}
    shown = page.locator("#text [data-at]").evaluate_all("all => all.map(one => one.textContent)")
    plain = ["\t", " "]
    assert shown == [
        character if character in plain else drawn.get(character, character) for character in text
    ]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert "<img src=x" in page.locator("#excerpts .coloured").first.inner_text()
