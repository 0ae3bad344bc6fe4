"""The inner loops written as LLVM code multiply what they say, with and without special instructions."""

import numpy as np
import pytest
import torch
from numba import config, njit

from charlstm.model.kernels import llvm_vectors
from charlstm.model.kernels.llvm_vectors import PANEL, tile_4


def random_bits(*shape: int) -> np.ndarray:
    """Return bfloat16 numbers of a normal distribution as uint16."""
    numbers = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return torch.from_numpy(numbers).bfloat16().view(torch.int16).numpy().view(np.uint16)


def test_a_tile_multiplies_the_numbers_that_its_distances_name():
    random = np.random.default_rng(0)
    x, w, y = (random.standard_normal(size).astype(np.float32) for size in (400, 2000, 400))
    rows, inputs, blocks = 4, 5, 2
    y_first, y_row = 11, 70
    expected = y.astype(np.float64)
    for m in range(rows):
        for b in range(blocks):
            for k in range(inputs):
                weights = w[9 + k * 50 + b * 700 :][:PANEL].astype(np.float64)
                number = x[7 + m * 40 + k * 3 + b * 200]
                expected[y_first + m * y_row :][:PANEL] += number * weights

    @njit
    def product(x, w, y):
        tile_4(x, 7, 40, 3, 200, w, 9, 50, 700, inputs, blocks, y, y_first, y_row)

    product(x, w, y)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_a_processor_without_the_instruction_for_pairs_gives_the_same_sums(monkeypatch):
    x, panel = random_bits(4, 10).view(np.uint32), random_bits(5, 2 * PANEL).view(np.uint32)
    sums = []
    for has_instruction in {llvm_vectors.MULTIPLIES_PAIRS, False}:
        monkeypatch.setattr(llvm_vectors, "MULTIPLIES_PAIRS", has_instruction)
        tile = llvm_vectors._tile_of(4)

        @njit
        def product(x, w, y, tile=tile):
            tile(x, 0, 5, 1, 0, w, 0, 32, 0, 5, 1, y, 0, 32)

        sums.append(np.zeros((4, PANEL), np.float32))
        product(x, panel, sums[-1])
    assert np.abs(sums[0]).max() > 1
    np.testing.assert_allclose(sums[0], sums[-1], atol=1e-5)


@pytest.mark.parametrize("name", ["CPU_NAME", "CPU_FEATURES"])
def test_no_feature_is_assumed_when_numba_compiles_for_another_processor(name, monkeypatch):
    features = {"avx512bf16": True, "amx-bf16": False}
    monkeypatch.setattr(llvm_vectors.llvm, "get_host_cpu_features", lambda: features)
    for setting in ("CPU_NAME", "CPU_FEATURES"):
        monkeypatch.setattr(config, setting, None, raising=False)
    assert llvm_vectors._has("avx512bf16")
    assert not llvm_vectors._has("amx-bf16")
    assert not llvm_vectors._has("unheard-of")
    monkeypatch.setattr(config, name, "generic")
    assert not llvm_vectors._has("avx512bf16")


def test_no_feature_is_assumed_where_llvm_cannot_tell(monkeypatch):
    def unknown() -> dict:
        raise RuntimeError

    monkeypatch.setattr(llvm_vectors.llvm, "get_host_cpu_features", unknown)
    assert not llvm_vectors._has("avx512bf16")
