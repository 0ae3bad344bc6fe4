"""Packed weights hold a model's numbers where the compiled loops look for them."""

import numpy as np
import pytest
import torch
from stepped_by_hand import model_of, packed

from charlstm.model.kernels.matrix_tiles import add_panel_products
from charlstm.model.packed_weights import float_rows, for_streams, integer_rows, panels_of, stream_weights


def bits_of(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().bfloat16().view(torch.int16).numpy().view(np.uint16)


@pytest.mark.parametrize("layers", [1, 3])
def test_every_weight_of_a_model_is_in_its_place(layers, generator):
    model = model_of(6, layers, generator)
    weights = packed(model)
    of_layers = [model.weights(layer) for layer in range(layers)]
    table = model.embedding.weight @ of_layers[0].input.t() + of_layers[0].bias
    np.testing.assert_allclose(weights.table, table.detach(), atol=1e-6)
    np.testing.assert_array_equal(weights.recurrent, of_layers[0].recurrent.detach())
    assert weights.upper.shape == (layers - 1, 24, 12)
    assert weights.bias.shape == (layers - 1, 24)
    for layer in range(1, layers):
        side_by_side = torch.cat([of_layers[layer].input, of_layers[layer].recurrent], dim=1)
        np.testing.assert_array_equal(weights.upper[layer - 1], side_by_side.detach())
        np.testing.assert_array_equal(weights.bias[layer - 1], of_layers[layer].bias.detach())
    np.testing.assert_array_equal(weights.head, model.head.weight.detach())
    np.testing.assert_array_equal(weights.head_bias, model.head.bias.detach())


def test_in_bfloat16_the_large_matrices_are_the_bits_that_torch_rounds_to(generator):
    model = model_of(6, 2, generator)
    weights = packed(model, "bfloat16")
    upper = torch.cat([model.weights(1).input, model.weights(1).recurrent], dim=1)
    np.testing.assert_array_equal(weights.recurrent, bits_of(model.weights(0).recurrent))
    np.testing.assert_array_equal(weights.upper[0], bits_of(upper))
    assert weights.table.dtype == weights.bias.dtype == weights.head.dtype == np.float32


@pytest.mark.parametrize("inputs", [1, 32, 33])
def test_rows_of_8_bits_are_within_half_a_step_of_the_weights(inputs):
    rows = np.random.default_rng(0).normal(size=(2, 5, inputs)).astype(np.float32)
    rows[1, 2] = 0
    whole, scales = integer_rows(rows)
    assert whole.dtype == np.int8
    assert whole.shape == (2, 5, -(-inputs // 32) * 32)
    assert not whole[..., inputs:].any()
    half_a_step = np.abs(rows).max(axis=-1, keepdims=True) / 254
    assert (np.abs(float_rows(whole, scales, inputs) - rows) <= half_a_step * 1.0001).all()


def test_a_row_of_8_bits_that_holds_nan_or_infinity_is_nan():
    rows = np.array([[1, 2], [np.nan, 1], [1, -np.inf]], np.float32)
    with np.errstate(all="ignore"):
        numbers = float_rows(*integer_rows(rows), 2)
    assert np.isnan(numbers).all(axis=1).tolist() == [False, True, True]


def test_several_streams_read_8_bits_as_the_numbers_that_they_stand_for(generator):
    weights = packed(model_of(6, 2, generator), "int8")
    several = for_streams(weights)
    expected = panels_of(float_rows(weights.upper, weights.scales[1:], 12))
    np.testing.assert_array_equal(several.upper, expected)
    assert several.scales.shape == (2, 0)


def test_a_weight_that_is_not_a_number_stays_so_in_bfloat16(small_model):
    tensors = {name: tensor.numpy().copy() for name, tensor in small_model.state_dict().items()}
    all_ones = np.array([0xFFFFFFFF], np.uint32).view(np.float32)[0]
    tensors["layers.0.weight_hh_l0"][2, 3:5] = np.nan, all_ones
    recurrent = stream_weights(tensors, "bfloat16").recurrent
    assert np.isnan((recurrent.astype(np.uint32) << 16).view(np.float32)[2, 3:5]).all()


@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (32, 4), (33, 3), (70, 5)])
def test_panels_have_the_weights_of_32_outputs_and_zeros_behind_the_last(outputs, inputs):
    random = np.random.default_rng(0)
    weights = random.standard_normal((2, outputs, inputs)).astype(np.float32)
    bits = random.integers(0, 2**16, weights.shape, np.uint16)
    panels, pairs = panels_of(weights), panels_of(bits)
    assert panels.shape[2:] == (inputs, 32)
    assert pairs.shape[2:] == (-(-inputs // 2), 32)
    for output in range(panels.shape[1] * 32):
        panel, place = divmod(output, 32)
        row = weights[:, output] if output < outputs else 0
        np.testing.assert_array_equal(panels[:, panel, :, place], np.broadcast_to(row, (2, inputs)))
        for k in range(pairs.shape[2]):
            for half in (0, 1):
                there = output < outputs and 2 * k + half < inputs
                expected = bits[:, output, 2 * k + half] if there else np.zeros(2)
                np.testing.assert_array_equal(pairs[:, panel, k, place] >> 16 * half & 0xFFFF, expected)


@pytest.mark.parametrize("rows", [1, 3, 4, 11])
@pytest.mark.parametrize(("outputs", "inputs", "first"), [(4, 1, 0), (10, 7, 0), (33, 33, 5)])
def test_products_with_panels_are_those_of_numpy(rows, outputs, inputs, first):
    random = np.random.default_rng(0)
    weights = random.normal(size=(outputs, inputs)).astype(np.float32)
    x = random.normal(size=(rows, first + inputs)).astype(np.float32)
    panels = panels_of(weights)
    sums = np.ones((rows, 32 * len(panels)), np.float32)
    add_panel_products(panels, x, first, sums)
    np.testing.assert_allclose(sums[:, :outputs] - 1, x[:, first:] @ weights.T, atol=1e-5)
    assert (sums[:, outputs:] == 1).all()


def test_several_streams_read_recurrent_upper_and_head_weights_in_panels(generator):
    weights = packed(model_of(6, 3, generator), "bfloat16")
    several = for_streams(weights)
    for name in ("recurrent", "upper", "head"):
        np.testing.assert_array_equal(getattr(several, name), panels_of(getattr(weights, name)))
    for name in ("table", "bias", "head_bias"):
        assert getattr(several, name) is getattr(weights, name)
