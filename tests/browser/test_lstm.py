"""The LSTM that the page steps in the browser, compared with PyTorch on real text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from findings_document import inspected
from keras_model import CHARACTERS, KerasModel
from page_models import READ, SOURCE, demo_model, one_hot, page_of, stepped, trained
from playwright.sync_api import Page
from report_fixture import sample_findings

from charlstm.config import ModelConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import Held
from charlstm.report.page.packed_model import inside
from charlstm.report.render import write_report
from charlstm.tasks.import_weights import ImportRequest, import_model
from charlstm.text.vocabulary import Vocabulary

READING = """async ([text, held]) => {
  await unpackNetwork();
  const ids = symbolsOfText(live.network, text).map(({ id }) => id);
  const state = emptyState(live.network);
  const probabilities = [], cells = [];
  for (const id of ids) {
    stepNetwork(live.network, state, id, held);
    probabilities.push(Array.from(nextProbabilities(live.network, state)));
    cells.push(state.c.map((layer) => Array.from(layer.subarray(0, live.network.cells))));
  }
  // As one string: playwright takes seconds over so many numbers.
  return JSON.stringify({ probabilities, cells });
}"""
SPEED = """async (text) => {
  await unpackNetwork();
  const ids = symbolsOfText(live.network, text).map(({ id }) => id);
  const rates = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const begun = performance.now();
    await traceIds(emptyTrace(live.network), ids);
    rates.push((1000 * ids.length) / (performance.now() - begun));
  }
  return Math.max(...rates);
}"""
GATES = """async (text) => {
  await unpackNetwork();
  const trace = emptyTrace(live.network);
  await traceIds(trace, symbolsOfText(live.network, text).map(({ id }) => id));
  return [0, 1].map((layer) => trace.ids.map((_, index) => gatesAt(trace, { layer, cell: 5 }, index)));
}"""


@pytest.fixture(scope="module", params=[1, 2], ids=["one layer", "two layers"])
def model(request: pytest.FixtureRequest) -> CharLSTM:
    return trained(layers=request.param)


@pytest.fixture(scope="module")
def two_layers() -> CharLSTM:
    return trained(layers=2, steps=20)


def read(page: Page, text: str, held: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    got = json.loads(page.evaluate(READING, [text, held]))
    return np.array(got["probabilities"]), np.array(got["cells"])


@pytest.mark.parametrize("entry", ["embedding", "one-hot"])
def test_states_and_probabilities_equal_pytorch_on_real_text(
    open_page, tmp_path: Path, model: CharLSTM, entry: str
):
    shown = one_hot(model) if entry == "one-hot" else model
    page = open_page(page_of(shown, tmp_path))
    ids = Vocabulary.of_text(SOURCE).encode(READ)
    probabilities, cells = stepped(model, ids)

    got_probabilities, got_cells = read(page, READ, [])

    assert len(ids) == 1_000
    assert np.abs(got_probabilities - probabilities).max() < 2e-3
    assert np.abs(got_cells - cells).max() < 5e-3
    # The bounds above would mean little for a model without sure predictions and large states.
    assert probabilities.max() > 0.9
    assert np.abs(cells).max() > 1


def test_states_and_probabilities_equal_pytorch_with_cells_held(open_page, tmp_path: Path, model: CharLSTM):
    page = open_page(page_of(model, tmp_path))
    top = model.config.layers - 1
    held: list[Held | None] = [None] * model.config.layers
    first, second = model.head.weight.detach().norm(dim=0).topk(2).indices.tolist()
    held[top] = Held(torch.tensor([first, second]), torch.tensor([-1.5, 2.0]))
    probabilities, cells = stepped(model, Vocabulary.of_text(SOURCE).encode(READ), held)

    told = [{"layer": top, "cell": first, "value": -1.5}, {"layer": top, "cell": second, "value": 2.0}]
    got_probabilities, got_cells = read(page, READ, told)
    alone, _ = read(page, READ, [])

    assert np.abs(got_probabilities - probabilities).max() < 2e-3
    assert np.abs(got_cells - cells).max() < 5e-3
    assert np.abs(alone - probabilities).max() > 0.05


@pytest.mark.parametrize(
    "functions",
    [
        {"activation": "softsign"},
        {"activation": "hardtanh"},
        {"activation": "relu"},
        {"activation": "identity"},
        {"gate_activation": "hard_sigmoid"},
    ],
)
def test_every_function_equals_pytorch(open_page, tmp_path: Path, functions: dict[str, str]):
    vocabulary = Vocabulary.of_text(SOURCE)
    shape: dict[str, Any] = {"cells": 13, "embedding": 5, "layers": 2, **functions}
    config = ModelConfig(vocabulary_size=len(vocabulary), **shape)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(3)).eval()
    page = open_page(page_of(model, tmp_path))
    probabilities, cells = stepped(model, vocabulary.encode(READ[:200]))

    got_probabilities, got_cells = read(page, READ[:200], [])

    assert np.abs(got_probabilities - probabilities).max() < 1e-4
    assert np.abs(got_cells - cells).max() < 1e-3


def test_a_model_of_bytes_equals_pytorch(open_page, tmp_path: Path):
    model = trained(layers=1, cells=24, level="bytes", steps=5)
    page = open_page(page_of(model, tmp_path, level="bytes"))
    ids = Vocabulary.of_text(SOURCE, level="bytes").encode(READ)

    got, _ = read(page, READ, [])

    assert np.abs(got - stepped(model, ids)[0]).max() < 1e-3


def test_the_gates_of_a_cell_equal_pytorch(open_page, tmp_path: Path, two_layers: CharLSTM):
    page = open_page(page_of(two_layers, tmp_path))
    ids = torch.from_numpy(Vocabulary.of_text(SOURCE).encode(READ[:50]).astype(np.int64))
    got = np.array(page.evaluate(GATES, READ[:50]))

    x, expected = two_layers.embedding(ids)[None], []
    for layer in range(2):
        weights = two_layers.weights(layer)
        zeros = torch.zeros(1, two_layers.config.cells)
        h, _, _ = two_layers.run_layer(layer, x, zeros, zeros)
        before = torch.cat([zeros, h[0, :-1]])
        sums = x[0] @ weights.input.T + weights.bias + before @ weights.recurrent.T
        i, f, g, o = sums.chunk(4, dim=1)
        expected.append(torch.stack([i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()], -1)[:, 5])
        x = h
    assert np.abs(got - torch.stack(expected).detach().numpy()).max() < 1e-3


def test_a_keras_model_of_hard_sigmoids_is_computed_by_its_own_equations(open_page, tmp_path: Path):
    keras = KerasModel()
    run = import_model(
        ImportRequest(
            weights=keras.save(tmp_path / "w.npz"), out=tmp_path / "run", gate_activation="hard_sigmoid"
        )
    )
    write_report(sample_findings(), tmp_path / "report.html", inside(inspected(run.path), run.path))
    page = open_page(tmp_path / "report.html")
    ids = keras.drawn(300)
    text, expected = "".join(CHARACTERS[number] for number in ids), keras.read(ids)

    probabilities, cells = read(page, text, [])
    gates = np.array(page.evaluate(GATES, text))

    assert np.abs(probabilities - expected.probabilities).max() < 2e-3
    assert np.abs(cells - expected.c).max() < 2e-3
    assert np.abs(gates.transpose(1, 0, 2) - expected.gates[:, :, :, 5]).max() < 2e-3
    assert (expected.gates[:, :, :2] == 0).any()


def test_a_network_of_256_cells_reads_500_characters_a_second(open_page, tmp_path: Path):
    write_report(sample_findings(), tmp_path / "report.html", demo_model(tmp_path))
    page = open_page(tmp_path / "report.html")

    assert page.evaluate(SPEED, READ) >= 500


def test_a_seed_draws_the_same_text_again_and_temperature_0_the_most_likely_text(
    open_page, tmp_path: Path, two_layers: CharLSTM
):
    page = open_page(page_of(two_layers, tmp_path))
    draw = """async ([seed, temperature]) => {
      await unpackNetwork();
      const settings = { held: [], once: false, length: 60, temperature, seed };
      return (await continuedTrace(live.network, emptyState(live.network), 3, settings)).ids;
    }"""
    ids = page.evaluate(draw, [5, 0])
    probabilities, _ = stepped(two_layers, np.array(ids))

    assert page.evaluate(draw, [1, 1.0]) == page.evaluate(draw, [1, 1.0]) != page.evaluate(draw, [2, 1.0])
    assert ids[1:] == probabilities.argmax(1)[:-1].tolist()


def test_continuations_from_one_state_do_not_change_that_state(
    open_page, tmp_path: Path, two_layers: CharLSTM
):
    page = open_page(page_of(two_layers, tmp_path))
    ids = Vocabulary.of_text(SOURCE).encode(READ[:30])
    drawn = page.evaluate(
        """async (ids) => {
          await unpackNetwork();
          const trace = emptyTrace(live.network);
          await traceIds(trace, ids);
          const begun = stateAfter(trace, ids.length - 1);
          const held = [{ layer: 1, cell: 7, value: 3 }];
          const settings = { once: false, length: 40, temperature: 1, seed: 1 };
          const runs = [];
          for (const hold of [[], held, []]) {
            const run = await continuedTrace(live.network, begun, ids.at(-1), { ...settings, held: hold });
            runs.push(run.ids);
          }
          return runs;
        }""",
        ids.tolist(),
    )

    assert drawn[0] == drawn[2]
    assert drawn[0] != drawn[1]


def test_ids_are_drawn_as_often_as_their_probabilities_say(open_page):
    page = open_page()
    counts = page.evaluate(
        """(logs) => {
          const random = randomNumbers(11);
          const counts = [0, 0, 0];
          for (let turn = 0; turn < 20000; turn += 1) counts[drawId(softmax(logs, 1), random)] += 1;
          return counts;
        }""",
        np.log([0.6, 0.3, 0.1]).tolist(),
    )

    assert np.array(counts) / 20_000 == pytest.approx([0.6, 0.3, 0.1], abs=0.015)
