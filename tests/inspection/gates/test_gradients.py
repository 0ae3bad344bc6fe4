"""Gradient through the gates, against finite differences, weight gradients and planted networks."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from charlstm.config import ACTIVATIONS, ModelConfig
from charlstm.inspection.exam.planted_cells import fading_trace, plant, toggle
from charlstm.inspection.gates.gradient_paths import Paths, carry, decision, group
from charlstm.inspection.gates.gradients import WINDOW, credit_report, gradients, usable_sites
from charlstm.inspection.reading.trace import WARMUP
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State

SYMBOLS = 'abcdefgh "'
CELLS = 6


def network(layers: int = 1, activation: str = "tanh", *, cells: int = CELLS, seed: int = 0) -> CharLSTM:
    """Random weights in float64, the head's large enough to be felt."""
    config = ModelConfig(
        vocabulary_size=len(SYMBOLS), cells=cells, layers=layers, embedding=4, activation=activation
    )
    model = CharLSTM(config, generator=torch.Generator().manual_seed(seed)).double().requires_grad_(False)
    model.embedding.weight.data *= 3
    return model


def random_state(model: CharLSTM, sites: int) -> State:
    random = torch.Generator().manual_seed(3)
    shape = (model.config.layers, sites, model.config.cells)
    return State(*(0.5 * torch.randn(shape, dtype=torch.float64, generator=random) for _ in range(2)))


def random_ids(sites: int, length: int) -> Tensor:
    return torch.randint(0, len(SYMBOLS), (sites, length), generator=torch.Generator().manual_seed(4))


def loss_with(
    model: CharLSTM, ids: Tensor, closers: Tensor, state: State, *, at: int, layer: int, c: Tensor, a: Tensor
) -> Tensor:
    """Each site's loss (sites,) by the equations, with c (cells,) and a (4 cells,) added in one layer at one
    position: to the cell state after its update, and to the pre-activations.
    """
    h, cells = list(state.h), list(state.c)
    function = equations.activation_function(model.config.activation)
    for position, x in enumerate(model.embedding(ids).unbind(1)):
        for number in range(model.config.layers):
            here = (position, number) == (at, layer)
            weights = model.weights(number)
            total = x @ weights.input.t() + weights.bias + h[number] @ weights.recurrent.t()
            i, f, g, o = (total + a * here).chunk(4, dim=1)
            cells[number] = f.sigmoid() * cells[number] + i.sigmoid() * function(g) + c * here
            h[number] = o.sigmoid() * function(cells[number])
            x = h[number]
    return functional.cross_entropy(model.head(x), closers, reduction="none")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", [1, 2])
def test_gradients_equal_finite_differences(layers: int, activation: str) -> None:
    model, ids, closers = network(layers, activation), random_ids(2, 5), torch.tensor([1, 4])
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


def test_parts_of_the_preactivations_add_up_to_the_gates() -> None:
    model, ids, state = network(2), random_ids(3, 4), random_state(network(2), 3)
    found, _ = gradients(model, ids, torch.tensor([0, 1, 2]), state)
    x, h, c = model.embedding(ids[:, 0]), state.h[1], state.c[1]
    below = model.weights(0)
    x, _, _ = equations.step(x @ below.input.t() + below.bias, state.h[0], state.c[0], below.recurrent)
    above = model.weights(1)
    _, _, gates = equations.step(x @ above.input.t() + above.bias, h, c, above.recurrent)
    total = (found[1].driven + found[1].recurrent)[:, 0]
    torch.testing.assert_close(total[:, 1].sigmoid(), gates.f)
    torch.testing.assert_close(total[:, 2].tanh(), gates.g)
    torch.testing.assert_close(found[1].x[:, 0], x)
    torch.testing.assert_close(found[1].h[:, 0], h)


def paths_of(model: CharLSTM, *, sites: int = 8, window: int = 20, detached: bool = False) -> Paths:
    """The paths to all cells of the top layer, openers at different places of the window."""
    top = model.config.layers - 1
    closers = torch.arange(sites) % len(SYMBOLS)
    layers, _ = gradients(
        model, random_ids(sites, window), closers, random_state(model, sites), detached=detached
    )
    layer, openers = layers[top], torch.arange(sites) % max(1, window - 6)
    return Paths(
        cells=[(top, number) for number in range(model.config.cells)],
        activation=model.config.activation,
        openers=openers,
        gradient=layer.c,
        decision=layer.decision,
        driven=layer.driven,
        recurrent=layer.recurrent,
        x=tuple(each.x[torch.arange(sites), openers] for each in layers),
        h=tuple(each.h[torch.arange(sites), openers] for each in layers),
    )


@pytest.mark.parametrize("layers", [1, 2])
def test_with_the_recurrence_cut_all_gradient_is_direct(layers: int) -> None:
    model = network(layers)
    answers = carry(paths_of(model, detached=True))
    ones = torch.ones(CELLS, dtype=torch.float64)
    for name in ("slope", "r_squared", "direct_share", "direct_over_total", "same_sign", "finite"):
        torch.testing.assert_close(answers[name], ones, atol=1e-4, rtol=0, msg=name)
    torch.testing.assert_close(answers["deviation"], 0 * ones, atol=1e-8, rtol=0)
    whole = carry(paths_of(model))
    assert (whole["direct_share"] < 0.999).all(), "the recurrence adds something"
    assert (whole["deviation"] > 1e-3).all()
    torch.testing.assert_close(whole["kept"], answers["kept"])


