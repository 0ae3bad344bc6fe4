"""The element-wise arithmetic of a step agrees with numpy in float64, and bfloat16 bits with torch's."""

import numpy as np
import pytest
import torch

from charlstm.model.kernels.arithmetic import (
    bfloat16_bits,
    power_of_two,
    sigmoids,
    tanhs,
    update_cell_states,
    write_hidden_states,
)
from charlstm.model.kernels.products import add_float_row_products


@pytest.fixture
def numbers():
    """Numbers of both signs from 1e-40 to 100, and 0."""
    near, far = np.logspace(-40, 0, 20_000), np.linspace(-100, 100, 100_001)
    return np.concatenate([near, -near, far]).astype(np.float32)


def test_sigmoids_are_within_their_stated_error(numbers):
    y = np.empty_like(numbers)
    sigmoids(numbers, y)
    assert np.abs(y - 1 / (1 + np.exp(-numbers.astype(np.float64)))).max() < 2e-6
    assert y.min() >= 0
    assert y.max() <= 1


def test_tanhs_are_within_their_stated_error(numbers):
    y = np.empty_like(numbers)
    tanhs(numbers, y)
    assert np.abs(y - np.tanh(numbers.astype(np.float64))).max() < 3e-6
    assert np.abs(y).max() <= 1


def test_a_number_that_is_none_stays_so():
    x, y = np.array([np.nan, 0], np.float32), np.empty(2, np.float32)
    for function in (sigmoids, tanhs):
        function(x, y)
        assert np.isnan(y[0])
        assert not np.isnan(y[1])


def test_powers_of_two_are_exact_for_whole_exponents_and_close_between():
    for exponent in range(-126, 127):
        assert power_of_two(np.float32(exponent)) == 2.0**exponent
    for exponent in np.linspace(-126, 126, 5_000).astype(np.float32):
        assert power_of_two(exponent) == pytest.approx(2.0 ** float(exponent), rel=6e-6)


def test_exponents_beyond_the_range_of_float32_give_its_ends():
    assert power_of_two(np.float32(-1e9)) == 2.0**-126
    assert power_of_two(np.float32(1e9)) == 2.0**126


def test_the_cell_state_may_be_updated_in_its_own_memory():
    i, f, g, c = np.random.default_rng(0).random((4, 37)).astype(np.float32)
    expected = f * c + i * g
    elsewhere = np.empty_like(c)
    update_cell_states(i, f, g, c, elsewhere)
    update_cell_states(i, f, g, c, c)
    np.testing.assert_allclose(elsewhere, expected, rtol=1e-6)
    np.testing.assert_array_equal(c, elsewhere)


def test_the_hidden_state_is_the_output_gate_times_the_squashed_cell_state():
    o, squashed, h = np.random.default_rng(0).random((3, 37)).astype(np.float32)
    write_hidden_states(o, squashed, h)
    np.testing.assert_array_equal(h, o * squashed)


def test_rounding_to_bfloat16_is_torchs_to_the_nearest_and_even_in_ties():
    listed = [1.0, 1 + 2**-8, 1 + 3 * 2**-8, -3.14159, 1e-40, 3e38, float("inf"), -float("inf"), 0.0, -0.0]
    random = np.random.default_rng(0).integers(0, 0x7F800000, 300, np.uint32).view(np.float32)
    for number in (*map(np.float32, listed), *random, *-random):
        expected = torch.tensor([float(number)]).bfloat16().view(torch.int16).numpy().view(np.uint16)[0]
        assert bfloat16_bits(number) == expected
    rounded_nan = np.array([bfloat16_bits(np.float32("nan")) << 16], np.uint32).view(np.float32)
    assert np.isnan(rounded_nan[0])


def test_loops_read_every_finite_bfloat16_number_at_its_exact_value():
    bits = np.arange(2**16, dtype=np.uint16)
    values = (bits.astype(np.uint32) << 16).view(np.float32)
    finite = np.isfinite(values)
    y = np.zeros(finite.sum(), np.float32)
    add_float_row_products(bits[finite][:, None], np.ones(1, np.float32), y)
    np.testing.assert_array_equal(y, values[finite])
