"""What is said of gradients: shares, ratios and medians against their definitions, span by span."""

import json
from dataclasses import replace

import pytest
import torch
from gradient_fixture import CELLS, SYMBOLS, network, random_ids, random_state
from torch.nn import functional

from charlstm.config import ACTIVATIONS
from charlstm.inspection.gates.gradient_paths import WindowGradients, carry, cell_set_report, decision, reach
from charlstm.inspection.gates.gradients import gradients
from charlstm.model.char_lstm import CharLSTM


def windows_of(
    model: CharLSTM, *, spans: int = 8, window: int = 20, detached: bool = False
) -> WindowGradients:
    """The windows to all cells of the top layer, openers at different places of the window."""
    top = model.config.layers - 1
    closers = torch.arange(spans) % len(SYMBOLS)
    layers, _ = gradients(
        model, random_ids(spans, window), closers, random_state(model, spans), detached=detached
    )
    layer, openers = layers[top], torch.arange(spans) % max(1, window - 6)
    return WindowGradients(
        cells=[(top, number) for number in range(model.config.cells)],
        functions=model.config.functions,
        openers=openers,
        gradient=layer.c,
        decision=layer.decision,
        from_input=layer.from_input,
        recurrent=layer.recurrent,
        x=tuple(each.x[torch.arange(spans), openers] for each in layers),
        h=tuple(each.h[torch.arange(spans), openers] for each in layers),
    )


