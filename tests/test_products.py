"""Products with a packed matrix are those of torch, packed or not."""

import numpy as np
import pytest
import torch

from charlstm import products
from charlstm.products import Packed, numbers, product


@pytest.mark.parametrize("packs", [True, False])
@pytest.mark.parametrize(("kind", "near"), [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
@pytest.mark.parametrize(("rows", "outputs", "inputs"), [(1, 4, 1), (3, 11, 7), (64, 96, 128), (500, 5, 33)])
def test_a_product_is_that_of_torch(rows, outputs, inputs, kind, near, packs, generator, monkeypatch):
    if not packs:
        monkeypatch.setattr(products, "_X86", False)
    weight = torch.randn(outputs, inputs, generator=generator).to(kind)
    x = torch.randn(rows, inputs, generator=generator).to(kind)
    bias = torch.randn(outputs, generator=generator).to(kind)
    for added in (None, bias):
        expected = x.double() @ weight.double().t() + (0 if added is None else added.double())
        with torch.no_grad():
            found = Packed(weight, added)(x)
        assert found.dtype == kind
        assert (found.double() - expected).abs().max() <= near * inputs**0.5 * 4


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("rows", "inner", "columns"), [(5, 300, 7), (64, 40, 1), (3, 8, 0), (0, 4, 2), (1, 1, 1)]
)
def test_a_product_of_two_matrices_is_that_of_torch(rows, inner, columns, kind, generator):
    left = torch.randn(inner, rows, generator=generator).to(kind).t()
    right = torch.randn(inner, columns, generator=generator).to(kind)
    found = product(left, right)
    assert found.dtype == kind
    torch.testing.assert_close(found, left @ right, atol=1e-4, rtol=1e-5)


def test_a_packed_matrix_stays_when_the_weights_change(generator):
    layer = torch.nn.Linear(8, 5, bias=False)
    packed, x = Packed(layer.weight), torch.randn(2, 8, generator=generator)
    before = layer(x).detach()
    with torch.no_grad():
        layer.weight.zero_()
        torch.testing.assert_close(packed(x), before)


def test_the_upper_half_of_a_float_is_the_bfloat16():
    values = torch.tensor([[1.5, -2.0, 0.0]])
    np.testing.assert_array_equal(numbers(values), values.numpy())
    bits = numbers(values.bfloat16()).astype(np.uint32) << 16
    np.testing.assert_array_equal(bits.view(np.float32), values.numpy())
