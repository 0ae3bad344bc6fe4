"""A finding's excerpt lies where its feature goes on and off; `test_findings_data.py` compares its values."""

import numpy as np
import pytest
from text_with_quotes import LINE, mixed_text, quoted

from charlstm.inspection.describing.followed_cells import EXCERPT_CHARACTERS, excerpt_place, is_high


def test_an_excerpt_lies_where_its_feature_goes_on_and_off_most_and_begins_with_a_line():
    text = mixed_text()
    signal, positions = quoted(text)
    place = excerpt_place(signal, positions, text)

    assert place is not None
    begin = int(positions[place.stretch, place.first])
    values = signal.values[begin : begin + place.length]
    assert place.length == EXCERPT_CHARACTERS
    assert text[begin - 1] == "\n"
    assert np.abs(np.diff(values.astype(int))).sum() >= 12
    assert 0.2 < values.mean() < 0.8


def test_a_text_without_changes_has_no_place_for_an_excerpt():
    signal, positions = quoted(LINE.format(0) * 100)

    assert excerpt_place(signal, positions, LINE.format(0) * 100) is None


@pytest.mark.parametrize("stretches", [1, 20])
def test_a_stretch_that_is_shorter_than_an_excerpt_is_taken_whole(stretches: int):
    text = mixed_text()[4_500:6_000]
    signal, positions = quoted(text, stretches)
    place = excerpt_place(signal, positions, text)

    assert place is not None
    assert place.length == min(EXCERPT_CHARACTERS, positions.shape[1])


def test_a_text_without_lines_has_an_excerpt_too():
    text = mixed_text().replace("\n", " ")
    signal, positions = quoted(text)
    place = excerpt_place(signal, positions, text)

    assert place is not None
    assert np.ptp(signal.values[positions][place.stretch, place.first : place.first + place.length]) == 1


def test_a_counter_is_high_above_its_median_and_a_depth_above_0():
    values = np.array([[0, 1, 2, 3, 4]], np.uint8)

    assert is_high(values, "counter").tolist() == [[False, False, False, True, True]]
    assert is_high(values, "depth").tolist() == [[False, True, True, True, True]]
