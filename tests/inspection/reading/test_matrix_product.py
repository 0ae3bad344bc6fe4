"""The product of two matrices equals torch's, whichever library computes it."""

import pytest
import torch

from charlstm.inspection.reading import matrix_product
from charlstm.inspection.reading.matrix_product import ONEDNN, TORCH, matrix_backend, product
from charlstm.machine.speed.backend_choice import Choice


def choose(way, monkeypatch):
    """Let one of the two libraries be the faster one."""
    monkeypatch.setattr(matrix_product, "matrix_backend", lambda: Choice("", way, {}))


@pytest.mark.parametrize("way", [ONEDNN, TORCH])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "sizes",
    [(5, 300, 7), (64, 40, 1), (3, 8, 0), (0, 4, 2), (1, 1, 1)],
    ids=lambda sizes: "x".join(map(str, sizes)),
)
def test_the_product_equals_torchs(sizes, dtype, way, generator, monkeypatch):
    rows, inner, columns = sizes
    choose(way, monkeypatch)
    left = torch.randn(inner, rows, generator=generator).to(dtype).t()
    right = torch.randn(inner, columns, generator=generator).to(dtype)
    result = product(left, right)
    assert result.dtype == dtype
    torch.testing.assert_close(result, left @ right, atol=1e-4, rtol=1e-5)


def test_only_float32_goes_to_onednn_and_only_where_it_is_faster(monkeypatch):
    calls = []
    monkeypatch.setattr(
        matrix_product, "_by_onednn", lambda left, right: calls.append(left.dtype) or left @ right
    )
    square = torch.eye(3)
    for way, asked in ((TORCH, []), (ONEDNN, [torch.float32])):
        choose(way, monkeypatch)
        assert torch.equal(product(square, 2 * square), 2 * square)
        assert torch.equal(product(square.double(), square.double()), square.double())
        assert calls == asked


def test_without_onednn_nothing_is_timed(monkeypatch):
    monkeypatch.setattr("charlstm.machine.speed.backend_choice._CHOICES", {})
    monkeypatch.setattr(matrix_product, "_has_onednn", lambda: False)
    assert matrix_backend() == Choice("products of an inspection", TORCH, {})


def test_a_product_makes_no_trial_once_the_library_is_chosen(monkeypatch):
    square = torch.eye(3)
    product(square, square)
    monkeypatch.setattr(matrix_product, "_trial_matrices", lambda: pytest.fail("a trial"))
    monkeypatch.setattr(torch, "ones", lambda *_: pytest.fail("its matrices were made"))
    assert torch.equal(product(square, square), square)
