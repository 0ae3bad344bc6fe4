"""Statistics of gates equal those of a network stepped one character at a time, and of planted gates."""

import json
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.config import ACTIVATIONS, GATES, ModelConfig
from charlstm.inspection.exam.planted_cells import plant, toggle
from charlstm.inspection.gates import saturation
from charlstm.inspection.gates.saturation import (
    LayerGates,
    PreactivationMoments,
    gate_report,
    measure_gates,
)
from charlstm.inspection.reading.trace import WARMUP, Cut
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM

SYMBOLS = 'abc"'
CELLS = 5


def network(
    layers: int = 1,
    activation: str = "tanh",
    *,
    gates: str = "sigmoid",
    gain: float = 1.0,
    cells: int = CELLS,
) -> CharLSTM:
    """A small network whose weights are gain times what they are drawn as, so that some gates saturate."""
    config = ModelConfig(
        vocabulary_size=len(SYMBOLS),
        cells=cells,
        layers=layers,
        embedding=3,
        activation=activation,
        gate_activation=gates,
    )
    model = CharLSTM(config, generator=torch.Generator().manual_seed(5))
    for name, parameter in model.named_parameters():
        if "weight" in name:
            parameter.data *= gain
    return model


def random_ids(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, len(SYMBOLS), length).astype(np.uint8)


@torch.no_grad()
def stepped(model: CharLSTM, ids: np.ndarray, cut: Cut) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each layer's pre-activations (positions, 4, cells) and c (positions, cells) past the warm-up."""
    shape = (cut.streams, model.config.cells)
    weights = [model.weights(layer) for layer in range(model.config.layers)]
    h, c = [torch.zeros(shape) for _ in weights], [torch.zeros(shape) for _ in weights]
    seen: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[] for _ in weights]
    for position in range(cut.length):
        x = model.embedding(torch.from_numpy(ids[cut.starts + position].astype(np.int64)))
        for layer, weight in enumerate(weights):
            projected = x @ weight.input.t() + weight.bias
            a = projected + h[layer] @ weight.recurrent.t()
            h[layer], c[layer], _ = equations.step(
                projected, h[layer], c[layer], weight.recurrent, functions=model.config.functions
            )
            seen[layer].append((a.view(cut.streams, 4, -1), c[layer]))
            x = h[layer]
    return [
        tuple(torch.cat(values).double().numpy() for values in zip(*steps[WARMUP:], strict=True))
        for steps in seen
    ]


def gate_values(a: np.ndarray, c: np.ndarray, activation: str) -> dict[str, np.ndarray]:
    function = equations.activation_function(activation)
    sigmoid = torch.from_numpy(a).sigmoid().numpy()
    size = {"candidate": a[:, 2], "output_saturation": c}
    sizes = {name: function(torch.from_numpy(values)).abs().numpy() for name, values in size.items()}
    return {"input": sigmoid[:, 0], "forget": sigmoid[:, 1], "output": sigmoid[:, 3], **sizes}


def test_gates_of_hard_sigmoids_are_counted_as_they_are() -> None:
    model, ids, cut = network(2, gates="hard_sigmoid", gain=2.5), random_ids(3 * 500), Cut(1500, 3)
    report = gate_report(model, ids, cut, untrained=model)
    for found, (a, _) in zip(report["layers"], stepped(model, ids, cut), strict=True):
        for name, row in (("input", 0), ("forget", 1), ("output", 3)):
            values = np.clip(0.2 * a[:, row] + 0.5, 0, 1)
            assert found[name]["mean"] == pytest.approx(values.mean(), rel=1e-4)
            assert found[name]["above_0.9"] == pytest.approx((values > 0.9).mean(), abs=2e-3)
            assert found[name]["below_0.1"] == pytest.approx((values < 0.1).mean(), abs=2e-3)
            soft = 1 / (1 + np.exp(-a[:, row]))
            assert abs(values.mean() - soft.mean()) + abs((values > 0.9).mean() - (soft > 0.9).mean()) > 2e-3


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hardness_equals_stepping(activation: str) -> None:
    bounded = activation in ("tanh", "softsign", "hardtanh")
    model, ids, cut = network(2, activation, gain=2.5 if bounded else 1), random_ids(3 * 500), Cut(1500, 3)
    report = gate_report(model, ids, cut, untrained=model)
    for found, (a, c) in zip(report["layers"], stepped(model, ids, cut), strict=True):
        for name, values in gate_values(a, c, activation).items():
            assert found[name]["mean"] == pytest.approx(values.mean(), rel=1e-4)
            # A value that lies on the edge to float32 may fall on either side of it.
            assert found[name]["below_0.1"] == pytest.approx((values < 0.1).mean(), abs=2e-3)
            assert found[name]["above_0.9"] == pytest.approx((values > 0.9).mean(), abs=2e-3)
            np.testing.assert_allclose(found[name]["cells"]["above_0.9"], (values > 0.9).mean(0), atol=5e-3)
    assert report["characters"] == 3 * (500 - WARMUP)
    assert not bounded or max(found["forget"]["above_0.9"] for found in report["layers"]) > 0.01


