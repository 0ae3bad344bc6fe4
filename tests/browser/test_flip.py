"""Changing a counter by steps, and the button that changes the chosen cell, in the panel with the network."""

import re
from pathlib import Path

import pytest
from page_models import page_of, trained
from playwright.sync_api import expect
from report_fixture import sample_findings

CELL = "0:31"
STAIRS = [0.0, 0.4, 0.8, 1.2, 1.6]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    document = sample_findings()
    counter = next(one for one in document["findings"] if one["cell"] == 31)
    counter |= {"verdict": "verified", "kind": "counter", "feature": "column"}
    counter["causal"] = (counter.get("causal") or {}) | {"target": "\n"}
    stairs = {"mean": STAIRS, "low": STAIRS, "high": STAIRS, "count": [9] * len(STAIRS)}
    trace = {"first": -1, "events": {}}
    counter["portrait"] = {"trace": trace, "histogram": {}, "staircase": stairs, "excerpts": {}}
    model = trained(layers=1, cells=256, steps=12)
    return page_of(model, tmp_path_factory.mktemp("run"), findings=document)


def test_a_slider_counts_a_counter_on_once_and_the_address_keeps_it(open_page, report: Path):
    page = open_page(report, f"#cell={CELL}&at=0&write=one%20two%20three")
    page.wait_for_function("() => live.freeRun && !live.isReading")
    page.locator("#live-steps").fill("2")

    expect(page.locator("#live-held-title")).to_have_text(f"Cell {CELL} counted 2 further")
    expect(page.locator("#live-steps-value")).to_have_text("2 further")
    before, after = page.evaluate("[watchedStateAtMark(), heldCells()[0].value]")
    assert after - before == pytest.approx(0.8, abs=1e-6)
    assert page.evaluate("live.heldRun.c[1][0][31]") != pytest.approx(after)
    expect(page).to_have_url(re.compile("steps=2$"))
    page.reload()
    expect(page.locator("#live-hold [value=steps]")).to_be_checked()
    expect(page.locator("#live-count")).to_be_in_viewport()


def test_another_cell_than_a_counter_has_no_such_slider(open_page, report: Path):
    page = open_page(report, "#cell=0:194&at=0&hold=on")

    expect(page.locator("#live-count")).to_be_hidden()
    expect(page.locator("#live-steps-choice")).to_be_hidden()


def test_the_button_counts_where_the_closing_character_changes_most(open_page, report: Path):
    page = open_page(report, f"#cell={CELL}&at=30")
    expect(page.locator("#flip")).to_have_text("Count this cell on or back in the model")
    page.locator("#flip").click()
    expect(page.locator("#live-source")).to_contain_text("the chance of ↵ most")
    changed = page.evaluate(
        """() => {
          const flips = [];
          const id = live.network.idOfSymbol.get("\\n");
          for (const place of live.symbols.keys()) {
            const before = { state: stateAfter(live.trace, place), id: live.trace.ids[place] };
            const value = heldValue("steps", place);
            const held = probabilitiesAfter(before, [{ ...live.watchedCell, value }]);
            flips.push(Math.abs(held[id] - probabilitiesAfter(before, [])[id]));
          }
          return { here: flips[live.mark], sorted: flips.sort((one, other) => other - one) };
        }"""
    )

    # Every third place is tried, and of the best ones the first after which another text is written.
    assert changed["here"] >= changed["sorted"][40]
    expect(page.locator("#live-parting")).to_contain_text(re.compile("differ|chances|Nothing"))


def test_flip_looks_for_a_stretch_that_begins_and_ends_in_the_text(open_page, report: Path):
    page = open_page(report)
    runs = page.evaluate(
        "wholeRuns([1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 2, 1, 1, 2, 0, ...Array(300).fill(1), 0, 1, 1, 1, 1])"
    )
    assert runs == [{"begin": 10, "end": 13}], (
        "not one that is on from the start, too short, too long or open"
    )
