"""The features of marks follow the rules of their drivers, character by character."""

import numpy as np
import pytest

from charlstm.inspection.exam.rivals.mark_features import mark_features

TEXT = "a(b(c)d)e|f|g(h)|i|" * 50


def signals(text: str = TEXT, streams: int = 1) -> dict[str, np.ndarray]:
    return {signal.feature.name: signal.values for signal in mark_features(text, streams)}


def test_each_signal_follows_its_drivers() -> None:
    found = signals()
    flipped, since, latched, depth = False, 0, False, 0
    for position, character in enumerate(TEXT):
        flipped ^= character == "|"
        since = 0 if character == "|" or position == 0 else since + 1
        latched = character == "(" or (latched and character != "|")
        depth += (character == "(") - (character == ")")
        got = [found[name][position] for name in ("toggle |", "since |", "from ( to |", "depth ()")]
        assert got == [flipped, since, latched, depth], position


def test_every_stretch_begins_anew() -> None:
    whole, parts = signals(), signals(streams=2)
    half = len(TEXT) // 2
    for name in ("toggle |", "from ( to |", "depth ()"):
        alone = signals(TEXT[half:])[name]
        assert parts[name][half:].tolist() == alone.tolist()
        assert parts[name][:half].tolist() == whole[name][:half].tolist()


def test_letters_and_rare_marks_have_no_feature() -> None:
    found = signals(TEXT + "!")
    assert not any("a" in name.split()[1:] or "!" in name for name in found)


def test_only_marks_that_come_equally_often_are_brackets() -> None:
    found = signals()
    assert [name for name in found if name.startswith("depth")] == ["depth ()"]
    assert not any(name.startswith("depth") and "|" in name for name in found)


@pytest.mark.parametrize("name", ["toggle |", "since |", "from ( to |", "depth ()"])
def test_values_are_small_whole_numbers(name: str) -> None:
    assert signals()[name].dtype == np.uint8
