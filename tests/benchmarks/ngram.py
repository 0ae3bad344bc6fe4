"""Measure how well a text is predicted without a network, by a Kneser-Ney n-gram model.

    python tests/benchmarks/ngram.py stdlib --split 90/5/5
    python tests/benchmarks/ngram.py war_and_peace.txt --level bytes --split 80/10/10 --order 20

The model is modified Kneser-Ney with three discounts per order (Chen and Goodman 1999), interpolated down to
a uniform distribution. One pass gives all orders from 1 to --order. The order with the lowest loss on the
validation part is printed at the end, with its loss on the test part.
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
Ids = NDArray[np.int64]


class _Grams(NamedTuple):
    """The distinct n-grams of a text, sorted by hash, each with its count and the hash of its context.

    The context is the n-gram without its last character. All arrays are (distinct n-grams,).
    """

    hashes: Hashes
    counts: NDArray[np.int64]
    contexts: Hashes


def probabilities(
    train: Ids, texts: list[Ids], *, symbols: int, order: int
) -> Iterator[tuple[int, list[Floats]]]:
    """Yield n, from 1 to order, and the probability of each character of each text under an n-gram model.

    train and each text hold ids (characters,) below symbols, the size of the vocabulary; the probabilities
    are (characters,) float64. A character near the beginning of its text has fewer than n - 1 before it; the
    model then uses those that there are.
    """
    lower = [np.full(len(text), 1 / symbols) for text in texts]
    draws = np.random.default_rng(0).integers(1, 2**63, symbols).astype(np.uint64)
    codes = draws * np.uint64(2) + np.uint64(1)
    hashes = [_short_hashes(train, codes, n) for n in (0, 1)]
    text_hashes = [[_short_hashes(text, codes, n) for n in (0, 1)] for text in texts]
    for n in range(1, order + 1):
        longer = _longer(hashes[1], train, codes, n)
        plain = _grams(hashes[1], hashes[0])
        _, once = np.unique(longer, return_index=True)
        # Below the highest order, an n-gram counts by how many different characters precede it in the text.
        continued = _grams(hashes[1][once + 1], hashes[0][once + 1])
        text_longer = [
            _longer(pair[1], text, codes, n) for pair, text in zip(text_hashes, texts, strict=True)
        ]
        yield n, [_interpolated(plain, *pair, low, n) for pair, low in zip(text_hashes, lower, strict=True)]
        lower = [
            _interpolated(continued, *pair, low, n) for pair, low in zip(text_hashes, lower, strict=True)
        ]
        hashes = [hashes[1], longer]
        text_hashes = [[pair[1], more] for pair, more in zip(text_hashes, text_longer, strict=True)]


def _short_hashes(text: Ids, codes: Hashes, n: int) -> Hashes:
    """Return the hash of the n characters that begin at each position of text, for n = 0 or 1."""
    return codes[text] if n else np.zeros(len(text) + 1, np.uint64)


def _longer(hashes: Hashes, text: Ids, codes: Hashes, n: int) -> Hashes:
    """Return the hash of n + 1 characters at each position of text, given the hashes of n characters."""
    mixed = hashes[:-1] * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return (mixed + codes[text[n:]]) * np.uint64(0xBF58476D1CE4E5B9)


def _grams(hashes: Hashes, contexts: Hashes) -> _Grams:
    """Count equal hashes, given the hash of each n-gram in a text and the hash of its context."""
    distinct, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    return _Grams(distinct, counts, contexts[first])


def _interpolated(grams: _Grams, contexts: Hashes, hashes: Hashes, lower: Floats, n: int) -> Floats:
    """Return the probability of each character of a text, (characters,), under discounted n-grams.

    contexts and hashes are those of the text's own n-grams. What the discounts free is shared out in
    proportion to lower, the probabilities (characters,) of the next lower order.
    """
    discounts = _discounts(grams.counts)
    kinds = np.minimum(grams.counts, 3)
    known_contexts, context_of_gram = np.unique(grams.contexts, return_inverse=True)
    totals = np.bincount(context_of_gram, grams.counts)
    freed = np.bincount(context_of_gram, discounts[kinds])

    result = lower.copy()
    context, context_is_known = _look_up(known_contexts, contexts[: len(hashes)])
    gram, gram_is_known = _look_up(grams.hashes, hashes)
    share = np.where(gram_is_known, grams.counts[gram] - discounts[kinds[gram]], 0.0)
    below = lower[n - 1 :]
    result[n - 1 :] = np.where(context_is_known, (share + freed[context] * below) / totals[context], below)
    return result


def _look_up(table: Hashes, wanted: Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the index of each wanted hash in a sorted table, and whether the table has that hash."""
    index = np.searchsorted(table, wanted).clip(0, len(table) - 1)
    return index, table[index] == wanted


def _discounts(counts: NDArray[np.int64]) -> Floats:
    """Return the discounts of n-grams that count 0, 1, 2, and 3 or more, as a (4,) array.

    They are those of Chen and Goodman (1999), or 0.5 where the text is too short for their formula.
    """
    grams_by_count = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    if not grams_by_count[1:5].all():
        return np.array([0, 0.5, 0.5, 0.5])
    y = grams_by_count[1] / (grams_by_count[1] + 2 * grams_by_count[2])
    return np.array(
        [0, *(k - (k + 1) * y * grams_by_count[k + 1] / grams_by_count[k] for k in (1, 2, 3))]
    ).clip(0)


def measured(corpus: str, *, level: str, split: str, order: int) -> Iterator[dict[str, float]]:
    """Yield for each order the losses on the validation and test part, in nats per character.

    The first character of each part counts too.
    """
    text = load_corpus(corpus, level=level)
    bounds = split_bounds(len(text.tokens), split)
    train, *texts = (
        np.asarray(text.tokens[slice(*bounds[part])], np.int64) for part in ("train", "validation", "test")
    )
    texts = [part for part in texts if len(part)]
    for n, by_text in probabilities(train, texts, symbols=len(text.vocabulary), order=order):
        nats = [float(-np.log(probability).mean()) for probability in by_text]
        yield {"order": n, **dict(zip(("validation", "test"), nats, strict=False))}


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", metavar="CORPUS", help="a corpus, as `charlstm train` names one")
    parser.add_argument("--level", default="characters", choices=("characters", "bytes"))
    parser.add_argument("--split", default="90/5/5", help="train/validation/test in percent [%(default)s]")
    parser.add_argument(
        "--order", type=int, default=20, metavar="N", help="the longest n-grams [%(default)s]"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args()


def main() -> None:
    """Print the losses of every order, and at the end those of the order that predicts validation best."""
    options = read_options()
    started, rows = time.monotonic(), []
    for row in measured(options.corpus, level=options.level, split=options.split, order=options.order):
        rows.append(row)
        if not options.json:
            print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
    best = min(rows, key=lambda row: row["validation"])
    if options.json:
        print(json.dumps({"best": best, "rows": rows}, indent=1))
    else:
        parts = [part for part in ("validation", "test") if part in best]
        nats = ", ".join(f"{best[part]:.4f} nats per character on {part}" for part in parts)
        print(f"best by validation: order {best['order']}, {nats}; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
