"""The panel "The model inside" of the report page, as a reader uses it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accessibility import serious_problems
from page_models import READ, SOURCE, page_of, stepped, trained
from playwright.sync_api import Page, expect
from report_fixture import HOSTILE, sample_findings

from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import Held
from charlstm.model.stepper import Stepper
from charlstm.report.page.packed_model import NOT_WANTED, inside
from charlstm.report.render import write_report
from charlstm.text.vocabulary import Vocabulary

LEVELS = {"off": -0.6, "on": 1.1}
CELL = "0:31"
LONGEST_WAIT = """async (text) => {
  await unpackNetwork();
  let longest = 0, last = performance.now(), watching = true;
  const watch = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (watching) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
  writeText(text);
  while (live.symbols.length < text.length || live.isReading) await new Promise((go) => setTimeout(go, 50));
  watching = false;
  return longest;
}"""
SETTLED = "() => live.freeRun && !live.isReading && document.querySelector('#live-natural .before')"


def findings() -> dict[str, Any]:
    """Return the sample findings with a verified switch whose levels are known."""
    document = sample_findings()
    verified = next(one for one in document["findings"] if one["cell"] == 31)
    verified |= {"verdict": "verified", "kind": "toggle", "feature": "inside_double_quotes", "polarity": 1}
    verified["detection"]["levels"] = LEVELS
    return document


@pytest.fixture(scope="module")
def model() -> CharLSTM:
    return trained(layers=1, cells=256, steps=12)


@pytest.fixture(scope="module")
def report(model: CharLSTM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(model, tmp_path_factory.mktemp("run"), findings=findings())


def written(page: Page, text: str) -> None:
    """Write a text into the panel and wait until it is read and continued."""
    page.locator("#live-text").fill(text)
    page.wait_for_function("(n) => live.symbols.length === n && !live.isReading", arg=len(text))
    page.wait_for_function(SETTLED)


def shares(page: Page) -> dict[str, str]:
    """Return the listed next characters with their probabilities as the page shows them."""
    lines = page.locator("#live-next li").all_inner_texts()
    return {line.split("\n")[0]: line.split("\n")[-1].strip() for line in lines}


def test_the_page_makes_one_request_leaves_the_console_empty_and_stays_below_3_megabytes(
    open_page, report: Path
):
    page = open_page(report)
    written(page, "def f(x):\n")
    page.locator("#live-hold [value=on]").check()
    page.wait_for_timeout(300)

    assert page.seen == [report.as_uri()]
    assert report.stat().st_size < 3_000_000


def test_the_page_is_painted_before_the_weights_are_unpacked(open_page, report: Path):
    page = open_page(report)
    painted = """() => new Promise((painted) => {
      const observer = new PerformanceObserver((list) => painted(list.getEntries()[0].startTime));
      observer.observe({ type: "paint", buffered: true });
    })"""

    assert page.evaluate(painted) < 1_500
    assert page.evaluate("live.network === undefined")
    page.locator("#model").scroll_into_view_if_needed()
    page.wait_for_function(SETTLED)


def test_written_text_is_coloured_and_continued_as_the_model_computes(
    open_page, report: Path, model: CharLSTM
):
    page = open_page(report, f"#cell={CELL}&at=0")
    written(page, READ[:120])
    probabilities, cells = stepped(model, Vocabulary.of_text(SOURCE).encode(READ[:120]))
    symbols = Vocabulary.of_text(SOURCE).symbols

    assert page.locator("#live").evaluate("box => box.textContent") == READ[:120]
    levels = page.evaluate("live.spans.map((span) => Number(/level(-?\\d+)/.exec(span.className)[1]))")
    assert np.abs(np.array(levels) - 100 * np.tanh(cells[:, 0, 31])).max() < 1
    likeliest = int(probabilities[-1].argmax())
    told = page.locator("#live-next li").first
    shown = {"\n": "↵", " ": "␣"}.get(symbols[likeliest], symbols[likeliest])
    expect(told.locator("code")).to_have_text(shown)
    assert float(told.locator(".share").inner_text().rstrip("%")) == pytest.approx(
        100 * probabilities[-1, likeliest], abs=0.6
    )


def test_written_text_has_the_colour_of_on_where_c_of_a_reversed_cell_is_low(
    open_page, tmp_path: Path, model: CharLSTM
):
    document = findings()
    next(one for one in document["findings"] if one["cell"] == 31)["polarity"] = -1
    page = open_page(page_of(model, tmp_path, findings=document), f"#cell={CELL}&at=0")
    written(page, READ[:60])
    _, cells = stepped(model, Vocabulary.of_text(SOURCE).encode(READ[:60]))

    levels = page.evaluate("live.spans.map((span) => Number(/level(-?\\d+)/.exec(span.className)[1]))")
    assert np.abs(np.array(levels) + 100 * np.tanh(cells[:, 0, 31])).max() < 1
    expect(page.locator("#live-legend .scale-ends")).to_contain_text("from +1")


def test_a_held_cell_changes_the_probabilities_as_the_reference_does(
    open_page, report: Path, model: CharLSTM
):
    page = open_page(report, f"#cell={CELL}&at=0")
    written(page, READ[:60])
    page.locator("#live-hold [value=on]").check()
    ids = Vocabulary.of_text(SOURCE).encode(READ[:60])
    # The cell is held from the marked character on, which is the last one.
    held = Held(torch.tensor([31]), torch.tensor([LEVELS["on"]]))
    natural, _ = stepped(model, ids)
    with_hold = page.evaluate("Array.from(probabilitiesAfter(stateBeforeMark(), heldCells()))")
    with torch.inference_mode():
        _, at = model(torch.from_numpy(ids[:-1].astype(np.int64))[None], model.initial_state(1))
        logits, _ = Stepper(model)(torch.tensor([int(ids[-1])]), at, [held])
    assert np.abs(np.array(with_hold) - logits[0].softmax(0).numpy()).max() < 2e-3
    assert np.abs(np.array(with_hold) - natural[-1]).max() > 1e-4
    expect(page.locator("#live-next")).to_have_class("paired")
    assert all("→" in share for share in shares(page).values())


def test_the_free_text_stays_the_same_when_the_cell_is_held(open_page, report: Path):
    page = open_page(report, f"#cell={CELL}&at=0")
    written(page, READ[:200])
    natural = page.locator("#live-natural").inner_text()
    page.locator("#live-range").fill("2")
    expect(page.locator("#live-held-title")).to_have_text(re.compile(f"^Cell {CELL} held at"))

    assert page.locator("#live-natural").inner_text() == natural
    assert page.locator("#live-held .before").count() == 1
    expect(page.locator("#live-parting")).to_have_text(re.compile("differ|same|Nothing changes"))
    page.locator("#live-again").click()
    expect(page.locator("#live-seed")).to_have_value("2")
    page.wait_for_function(
        "(text) => document.querySelector('#live-natural').innerText !== text", arg=natural
    )


def test_holding_a_cell_at_its_own_state_changes_nothing(open_page, report: Path):
    page = open_page(report, f"#cell={CELL}&at=0")
    written(page, READ[:90])
    page.locator("#live-once").check()
    page.evaluate(
        """() => {
          find("#live-range").step = "any";
          find("#live-range").value = watchedStateAtMark();
          chooseHold("at");
        }"""
    )

    expect(page.locator("#live-parting")).to_contain_text("Nothing changes")


def test_a_cell_held_only_at_the_marked_character_is_free_afterwards(open_page, report: Path):
    page = open_page(report, f"#cell={CELL}&at=0")
    written(page, READ[:50])
    page.locator("#live-hold [value=on]").check()
    page.wait_for_function("() => live.heldRun?.c[5][0][31] === Math.fround(1.1)")
    page.locator("#live-once").check()
    page.wait_for_function("() => live.heldRun?.c[5][0][31] !== Math.fround(1.1)")

    assert page.evaluate("live.heldRun.c[0][0][31]") == pytest.approx(1.1)


def test_the_flip_button_holds_a_verified_switch_off_where_its_feature_is_on(open_page, report: Path):
    page = open_page(report, "#cell=0:7&at=0")
    expect(page.locator("#flip")).to_have_text(re.compile("^Try: "))
    page.goto(report.as_uri() + f"#cell={CELL}&at=30")
    expect(page.locator("#flip")).to_have_text("Hold this cell in the model")
    page.locator("#flip").click()

    expect(page.locator("#live-hold [value=off]")).to_be_checked()
    expect(page.locator("#live-hold [value=off]")).to_be_focused()
    expect(page.locator("#live-cell")).to_have_value(CELL)
    expect(page.locator("#live-held .before")).to_have_count(1)
    start = page.evaluate("stretchAround(view.cursor, { before: 300 }).start")
    assert page.evaluate("(start) => featureValues()[start + live.mark]", start) == 1


def test_the_panel_can_be_used_by_keyboard_alone(open_page, report: Path):
    page = open_page(report, f"#cell={CELL}&at=0")
    written(page, "one\ntwo (three)")
    page.locator("#live-text").press("End")
    mark = page.locator("#live [tabindex='0']")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(mark).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(mark).to_have_text("e")
    expect(mark).to_have_attribute("aria-label", re.compile(r"^e, tanh\(c\) "))
    page.keyboard.press("Home")
    expect(mark).to_have_text("o")
    page.keyboard.press("ArrowDown")
    expect(mark).to_have_text("t")
    expect(page.locator("#text [aria-selected=true]")).to_have_attribute("data-at", "0")
    page.keyboard.press("Tab")
    expect(page.locator("#step-mark")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#live-hold [value=off]")).to_be_checked()


def test_the_address_restores_what_was_written_and_how_the_cell_was_held(open_page, report: Path):
    page = open_page(report, f"#cell={CELL}&at=0")
    written(page, 'say("#1 & 100%")')
    page.keyboard.press("Tab")
    page.locator("#live [data-index='4']").click()
    page.locator("#live-hold [value=on]").check()
    expect(page).to_have_url(re.compile("mark=4&hold=on$"))
    page.reload()
    page.locator("#model").scroll_into_view_if_needed()

    expect(page.locator("#live-text")).to_have_value('say("#1 & 100%")')
    expect(page.locator("#live [aria-selected=true]")).to_have_attribute("data-index", "4")
    expect(page.locator("#live-hold [value=on]")).to_be_checked()


def test_written_markup_is_shown_as_text_and_never_run(open_page, report: Path):
    page = open_page(report)
    page.on("dialog", lambda dialog: pytest.fail("the page ran what was written"))
    text = HOSTILE.replace("\x00", "") + "שלום 👩‍🚀 " + "x" * 300
    page.locator("#live-text").fill(text)
    page.wait_for_function("() => !live.isReading && live.symbols.length > 300")

    assert page.locator("img").count() == 0
    expect(page.locator("#live-status")).to_contain_text("not in the vocabulary")
    assert page.locator("#live [data-glyph=unknown]").count() > 5
    assert page.seen == [report.as_uri()]


def test_reading_a_long_text_never_blocks_the_page_for_a_quarter_of_a_second(open_page, report: Path):
    assert open_page(report).evaluate(LONGEST_WAIT, SOURCE[:6_000]) < 250


def test_without_written_text_the_network_first_reads_a_line_break_as_sampling_does(
    open_page, report: Path, model: CharLSTM
):
    page = open_page(report)
    written(page, "")
    symbols = Vocabulary.of_text(SOURCE).symbols
    probabilities, _ = stepped(model, np.array([symbols.index("\n")]))

    assert page.evaluate("Array.from(probabilitiesAfter(stateBeforeMark(), []))") == pytest.approx(
        probabilities[0], abs=1e-3
    )


def test_a_character_of_several_bytes_is_drawn_at_its_last_byte(open_page, tmp_path: Path):
    model = trained(layers=1, cells=16, level="bytes", steps=2)
    page = open_page(page_of(model, tmp_path, level="bytes"))
    page.locator("#live-text").fill("né")
    page.wait_for_function("() => live.symbols.length === 3 && !live.isReading")

    assert page.locator("#live [data-index]").all_inner_texts() == ["n", "·", "é"]


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_the_panel_never_scrolls_sideways(open_page, report: Path, width: int):
    page = open_page(report, viewport={"width": width, "height": 800})
    written(page, READ[:300])
    page.locator("#live-hold [value=on]").check()

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_panel_works_where_the_inspection_found_nothing(open_page, tmp_path: Path, model: CharLSTM):
    path = page_of(model, tmp_path, findings=sample_findings() | {"findings": [], "excerpts": []})
    page = open_page(path)
    written(page, "def f(x):")
    page.locator("#live-cell").select_option("0:200")

    expect(page.locator("#live-what")).to_have_text("no finding for this cell")
    expect(page.locator("#live-next li")).to_have_count(8)
    assert page.seen == [path.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_accessibility_problem_in_the_panel(open_page, report: Path, scheme: str):
    page = open_page(report, f"#cell={CELL}&at=0", color_scheme=scheme)
    written(page, READ[:100])
    page.locator("#live-hold [value=on]").check()
    page.wait_for_function("() => live.heldRun !== undefined")

    assert serious_problems(page, scheme, context="#model") == []


def test_a_page_without_the_network_says_why(open_page, tmp_path: Path):
    write_report(findings(), tmp_path / "left.html", NOT_WANTED)
    write_report(findings(), tmp_path / "gone.html", inside({}, tmp_path / "run"))
    page = open_page(tmp_path / "left.html")
    expect(page.locator("#model .caveat")).to_contain_text("on purpose")
    expect(page.locator("#flip")).to_have_count(0)
    assert page.seen == [(tmp_path / "left.html").as_uri()]
    page = open_page(tmp_path / "gone.html")
    expect(page.locator("#model .caveat")).to_contain_text(f"There is no run in {tmp_path / 'run'}")
