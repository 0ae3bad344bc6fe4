"""Threads that draw one stream together draw what one thread draws, and none waits for one that is gone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from stepped_by_hand import SYMBOLS, model_of, packed

from charlstm.config import Hold
from charlstm.model.kernels.drawing import DrawRules, draw_block
from charlstm.model.kernels.shared_steps import Share, draw_together
from charlstm.model.shared_stream import new_shared_state
from charlstm.model.streams import sorted_holds

CELLS = 128
RULES = DrawRules(0.9, 0, 1.0)
HOLDS = sorted_holds((Hold(0, 2, 3.0, 5), Hold(0, 100, -3.0, 5), Hold(1, 64, 1.0, 7), Hold(1, 127, -1.0, 0)))
HALVES = (Share(0, (0, 64), (0, 4)), Share(1, (64, CELLS), (4, SYMBOLS)))


def start() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((2, 1, 2 * CELLS), np.float32), np.zeros((2, 1, CELLS), np.float32)


@pytest.fixture
def weights(generator):
    return packed(model_of(CELLS, 2, generator))


def test_two_threads_draw_and_end_as_one_does(weights):
    uniforms = np.random.default_rng(0).random(20)
    expected_state, state = start(), start()
    expected = draw_block(weights, np.array([3]), *expected_state, HOLDS, 0, RULES, uniforms[:, None].copy())[
        :, 0
    ]
    shared = new_shared_state(2, weights)
    with ThreadPoolExecutor(2) as pool:
        drawn = list(
            pool.map(
                lambda share: draw_together(weights, 3, *state, HOLDS, 0, RULES, uniforms, share, shared),
                HALVES,
            )
        )
    count = len(drawn[0])  # fewer than 20 where the machine kept one of the threads waiting
    assert count >= 1
    for symbols in drawn:
        np.testing.assert_array_equal(symbols, expected[:count])
    if count == len(uniforms):
        for array, expected_array in zip(state, expected_state, strict=True):
            np.testing.assert_array_equal(array, expected_array)


def test_a_thread_does_not_wait_for_one_that_will_not_come(weights):
    shared = new_shared_state(2, weights)
    shared.abandoned[0] = 1
    uniforms = np.random.default_rng(0).random(20)
    drawn = draw_together(weights, 3, *start(), HOLDS, 0, RULES, uniforms, HALVES[0], shared)
    assert len(drawn) == 20
