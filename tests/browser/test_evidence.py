"""The evidence about a cell: its charts, its plots along the text, passages, and access for every reader."""

import re
from pathlib import Path

import pytest
from accessibility import serious_problems
from full_fixture import PASSAGE, full_findings, odd_findings, odd_text
from playwright.sync_api import Page, expect

from charlstm.report.render import write_report

CHARTS = {
    "0:194": {"told", "trace", "histogram", "survival", "effect", "dose", "edges", "mechanism"},
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
    """Return the names of the charts that are visible, once they are drawn."""
    # All charts are drawn at once, and this one exists for every finding.
    expect(page.locator("#chart-told")).to_be_visible()
    return {
        name.removeprefix("chart-")
        for name in page.locator("#evidence .chart:visible").evaluate_all("all => all.map(one => one.id)")
    }


def mark(page: Page, first: int, last: int) -> None:
    """Mark the passage from the character first to the character last with the keyboard."""
    page.locator(f"[data-at='{first}']").focus()
    page.evaluate(f"moveTo({first}, {{focus: true}})")
    for _ in range(last - first):
        page.keyboard.press("Shift+ArrowRight")


@pytest.mark.parametrize("cell", CHARTS)
def test_a_cell_has_a_chart_for_each_kind_of_number_that_is_known_of_it(open_full, cell: str):
    assert charts(open_full(f"#cell={cell}&at=0")) == CHARTS[cell]


def test_every_chart_has_its_numbers_as_a_table(open_full):
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


def test_every_quantile_of_the_matched_cells_is_drawn_and_listed(open_full):
    page = open_full("#cell=0:7&at=0")
    expect(page.locator("#chart-effect .stroke")).to_have_count(21)
    page.locator("#chart-effect summary").click()
    expect(page.locator("#chart-effect tbody")).to_be_visible()
    lines = page.locator("#chart-effect tbody tr").all_inner_texts()
    assert "matched cells, 100%\t0.095\t1.1" in lines
    assert page.locator("#chart-mechanism").inner_text().count("1:3") == 1


def test_the_chosen_cell_is_described_in_sentences(open_full):
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


def test_c_and_gates_and_feature_are_plotted_along_the_text_under_one_cursor(open_full):
    page = open_full("#cell=0:194&at=25")
    names = page.locator("#tracks .track:visible .track-name").all_inner_texts()
    assert names == ["c", "input", "forget", "candidate", "output", "inside double quotes"]
    recorded = full_findings()["excerpts"][0]["cells"]["0:194"]
    page.keyboard.press("ArrowRight")
    shown = page.locator("#tracks .track:visible .track-value").all_inner_texts()
    expected = [recorded[name][26] for name in ("c", "input", "forget", "candidate", "output")]
    assert [float(value.replace("−", "-")) for value in shown[:5]] == pytest.approx(expected, abs=0.006)
    cursors = page.locator("#tracks .track:visible .cursor").evaluate_all(
        "all => all.map(one => one.getAttribute('x'))"
    )
    assert cursors == ["26"] * 6


def test_a_cell_without_recorded_gates_has_plots_of_its_values_and_feature_alone(open_full):
    page = open_full("#cell=0:31&at=25")
    assert page.locator("#tracks .track:visible .track-name").all_inner_texts() == [
        "tanh(c)",
        "bracket depth",
    ]


def test_the_example_excerpts_are_coloured_by_tanh_c(open_full):
    page = open_full("#cell=0:194&at=0")
    expect(page.locator("#excerpts figcaption strong")).to_have_text(
        ["Strongest example", "Weakest example", "Least agreement"]
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


def test_shift_with_arrow_keys_marks_a_passage_and_lists_the_cells_that_are_on_there(open_full):
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


def test_dragging_over_the_text_marks_a_passage(open_full):
    page = open_full("#cell=0:194&at=0")
    page.locator("#text").scroll_into_view_if_needed()
    page.locator("[data-at='3']").hover()
    page.mouse.down()
    page.locator("[data-at='9']").hover()
    page.mouse.up()
    expect(page.locator("#text .passage")).to_have_count(7)
    page.locator("[data-at='5']").click()
    expect(page.locator("#text .passage")).to_have_count(0)


def test_the_lines_of_a_chart_are_named_in_a_visible_legend(open_full):
    page = open_full("#cell=0:194&at=0")
    charts(page)
    expect(page.locator("#chart-trace .legend-entry")).to_have_text(
        ["goes on, 1,234 times", "goes off, 1,234 times"]
    )
    expect(page.locator("#chart-reach .legend-entry")).to_have_text(
        ["these cells", "matched cells", "untrained"]
    )
    for entry in page.locator(".legend-entry").all():
        expect(entry).to_be_visible()
        expect(entry.locator("svg")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_accessibility_problem(open_page, tmp_path: Path, scheme: str):
    # Axe looks at every element: 200 characters show the same problems as 2,000 and take less time.
    write_report(full_findings(200), tmp_path / "report.html")
    page = open_page(tmp_path / "report.html", "#cell=0:194&at=20&to=30", color_scheme=scheme)
    charts(page)
    assert serious_problems(page, scheme) == []


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


def test_forced_colours_keep_the_colours_of_the_text_the_bars_and_the_cursor(open_full):
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


def test_nothing_is_animated_where_the_reader_wants_reduced_motion(open_full):
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


def test_odd_characters_in_one_line_of_twenty_thousand_are_shown_literally(open_page, tmp_path: Path):
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
