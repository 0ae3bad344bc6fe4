"""What a text gives away without a network: an interpolated Kneser-Ney model of its last characters.

    python tests/benchmarks/ngram.py stdlib --split 90/5/5
    python tests/benchmarks/ngram.py war_and_peace.txt --level bytes --split 80/10/10 --order 20

Modified Kneser-Ney with three discounts per order (Chen and Goodman 1999), interpolated down to a uniform
guess. All orders come out of one pass; the one that predicts validation best is told on the test part.
"""

import argparse
import json
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charlstm.text.corpus import load_corpus, split_bounds

Floats = NDArray[np.float64]
Hashes = NDArray[np.uint64]


class _Grams(NamedTuple):
    """Distinct n-grams, sorted by hash: how often each counts and the hash of its first n-1 characters."""

    hashes: Hashes
    counts: NDArray[np.int64]
    contexts: Hashes


def probabilities(
    train: NDArray[np.int64], texts: list[NDArray[np.int64]], *, symbols: int, order: int
) -> Iterator[tuple[int, list[Floats]]]:
    """Yield, for n = 1 to order, the probabilities of every character of each text under an n-gram model.

    A text's first characters have only what stands before them in it. symbols is the vocabulary's size.
    """
    lower = [np.full(len(text), 1 / symbols) for text in texts]
    codes = np.random.default_rng(0).integers(1, 2**63, symbols).astype(np.uint64) * np.uint64(2) + np.uint64(
        1
    )
    hashes = [_hashes(train, codes, n) for n in (0, 1)]
    seen = [[_hashes(text, codes, n) for n in (0, 1)] for text in texts]
    for n in range(1, order + 1):
        longer = _longer(hashes[1], train, codes, n)
        plain = _grams(hashes[1], hashes[0])
        _, once = np.unique(longer, return_index=True)
        # How many different characters stand before it is what an n-gram counts below the highest order.
        continued = _grams(hashes[1][once + 1], hashes[0][once + 1])
        longer_seen = [_longer(pair[1], text, codes, n) for pair, text in zip(seen, texts, strict=True)]
        yield n, [_interpolated(plain, *pair, low, n) for pair, low in zip(seen, lower, strict=True)]
        lower = [_interpolated(continued, *pair, low, n) for pair, low in zip(seen, lower, strict=True)]
        hashes = [hashes[1], longer]
        seen = [[pair[1], more] for pair, more in zip(seen, longer_seen, strict=True)]


def _hashes(text: NDArray[np.int64], codes: Hashes, n: int) -> Hashes:
    """The hash of the n characters that begin at each place, n 0 or 1."""
    return codes[text] if n else np.zeros(len(text) + 1, np.uint64)


def _longer(hashes: Hashes, text: NDArray[np.int64], codes: Hashes, n: int) -> Hashes:
    """From the hashes of n characters at each place to those of n + 1."""
    mixed = hashes[:-1] * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return (mixed + codes[text[n:]]) * np.uint64(0xBF58476D1CE4E5B9)


def _grams(hashes: Hashes, contexts: Hashes) -> _Grams:
    distinct, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    return _Grams(distinct, counts, contexts[first])


def _interpolated(grams: _Grams, contexts: Hashes, hashes: Hashes, lower: Floats, n: int) -> Floats:
    """Probabilities of a text's characters: n-grams discounted, the rest dealt out as lower has it."""
    discounts = _discounts(grams.counts)
    kinds = np.minimum(grams.counts, 3)
    known, place = np.unique(grams.contexts, return_inverse=True)
    totals = np.bincount(place, grams.counts)
    freed = np.bincount(place, discounts[kinds])

    result = lower.copy()
    here = contexts[: len(hashes)]
    at, found = _look_up(known, here)
    gram, whole = _look_up(grams.hashes, hashes)
    share = np.where(whole, grams.counts[gram] - discounts[kinds[gram]], 0.0)
    below = lower[n - 1 :]
    result[n - 1 :] = np.where(found, (share + freed[at] * below) / totals[at], below)
    return result


def _look_up(table: Hashes, wanted: Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    at = np.searchsorted(table, wanted).clip(0, len(table) - 1)
    return at, table[at] == wanted


def _discounts(counts: NDArray[np.int64]) -> Floats:
    """What is taken from an n-gram that counts 0, 1, 2, and 3 or more."""
    of = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    if not of[1:5].all():
        return np.array([0, 0.5, 0.5, 0.5])
    left = of[1] / (of[1] + 2 * of[2])
    return np.array([0, *(k - (k + 1) * left * of[k + 1] / of[k] for k in (1, 2, 3))]).clip(0)


def measured(corpus: str, *, level: str, split: str, order: int) -> Iterator[dict[str, float]]:
    """Nats per character of validation and test by order, each part's first character among them."""
    text = load_corpus(corpus, level=level)
    bounds = split_bounds(len(text.tokens), split)
    train, *texts = (
        np.asarray(text.tokens[slice(*bounds[part])], np.int64) for part in ("train", "validation", "test")
    )
    texts = [part for part in texts if len(part)]
    for n, found in probabilities(train, texts, symbols=len(text.vocabulary), order=order):
        nats = [float(-np.log(part).mean()) for part in found]
        yield {"order": n, **dict(zip(("validation", "test"), nats, strict=False))}


def main() -> None:
    """Print a row per order, and the one that validation chooses."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus")
    parser.add_argument("--level", default="characters", choices=("characters", "bytes"))
    parser.add_argument("--split", default="90/5/5")
    parser.add_argument("--order", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()

    started, rows = time.monotonic(), []
    for row in measured(told.corpus, level=told.level, split=told.split, order=told.order):
        rows.append(row)
        if not told.json:
            print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
    best = min(rows, key=lambda row: row["validation"])
    if told.json:
        print(json.dumps({"best": best, "rows": rows}, indent=1))
    else:
        nats = ", ".join(
            f"{best[part]:.4f} nats on {part}" for part in ("validation", "test") if part in best
        )
        print(f"best by validation: order {best['order']}, {nats}; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
