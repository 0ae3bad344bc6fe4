"""The n-gram model agrees with counts by hand, and its probabilities sum to 1."""

from collections import Counter
from itertools import pairwise

import ngram
import numpy as np
import pytest


def probabilities(train: str, text: str, order: int, symbols: str = "abcd") -> list[np.ndarray]:
    """Return, for n = 1 to order, the probability of each character of text after training on train."""
    train_ids, text_ids = (np.array([symbols.index(letter) for letter in part]) for part in (train, text))
    by_order = ngram.probabilities(train_ids, [text_ids], symbols=len(symbols), order=order)
    return [of_texts[0] for _, of_texts in by_order]


def random_text(length: int, seed: int) -> str:
    draws = np.random.default_rng(seed).integers(0, 4, length).cumsum() // 2 % 4
    return "".join("abcd"[draw] for draw in draws)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_probabilities_after_any_context_sum_to_1(order):
    train = random_text(400, 0)
    for context in ("abca", "dddd", "bdac"):
        total = sum(probabilities(train, context + letter, order)[-1][-1] for letter in "abcd")
        assert total == pytest.approx(1, abs=1e-9)


def test_a_bigram_has_the_probability_that_counting_by_hand_gives():
    train, discount = "abacabad", 0.5  # the discount of texts that are too short to estimate one
    letters_before = {letter: len({a for a, b in pairwise(train) if b == letter}) for letter in "abcd"}
    different_pairs = sum(letters_before.values())
    # Each of the 4 letters frees one discount, and a uniform distribution shares them out to the 4 letters.
    unigram = {
        w: (max(n - discount, 0) + discount * 4 / 4) / different_pairs for w, n in letters_before.items()
    }
    pairs = Counter(pairwise(train))
    total, distinct = sum(n for (a, _), n in pairs.items() if a == "a"), 3

    expected = (pairs["a", "b"] - discount + discount * distinct * unigram["b"]) / total

    assert probabilities(train, "ab", 2)[1][1] == pytest.approx(expected)


def test_longer_contexts_predict_a_repeating_text_better():
    train = "abcdbacdcabd" * 40
    nats = [-np.log(of_text[20:]).mean() for of_text in probabilities(train, train[:200], 6)]
    assert nats[0] > nats[1] > nats[3]
    assert nats[5] < 0.02
