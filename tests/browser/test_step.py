"""One step of a cell as arithmetic: it adds up as it is shown, and it is what PyTorch computes."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accessibility import serious_problems
from full_fixture import full_findings, with_examples
from page_models import SOURCE, one_hot, page_of, trained
from playwright.sync_api import Page, expect
from report_fixture import sample_findings

from charlstm.config import ModelConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.stepper import Stepper
from charlstm.report.page.packed_model import NOT_WANTED
from charlstm.report.render import write_report
from charlstm.text.vocabulary import Vocabulary

TEXT = "def parse(source, filename='<unknown>'):\n    return"
PLACE = TEXT.index("'") + 1
TABLES = """figures => figures.map((figure) =>
  [...figure.querySelectorAll("tr")].map((line) => [...line.cells].map((cell) => cell.innerText)))"""
# The network is unpacked first, which takes seconds on a busy machine.
SLOW = 20_000
Tables = list[list[list[str]]]


@pytest.fixture(scope="module")
def two_layers() -> CharLSTM:
    return trained(layers=2, steps=20)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("step")
    return page_of(trained(layers=1, cells=256, steps=12), folder, findings=with_examples(full_findings()))


def number(shown: str) -> Decimal:
    return Decimal(shown.replace("−", "-").replace("%", ""))


def written_step(page: Page, cell: str) -> Tables:
    """Show a step of a cell in the written text; return its figures as tables of text."""
    page.locator("#step-source").select_option("written")
    expect(page.locator("#step-question")).to_have_text(
        re.compile(rf"^Why does cell {cell} \w"), timeout=SLOW
    )
    tables: Tables = page.locator("#step-figures figure").evaluate_all(TABLES)
    return tables


def forward_pass(model: CharLSTM, layer: int, cell: int) -> dict[str, Any]:
    """Return what PyTorch computes in a cell at PLACE of TEXT: sums and values of gates, c, h, logits."""
    ids = torch.tensor(Vocabulary.of_text(SOURCE).encode(TEXT[: PLACE + 1]).astype(np.int64))
    with torch.inference_mode():
        step, state = Stepper(model), model.initial_state(1)
        for one in ids[:-1]:
            _, state = step(one[None], state)
        before, (logits, after) = state, step(ids[-1:], state)
        below = after.h[layer - 1, 0] if layer else model.embedding.weight[ids[-1]]
        weights = model.weights(layer)
        rows = cell + model.config.cells * torch.arange(4)
        sums = weights.input[rows] @ below + weights.recurrent[rows] @ before.h[layer, 0] + weights.bias[rows]
    values = torch.where(torch.arange(4) == 2, sums.tanh(), sums.sigmoid())
    return {
        "sums": sums.tolist(),
        "gates": values.tolist(),
        "c": float(after.c[layer, 0, cell]),
        "h": float(after.h[layer, 0, cell]),
        "logits": logits[0],
    }


def assert_columns_add_up(table: list[list[str]], total: str) -> None:
    """Check that in each column the shown parts add up to the line `total`, and that products are right."""
    place = next(place for place, line in enumerate(table) if line[0].startswith(total))
    columns = len(table[place]) - 1
    for column in range(-columns, 0):
        parts = [number(line[column]) for line in table[1:place]]
        assert sum(parts) == number(table[place][column])
    for line in table[1:place]:
        if " × " in line[1]:
            one, other = map(number, line[1].split(" × "))
            assert abs(one * other - number(line[2])) < Decimal("0.0051")


@pytest.mark.parametrize(("layer", "cell"), [(0, 7), (1, 5)])
def test_a_step_adds_up_and_equals_pytorch(
    open_page, tmp_path: Path, two_layers: CharLSTM, layer: int, cell: int
):
    model = one_hot(two_layers) if layer else two_layers
    link = f"#write={TEXT}&mark={PLACE}&watch={layer}:{cell}&step=1"
    page = open_page(page_of(model, tmp_path), link)
    tables = written_step(page, f"{layer}:{cell}")
    expected = forward_pass(two_layers, layer, cell)

    for gate, table in enumerate(tables[:4]):
        assert_columns_add_up(table, "sum")
        assert float(number(table[-2][-2])) == pytest.approx(expected["sums"][gate], abs=0.0075)
        assert float(number(table[-1][-2])) == pytest.approx(expected["gates"][gate], abs=0.0015)
    assert any(line[0].startswith(f"{layer}:") for line in tables[0])
    update = tables[4]
    assert_columns_add_up(update, "cell state")
    assert float(number(update[-2][-1])) == pytest.approx(expected["c"], abs=0.0015)
    assert float(number(update[-1][-1])) == pytest.approx(expected["h"], abs=0.0015)
    if layer == 0:
        assert len(tables) == 5
        expect(page.locator("#step-figures")).to_contain_text("The cells of layer 1 read h of this cell")
        return
    letter = int(page.locator("#step-target").input_value())
    assert_columns_add_up(tables[5], "logit")
    assert float(number(tables[5][-2][-1])) == pytest.approx(float(expected["logits"][letter]), abs=0.01)
    share = 100 * float(expected["logits"].softmax(0)[letter])
    assert float(number(tables[5][-1][-1])) == pytest.approx(share, abs=0.6)
    assert tables[5][2][0] == "1:5"


def test_the_sum_of_a_hard_sigmoid_and_of_few_cells_adds_up(open_page, tmp_path: Path):
    functions = {"gate_activation": "hard_sigmoid", "activation": "relu"}
    size = len(Vocabulary.of_text(SOURCE))
    config = ModelConfig(vocabulary_size=size, cells=3, embedding=2, layers=1, **functions)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(1)).eval()
    page = open_page(page_of(model, tmp_path), f"#write={TEXT}&mark={PLACE}&watch=0:1&step=1")
    tables = written_step(page, "0:1")

    for table in tables[:4]:
        assert_columns_add_up(table, "sum")
    assert tables[0][-1][0] == "hard sigmoid of the sum"
    assert_columns_add_up(tables[5], "logit")


def test_one_sentence_names_the_largest_part_of_the_gate_that_moved(open_page, report: Path):
    page = open_page(report, "#cell=0:194&at=0&step=1")
    expect(page.locator("#step-answer")).to_contain_text("The forget gate is", timeout=SLOW)
    page.locator("#step-driver").click()
    expect(page.locator("#step-question")).to_contain_text('at "?')

    main = page.locator("#step-figures .main")
    expect(main).to_have_count(2)
    part = main.first.locator("td").nth(-2).inner_text()
    expect(page.locator("#step-answer")).to_contain_text(part)
    place = page.evaluate("view.cursor")
    page.locator("#step-on").click()
    expect(page.locator("#readout .where")).to_contain_text(f"character {place + 2:,} of")
    # The line is drawn a moment after the cursor has moved.
    page.wait_for_function("(place) => shownPlace === place", arg=place + 1)
    page.locator("#step-line .here + span").click()
    page.wait_for_function("(place) => shownPlace === place", arg=place + 2)
    assert page.seen == [report.as_uri()]


def test_the_model_inside_leads_to_the_step_of_its_mark(open_page, report: Path):
    page = open_page(report, f"#write={TEXT}&mark={PLACE}&watch=0:31")
    page.locator("#step-mark").click()

    expect(page.locator("#step-question")).to_contain_text("Why does cell 0:31", timeout=SLOW)
    expect(page.locator("#step-line .here")).to_have_text(TEXT[PLACE])
    expect(page.locator("#step-title")).to_be_in_viewport()


def test_it_is_shut_until_it_is_opened_and_a_link_opens_it_again(open_page, report: Path):
    page = open_page(report)
    expect(page.locator("#step-figures")).to_be_hidden()
    assert page.evaluate("live.network === undefined")
    page.locator("#step > details > summary").click()

    expect(page.locator("#step-figures figure")).to_have_count(6, timeout=SLOW)
    page.wait_for_function("() => location.hash.endsWith('step=1')")
    page.reload()
    expect(page.locator("#step-figures figure")).to_have_count(6, timeout=SLOW)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_figures_fit_and_axe_finds_no_serious_problem(open_page, report: Path, width: int):
    page = open_page(report, "#cell=0:194&step=1", viewport={"width": width, "height": 800})
    expect(page.locator("#step-figures figure")).to_have_count(6, timeout=SLOW)
    wide = page.locator("#step figure").evaluate_all(
        "figures => figures.filter((one) => one.scrollWidth > one.clientWidth).length"
    )

    assert wide == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_problems(page, context="#step") == []


def test_a_page_without_a_network_says_so_and_one_without_a_script_shows_nothing(open_page, tmp_path: Path):
    write_report(sample_findings(), tmp_path / "report.html", NOT_WANTED)

    expect(open_page(tmp_path / "report.html").locator("#step")).to_contain_text("left out of this page")
    still = open_page(tmp_path / "report.html", java_script_enabled=False)
    expect(still.locator("#step")).to_be_hidden()