@pytest.mark.parametrize("gates", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("layers", [1, 2])
def test_with_the_recurrence_cut_all_gradient_is_direct(layers: int, gates: str) -> None:
    model = network(layers, gates=gates)
    answers = carry(windows_of(model, detached=True))
    ones = torch.ones(CELLS, dtype=torch.float64)
    for name in ("slope", "r_squared", "direct_share", "direct_over_total", "same_sign", "finite"):
        torch.testing.assert_close(answers[name], ones, atol=1e-4, rtol=0, msg=name)
    torch.testing.assert_close(answers["deviation"], 0 * ones, atol=1e-8, rtol=0)
    whole = carry(windows_of(model))
    assert (whole["direct_share"] < 0.999).all(), "the recurrence adds something"
    assert (whole["deviation"] > 1e-3).all()
    torch.testing.assert_close(whole["kept"], answers["kept"])


def test_kept_is_the_product_of_the_forget_gates_after_the_opener() -> None:
    windows = windows_of(network())
    f = (windows.from_input + windows.recurrent)[:, :, 1].sigmoid()
    products = torch.stack([f[span, opener + 1 :].prod(0) for span, opener in enumerate(windows.openers)])
    torch.testing.assert_close(carry(windows)["kept"], products.quantile(0.5, dim=0))


def test_the_decision_compares_the_opener_with_the_positions_after_it() -> None:
    windows = windows_of(network())
    ratios, drives, slopes = [], [], []
    for span, opener in enumerate(windows.openers):
        at, after = windows.decision[span, opener].abs(), windows.decision[span, opener + 1 :].abs()
        ratios.append(at / after.quantile(0.5, dim=0))
        moved = [
            (part[span, opener] - part[span, opener + 1 :].mean(0)).abs()
            for part in (windows.from_input, windows.recurrent)
        ]
        drives.append(moved[0] / (moved[0] + moved[1]))
        gate = (windows.from_input + windows.recurrent)[span, opener + 1 :].sigmoid()
        slopes.append((gate * (1 - gate)).mean(0))
    found = decision(windows)
    torch.testing.assert_close(found["over_between"], torch.stack(ratios).quantile(0.5, dim=0))
    torch.testing.assert_close(found["drive_from_input"], torch.stack(drives).quantile(0.5, dim=0))
    wanted = torch.stack(slopes).quantile(0.5, dim=0)
    for gate in (0, 1, 3):
        torch.testing.assert_close(found["derivative_between"][gate], wanted[gate])


def test_the_share_of_the_input_row_equals_that_of_the_weights_gradient() -> None:
    """With one step alone, the gradient of the weights is the gradient of the opener's decision."""
    model = network(cells=3)
    found = decision(windows_of(model, spans=5, window=1))["gradient_to_input"]
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
    answers = cell_set_report(windows_of(network(activation=activation)))
    assert json.loads(json.dumps(answers, allow_nan=False)) == answers
    slopes = answers["decision"]["candidate"]
    assert 0 <= slopes["derivative_between"] <= 1
    assert activation != "identity" or slopes["derivative_at_opener"] == 1


def with_forget_bias(bias: float) -> WindowGradients:
    """The windows of a network of hard sigmoids with another bias of its forget gates."""
    model = network(gates="hard_sigmoid")
    model.layers[0].get_parameter("bias_ih_l0").data[CELLS : 2 * CELLS] = bias
    return windows_of(model)


def test_a_hard_sigmoid_that_is_cut_has_no_derivative_and_keeps_all_or_nothing() -> None:
    fully_open, shut = with_forget_bias(99.0), with_forget_bias(-99.0)
    for windows, kept in ((fully_open, 1), (shut, 0)):
        answers, decided = carry(windows), decision(windows)
        assert (answers["kept"] == kept).all()
        assert (decided["derivative_between"][1] == 0).all()
        assert (decided["derivative_at_opener"][1] == 0).all()
        report = cell_set_report(windows)
        assert json.loads(json.dumps(report, allow_nan=False)) == report
    halfway = with_forget_bias(0.0)
    slopes = decision(halfway)["derivative_between"][1]
    torch.testing.assert_close(slopes, torch.full_like(slopes, 0.2))
    f = 0.2 * (halfway.from_input + halfway.recurrent)[:, :, 1] + 0.5
    products = torch.stack([f[span, opener + 1 :].prod(0) for span, opener in enumerate(halfway.openers)])
    torch.testing.assert_close(carry(halfway)["kept"], products.quantile(0.5, dim=0))


def test_one_shut_forget_gate_leaves_the_line_of_the_positions_after_it() -> None:
    whole = windows_of(network(gates="hard_sigmoid"), detached=True)
    from_input = whole.from_input.clone()
    from_input[:, 15, 1] = -99.0
    gradient = whole.gradient.clone()
    gradient[:, :15] = torch.rand(gradient[:, :15].shape, generator=torch.Generator().manual_seed(0))
    answers = carry(replace(whole, from_input=from_input, gradient=gradient))
    ones = torch.ones(CELLS, dtype=torch.float64)
    torch.testing.assert_close(answers["slope"], ones, atol=1e-4, rtol=0)
    torch.testing.assert_close(answers["deviation"], 0 * ones, atol=1e-8, rtol=0)
    torch.testing.assert_close(answers["finite"], ones)
    assert (answers["kept"] == 0).all()


def test_reach_is_the_median_share_of_the_gradient_left_at_each_distance() -> None:
    windows = windows_of(network())
    size = windows.gradient.abs()
    everywhere = reach(windows, torch.ones_like(windows.since_opener()))
    assert everywhere[0] == 1
    for distance in (1, 7, 19):
        shares = size[:, -1 - distance] / size[:, -1]
        wanted = shares.quantile(0.5, dim=0).quantile(0.5)
        assert float(everywhere[distance]) == pytest.approx(float(wanted))


def test_reach_says_nothing_where_fewer_than_five_spans_are_left() -> None:
    windows = windows_of(network())
    left = windows.since_opener().sum(0).flip(0)
    found = reach(windows, windows.since_opener())
    assert (found.isnan() == (left < 5)).all()
    assert left.min() < 5 <= left.max()


def test_sites_joined_in_batches_are_all_spans_in_order() -> None:
    windows = windows_of(network(2))
    halves = [
        WindowGradients(
            windows.cells,
            windows.functions,
            *(
                getattr(windows, name)[rows]
                for name in ("openers", "gradient", "decision", "from_input", "recurrent")
            ),
            *(tuple(layer[rows] for layer in getattr(windows, name)) for name in ("x", "h")),
        )
        for rows in (slice(0, 3), slice(3, 8))
    ]
    assert cell_set_report(WindowGradients.joined(halves)) == cell_set_report(windows)


def test_the_gradients_of_some_cells_give_the_answers_of_these_cells() -> None:
    windows = windows_of(network())
    whole, some = cell_set_report(windows), cell_set_report(windows.of_cells(2, 4))
    assert some["each"] == whole["each"][2:4]
    assert some["cells"] == 2


def test_a_cell_without_any_gradient_has_no_answers_but_breaks_nothing() -> None:
    model = network()
    model.head.weight.data.zero_()
    answers = cell_set_report(windows_of(model))
    assert answers["carry"]["slope"] is None
    assert answers["carry"]["same_sign"] is None
    assert answers["carry"]["finite"] == 0
    assert answers["reach"][0] is None
