"""Gradients at closers equal finite differences, and planted toggles carry them back to their openers."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from gradient_fixture import CELLS, SYMBOLS, network, random_ids, random_state
from torch import Tensor
from torch.nn import functional

from charlstm.config import ACTIVATIONS, ModelConfig
from charlstm.inspection.exam.planted_cells import fading_trace, plant, toggle
from charlstm.inspection.gates.gradients import WINDOW, credit_report, gradients, usable_spans
from charlstm.inspection.reading.trace import WARMUP
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State


def loss_with(
    model: CharLSTM, ids: Tensor, closers: Tensor, state: State, *, at: int, layer: int, c: Tensor, a: Tensor
) -> Tensor:
    """Each span's loss (spans,) by the equations, with c (cells,) and a (4 cells,) added in one layer at one
    position: to the cell state after its update, and to the pre-activations.
    """
    h, cells = list(state.h), list(state.c)
    function = equations.activation_function(model.config.activation)
    gate = equations.gate_function(model.config.gate_activation)
    for position, x in enumerate(model.embedding(ids).unbind(1)):
        for number in range(model.config.layers):
            here = (position, number) == (at, layer)
            weights = model.weights(number)
            total = x @ weights.input.t() + weights.bias + h[number] @ weights.recurrent.t()
            i, f, g, o = (total + a * here).chunk(4, dim=1)
            cells[number] = gate(f) * cells[number] + gate(i) * function(g) + c * here
            h[number] = gate(o) * function(cells[number])
            x = h[number]
    return functional.cross_entropy(model.head(x), closers, reduction="none")


@pytest.mark.parametrize(
    ("activation", "gates"), [*((name, "sigmoid") for name in ACTIVATIONS), ("tanh", "hard_sigmoid")]
)
@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_equal_finite_differences(layers: int, activation: str, gates: str) -> None:
    model, ids, closers = network(layers, activation, gates=gates), random_ids(2, 5), torch.tensor([1, 4])
    state = random_state(model, 2)
    found, nats = gradients(model, ids, closers, state)
    none = {"c": torch.zeros(CELLS), "a": torch.zeros(4 * CELLS)}
    torch.testing.assert_close(nats, loss_with(model, ids, closers, state, at=0, layer=0, **none))
    for layer, at, number in [(0, 1, 2), (0, 4, 0), (layers - 1, 0, 5), (layers - 1, 3, 1)]:
        for name, wanted in (("c", found[layer].c), ("a", found[layer].decision.flatten(2))):
            step = torch.zeros_like(none[name], dtype=torch.float64)
            for place in range(number, len(step), CELLS):
                step.zero_()[place] = 1e-6
                above, below = (
                    loss_with(model, ids, closers, state, at=at, layer=layer, **{**none, name: sign * step})
                    for sign in (1, -1)
                )
                torch.testing.assert_close(wanted[:, at, place], (above - below) / 2e-6, atol=1e-8, rtol=1e-5)


def test_the_two_parts_of_the_preactivations_add_up_to_those_of_the_gates() -> None:
    model, ids, state = network(2), random_ids(3, 4), random_state(network(2), 3)
    found, _ = gradients(model, ids, torch.tensor([0, 1, 2]), state)
    x, h, c = model.embedding(ids[:, 0]), state.h[1], state.c[1]
    below = model.weights(0)
    x, _, _ = equations.step(x @ below.input.t() + below.bias, state.h[0], state.c[0], below.recurrent)
    above = model.weights(1)
    _, _, gates = equations.step(x @ above.input.t() + above.bias, h, c, above.recurrent)
    total = (found[1].from_input + found[1].recurrent)[:, 0]
    torch.testing.assert_close(total[:, 1].sigmoid(), gates.f)
    torch.testing.assert_close(total[:, 2].tanh(), gates.g)
    torch.testing.assert_close(found[1].x[:, 0], x)
    torch.testing.assert_close(found[1].h[:, 0], h)


SHAPE = {"vocabulary_size": len(SYMBOLS), "embedding": len(SYMBOLS), "cells": 10}


def quoted(spans: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Letters with quoted spans of 7 to 40 characters, and where each span opens and closes."""
    random = np.random.default_rng(seed)
    pieces: list[str] = ["a" * (WARMUP + WINDOW)]
    places = []
    for _ in range(spans):
        inside, outside = ("".join(random.choice(list(SYMBOLS[:9]), n)) for n in random.integers(6, 40, 2))
        start = sum(map(len, pieces)) + len(outside)
        places.append((start, start + len(inside) + 1))
        pieces += [outside, '"', inside, '"']
    text = "".join(pieces)
    return np.array([SYMBOLS.index(character) for character in text], dtype=np.uint8), np.array(places)


@pytest.fixture(scope="module")
def planted() -> Iterator[dict[str, object]]:
    model = plant(
        [toggle('"').read('"', 3), fading_trace('"').read("a", 3)],
        SYMBOLS,
        idle=8,
        generator=torch.Generator().manual_seed(0),
    )
    untrained = CharLSTM(ModelConfig(**SHAPE), generator=torch.Generator().manual_seed(1))
    ids, spans = quoted(40)
    yield credit_report(model, ids, spans=spans, cells=[(0, 0)], controls=[(0, 1)], untrained=untrained)
    assert model.head.weight.requires_grad, "the model is left as it was"
    assert model.head.weight.dtype == torch.float32


