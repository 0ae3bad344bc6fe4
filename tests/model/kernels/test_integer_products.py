"""Products of 8-bit weights with 16-bit inputs are the exact sums of whole numbers, times a row's scale."""

import numpy as np
import pytest

from charlstm.model.kernels.integer_products import INPUT_STEPS, add_integer_row_products, round_inputs


@pytest.mark.parametrize(("outputs", "inputs"), [(1, 32), (8, 64), (13, 96), (9, 8_224), (4, 16_416)])
def test_rows_are_the_sums_of_whole_numbers_times_their_scale(outputs, inputs):
    random = np.random.default_rng(0)
    weights = random.integers(-127, 128, (outputs, inputs), np.int8)
    x = random.integers(-INPUT_STEPS, INPUT_STEPS + 1, inputs + 31).astype(np.int16)
    scales = random.random(outputs).astype(np.float32)
    y = np.ones(outputs, np.float32)
    add_integer_row_products(weights, scales, x, y)
    sums = weights.astype(np.int64) @ x[:inputs].astype(np.int64)
    np.testing.assert_allclose(y, 1 + scales * sums, rtol=1e-5, atol=np.abs(sums).max() * 1e-6)


def test_no_sum_overflows_where_all_numbers_are_the_largest():
    weights = np.full((1, 16_416), 127, np.int8)
    x = np.full(16_416, INPUT_STEPS, np.int16)
    y = np.zeros(1, np.float32)
    add_integer_row_products(weights, np.ones(1, np.float32), x, y)
    assert y[0] == pytest.approx(16_416 * 127 * INPUT_STEPS, rel=1e-6)


def test_inputs_become_the_nearest_whole_numbers():
    x = np.array([0, 1, -1, 0.5, -0.5, 1.5, 1 / 65_534.1, 1 / 65_533.9], np.float32)
    rounded = np.empty(10, np.int16)
    round_inputs(x, rounded)
    assert rounded[:8].tolist() == [0, INPUT_STEPS, -INPUT_STEPS, 16_384, -16_384, INPUT_STEPS, 0, 1]
