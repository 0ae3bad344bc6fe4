"""A portrait of a cell whose every value is known."""

import numpy as np
import pytest

from charlstm.inspection.features import Feature
from charlstm.inspection.portraits import AFTER, BEFORE, BINS, EXCERPT, portrait

LENGTH = 2_000
TEXT = "".join(chr(97 + place % 26) for place in range(2 * LENGTH))
POSITIONS = np.arange(2 * LENGTH).reshape(2, LENGTH)


def switch() -> Feature:
    """On in the second half of every 100 characters."""
    values = (np.arange(2 * LENGTH) % 100 >= 50).astype(np.float32)
    return Feature("planted", "switch", {"set": ["y"], "reset": ["w"]}, values)


def drawn(c: np.ndarray, feature: Feature, *, sign: int = 1) -> dict:
    return portrait(c.astype(np.float32), feature, POSITIONS, TEXT, sign=sign)


def test_trace_stands_around_the_event():
    feature = switch()
    found = drawn(3 * feature.values[POSITIONS] - 1, feature)["trace"]

    assert found["first"] == -BEFORE
    assert found["events"]["set"]["mean"] == [-1.0] * BEFORE + [2.0] * (AFTER + 1)
    assert found["events"]["reset"]["mean"] == [2.0] * BEFORE + [-1.0] * (AFTER + 1)
    assert found["events"]["set"]["low"] == found["events"]["set"]["high"]
    # In each stretch the last rise, at 1950, has its 48 characters: all 20 count, and 19 falls.
    assert (found["events"]["set"]["count"], found["events"]["reset"]["count"]) == (40, 38)


def test_histogram_counts_every_position_at_its_level():
    feature = switch()
    found = drawn(np.where(feature.values[POSITIONS] > 0, 5.0, -5.0), feature)["histogram"]

    assert found["off"] == [LENGTH] + [0] * (BINS - 1)
    assert found["on"] == [0] * (BINS - 1) + [LENGTH]


def test_counter_has_its_staircase_and_three_levels():
    values = (np.arange(2 * LENGTH) % 30).astype(np.float32)
    feature = Feature("planted", "counter", {"step": ["*"], "reset": ["a"]}, values)
    found = drawn(0.1 * values[POSITIONS], feature)

    assert found["staircase"]["mean"] == pytest.approx([0.1 * value for value in range(30)], abs=1e-3)
    assert sum(found["staircase"]["count"]) == 2 * LENGTH
    assert list(found["histogram"]) == ["0 to 9", "10 to 19", "20 and more"]
    assert list(found["trace"]["events"]) == ["reset"]


@pytest.mark.parametrize("sign", [1, -1])
def test_excerpts_are_where_the_cell_follows_and_where_it_does_not(sign: int):
    feature = switch()
    on = feature.values[POSITIONS]
    noise = np.random.default_rng(0).normal(0, 0.05, on.shape)
    c = sign * (on + noise)
    c[0, 1_000:1_200] = -sign * on[0, 1_000:1_200]
    c[1, 500:700] *= 0.2
    found = drawn(c, feature, sign=sign)["excerpts"]

    assert found["strongest"]["r"] > 0.98
    assert found["counter_example"]["r"] == pytest.approx(-1.0, abs=0.01)
    assert 1_000 - EXCERPT < found["counter_example"]["start"] < 1_200
    assert LENGTH + 500 - EXCERPT < found["weakest"]["start"] < LENGTH + 700
    assert 0 < sign * found["weakest"]["step"] < 0.6
    for excerpt in found.values():
        assert excerpt["text"] == TEXT[excerpt["start"] :][:EXCERPT]
        assert excerpt["feature"] == feature.values[excerpt["start"] :][:EXCERPT].tolist()
        assert len(excerpt["tanh_c"]) == EXCERPT


def test_a_feature_at_rest_has_no_excerpt():
    feature = Feature("planted", "switch", {"set": [], "reset": []}, np.zeros(2 * LENGTH, np.float32))

    assert drawn(np.ones((2, LENGTH)), feature)["excerpts"] == {}
