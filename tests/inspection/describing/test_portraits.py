"""A portrait of a cell whose every value is known."""

import numpy as np
import pytest

from charlstm.inspection.describing.portraits import AFTER, BEFORE, BINS, EXCERPT, portrait
from charlstm.inspection.features.feature import Feature, Signal

LENGTH = 2_000
TEXT = "".join(chr(97 + place % 26) for place in range(2 * LENGTH))
POSITIONS = np.arange(2 * LENGTH).reshape(2, LENGTH)


def switch() -> Signal:
    """On in the second half of every 100 characters."""
    values = (np.arange(2 * LENGTH) % 100 >= 50).astype(np.uint8)
    return Signal(Feature("planted", "switch", {"set": ["y"], "reset": ["w"]}), values)


def drawn(c: np.ndarray, signal: Signal, *, sign: int = 1, start: int = 0) -> dict:
    return portrait(c.astype(np.float32), signal, POSITIONS, TEXT, sign=sign, start=start)


def test_trace_stands_around_the_event():
    signal = switch()
    found = drawn(3.0 * signal.values[POSITIONS] - 1, signal)["trace"]

    assert found["first"] == -BEFORE
    assert found["events"]["set"]["mean"] == [-1.0] * BEFORE + [2.0] * (AFTER + 1)
    assert found["events"]["reset"]["mean"] == [2.0] * BEFORE + [-1.0] * (AFTER + 1)
    assert found["events"]["set"]["low"] == found["events"]["set"]["high"]
    # In each stretch the last rise, at 1950, has its 48 characters: all 20 count, and 19 falls.
    assert (found["events"]["set"]["count"], found["events"]["reset"]["count"]) == (40, 38)


def test_histogram_counts_every_position_at_its_level():
    signal = switch()
    found = drawn(np.where(signal.values[POSITIONS] > 0, 5.0, -5.0), signal)["histogram"]

    assert found["off"] == [LENGTH] + [0] * (BINS - 1)
    assert found["on"] == [0] * (BINS - 1) + [LENGTH]


def test_counter_has_its_staircase_and_three_levels():
    values = (np.arange(2 * LENGTH) % 30).astype(np.uint8)
    feature = Feature("planted", "counter", {"step": ["*"], "reset": ["a"]})
    found = drawn(0.1 * values[POSITIONS], Signal(feature, values))

    assert found["staircase"]["mean"] == pytest.approx([0.1 * value for value in range(30)], abs=1e-3)
    assert sum(found["staircase"]["count"]) == 2 * LENGTH
    assert list(found["histogram"]) == ["0 to 9", "10 to 19", "20 and more"]
    assert list(found["trace"]["events"]) == ["reset"]


@pytest.mark.parametrize("sign", [1, -1])
def test_excerpts_are_where_the_cell_follows_and_where_it_does_not(sign: int):
    signal = switch()
    on = signal.values[POSITIONS].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.05, on.shape)
    c = sign * (on + noise)
    c[0, 1_000:1_200] = -sign * on[0, 1_000:1_200]
    c[1, 500:700] *= 0.2
    found = drawn(c, signal, sign=sign)["excerpts"]
    later = drawn(c, signal, sign=sign, start=7_000)["excerpts"]

    assert found["strongest"]["r"] > 0.98
    assert found["counter_example"]["r"] == pytest.approx(-1.0, abs=0.01)
    assert 1_000 - EXCERPT < found["counter_example"]["start"] < 1_200
    assert LENGTH + 500 - EXCERPT < found["weakest"]["start"] < LENGTH + 700
    assert 0 < sign * found["weakest"]["step"] < 0.6
    for name, excerpt in found.items():
        assert later[name] == excerpt | {"start": 7_000 + excerpt["start"]}, "a part of a longer text"
        assert excerpt["text"] == TEXT[excerpt["start"] :][:EXCERPT]
        assert excerpt["feature"] == signal.values[excerpt["start"] :][:EXCERPT].tolist()
        assert len(excerpt["tanh_c"]) == EXCERPT


def test_a_feature_at_rest_has_no_excerpt():
    feature = Feature("planted", "switch", {"set": [], "reset": []})

    assert drawn(np.ones((2, LENGTH)), Signal(feature, np.zeros(2 * LENGTH, np.uint8)))["excerpts"] == {}
