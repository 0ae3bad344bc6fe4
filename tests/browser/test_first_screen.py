"""The first screen of the report: one cell's text in colour, its gates, and a button that flips it."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from accessibility import serious_problems
from full_fixture import full_findings, with_examples
from page_models import SOURCE, page_of, trained
from playwright.sync_api import Page, expect
from report_fixture import sample_findings

from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import Held
from charlstm.model.stepper import Stepper
from charlstm.report.page.view import view
from charlstm.report.render import write_report
from charlstm.text.vocabulary import Vocabulary


def findings() -> dict[str, Any]:
    """Return findings whose first cell, a verified toggle of double quotes, has an excerpt of its own."""
    return with_examples(full_findings())


@pytest.fixture(scope="module")
def model() -> CharLSTM:
    return trained(layers=1, cells=256, steps=12)


@pytest.fixture(scope="module")
def report(model: CharLSTM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(model, tmp_path_factory.mktemp("first"), findings=findings())


def flipped(page: Page) -> tuple[str, float, float]:
    """Press the button; return the character that is told, and its two probabilities in percent."""
    before = page.locator("#first-change").inner_text()
    page.locator("#first-flip").click()
    page.wait_for_function(
        "(before) => document.querySelector('#first-flip').ariaDisabled === 'false' && "
        "document.querySelector('#first-change').innerText !== before",
        arg=before,
    )
    told = page.locator("#first-change")
    free, held = (float(share.rstrip("%").lstrip("<")) for share in told.locator("strong").all_inner_texts())
    return told.locator("code").last.inner_text(), free, held


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_gates_and_button_are_seen_without_scrolling(
    open_page, report: Path, size: tuple[int, int], scheme: str
):
    width, height = size
    page = open_page(report, viewport={"width": width, "height": height}, color_scheme=scheme)

    for part in ("#first-line", "#first-text", "#first-tracks", "#first-flip"):
        box = page.locator(part).bounding_box()
        assert box
        assert box["height"] > 20
        assert box["y"] + box["height"] <= height
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_text_is_coloured_by_the_cell_and_a_pointed_character_shows_its_gates(open_page, report: Path):
    page = open_page(report)
    shown = view(findings())
    first, feature = shown.first, shown.data["excerpts"][1]["features"]["inside_double_quotes"]
    assert first is not None
    text = page.locator("#first-text")

    assert text.evaluate("box => box.textContent") == first.text
    inside = feature.index(1, first.start)
    expect(text.locator(f"[data-place='{inside}']")).to_have_class(re.compile("^level[789]. strong$"))
    expect(page.locator("#first-legend .scale")).to_have_text(re.compile(r"off\s*on"))
    text.locator(f"[data-place='{inside}']").hover()
    expect(page.locator("#first-tracks .track")).to_have_count(3)
    expect(page.locator("#first-tracks .cursor").first).to_have_attribute("x", str(inside))


def test_flipping_the_cell_tells_what_the_network_then_expects(open_page, report: Path, model: CharLSTM):
    page = open_page(report)
    # The network sleeps still: the button waits for it.
    assert page.evaluate("live.network === undefined")
    character, free, held = flipped(page)
    place = page.evaluate("first.here")
    text = findings()["findings"][0]["examples"]["excerpt"]["text"]
    symbols = list(Vocabulary.of_text(SOURCE).symbols)
    # The network reads its first symbol in the place of a tab, which it does not know.
    ids = torch.tensor([symbols.index(one) if one in symbols else 0 for one in text[: place + 1]])
    with torch.inference_mode():
        _, before = model(ids[None, :-1], model.initial_state(1))
        step = Stepper(model)
        natural, _ = step(ids[-1:], before)
        off = Held(torch.tensor([194]), torch.tensor([-1.2]))
        changed, _ = step(ids[-1:], before, [off])
    quote = symbols.index('"')

    assert character == '"'
    assert free == pytest.approx(100 * float(natural[0].softmax(0)[quote]), abs=0.6)
    assert held == pytest.approx(100 * float(changed[0].softmax(0)[quote]), abs=0.6)
    expect(page.locator("#first-runs")).to_be_visible()
    for run in ("#first-natural", "#first-flipped"):
        assert page.locator(f"{run} span").count() > 60
    assert page.seen == [report.as_uri()]


def test_on_a_phone_what_is_written_comes_into_view_below_the_button(open_page, report: Path):
    page = open_page(report, viewport={"width": 390, "height": 844})
    button = page.locator("#first-flip").bounding_box()
    assert button
    page.set_viewport_size({"width": 390, "height": int(button["y"] + button["height"]) + 20})
    flipped(page)

    expect(page.locator("#first-runs")).to_be_in_viewport(ratio=0.95)
    expect(page.locator("#first-flip")).to_be_in_viewport(ratio=0.95)


def test_the_button_can_be_pressed_at_once_and_again_and_never_throws(open_page, report: Path):
    page = open_page(report)
    page.locator("#first-flip").dblclick()
    page.wait_for_function("() => document.querySelector('#first-runs').hidden === false")
    place = page.evaluate("first.here")
    page.wait_for_function("() => document.querySelector('#first-flip').ariaDisabled === 'false'")
    expect(page.locator("#first-flip")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_function("(place) => first.here !== place", arg=place)

    assert page.seen == [report.as_uri()]


def test_a_network_that_cannot_be_unpacked_is_told_and_not_thrown(open_page, report: Path):
    page = open_page(report)
    page.evaluate("document.querySelector('#weights').textContent = 'AAAA'")
    page.locator("#first-flip").click()

    expect(page.locator("#first-change")).to_contain_text("cannot")
    assert page.seen == [report.as_uri()]


def test_a_page_without_a_model_has_no_button(open_page, tmp_path: Path):
    write_report(findings(), tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")

    expect(page.locator("#first-text [data-place]").first).to_be_visible()
    expect(page.locator("#first-flip")).to_have_count(0)


def test_without_a_verified_cell_the_best_is_shown_with_its_verdict(open_page, tmp_path: Path):
    write_report(sample_findings(), tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")

    expect(page.locator("#first-line")).to_contain_text("not tested: no cell is verified")


def test_without_any_finding_there_is_advice(open_page, tmp_path: Path):
    write_report(sample_findings() | {"findings": []}, tmp_path / "report.html")
    page = open_page(tmp_path / "report.html")

    expect(page.locator("#first")).to_have_count(0)
    expect(page.locator("#first-advice")).to_contain_text("train longer")
    expect(page.locator("#first-advice")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_accessibility_problem_on_the_first_screen(open_page, report: Path, scheme: str):
    page = open_page(report, color_scheme=scheme)
    flipped(page)

    assert serious_problems(page, scheme, context="#first") == []


def test_a_counter_is_held_low_and_not_off(open_page, model: CharLSTM, tmp_path: Path):
    found = findings()
    counter = next(one for one in found["findings"] if one["kind"] == "counter" and one["layer"] == 0)
    for one in found["findings"]:
        one["verdict"] = "verified" if one is counter else "correlate"
    page = open_page(page_of(model, tmp_path, findings=found))
    expect(page.locator("#first-line")).to_contain_text(f"0:{counter['cell']}")
    expect(page.locator("#first-flip")).to_have_text("Hold this cell low")
    flipped(page)
    expect(page.locator("#first-flip")).to_have_text("Hold it low elsewhere")
    for place in ("#first-change", "#first-runs"):
        expect(page.locator(place)).to_contain_text("held low")
        expect(page.locator(place)).not_to_contain_text("held off")
