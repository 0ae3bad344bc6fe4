"""A portrait is right for a cell whose every value is known."""

import numpy as np
import pytest

from charlstm.inspection.describing import portraits
from charlstm.inspection.describing.portraits import (
    CHARACTERS_AFTER,
    CHARACTERS_BEFORE,
    HISTOGRAM_BINS,
    WINDOW_CHARACTERS,
    events,
    levels,
    portrait,
)
from charlstm.inspection.features.feature import Feature, Signal

LENGTH = 2_000
TEXT = "".join(chr(97 + place % 26) for place in range(2 * LENGTH))
POSITIONS = np.arange(2 * LENGTH).reshape(2, LENGTH)


def switch() -> Signal:
    """Return the signal of a switch that is on in the second half of every 100 characters."""
    values = (np.arange(2 * LENGTH) % 100 >= 50).astype(np.uint8)
    return Signal(Feature("planted", "switch", {"set": ["y"], "reset": ["w"]}), values)


def portrait_of(c: np.ndarray, signal: Signal, *, sign: int = 1, start: int = 0) -> dict:
    """Return the portrait of a cell with states c (2, LENGTH) that follows signal along TEXT."""
    return portrait(c.astype(np.float32), signal, POSITIONS, TEXT, sign=sign, start=start)


def test_the_trace_is_the_mean_of_c_around_the_events():
    signal = switch()
    found = portrait_of(3.0 * signal.values[POSITIONS] - 1, signal)["trace"]

    assert found["first"] == -CHARACTERS_BEFORE
    assert found["events"]["set"]["mean"] == [-1.0] * CHARACTERS_BEFORE + [2.0] * (CHARACTERS_AFTER + 1)
    assert found["events"]["reset"]["mean"] == [2.0] * CHARACTERS_BEFORE + [-1.0] * (CHARACTERS_AFTER + 1)
    assert found["events"]["set"]["low"] == found["events"]["set"]["high"]
    # In each stretch all 20 rises, the last at 1950, and all 19 falls have 48 characters behind them.
    assert (found["events"]["set"]["count"], found["events"]["reset"]["count"]) == (40, 38)


def test_the_histogram_counts_every_position_under_the_level_of_the_feature():
    signal = switch()
    found = portrait_of(np.where(signal.values[POSITIONS] > 0, 5.0, -5.0), signal)["histogram"]

    assert found["off"] == [LENGTH] + [0] * (HISTOGRAM_BINS - 1)
    assert found["on"] == [0] * (HISTOGRAM_BINS - 1) + [LENGTH]


def test_a_counter_has_a_staircase_and_three_levels():
    values = (np.arange(2 * LENGTH) % 30).astype(np.uint8)
    feature = Feature("planted", "counter", {"step": ["*"], "reset": ["a"]})
    found = portrait_of(0.1 * values[POSITIONS], Signal(feature, values))

    assert found["staircase"]["mean"] == pytest.approx([0.1 * value for value in range(30)], abs=1e-3)
    assert sum(found["staircase"]["count"]) == 2 * LENGTH
    assert list(found["histogram"]) == ["0 to 9", "10 to 19", "20 and more"]
    assert list(found["trace"]["events"]) == ["reset"]


@pytest.mark.parametrize("sign", [1, -1])
def test_excerpts_show_where_the_cell_follows_best_least_and_by_the_smallest_step(sign: int):
    signal = switch()
    on = signal.values[POSITIONS].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.05, on.shape)
    c = sign * (on + noise)
    c[0, 1_000:1_200] = -sign * on[0, 1_000:1_200]
    c[1, 500:700] *= 0.2
    found = portrait_of(c, signal, sign=sign)["excerpts"]
    later = portrait_of(c, signal, sign=sign, start=7_000)["excerpts"]

    assert found["strongest"]["r"] > 0.98
    assert found["counter_example"]["r"] == pytest.approx(-1.0, abs=0.01)
    assert 1_000 - WINDOW_CHARACTERS < found["counter_example"]["start"] < 1_200
    assert LENGTH + 500 - WINDOW_CHARACTERS < found["weakest"]["start"] < LENGTH + 700
    assert 0 < sign * found["weakest"]["step"] < 0.6
    for name, excerpt in found.items():
        assert later[name] == excerpt | {"start": 7_000 + excerpt["start"]}, (
            "TEXT begins 7,000 characters into a longer text"
        )
        assert excerpt["text"] == TEXT[excerpt["start"] :][:WINDOW_CHARACTERS]
        assert excerpt["feature"] == signal.values[excerpt["start"] :][:WINDOW_CHARACTERS].tolist()
        assert len(excerpt["tanh_c"]) == WINDOW_CHARACTERS


def test_a_feature_that_never_moves_has_no_excerpt():
    feature = Feature("planted", "switch", {"set": [], "reset": []})

    assert (
        portrait_of(np.ones((2, LENGTH)), Signal(feature, np.zeros(2 * LENGTH, np.uint8)))["excerpts"] == {}
    )


def test_more_events_than_the_limit_are_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(portraits, "_MOST_EVENTS", 10)
    signal = switch()
    trace = portrait_of(signal.values[POSITIONS], signal)["trace"]["events"]
    assert (trace["set"]["count"], trace["reset"]["count"]) == (10, 10)
    assert trace["set"]["mean"] == [0.0] * CHARACTERS_BEFORE + [1.0] * (CHARACTERS_AFTER + 1)


def test_events_are_named_by_what_the_feature_does_there():
    values = np.array([[0, 1, 2, 2, 1, 0], [3, 3, 0, 1, 2, 3]], np.float32)
    rises = np.array([[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], bool)
    falls = np.array([[0, 0, 0, 0, 1, 1], [0, 0, 1, 0, 0, 0]], bool)
    for kind, names in (("switch", ("set", "reset")), ("depth", ("step", "unstep")), ("counter", ("reset",))):
        found = events(values, kind)
        assert tuple(found) == names
        assert (found[names[-1]] == falls).all()
        assert len(names) == 1 or (found[names[0]] == rises).all()


@pytest.mark.parametrize("kind", ["switch", "depth", "counter"])
def test_every_position_has_exactly_one_level(kind: str):
    values = np.random.default_rng(0).integers(0, 9, (2, 300)).astype(np.float32)
    assert (np.sum(list(levels(values, kind).values()), axis=0) == 1).all()


def test_a_depth_has_only_the_levels_that_occur():
    assert list(levels(np.array([[0, 2, 2]], np.float32), "depth")) == ["0", "2"]