def test_kept_is_the_product_of_the_forget_gates_after_the_opener() -> None:
    paths = paths_of(network())
    f = (paths.driven + paths.recurrent)[:, :, 1].sigmoid()
    products = torch.stack([f[site, opener + 1 :].prod(0) for site, opener in enumerate(paths.openers)])
    torch.testing.assert_close(carry(paths)["kept"], products.quantile(0.5, dim=0))


def test_the_decision_is_the_opener_against_what_follows() -> None:
    paths = paths_of(network())
    ratios, drives, slopes = [], [], []
    for site, opener in enumerate(paths.openers):
        at, after = paths.decision[site, opener].abs(), paths.decision[site, opener + 1 :].abs()
        ratios.append(at / after.quantile(0.5, dim=0))
        moved = [
            (part[site, opener] - part[site, opener + 1 :].mean(0)).abs()
            for part in (paths.driven, paths.recurrent)
        ]
        drives.append(moved[0] / (moved[0] + moved[1]))
        gate = (paths.driven + paths.recurrent)[site, opener + 1 :].sigmoid()
        slopes.append((gate * (1 - gate)).mean(0))
    found = decision(paths)
    torch.testing.assert_close(found["over_between"], torch.stack(ratios).quantile(0.5, dim=0))
    torch.testing.assert_close(found["drive_from_input"], torch.stack(drives).quantile(0.5, dim=0))
    wanted = torch.stack(slopes).quantile(0.5, dim=0)
    for gate in (0, 1, 3):
        torch.testing.assert_close(found["derivative_between"][gate], wanted[gate])


def test_the_share_of_the_input_weights_is_that_of_their_gradient() -> None:
    """With one step alone, the gradient of the weights is the gradient of the opener's decision."""
    model = network(cells=3)
    found = decision(paths_of(model, sites=5, window=1))["gradient_to_input"]
    lstm = model.layers[0].requires_grad_()
    logits, _ = model(random_ids(5, 1), random_state(model, 5))
    functional.cross_entropy(logits[:, 0], torch.arange(5), reduction="sum").backward()
    x, h = (
        lstm.get_parameter(name).grad.view(4, 3, -1).square().sum(2)
        for name in ("weight_ih_l0", "weight_hh_l0")
    )
    torch.testing.assert_close(found, x / (x + h))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_gives_finite_numbers(activation: str) -> None:
    answers = group(paths_of(network(activation=activation)))
    assert json.loads(json.dumps(answers, allow_nan=False)) == answers
    slopes = answers["decision"]["candidate"]
    assert 0 <= slopes["derivative_between"] <= 1
    assert activation != "identity" or slopes["derivative_at_opener"] == 1


SHAPE = {"vocabulary_size": len(SYMBOLS), "embedding": len(SYMBOLS), "cells": 10}


def quoted(sites: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Letters with quoted spans of 7 to 40 characters, and where each span opens and closes."""
    random = np.random.default_rng(seed)
    pieces: list[str] = ["a" * (WARMUP + WINDOW)]
    places = []
    for _ in range(sites):
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
    ids, sites = quoted(40)
    yield credit_report(model, ids, sites=sites, cells=[(0, 0)], controls=[(0, 1)], untrained=untrained)
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


def test_a_planted_toggle_decides_by_the_input_and_starves_its_gates(planted) -> None:
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
def test_a_site_is_read_at_its_own_opener_and_closer() -> None:
    model, (ids, sites) = network(), quoted(3)
    opener, closer = sites[1]
    found = credit_report(
        model.float(), ids, sites=sites[1:2], cells=[(0, 0)], controls=[], untrained=network(seed=1).float()
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


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (ids, sites) = network(2).float(), quoted(7)
    settings = {"sites": sites, "cells": [(0, 1), (1, 2)], "controls": [], "untrained": model}
    whole = credit_report(model, ids, **settings)
    monkeypatch.setattr("charlstm.inspection.gates.gradients._BATCH", 3)
    parts = credit_report(model, ids, **settings)
    assert whole["controls"] is None
    for one, other in zip(flat(whole), flat(parts), strict=True):
        assert one is other is None or one == pytest.approx(other, rel=1e-6)
    assert whole["cells"] == whole["untrained"]


def flat(values: object) -> list[object]:
    if isinstance(values, dict):
        values = list(values.values())
    return [leaf for value in values for leaf in flat(value)] if isinstance(values, list) else [values]


def test_only_sites_that_fit_are_used() -> None:
    first = WARMUP + WINDOW
    fitting = [(first - 6, first), (first, first + WINDOW)]
    others = [(first - 7, first - 1), (first, first + 5), (first, first + WINDOW + 1), (first + 9, first)]
    assert usable_sites(np.array([*others, *fitting])).tolist() == [list(site) for site in fitting]
    model, (ids, sites) = network(), quoted(2)
    settings = {"controls": [], "untrained": model}
    assert credit_report(model, ids, sites=np.array(others), cells=[(0, 0)], **settings) == {}
    assert credit_report(model, ids, sites=np.zeros((0, 2), np.int64), cells=[(0, 0)], **settings) == {}
    assert credit_report(model, ids, sites=sites, cells=[], **settings) == {}
