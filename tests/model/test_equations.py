"""The readable equations equal nn.LSTM for tanh, and their own formulas for every activation."""

import numpy as np
import pytest
import torch
from torch import nn

from charlstm.config import ACTIVATIONS, Functions
from charlstm.model import equations


def weights_and_inputs(generator: torch.Generator) -> tuple[nn.LSTM, torch.Tensor]:
    lstm = nn.LSTM(5, 7, batch_first=True)
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.normal_(generator=generator)
    return lstm, torch.randn(3, 40, 5, generator=generator)


def test_a_window_equals_nn_lstm(generator):
    lstm, inputs = weights_and_inputs(generator)
    expected, (h, c) = lstm(inputs)
    zeros = torch.zeros(3, 7)
    outputs, last_h, last_c = equations.run(inputs, zeros, zeros, equations.layer_weights(lstm))
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(last_h, h[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(last_c, c[0], atol=1e-5, rtol=0)


def test_gradients_equal_nn_lstm(generator):
    lstm, inputs = weights_and_inputs(generator)
    lstm(inputs)[0].square().sum().backward()
    expected = lstm.weight_hh_l0.grad.clone()
    lstm.zero_grad()
    zeros = torch.zeros(3, 7)
    equations.run(inputs, zeros, zeros, equations.layer_weights(lstm))[0].square().sum().backward()
    torch.testing.assert_close(lstm.weight_hh_l0.grad, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_follows_the_equations(activation, generator):
    projected, recurrent = torch.randn(2, 12, generator=generator), torch.randn(12, 3, generator=generator)
    h, c = torch.randn(2, 3, generator=generator), torch.randn(2, 3, generator=generator)
    new_h, new_c, gates = equations.step(projected, h, c, recurrent, functions=Functions(activation))
    a = projected + h @ recurrent.t()
    phi = equations.activation_function(activation)
    expected_c = torch.sigmoid(a[:, 3:6]) * c + torch.sigmoid(a[:, 0:3]) * phi(a[:, 6:9])
    if activation in equations.UNBOUNDED_ACTIVATIONS:
        expected_c = expected_c.clamp(-equations.CELL_STATE_LIMIT, equations.CELL_STATE_LIMIT)
    torch.testing.assert_close(new_c, expected_c)
    torch.testing.assert_close(new_h, torch.sigmoid(a[:, 9:12]) * phi(expected_c))
    torch.testing.assert_close(gates.g, phi(a[:, 6:9]))


def test_hard_sigmoids_are_those_of_keras_and_pass_gradient_where_they_are_not_cut():
    x = torch.tensor([-9.0, -2.6, -2.4, -1.0, 0.0, 1.0, 2.4, 2.6, 9.0], requires_grad=True)
    values = equations.gate_function("hard_sigmoid")(x)
    values.sum().backward()
    torch.testing.assert_close(values, torch.tensor([0, 0, 0.02, 0.3, 0.5, 0.7, 0.98, 1, 1]))
    torch.testing.assert_close(x.grad, torch.tensor([0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0]))


def test_hard_sigmoids_stand_at_the_three_gates_and_not_at_the_candidate(generator):
    projected, h, c = (torch.randn(4, n, generator=generator) for n in (12, 3, 3))
    recurrent = 2 * torch.randn(12, 3, generator=generator)
    new_h, new_c, gates = equations.step(
        projected, h, c, recurrent, functions=Functions(gate_activation="hard_sigmoid")
    )
    a = (projected + h @ recurrent.t()).numpy()
    i, f, o = (np.clip(0.2 * a[:, rows] + 0.5, 0, 1) for rows in (slice(0, 3), slice(3, 6), slice(9, 12)))
    expected_c = f * c.numpy() + i * np.tanh(a[:, 6:9])
    np.testing.assert_allclose(new_c, expected_c, atol=1e-6)
    np.testing.assert_allclose(new_h, o * np.tanh(expected_c), atol=1e-6)
    np.testing.assert_allclose(gates.f, f, atol=1e-6)
    assert ((f == 0) | (f == 1)).any(), "some are cut"


def test_an_unknown_gate_has_no_function():
    with pytest.raises(KeyError):
        equations.gate_function("soft_sigmoid")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_cell_states_under_an_unbounded_activation_stay_within_the_limit(activation, generator):
    h, c = torch.zeros(1, 3), torch.zeros(1, 3)
    recurrent = 5 * torch.rand(12, 3, generator=generator)
    for _ in range(200):
        h, c, _ = equations.step(torch.full((1, 12), 2.0), h, c, recurrent, functions=Functions(activation))
    assert h.isfinite().all()
    assert c.min() > (2 if activation in equations.UNBOUNDED_ACTIVATIONS else 100)
    assert c.max() <= (equations.CELL_STATE_LIMIT if activation in equations.UNBOUNDED_ACTIVATIONS else 200)


def test_a_held_cell_takes_its_value_and_leaves_the_gates_alone(generator):
    projected, recurrent = torch.randn(2, 12, generator=generator), torch.randn(12, 3, generator=generator)
    h, c = torch.zeros(2, 3), torch.zeros(2, 3)
    _, c_free, gates = equations.step(projected, h, c, recurrent)
    held = equations.Held(torch.tensor([1]), torch.tensor([0.75]))
    h_held, c_held, gates_held = equations.step(projected, h, c, recurrent, held=held)
    assert c_held[:, 1].tolist() == [0.75, 0.75]
    torch.testing.assert_close(c_held[:, [0, 2]], c_free[:, [0, 2]])
    torch.testing.assert_close(torch.stack(gates_held), torch.stack(gates))
    torch.testing.assert_close(h_held[:, 1], gates.o[:, 1] * torch.tensor(0.75).tanh())


def test_holding_a_cell_at_the_cell_state_that_it_has_anyway_changes_nothing(generator):
    projected, recurrent = torch.randn(1, 12, generator=generator), torch.randn(12, 3, generator=generator)
    h, c = torch.randn(1, 3, generator=generator), torch.randn(1, 3, generator=generator)
    free = equations.step(projected, h, c, recurrent)
    held = equations.step(projected, h, c, recurrent, held=equations.Held(torch.tensor([2]), free[1][0, 2:]))
    assert torch.equal(free[0], held[0])


def test_an_unknown_activation_has_no_function():
    with pytest.raises(KeyError):
        equations.activation_function("sine")
