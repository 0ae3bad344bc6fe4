"""The product of two matrices equals torch's, whichever library computes it."""

import pytest
import torch

from charlstm.inspection.reading import matrix_product
from charlstm.inspection.reading.matrix_product import product


@pytest.mark.parametrize("on_x86", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "sizes",
    [(5, 300, 7), (64, 40, 1), (3, 8, 0), (0, 4, 2), (1, 1, 1)],
    ids=lambda sizes: "x".join(map(str, sizes)),
)
def test_the_product_equals_torchs(sizes, dtype, on_x86, generator, monkeypatch):
    rows, inner, columns = sizes
    monkeypatch.setattr(matrix_product, "_X86", on_x86)
    left = torch.randn(inner, rows, generator=generator).to(dtype).t()
    right = torch.randn(inner, columns, generator=generator).to(dtype)
    result = product(left, right)
    assert result.dtype == dtype
    torch.testing.assert_close(result, left @ right, atol=1e-4, rtol=1e-5)


def test_only_float32_on_an_x86_cpu_goes_to_onednn(monkeypatch):
    calls = []

    def operator(left, right, *options):
        calls.append(left.dtype)
        return left @ right.t()

    monkeypatch.setattr(matrix_product, "_X86", True)
    monkeypatch.setattr(matrix_product, "_operator", lambda matrix: operator)
    square = torch.eye(3)
    assert torch.equal(product(square, 2 * square), 2 * square)
    assert torch.equal(product(square.double(), square.double()), square.double())
    assert calls == [torch.float32]
    monkeypatch.undo()
    monkeypatch.setattr(matrix_product, "_X86", False)
    assert matrix_product._operator(square) is None
