"""Find the sites and donors of contrasts in a passage.

A site lies VERDICT_LAG characters before the target, as that of any behaviour, and its conditions hold from
there on up to what stands before the target. A donor has the same current character, and the conditions of
the rival.
"""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.circuits.contrasts import CONTRASTS, Conditions, Contrast
from charlstm.inspection.features.feature import Signal
from charlstm.inspection.features.listed_features import Traits, features
from charlstm.inspection.intervening.behaviours import (
    LEAST_SITES,
    VERDICT_LAG,
    Behaviour,
    Matching,
    target_name,
)
from charlstm.inspection.reading.passage import Passage

# At most this many contrasts are studied, the first of the table.
_MOST_CONTRASTS = 10


def contrasts_of(passage: Passage) -> dict[str, Behaviour]:
    """Return the contrasts that have enough sites in a passage, by their names; none where it is no code."""
    traits = Traits.of(passage.text, ())
    if traits.code is None:
        return {}
    of_brackets_and_lines = Traits((), (), traits.code)
    signals = {
        signal.feature.name: signal for signal in features(passage.text, of_brackets_and_lines, starts=[0])
    }
    found = {contrast.name: _behaviour(contrast, passage, signals) for contrast in CONTRASTS}
    usable = [(name, behaviour) for name, behaviour in found.items() if behaviour is not None]
    return dict(usable[:_MOST_CONTRASTS])


def _behaviour(contrast: Contrast, passage: Passage, signals: Mapping[str, Signal]) -> Behaviour | None:
    """Return the behaviour that a contrast is, None where the passage has too few sites or no such rival."""
    if contrast.rival is not None and contrast.rival not in passage.symbols:
        return None
    signal = signals[contrast.site[0].feature]
    matching = Matching(passage, signal.values.astype(np.int16))
    at_donor = _holding(contrast.donor, signals)
    donors = matching.counted[at_donor[matching.counted]]
    sites = matching.matched(_positions(contrast, passage, signals, matching.counted), donors)
    if len(sites) < LEAST_SITES:
        return None
    marks = [symbol for symbol in passage.symbols if re.fullmatch(contrast.target, symbol)]
    nowhere = sites.thinned(0)
    return Behaviour(
        signal.feature,
        target_name(sorted(marks), passage.symbols),
        np.isin(list(passage.symbols), marks),
        {VERDICT_LAG: sites},
        nowhere,
        nowhere,
        at_donor,
        contrast.rival,
    )


def _positions(
    contrast: Contrast, passage: Passage, signals: Mapping[str, Signal], counted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return (n,) int64, rising: the positions before targets where the conditions of a site hold."""
    found = [
        (match.start(2), len(match[1]))
        for match in re.finditer(f"(?=({contrast.before})({contrast.target}))", passage.text)
    ]
    targets, before = np.array(found, np.int64).reshape(-1, 2).T
    positions = targets - 1 - VERDICT_LAG
    inside = np.isin(positions, counted)
    positions, lasts = positions[inside], (targets - 1 - before)[inside]
    failures = np.concatenate(([0], np.cumsum(~_holding(contrast.site, signals))))
    ends = np.maximum(lasts, positions) + 1
    return np.asarray(positions[failures[ends] == failures[positions]])


def _holding(conditions: Conditions, signals: Mapping[str, Signal]) -> NDArray[np.bool_]:
    """Return (characters,) bool: where all conditions hold; at the ends of the text it says nothing."""
    holding = [
        np.roll((values >= least) & (values <= most), -at)
        for feature, least, most, at in conditions
        for values in [signals[feature].values]
    ]
    return np.asarray(np.logical_and.reduce(holding))
