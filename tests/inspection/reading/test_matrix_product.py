"""A product by oneDNN is that of torch."""

import pytest
import torch

from charlstm.inspection.reading import matrix_product
from charlstm.inspection.reading.matrix_product import product


@pytest.mark.parametrize("x86", [True, False])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("rows", "inner", "columns"), [(5, 300, 7), (64, 40, 1), (3, 8, 0), (0, 4, 2), (1, 1, 1)]
)
def test_a_product_of_two_matrices_is_that_of_torch(rows, inner, columns, kind, x86, generator, monkeypatch):
    monkeypatch.setattr(matrix_product, "_X86", x86)
    left = torch.randn(inner, rows, generator=generator).to(kind).t()
    right = torch.randn(inner, columns, generator=generator).to(kind)
    found = product(left, right)
    assert found.dtype == kind
    torch.testing.assert_close(found, left @ right, atol=1e-4, rtol=1e-5)