@torch.no_grad()
def test_separateness_equals_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saturation, "_BLOCK_POSITIONS", 2 * 7)
    model, ids, cut = network(2, gain=2), random_ids(2 * 800), Cut(1600, 2)
    report = gate_report(model, ids, cut, untrained=network(2))
    for layer, (a, _) in enumerate(stepped(model, ids, cut)):
        weights = model.weights(layer)
        rows = {"cosine_input": weights.input, "cosine_recurrent": weights.recurrent}
        rows["cosine"] = torch.cat((weights.input, weights.recurrent), dim=1)
        for one, other in combinations(range(4), 2):
            found = report["separate_weights"][layer]["pairs"][f"{GATES[one]}-{GATES[other]}"]
            for name, matrix in rows.items():
                parts = matrix.view(4, CELLS, -1)
                cosines = torch.cosine_similarity(parts[one], parts[other], dim=1)
                assert found[name] == pytest.approx(float(cosines.abs().mean()), rel=1e-5)
            correlations = [abs(np.corrcoef(a[:, one, k], a[:, other, k])[0, 1]) for k in range(CELLS)]
            assert found["correlation"] == pytest.approx(np.mean(correlations), rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(edges=st.lists(st.integers(0, 200), max_size=5), seed=st.integers(0, 1000))
def test_any_division_into_blocks_gives_the_same_correlations(edges: list[int], seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    a = torch.randn(200, 4, 3, generator=random) + 20 * torch.randn(4, 3, generator=random)
    a[:, 1] = a[:, 0] - 0.5 * a[:, 1]
    halves = [PreactivationMoments(3), PreactivationMoments(3)]
    bounds = [0, *sorted(edges), 200]
    for number, (start, stop) in enumerate(pairwise(bounds)):
        if start < stop:
            halves[number % 2].update(a[start:stop])
    halves[0].merge(halves[1])
    for place in range(3):
        wanted = np.corrcoef(a[:, :, place].double().numpy().T)
        np.testing.assert_allclose(halves[0].result()[:, :, place].numpy(), wanted, atol=1e-4)


def test_the_sums_of_two_texts_merge_into_those_of_both() -> None:
    model, one, other = network(), random_ids(900, 1), random_ids(700, 2)
    (sums,), (rest,) = measure_gates(model, one, Cut(900, 1)), measure_gates(model, other, Cut(700, 1))
    separate = [sums.result(), rest.result()]
    sums.merge(rest)
    weights = np.array([900 - WARMUP, 700 - WARMUP])
    for name, found in sums.result().items():
        means = [result[name]["mean"] for result in separate]
        assert found["mean"] == pytest.approx((weights * means).sum() / weights.sum(), rel=1e-6)
        shares = [result[name]["below_0.1"] for result in separate]
        assert found["below_0.1"] == pytest.approx((weights * shares).sum() / weights.sum())
    assert sums.moments.count == weights.sum()


def test_a_planted_toggle_has_hard_gates_driven_by_one_character() -> None:
    ids, cut = random_ids(4000), Cut(4000, 2)
    model = plant([toggle('"')] * 2, SYMBOLS, idle=0, generator=torch.Generator().manual_seed(0))
    report = gate_report(model, ids, cut, untrained=network(cells=2))
    quotes = (ids[cut.counted] == SYMBOLS.index('"')).mean()
    (layer,) = report["layers"]
    assert layer["input"]["above_0.9"] == pytest.approx(quotes)
    assert layer["input"]["below_0.1"] == pytest.approx(1 - quotes)
    assert layer["forget"]["above_0.9"] == pytest.approx(1 - quotes)
    assert layer["input"]["cells"]["above_0.9"] == pytest.approx([quotes] * 2, abs=1e-4)
    assert layer["output"]["above_0.9"] == 1
    pairs = report["separate_weights"][0]["pairs"]
    assert pairs["input-forget"]["cosine_input"] == pytest.approx(1)
    assert pairs["input-forget"]["correlation"] == pytest.approx(1)
    assert pairs["input-candidate"]["cosine_input"] is None, "the candidate has no input weights"
    assert pairs["input-output"]["correlation"] is None, "the output gate never moves"


def test_an_untrained_network_is_soft_and_its_rows_are_as_far_apart_as_random_ones() -> None:
    ids, cut = random_ids(2000), Cut(2000, 2)
    fresh = network(cells=200)
    report = gate_report(network(), ids, cut, untrained=fresh)
    untrained = report["untrained"]
    i, f, _, o = (
        fresh.weights(0).bias.detach().sigmoid().chunk(4)
    )  # what the weights add is small and averages out
    for gate, bias in (("input", i), ("forget", f), ("output", o)):
        assert untrained["layers"][0][gate]["mean"] == pytest.approx(float(bias.mean()), abs=0.01)
    assert untrained["layers"][0]["input"]["above_0.9"] == 0
    for pair in untrained["separate_weights"][0]["pairs"].values():
        assert pair["cosine_recurrent"] == pytest.approx((2 / (np.pi * 200)) ** 0.5, rel=0.25)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_a_layer_without_any_position_has_shares_of_zero() -> None:
    empty = LayerGates(3, "tanh").result()
    assert empty["input"]["mean"] == 0
    assert empty["input"]["cells"]["below_0.1"] == [0, 0, 0]
