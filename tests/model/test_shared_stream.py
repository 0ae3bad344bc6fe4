"""Threads that read one stream together give the text and the state of one thread, to the bit."""

import numpy as np
import pytest
from stepped_by_hand import model_of, packed

from charlstm.config import Hold
from charlstm.model import shared_stream
from charlstm.model.kernels.drawing import DrawRules, draw_block
from charlstm.model.kernels.steps import StreamState
from charlstm.model.shared_stream import SharedStream, sharing_threads
from charlstm.model.streams import Streams, sorted_holds

RULES = DrawRules(0.9, 0, 1.0)
HOLDS = sorted_holds((Hold(0, 2, 3.0, 30), Hold(1, 11, -1.0, 50), Hold(1, 4, 0.5, 31)))


def start(weights):
    layers, cells = 1 + len(weights.upper), weights.table.shape[1] // 4
    h, c = np.zeros((layers, 1, 2 * cells), np.float32), np.zeros((layers, 1, cells), np.float32)
    return StreamState(h, c)


def alone(weights, uniforms, holds=HOLDS):
    """Return what one thread draws after symbol 3, and its h and c."""
    state = start(weights)
    drawn = draw_block(weights, np.array([3]), *state, holds, 0, RULES, uniforms[:, None].copy())
    return drawn[:, 0], *state


def together(weights, uniforms, threads, holds=HOLDS, block=50):
    """Return what that number of threads draw after symbol 3, and their h and c."""
    state = start(weights)
    stream, symbol, drawn = SharedStream(weights, holds, threads), 3, []
    for first in range(0, len(uniforms), block):
        numbers = uniforms[first : first + block]
        drawn += stream.draw(state, symbol, numbers, first=first, rules=RULES).tolist()
        symbol = drawn[-1]
    return drawn, *state


def assert_same(results, expected):
    for array, other in zip(results, expected, strict=True):
        np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize(("cells", "layers", "threads"), [(128, 2, 2), (192, 2, 3), (156, 3, 2), (256, 2, 4)])
def test_several_threads_draw_what_one_thread_draws(cells, layers, threads, precision, generator):
    """Where four threads have fewer processors, some also come late."""
    weights = packed(model_of(cells, layers, generator), precision)
    uniforms = np.random.default_rng(0).random(230)
    assert_same(together(weights, uniforms, threads), alone(weights, uniforms))


def test_one_stream_of_a_large_model_is_shared_by_threads(generator, monkeypatch):
    weights = packed(model_of(256, 2, generator))
    uniforms = np.random.default_rng(0).random((40, 1))
    asked = []
    monkeypatch.setattr(shared_stream, "draw_together", counted(shared_stream.draw_together, asked))
    drawn, states = [], []
    for threads in (1, 2):
        streams = Streams(weights, (Hold(0, 2, 3.0, 30),), threads=threads)
        drawn.append(streams.draw(np.array([3]), uniforms, first=0, rules=RULES))
        states.append(streams.state)
        assert len(asked) == (0 if threads == 1 else 2)
    assert_same(drawn[:1], drawn[1:])
    assert_same(states[0], states[1])


def counted(function, asked):
    """Return the function, which now notes in asked how many characters each call is for."""

    def called(*arguments):
        asked.append(len(arguments[7]))
        return function(*arguments)

    return called


def test_after_a_thread_came_late_one_thread_draws_alone_and_for_longer_each_time(generator, monkeypatch):
    weights, asked = packed(model_of(128, 2, generator)), []

    def parted_after_ten(weights, symbol, h, c, holds, first, rules, uniforms, share, shared):
        if share.number:
            return uniforms[:0]
        asked.append(len(uniforms))
        numbers = uniforms[:10, None].copy()
        return draw_block(weights, np.array([symbol]), h, c, holds, first, rules, numbers)[:, 0]

    monkeypatch.setattr(shared_stream, "draw_together", parted_after_ten)
    uniforms = np.random.default_rng(0).random(1000)
    assert_same(together(weights, uniforms, 2, block=1000), alone(weights, uniforms))
    assert asked == [1000, 1000 - 74, 1000 - 212, 1000 - 478]


def test_an_interrupt_while_threads_start_leaves_no_thread_waiting(generator, monkeypatch):
    stream, submitted = SharedStream(packed(model_of(128, 2, generator)), HOLDS, 2), []
    submit = stream._pool.submit

    def interrupted(*work):
        submitted.append(submit(*work))
        raise KeyboardInterrupt

    monkeypatch.setattr(stream._pool, "submit", interrupted)
    state = start(stream._weights)
    try:
        with pytest.raises(KeyboardInterrupt):
            stream.draw(state, 3, np.zeros(50), first=0, rules=RULES)
        submitted[0].result(timeout=30)
    finally:
        stream._shared.abandoned[0] = 1


def test_few_characters_are_drawn_by_one_thread(generator, monkeypatch):
    weights, asked = packed(model_of(128, 2, generator)), []
    monkeypatch.setattr(shared_stream, "draw_together", counted(shared_stream.draw_together, asked))
    uniforms = np.random.default_rng(0).random(35)
    assert_same(together(weights, uniforms, 2, block=7), alone(weights, uniforms))
    assert not asked


def test_small_models_and_uneven_sizes_are_read_by_one_thread(generator):
    def of(cells: int, layers: int, threads: int) -> int:
        return sharing_threads(packed(model_of(cells, layers, generator)), threads)

    assert of(128, 1, 8) == 1
    assert of(256, 1, 8) == 2
    assert of(257, 1, 8) == 1
    assert of(512, 1, 1) == 1
    assert of(512, 1, 64) == 4
