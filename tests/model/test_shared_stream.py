"""Threads that read one stream together: the text and the state are those of one thread, to the bit."""

import numpy as np
import pytest
import torch
from stepped_by_hand import weights_of

from charlstm.config import Hold, ModelConfig
from charlstm.model import shared_stream
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.kernels.drawing import Draw, draw_block
from charlstm.model.shared_stream import Team, members
from charlstm.model.streams import Streams, in_order

DRAW = Draw(0.9, 0, 1.0)
HOLDS = in_order((Hold(0, 2, 3.0, 30), Hold(1, 11, -1.0, 50), Hold(1, 4, 0.5, 31)))


def model_of(cells: int, layers: int, generator: torch.Generator) -> CharLSTM:
    config = ModelConfig(vocabulary_size=11, cells=cells, layers=layers, embedding=4)
    return CharLSTM(config, generator=generator)


def start(weights):
    layers, cells = 1 + len(weights.upper), weights.recurrent.shape[1]
    return np.zeros((layers, 1, 2 * cells), np.float32), np.zeros((layers, 1, cells), np.float32)


def alone(weights, uniforms, holds=HOLDS):
    h, c = start(weights)
    drawn = draw_block(weights, np.array([3]), h, c, holds, 0, DRAW, uniforms[:, None].copy())
    return drawn[:, 0], h, c


def together(weights, uniforms, threads, holds=HOLDS, block=50):
    h, c = start(weights)
    several, symbol, drawn = Team(weights, holds, threads), 3, []
    for first in range(0, len(uniforms), block):
        numbers = uniforms[first : first + block]
        drawn += several.draw(symbol, h, c, numbers, first=first, draw=DRAW).tolist()
        symbol = drawn[-1]
    return drawn, h, c


def assert_same(found, expected):
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(("cells", "layers", "threads"), [(128, 2, 2), (192, 2, 3), (156, 3, 2), (256, 2, 4)])
def test_a_team_draws_what_one_thread_draws(cells, layers, threads, precision, generator):
    """Four threads on fewer processors are often late, too."""
    weights = weights_of(model_of(cells, layers, generator), precision)
    uniforms = np.random.default_rng(0).random(230)
    assert_same(together(weights, uniforms, threads), alone(weights, uniforms))


def test_streams_of_large_models_are_read_by_a_team(generator, monkeypatch):
    weights = weights_of(model_of(256, 2, generator))
    uniforms = np.random.default_rng(0).random((40, 1))
    asked = []
    monkeypatch.setattr(shared_stream, "draw_together", counted(shared_stream.draw_together, asked))
    drawn, states = [], []
    for threads in (1, 2):
        one = Streams(weights, (Hold(0, 2, 3.0, 30),), threads=threads)
        drawn.append(one.draw(np.array([3]), uniforms, first=0, draw=DRAW))
        states.append(one.state)
        assert len(asked) == (0 if threads == 1 else 2)
    assert_same(drawn[:1], drawn[1:])
    assert_same(states[0], states[1])


def counted(function, asked):
    """The function, which notes how many characters it was asked for."""

    def called(*arguments):
        asked.append(len(arguments[7]))
        return function(*arguments)

    return called


def test_after_a_late_thread_one_draws_alone_for_a_while_and_longer_each_time(generator, monkeypatch):
    weights, asked = weights_of(model_of(128, 2, generator)), []

    def parted_after_ten(weights, symbol, h, c, holds, first, draw, uniforms, share, meeting):
        if share.number:
            return uniforms[:0]
        asked.append(len(uniforms))
        numbers = uniforms[:10, None].copy()
        return draw_block(weights, np.array([symbol]), h, c, holds, first, draw, numbers)[:, 0]

    monkeypatch.setattr(shared_stream, "draw_together", parted_after_ten)
    uniforms = np.random.default_rng(0).random(1000)
    assert_same(together(weights, uniforms, 2, block=1000), alone(weights, uniforms))
    assert asked == [1000, 1000 - 74, 1000 - 212, 1000 - 478]


def test_an_interrupt_while_threads_start_leaves_none_waiting(generator, monkeypatch):
    several, submitted = Team(weights_of(model_of(128, 2, generator)), HOLDS, 2), []
    submit = several._threads.submit

    def interrupted(*work):
        submitted.append(submit(*work))
        raise KeyboardInterrupt

    monkeypatch.setattr(several._threads, "submit", interrupted)
    h, c = start(several._weights)
    try:
        with pytest.raises(KeyboardInterrupt):
            several.draw(3, h, c, np.zeros(50), first=0, draw=DRAW)
        submitted[0].result(timeout=30)
    finally:
        several._meeting.left[0] = 1


def test_few_characters_are_drawn_alone(generator, monkeypatch):
    weights, asked = weights_of(model_of(128, 2, generator)), []
    monkeypatch.setattr(shared_stream, "draw_together", counted(shared_stream.draw_together, asked))
    uniforms = np.random.default_rng(0).random(35)
    assert_same(together(weights, uniforms, 2, block=7), alone(weights, uniforms))
    assert not asked


def test_small_models_and_odd_sizes_have_no_team(generator):
    def of(cells: int, layers: int, threads: int) -> int:
        return members(weights_of(model_of(cells, layers, generator)), threads)

    assert of(128, 1, 8) == 1
    assert of(256, 1, 8) == 2
    assert of(257, 1, 8) == 1
    assert of(512, 1, 1) == 1
    assert of(512, 1, 64) == 4
