"""Compiled loops multiply pairs by a library's functions where these are in use and the library says yes."""

import ctypes

import numpy as np
import pytest
import torch

from charlstm.model.kernels.library_products import LibraryFunctions, functions_in_use, use_functions
from charlstm.model.kernels.llvm_vectors import GROUP, PANEL
from charlstm.model.kernels.matrix_tiles import add_panel_products, add_transposed_products

_SIZES = [ctypes.c_int64] * 6
_BRGEMM = ctypes.CFUNCTYPE(None, *_SIZES, ctypes.c_bool, *[ctypes.c_void_p] * 3, ctypes.c_bool)


class Library:
    """A library in Python with the functions' signatures, which notes what it was asked."""

    def __init__(self, *, answer):
        self.calls, self.answer, self.formats = [], answer, []
        self._functions = (  # kept here, since a callback must outlive its address
            ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_int)(self._could_pack),
            _BRGEMM(self._brgemm),
            ctypes.CFUNCTYPE(None, ctypes.c_bool)(lambda of_pairs: self.calls.append(("release", of_pairs))),
        )

    @property
    def functions(self):
        return LibraryFunctions(*(ctypes.cast(each, ctypes.c_void_p).value for each in self._functions))

    def _could_pack(self, number_format):
        self.formats.append(number_format)
        return self.answer

    def _brgemm(self, m, n, k, x_row, w_row, y_row, adds, x, w, y, of_pairs):
        """Add x w to y as documented: x (m, k), w (k / 2, n, 2), y (m, n), with distances between rows."""
        self.calls.append((m, n, k, adds, of_pairs))
        rows = _floats(x, (m - 1) * x_row + k)
        left = np.stack([rows[row * x_row : row * x_row + k] for row in range(m)])
        pairs = _floats(w, k * w_row).reshape(k // 2, w_row, 2)[:, :n]
        product = left @ pairs.transpose(0, 2, 1).reshape(k, n)
        sums = np.ctypeslib.as_array(ctypes.cast(y, ctypes.POINTER(ctypes.c_float)), ((m - 1) * y_row + n,))
        for row in range(m):
            sums[row * y_row : row * y_row + n] += product[row]


def _floats(address, count):
    """Return bfloat16 numbers in memory as float32."""
    bits = np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_uint16)), (count,))
    return (bits.astype(np.uint32) << 16).view(np.float32)


@pytest.fixture(autouse=True)
def own_tiles_again():
    before = functions_in_use()
    yield
    use_functions(before)


@pytest.fixture
def matrices():
    """Panels of pairs of 3 x 32 outputs and 10 inputs, 5 rows of x from column 3 on, and the product."""
    x, w = (
        torch.randn(shape, generator=torch.Generator().manual_seed(0)).bfloat16()
        for shape in ((5, 10), (96, 10))
    )
    wide = np.zeros((5, 9), np.uint32)
    wide[:, 3:8] = x.view(torch.int16).numpy().view(np.uint32)
    pairs = w.view(torch.int16).numpy().view(np.uint32)
    panels = np.ascontiguousarray(pairs.reshape(3, PANEL, 5).swapaxes(1, 2))
    return panels, wide, (x.double() @ w.double().t()).numpy()


def test_all_panels_are_multiplied_by_the_library_in_one_series(matrices):
    panels, x, product = matrices
    library = Library(answer=True)
    use_functions(library.functions)
    sums = np.ones((5, 96), np.float32)
    add_panel_products(panels, x, 3, sums)
    np.testing.assert_allclose(sums, 1 + product, atol=1e-5)
    assert library.calls == [(5, PANEL, 10, True, True)] * 3 + [("release", True)]
    assert library.formats == [15]


@pytest.mark.parametrize("in_use", [True, False])
def test_own_tiles_multiply_where_the_library_says_no_or_is_not_in_use(matrices, in_use):
    panels, x, product = matrices
    library = Library(answer=False)
    use_functions(library.functions if in_use else None)
    sums = np.zeros((5, 96), np.float32)
    add_panel_products(panels, x, 3, sums)
    np.testing.assert_allclose(sums, product, atol=1e-5)
    assert not library.calls
    assert functions_in_use() == (library.functions if in_use else None)


@pytest.mark.parametrize(("positions", "pairs"), [(3, 2), (5, 100), (2, 300)])
def test_a_gradient_is_the_sum_over_all_positions_and_streams(positions, pairs):
    random = np.random.default_rng(0)
    (
        groups,
        panels,
    ) = (  # numbers from -8 to 8, whose sums are exact, with one more group and panel than are read
        random.choice(np.float32([-8, -1, 0, 1, 8]).view(np.uint32) >> 16, (positions, many, pairs, width, 2))
        .astype(np.uint16)
        .view(np.uint32)[..., 0]
        for many, width in ((3, GROUP), (3, PANEL))
    )
    library, by_tiles, by_library = Library(answer=True), *np.ones((2, 16, 64), np.float32)
    add_transposed_products(groups, panels, by_tiles)
    use_functions(library.functions)
    add_transposed_products(groups, panels, by_library)
    np.testing.assert_array_equal(by_library, by_tiles)
    assert sum(call[2] for call in library.calls[:-1]) == 2 * 2 * positions * pairs
    assert library.calls[-1] == ("release", True)


def test_float32_is_never_the_librarys():
    library = Library(answer=True)
    use_functions(library.functions)
    sums = np.zeros((1, PANEL), np.float32)
    add_panel_products(np.ones((1, 2, PANEL), np.float32), np.ones((1, 2), np.float32), 0, sums)
    assert (sums == 2).all()
    assert not library.formats
