"""The lesson: some sections of the page alone, and the exercises, which the whole page has as well."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from accessibility import serious_problems
from full_fixture import full_findings
from page_models import SOURCE, page_of, trained
from playwright.sync_api import Page, expect

from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import Held
from charlstm.model.stepper import Stepper
from charlstm.report.page.view import view
from charlstm.text.vocabulary import Vocabulary

USED, INERT = "0:194", "0:88"


def findings() -> dict[str, Any]:
    """Return findings with a verified toggle of double quotes and a correlate that follows them as well.

    Cell 0:31 is on inside brackets.
    """
    known = full_findings()
    excerpt = known["excerpts"][0]
    depth = excerpt["features"]["bracket_depth"]
    excerpt["cells"]["0:31"]["tanh_c"] = [-0.9 if value else 0.9 for value in depth]
    known["findings"][3] |= {"verdict": "correlate", "causal": {"effect_nats": -0.02, "target": '"'}}
    return known


@pytest.fixture(scope="module")
def model() -> CharLSTM:
    return trained(layers=1, cells=256, steps=2)


@pytest.fixture(scope="module")
def report(model: CharLSTM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(model, tmp_path_factory.mktemp("lesson"), findings=findings())


# The size in pixels of the smallest letters that are seen in the lesson.
SMALLEST_TYPE = """() => {
  const texts = document.createTreeWalker(document.querySelector("#lesson"), NodeFilter.SHOW_TEXT);
  let least = Infinity;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && element.getClientRects().length)
      least = Math.min(least, parseFloat(getComputedStyle(element).fontSize));
  }
  return least;
}"""


def test_the_lesson_shows_its_parts_one_after_the_other_and_nothing_else(open_page, report: Path):
    page = open_page(report, "?lesson#cell=0:31")
    titles = []
    for number in range(1, 6):
        expect(page.locator("#lesson-where")).to_have_text(f"Lesson, {number} of 5")
        titles.append(page.locator("#lesson h1").inner_text())
        for hidden in ("#summary", "#findings", "#evidence", "#model", "header"):
            expect(page.locator(hidden)).to_be_hidden()
        for width, least in ((390, 15), (1280, 15), (1920, 20)):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.locator("[data-lesson]:visible").count() == 1
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(SMALLEST_TYPE) >= least
            if number < 5:
                expect(page.locator("#lesson-next")).to_be_in_viewport(ratio=1)
        if number < 5:
            page.locator("#lesson-next").click()

    assert titles[0] == "A memory cell at work"
    assert titles[1:3] == ["Predict, then reveal", "Which cell does the network use?"]
    assert titles[3:5] == [
        "Change a cell, and read what the network writes",
        "Going deeper: one step as arithmetic",
    ]
    expect(page.locator("#lesson-next")).to_be_hidden()
    page.wait_for_url(re.compile("cell=0:31.*&part=5"))
    expect(page.locator("#lesson-end")).to_be_hidden()
    page.get_by_role("link", name="Whole page").click()
    page.wait_for_url(re.compile(r"report\.html#cell=0:31[^?]*$"))
    expect(page.locator("#summary")).to_be_visible()
    expect(page.locator("#predict")).to_be_hidden()
    page.evaluate("document.addEventListener('click', (event) => event.preventDefault())")
    page.get_by_role("link", name="Lesson").click()
    expect(page.locator("#lesson-link")).to_have_attribute("href", re.compile(r"^\?lesson#cell=0:31"))


def test_the_first_part_tells_on_demand_what_the_gates_did(open_page, report: Path):
    page = open_page(report, "?lesson")
    first, data = view(findings()).data["lesson"]["rounds"][0], view(findings()).data
    start, stop = page.evaluate("[first.start, first.stop]")
    cell = data["excerpts"][0]["cells"][USED]
    on = [value > first["threshold"] for value in cell["tanh_c"][start:stop]]
    held = [start + place for place in range(1, len(on)) if on[place] and on[place - 1]]
    forget = sum(cell["forget_hundredths"][place] for place in held) / len(held) / 100
    expect(page.locator("#first-gates li").first).to_be_hidden()
    page.locator("#first-gates summary").click()
    expect(page.locator("#first-gates li")).to_have_count(3)
    expect(page.locator("#first-gates li").nth(1)).to_contain_text(
        f"While it is on: forget gate {forget:.2f}"
    )


def test_the_lesson_shows_a_step_as_one_equation_and_three_sums_and_the_rest_on_demand(
    open_page, report: Path
):
    page = open_page(report, "?lesson#part=5")
    numbers = page.locator(".equation b")
    expect(numbers).to_have_count(9, timeout=20_000)
    forget, old, written, candidate, new = (
        float(numbers.nth(place).inner_text().replace("−", "-")) for place in (0, 2, 4, 6, 8)
    )
    assert forget * old + written * candidate == pytest.approx(new, abs=3e-3)
    titles = page.locator("#step-figures figcaption strong")
    assert titles.all_inner_texts() == ["Forget gate", "Input gate", "Candidate"]
    shown = page.locator("#step-figures tr:last-child td").all_inner_texts()
    assert [float(value.replace("−", "-")) for value in shown] == [forget, written, candidate]
    expect(page.locator("#step-choice")).to_be_hidden()
    page.locator("#step .lesson-words > summary").click()
    expect(page.locator("#step-rest figure")).to_have_count(3)
    expect(page.locator("#step-choice")).to_be_visible()


def test_a_prediction_by_keys_and_mouse_is_scored_against_the_cells_own_state(open_page, report: Path):
    page = open_page(report, "?lesson#part=2")
    told, data = view(findings()).data["lesson"]["rounds"][0], view(findings()).data
    values = data["excerpts"][0]["cells"][USED]["tanh_c"][told["start"] : told["stop"]]
    on = [value > told["threshold"] for value in values]
    assert page.locator("#predict-text [class*=level]").count() == 0
    expect(page.locator("#predict-task")).to_contain_text(f"This is cell {USED}")
    expect(page.locator("#predict-hint")).to_contain_text("An opening quote is inside already")
    page.locator("#predict-reveal").click()
    expect(page.locator("#predict-score")).to_contain_text("Nothing is marked yet")
    assert page.locator("#predict-text [class*=level]").count() == 0
    spans = page.locator("#predict-text [data-mark]")
    spans.first.focus()
    page.keyboard.press("Home")
    expect(page.locator("#predict-score")).to_be_empty()
    for key in ("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft", "End", "Space"):
        page.keyboard.press(key)
    marks = {1, 2, len(on) - 1}
    assert page.locator("#predict-text .marked").count() == 3
    start, end = on.index(True), on.index(False, on.index(True))
    boxes = [spans.nth(place).bounding_box() for place in (start, end - 1)]
    page.mouse.move(boxes[0]["x"] + 3, boxes[0]["y"] + 5)
    page.mouse.down()
    page.mouse.move(boxes[1]["x"] + 3, boxes[1]["y"] + 5, steps=3)
    page.mouse.up()
    marks |= set(range(start, end))
    page.locator("#predict-reveal").click()

    agreed = sum(value == (place in marks) for place, value in enumerate(on)) / len(on)
    score = page.locator("#predict-score")
    expect(score).to_contain_text(f"You agree with the cell at {round(100 * agreed)}%")
    expect(score).to_contain_text(f"Marking nothing would agree at {round(100 * on.count(False) / len(on))}%")
    differing = [
        int(span)
        for span in spans.locator("xpath=self::*[contains(@class,'differs')]").evaluate_all(
            "spans => spans.map(span => span.dataset.mark)"
        )
    ]
    assert differing == [place for place, value in enumerate(on) if value != (place in marks)]
    expect(spans.nth(start)).to_have_class(re.compile(r"level\d+ strong"))
    assert not serious_problems(page, context="#lesson")
    page.locator("#predict-again").click()
    expect(page.locator("#predict-task")).to_contain_text(f"This is cell {USED}")
    assert page.locator("#predict-text :is(.marked, .differs)").count() == 0
    page.locator("#predict-clear").click()
    for _ in range(2):
        page.locator("#predict-reveal").click()
    page.locator("#predict-next").click()
    expect(page.locator("#predict-task")).to_contain_text("The first lines have the colours of cell 0:31")
    assert page.locator("#predict-text .marked").count() == 0
    assert page.seen == [report.as_uri() + "?lesson"]


def test_a_finger_marks_along_a_line_and_scrolls_across_it(open_page, report: Path):
    page = open_page(report, "?lesson#part=2", viewport={"width": 390, "height": 600}, has_touch=True)
    session = page.context.new_cdp_session(page)

    def touch(across: int, down: int) -> int:
        page.locator("#predict-clear").click()
        box = page.locator("#predict-text [data-mark='3']").bounding_box()
        for step in range(6):
            point = {"x": box["x"] + 4 + across * step / 5, "y": box["y"] + 6 + down * step / 5}
            kind = "touchMove" if step else "touchStart"
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        return page.locator("#predict-text .marked").count()

    assert touch(across=60, down=0) > 4
    assert touch(across=0, down=-200) == 0


def test_in_the_lineup_cells_are_flipped_and_the_used_one_is_told(open_page, report: Path, model: CharLSTM):
    page = open_page(report)
    page.locator("#exercises summary").click()
    page.locator("#lineup").scroll_into_view_if_needed()
    cards = page.locator("#lineup .card")
    expect(cards).to_have_count(6)
    lineup = view(findings()).data["lesson"]["lineup"]
    names = [one["cell"] for one in lineup["cells"]]
    used, inert = cards.nth(names.index(USED)), cards.nth(names.index(INERT))
    assert USED not in page.locator("#lineup").inner_text()
    used.get_by_role("button", name="is used").click()
    expect(page.locator("#lineup-result")).to_have_text(re.compile("^Hold some cells off first"))
    expect(used.locator(".who")).to_be_hidden()
    used.get_by_role("button", name="Hold").click()
    free, flipped = probabilities(page, model)
    shares = re.findall(r"([\d.]+)%", used.inner_text())
    assert [float(share) for share in shares] == pytest.approx([100 * free, 100 * flipped], abs=0.6)

    inert.get_by_role("button", name="is used").click()
    expect(page.locator("#lineup-result")).to_contain_text("Not this one.")
    expect(page.locator("#lineup-result")).to_contain_text("is hardly used for it")
    expect(used).to_have_class("card used")
    expect(used.locator(".who")).to_contain_text(f'Cell {USED}: inside double quotes: used for the closing "')
    used.get_by_role("button", name="is used").click()
    expect(page.locator("#lineup-result")).to_contain_text("Right.")
    assert page.seen == [report.as_uri()]


def probabilities(page: Page, model: CharLSTM) -> tuple[float, float]:
    """Return the chance of a quote at the framed place by PyTorch, without and with the used cell flipped."""
    before = page.evaluate(
        """() => {
          const range = document.createRange();
          range.setStart(document.querySelector(".card .coloured"), 0);
          range.setEndAfter(document.querySelector(".card [data-here]"));
          return range.toString();
        }"""
    )
    text = findings()["excerpts"][0]["text"]
    symbols = list(Vocabulary.of_text(SOURCE).symbols)
    # The lines are shown without the spaces that begin all of them.
    shown = re.search(r"\n *".join(map(re.escape, before.split("\n"))), text)
    assert shown, (before, text)
    read = text[: shown.end()]
    ids = torch.tensor([symbols.index(one) if one in symbols else 0 for one in read])
    with torch.inference_mode():
        _, state = model(ids[None, :-1], model.initial_state(1))
        step = Stepper(model)
        natural, after = step(ids[-1:], state)
        levels = {"off": -1.2, "on": 1.4}
        is_on = abs(float(after.c[0, 0, 194]) - levels["on"]) < abs(float(after.c[0, 0, 194]) - levels["off"])
        held = Held(torch.tensor([194]), torch.tensor([levels["off" if is_on else "on"]]))
        changed, _ = step(ids[-1:], state, [held])
    quote = symbols.index('"')
    return float(natural[0].softmax(0)[quote]), float(changed[0].softmax(0)[quote])


# Calls half of the characters on, by levels of the cell around its median; returns which.
HALF_ON = """async () => {
  await unpackNetwork();
  const trace = emptyTrace(live.network);
  await traceIds(trace, idsOfText(live.network, first.excerpt.text).slice(0, first.stop));
  const states = cellStates(trace, { layer: 0, cell: 194 }).slice(first.start);
  const middle = [...states].sort((one, other) => one - other)[Math.floor(states.length / 2)];
  live.model.cells["0:194"].levels = { off: middle - 1, on: middle + 1 };
  return Array.from(states, (c) => c > middle);
}"""


def test_the_cell_is_held_off_from_the_clicked_character_on_or_the_next_where_it_is_on(
    open_page, report: Path
):
    page = open_page(report, "?lesson#part=4")
    expect(page.locator("#lesson-end li")).to_have_count(3)
    expect(page.locator("#lesson-end a")).to_be_visible()
    on = page.evaluate(HALF_ON)
    off = on.index(False, on.index(True))
    page.locator("#first-text [data-place]").nth(off).click()
    expect(page.locator("#first-flip")).to_have_text("Hold it off from the framed character on")
    page.mouse.move(0, 0)
    page.locator("#first-flip").click()
    expect(page.locator("#first-change")).to_contain_text("the cell is off already")
    held = page.evaluate("first.here")
    assert held == page.evaluate("first.start") + on.index(True, off)

    for place in (held + 1, held):
        page.locator(f"#first-text [data-place='{place}']").click()
        expect(page.locator("#first-runs")).to_be_hidden()
        page.locator("#first-flip").click()
        expect(page.locator("#first-runs")).to_be_visible()
    assert page.evaluate("first.here") == held
    expect(page.locator("#first-change")).not_to_contain_text("the cell is off already")
