"""A training window in bfloat16 follows the equations, forward and backward, and records its gates."""

import numpy as np
import pytest
import torch

from charlstm.model import equations
from charlstm.model.equations import LayerWeights
from charlstm.model.kernels.matrix_tiles import (
    pack_pairs,
    pack_transposed_pairs,
    spaced_rows,
    split_rows_from_panels,
)
from charlstm.model.kernels.training_window import backward_window, forward_window, window_record

STREAMS, POSITIONS, CELLS, ROWS = 3, 5, 32, 4


class Window:
    """A window of 3 streams, 5 positions and 32 cells that takes W x + b from a table of 4 rows."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.recurrent, self.added, self.h, self.c = (
            (random.standard_normal(shape) * 0.3).astype(np.float32)
            for shape in ((4 * CELLS, CELLS), (ROWS, 4 * CELLS), (STREAMS, CELLS), (STREAMS, CELLS))
        )
        self.rows = random.integers(0, ROWS, (POSITIONS, STREAMS))
        self.record = window_record(STREAMS, POSITIONS, 0, CELLS)
        self.outputs = np.zeros((STREAMS, POSITIONS, CELLS), np.uint16)

    def run_forward(self) -> None:
        panels = np.empty((4 * CELLS // 32, CELLS // 2, 32), np.uint32)
        pack_pairs(self.recurrent, 0, len(panels), 0, panels)
        x = spaced_rows(STREAMS + 1, CELLS)
        x[:STREAMS, :CELLS] = bits(self.h)
        inputs = np.empty((STREAMS, POSITIONS, 0), np.uint16)
        forward_window(panels, self.added, self.rows, inputs, x, self.c, self.record, self.outputs)

    def run_backward(self, d_outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients of the table (rows, 4 cells) and of U (4 cells, cells)."""
        panels = np.empty((CELLS // 32, 4 * CELLS // 2, 32), np.uint32)
        pack_transposed_pairs(self.recurrent, 0, 2 * CELLS, 0, panels)
        d_inputs = np.empty((STREAMS, POSITIONS, 0), np.uint16)
        d_added, d_weights = np.empty_like(self.added), np.empty((CELLS, 4 * CELLS), np.float32)
        given = bits(d_outputs)
        backward_window(panels, self.rows, self.c, self.record, given, d_inputs, d_added, d_weights)
        return d_added, d_weights.T


def bits(numbers: np.ndarray) -> np.ndarray:
    return torch.from_numpy(numbers).bfloat16().view(torch.int16).numpy().view(np.uint16)


def values(bits_of: np.ndarray) -> np.ndarray:
    return (bits_of.astype(np.uint32) << 16).view(np.float32)


def by_equations(window: Window) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the outputs (streams, positions, cells), the last c, and table and U that take gradients."""
    table, recurrent, h, c = map(torch.from_numpy, (window.added, window.recurrent, window.h, window.c))
    table.requires_grad_()
    recurrent.requires_grad_()
    inputs = table[torch.from_numpy(window.rows.T)]
    weights = LayerWeights(torch.eye(4 * CELLS), recurrent, torch.zeros(4 * CELLS))
    outputs, _, c = equations.run(inputs, h, c, weights)
    return outputs, c, table, recurrent


def distance(result: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(result - expected) / np.linalg.norm(expected))


@pytest.fixture
def window() -> Window:
    window = Window()
    window.run_forward()
    return window


def test_outputs_and_cell_states_are_those_of_the_equations_to_bfloat16_rounding(window):
    outputs, c, _, _ = by_equations(window)
    assert distance(values(window.outputs), outputs.detach().numpy()) < 0.01
    assert distance(window.record.states[-1], c.detach().numpy()) < 0.01


def test_the_record_has_the_gates_that_turn_each_cell_state_into_the_next(window):
    before = window.c
    for position in range(POSITIONS):
        steps = spaced_rows(STREAMS + 1, 4 * CELLS)
        split_rows_from_panels(window.record.gates[position], steps)
        gates = steps[:STREAMS, : 4 * CELLS].astype(np.float32) / 65535
        i, f, g, o = np.split(gates, 4, axis=1)
        states = window.record.states[position]
        np.testing.assert_allclose(f * before + i * (2 * g - 1), states, atol=1e-4)
        np.testing.assert_allclose(o * np.tanh(states), values(window.outputs[:, position]), atol=4e-3)
        before = states


def test_gradients_are_those_of_the_equations_to_bfloat16_rounding(window):
    d_outputs = np.random.default_rng(1).standard_normal((STREAMS, POSITIONS, CELLS)).astype(np.float32)
    outputs, _, table, recurrent = by_equations(window)
    outputs.backward(torch.from_numpy(d_outputs))
    d_added, d_recurrent = window.run_backward(d_outputs)
    assert distance(d_added, table.grad.numpy()) < 0.01
    assert distance(d_recurrent, recurrent.grad.numpy()) < 0.01
