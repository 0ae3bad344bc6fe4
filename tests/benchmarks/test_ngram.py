"""The n-gram model against counting by hand."""

from collections import Counter
from itertools import pairwise

import ngram
import numpy as np
import pytest


def told(train: str, text: str, order: int, symbols: str = "abcd") -> list[np.ndarray]:
    ids = [np.array([symbols.index(letter) for letter in part]) for part in (train, text)]
    found = ngram.probabilities(ids[0], [ids[1]], symbols=len(symbols), order=order)
    return [parts[0] for _, parts in found]


def text_of(length: int, seed: int) -> str:
    draws = np.random.default_rng(seed).integers(0, 4, length).cumsum() // 2 % 4
    return "".join("abcd"[draw] for draw in draws)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_every_context_deals_out_a_probability_of_1(order):
    train = text_of(400, 0)
    for context in ("abca", "dddd", "bdac"):
        sums = sum(told(train, context + letter, order)[-1][-1] for letter in "abcd")
        assert sums == pytest.approx(1, abs=1e-9)


def test_bigrams_by_hand():
    train, discount = "abacabad", 0.5  # too short for discounts of its own
    before = {letter: len({a for a, b in pairwise(train) if b == letter}) for letter in "abcd"}
    kinds = sum(before.values())
    unigram = {w: (max(n - discount, 0) + discount * 4 / 4) / kinds for w, n in before.items()}
    pairs = Counter(pairwise(train))
    total, distinct = sum(n for (a, _), n in pairs.items() if a == "a"), 3

    expected = (pairs["a", "b"] - discount + discount * distinct * unigram["b"]) / total

    assert told(train, "ab", 2)[1][1] == pytest.approx(expected)


def test_longer_contexts_predict_what_repeats():
    train = "abcdbacdcabd" * 40
    nats = [-np.log(one[20:]).mean() for one in told(train, train[:200], 6)]
    assert nats[0] > nats[1] > nats[3]
    assert nats[5] < 0.02