def test_a_planted_toggle_carries_gradient_straight_to_its_opener(planted) -> None:
    found = planted["cells"]
    assert planted["sites"] == 40
    assert found["carry"]["slope"] == pytest.approx(1, abs=0.05)
    assert found["carry"]["r_squared"] == pytest.approx(1, abs=0.05)
    assert found["carry"]["direct_share"] == pytest.approx(1, abs=1e-4)
    assert found["carry"]["kept"] == pytest.approx(1, abs=1e-4)
    assert found["reach_since_opener"][:20] == pytest.approx([1] * 20, abs=1e-4)
    assert found["reach"][-1] == pytest.approx(0, abs=1e-4), "what was before the opener is erased there"
    assert found["each"] == [{"layer": 0, "cell": 0, **found["carry"]}]


def test_the_gates_of_a_planted_toggle_are_driven_by_the_input_and_get_no_gradient(planted) -> None:
    gates = planted["cells"]["decision"]
    for name in ("input", "forget"):
        assert gates[name]["drive_from_input"] == pytest.approx(1)
        assert gates[name]["derivative_at_opener"] < 1e-6
        assert gates[name]["derivative_between"] < 1e-6
    assert gates["candidate"]["drive_from_input"] < 0.01


def test_a_fading_trace_and_an_untrained_network_lose_gradient(planted) -> None:
    trace = planted["controls"]
    assert trace["reach"][:4] == pytest.approx([0.9**distance for distance in range(4)], rel=1e-3)
    assert trace["carry"]["slope"] == pytest.approx(1, abs=1e-3)
    assert trace["carry"]["direct_share"] == pytest.approx(1, abs=1e-3)
    untrained = planted["untrained"]
    assert untrained["reach"][0] == 1
    bias = CharLSTM(ModelConfig(**SHAPE), generator=torch.Generator().manual_seed(1)).weights(0).bias
    slowest = bias[SHAPE["cells"] : 2 * SHAPE["cells"]].sigmoid().max()
    assert untrained["reach"][40] < slowest**40 < 0.6, "no longer than the slowest forget gate holds"
    assert untrained["carry"]["direct_share"] < 0.9
    assert planted["closer_nats"]["untrained"] == pytest.approx(np.log(len(SYMBOLS)), abs=0.5)


@torch.no_grad()
def test_a_span_is_read_at_its_own_opener_and_closer() -> None:
    model, (ids, spans) = network(), quoted(3)
    opener, closer = spans[1]
    found = credit_report(
        model.float(), ids, spans=spans[1:2], cells=[(0, 0)], controls=[], untrained=network(seed=1).float()
    )
    model.double()
    text = torch.from_numpy(ids[closer - WARMUP - WINDOW : closer + 1].astype(np.int64))[None]
    zeros = State(*(values.double() for values in model.initial_state(1)))
    logits, _ = model(text[:, :-1], zeros)
    nats = functional.cross_entropy(logits[:, -1], text[:, -1])
    assert found["closer_nats"]["trained"] == pytest.approx(float(nats))
    _, before = model(text[:, : opener - closer - 1], zeros)
    x, h = model.embedding(text[:, opener - closer - 1]).square().sum(), before.h.square().sum()
    assert text[0, opener - closer - 1] == SYMBOLS.index('"')
    assert found["cells"]["gradient_to_input"] == pytest.approx(float(x / (x + h)))
    assert found["span"] == closer - opener


def test_results_do_not_depend_on_the_size_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (ids, spans) = network(2).float(), quoted(7)
    settings = {"spans": spans, "cells": [(0, 1), (1, 2)], "controls": [], "untrained": model}
    whole = credit_report(model, ids, **settings)
    monkeypatch.setattr("charlstm.inspection.gates.gradients._SPANS_PER_BATCH", 3)
    parts = credit_report(model, ids, **settings)
    assert whole["controls"] is None
    for one, other in zip(flat(whole), flat(parts), strict=True):
        assert one is other is None or one == pytest.approx(other, rel=1e-6)
    assert whole["cells"] == whole["untrained"]


def flat(values: object) -> list[object]:
    if isinstance(values, dict):
        values = list(values.values())
    return [leaf for value in values for leaf in flat(value)] if isinstance(values, list) else [values]


def test_only_spans_of_a_fitting_length_and_room_for_the_warm_up_are_used() -> None:
    first = WARMUP + WINDOW
    fitting = [(first - 6, first), (first, first + WINDOW)]
    others = [(first - 7, first - 1), (first, first + 5), (first, first + WINDOW + 1), (first + 9, first)]
    assert usable_spans(np.array([*others, *fitting])).tolist() == [list(span) for span in fitting]
    model, (ids, spans) = network(), quoted(2)
    settings = {"controls": [], "untrained": model}
    assert credit_report(model, ids, spans=np.array(others), cells=[(0, 0)], **settings) == {}
    assert credit_report(model, ids, spans=np.zeros((0, 2), np.int64), cells=[(0, 0)], **settings) == {}
    assert credit_report(model, ids, spans=spans, cells=[], **settings) == {}
