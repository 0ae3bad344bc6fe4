"""The features of a text that rivals know: for marks and for pairs of marks, whatever structure a text has.

A mark is a character that is no letter. Of each mark there is a toggle and a counter, of each pair of marks a
latch, and a depth of those pairs that may be brackets. So a rival is told what the inspection must find out:
which automata may drive a cell.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.features.feature import ANY_CHARACTER, CAP, Feature, Signal

# The commonest marks count, at most the first number of them, each with at least the second number of
# occurrences.
_MOST_MARKS, _LEAST_OCCURRENCES = 18, 40
# Two marks may be brackets if their numbers differ by at most this share.
_MOST_DIFFERENCE_OF_BRACKETS = 0.05
# A latch is on at least at this share of the positions, and at most at all the others.
_LEAST_SHARE_ON = 0.005

Streams = NDArray[np.uint32]


def mark_features(text: str, streams: int) -> Iterator[Signal]:
    """Yield the features of `text`, read in that number of stretches, with their values along the stretches.

    The values (streams * characters of a stretch,) describe the text up to and with each character; each
    stretch begins anew. The rest of the text is dropped.
    """
    length = len(text) // streams
    codes = np.frombuffer(text[: streams * length].encode("utf-32-le"), np.uint32).reshape(streams, length)
    counts = Counter(text[: streams * length])
    common = [mark for mark, count in counts.most_common() if count >= _LEAST_OCCURRENCES]
    marks = [mark for mark in common if not mark.isalpha()][:_MOST_MARKS]
    at = {mark: codes == ord(mark) for mark in marks}
    for mark, here in at.items():
        toggle = Feature(f"toggle {mark}", "switch", {"set": [mark], "reset": [mark]})
        yield _signal(toggle, here.cumsum(axis=1) % 2)
        counter = Feature(f"since {mark}", "counter", {"step": ANY_CHARACTER, "reset": [mark]})
        yield _signal(counter, np.arange(length) - _last(here).clip(0))
    for on, on_here in at.items():
        for off, off_here in at.items():
            if on != off:
                yield from _pair_features(on, off, on_here, off_here)


def _pair_features(
    on: str, off: str, on_here: NDArray[np.bool_], off_here: NDArray[np.bool_]
) -> Iterator[Signal]:
    """Yield the latch of two marks, and their depth where they may be brackets.

    on_here and off_here are (streams, characters): where the marks are.
    """
    is_on = _last(on_here) > _last(off_here)
    if _LEAST_SHARE_ON <= is_on.mean() <= 1 - _LEAST_SHARE_ON:
        yield _signal(Feature(f"from {on} to {off}", "switch", {"set": [on], "reset": [off]}), is_on)
    opened, closed = on_here.sum(), off_here.sum()
    if abs(opened - closed) <= _MOST_DIFFERENCE_OF_BRACKETS * opened:
        depth, reverse = _depth(on_here, off_here), _depth(off_here, on_here)
        # Of a pair of brackets, the opener is the one that leaves a depth of 0 more often.
        if depth.max() > 1 and (depth == 0).sum() > (reverse == 0).sum():
            yield _signal(Feature(f"depth {on}{off}", "depth", {"step": [on], "unstep": [off]}), depth)


def _depth(up: NDArray[np.bool_], down: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (streams, characters): how many `up` are not yet followed by a `down` of their own."""
    steps = (up.astype(np.int64) - down).cumsum(axis=1)
    return np.asarray(steps - np.minimum.accumulate(steps.clip(None, 0), axis=1))


def _last(here: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (streams, characters): the position of the last true value of `here` so far, -1 before it."""
    positions = np.where(here, np.arange(here.shape[1]), -1)
    return np.asarray(np.maximum.accumulate(positions, axis=1))


def _signal(feature: Feature, values: NDArray[np.generic]) -> Signal:
    """Return the signal of feature with values (streams, characters), flattened and at most CAP."""
    return Signal(feature, np.minimum(values.astype(np.int64), CAP).astype(np.uint8).ravel())
