"""Contexts: which n-gram ends at each counted position of a text that is read in chunks."""

from collections import Counter

import numpy as np
import pytest
from chunked_text import text_in_chunks
from hypothesis import given
from hypothesis import strategies as st
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.reading import contexts
from charlstm.inspection.reading.contexts import choose_contexts, count_occurrences, ngrams
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.reading.trace import Cut


def test_an_ngram_is_a_number_whose_digits_are_its_characters() -> None:
    ids = ids_of(written(700, seed=1))
    cut = Cut(700, 2)
    base = len(SYMBOLS)
    for length in (1, 2, 3):
        numbers = ngrams(ids, cut, length, base)
        for position, number in zip(cut.counted.tolist(), numbers.tolist(), strict=True):
            digits = [number // base**power % base for power in range(length - 1, -1, -1)]
            assert digits == ids[position - length + 1 : position + 1].tolist()
            assert number < base**length


@given(arrays=st.lists(st.lists(st.integers(0, 9), max_size=20), max_size=5))
def test_occurrences_in_several_arrays_are_those_in_all_together(arrays: list[list[int]]) -> None:
    numbers, counts = count_occurrences(np.array(array, np.int64) for array in arrays)
    expected = Counter(number for array in arrays for number in array)
    assert dict(zip(numbers.tolist(), counts.tolist(), strict=True)) == expected
    assert numbers.tolist() == sorted(expected)


def test_contexts_of_a_split_number_the_ngrams_of_all_its_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    text, inspected = text_in_chunks(monkeypatch)
    split = inspected.splits["discover"]
    length = split.contexts.length
    ngrams_of: dict[int, set[str]] = {}
    for chunk in split:
        numbers = split.contexts.of(chunk.ids, chunk.cut)
        assert numbers.max() < len(split.contexts)
        for number, position in zip(numbers.tolist(), (chunk.start + chunk.counted).tolist(), strict=True):
            ngrams_of.setdefault(number, set()).add(text[position - length + 1 : position + 1])
    assert all(len(texts) == 1 for texts in ngrams_of.values()), "one number is one n-gram"
    assert len(set.union(*ngrams_of.values())) == len(ngrams_of) == len(split.contexts.numbers)


def test_a_rare_ngram_is_replaced_by_its_last_character(monkeypatch: pytest.MonkeyPatch) -> None:
    _, inspected = text_in_chunks(monkeypatch)
    discover = inspected.splits["discover"]
    all_contexts = Split(discover.ids, SYMBOLS, discover.start, 4).contexts
    monkeypatch.setattr(contexts, "_MOST_NGRAMS", 100)
    split = Split(discover.ids, SYMBOLS, discover.start, 4)
    assert len(split.contexts) == 100 + len(SYMBOLS) < len(all_contexts)
    assert set(split.contexts.numbers) < set(all_contexts.numbers)
    chunk = split.first
    numbers, last_characters = split.contexts.of(chunk.ids, chunk.cut).numpy(), chunk.characters.numpy()
    rare = numbers >= 100
    assert 0.05 < rare.mean() < 0.95
    np.testing.assert_array_equal(numbers[rare] - 100, last_characters[rare])
    assert all(len(set(last_characters[numbers == number])) == 1 for number in range(100))


def test_the_longest_ngrams_that_occur_often_enough_are_chosen() -> None:
    text = {1: [0, 1] * 50, 2: [*range(10)] * 10, 3: [*range(50)] * 2}

    def read(length: int):
        yield np.array(text[length])

    assert choose_contexts(read, rows=250, vocabulary=2).length == 3
    assert choose_contexts(read, rows=100, vocabulary=2).length == 2
    assert choose_contexts(read, rows=10, vocabulary=2).length == 1
