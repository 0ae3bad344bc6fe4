"""Many streams multiply by the faster of our tiles and a library, and what they compute is the same."""

import ctypes
import os

import numpy as np
import pytest
import torch

from charlstm.config import SamplingConfig
from charlstm.machine.speed import backend_choice
from charlstm.model import streams_backend
from charlstm.model.bfloat16_layer import run_inputs
from charlstm.model.equations import LayerState, LayerWeights
from charlstm.model.kernels.library_products import LibraryFunctions, functions_in_use, use_functions
from charlstm.model.kernels.llvm_vectors import MULTIPLIES_PAIRS
from charlstm.model.streams_backend import LIBRARY, TILES, choose_streams_backend, library_functions
from charlstm.sampling.sampler import draw

# A C function of a number: a bool is its lowest bit, and that of the format 15 is set.
YES = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p).value if os.name == "posix" else None


@pytest.fixture(autouse=True)
def own_tiles_again(monkeypatch):
    monkeypatch.setattr(backend_choice, "_CHOICES", {})
    yield
    use_functions(None)
    library_functions.cache_clear()


@pytest.fixture
def functions():
    """Return the library's functions, but that it says it has units for matrices."""
    found = streams_backend._functions_of(streams_backend._torch_library())
    if found is None or not MULTIPLIES_PAIRS:
        pytest.skip("torch has no such functions for this processor")
    return found._replace(could_pack=YES)


def test_without_units_for_matrices_no_library_is_looked_for(monkeypatch):
    monkeypatch.setattr(streams_backend, "HAS_MATRIX_UNITS", False)
    monkeypatch.setattr(streams_backend, "_torch_library", lambda: pytest.fail("it was loaded"))
    library_functions.cache_clear()
    assert library_functions() is None


@pytest.mark.parametrize(("format_in_units", "in_question"), [(15, True), (5, False)])
def test_the_library_is_in_question_where_it_says_that_it_uses_units(
    format_in_units, in_question, monkeypatch
):
    could_pack = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_int)(lambda number: number == format_in_units)
    said = LibraryFunctions(ctypes.cast(could_pack, ctypes.c_void_p).value, 1, 1)
    monkeypatch.setattr(streams_backend, "HAS_MATRIX_UNITS", True)
    monkeypatch.setattr(streams_backend, "_functions_of", lambda library: said)
    library_functions.cache_clear()
    assert library_functions() == (said if in_question else None)


def test_a_library_without_the_functions_is_not_in_question():
    assert streams_backend._functions_of(ctypes.pythonapi) is None
    assert streams_backend._functions_of(None) is None


@pytest.mark.parametrize("faster", [TILES, LIBRARY])
def test_the_faster_way_is_used(faster, functions, monkeypatch):
    def preferred(job, ways):
        assert list(ways) == [TILES, LIBRARY]
        for run in ways.values():
            run()
        return backend_choice.Choice(job, faster, {})

    monkeypatch.setattr(streams_backend, "preferred", preferred)
    monkeypatch.setattr(streams_backend, "library_functions", lambda: functions)
    choose_streams_backend()
    assert functions_in_use() == (functions if faster == LIBRARY else None)


def test_a_window_has_the_same_gradients_by_the_library(functions, generator):
    weights = torch.randn(128, 32, generator=generator, requires_grad=True)
    inputs = torch.randn(6, 9, 32, generator=generator, requires_grad=True)
    before = LayerState(torch.zeros(6, 32), torch.zeros(6, 32))
    results = []
    for in_use in (None, functions):
        use_functions(in_use)
        outputs, _ = run_inputs(inputs, before, LayerWeights(weights, weights, weights[:, 0]))
        results.append((outputs, *torch.autograd.grad(outputs.float().square().sum(), (weights, inputs))))
    for by_library, by_tiles in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(by_library, by_tiles, rtol=1e-2, atol=1e-2)


def test_texts_are_the_same_by_the_library_and_a_trial_leaves_no_trace(functions, small_model, monkeypatch):
    monkeypatch.setattr(streams_backend, "library_functions", lambda: functions)
    config = SamplingConfig(length=30, count=5, precision="bfloat16")

    def texts(way):
        monkeypatch.setattr(
            streams_backend, "streams_backend", lambda: backend_choice.Choice("a job", way, {})
        )
        generator = torch.Generator().manual_seed(1)
        return np.array(list(draw(small_model, torch.tensor([1, 2]), config=config, generator=generator)))

    by_tiles = texts(TILES)
    streams_backend.trial(functions)
    assert functions_in_use() is None
    by_library = texts(LIBRARY)
    assert functions_in_use() == functions
    np.testing.assert_array_equal(by_library, by_tiles)
