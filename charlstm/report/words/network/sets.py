"""A behaviour in a sentence: which set of cells is its mechanism, what it keeps alone and what is left."""

from collections.abc import Mapping, Sequence
from typing import Any

from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.phrases import Phrase, Sentence
from charlstm.report.words.proof_numbers import Estimate, estimate_of, percent
from charlstm.report.words.sentences import closers
from charlstm.report.words.symbols import visible
from charlstm.report.words.values import finite

# A longer list of cells is cut.
_MOST_NAMED = 12


def mechanism(behaviour: Mapping[str, Any]) -> Sentence:
    """Return which cells are the mechanism of a behaviour, or that no small set of them is."""
    about = _about(behaviour)
    found = behaviour.get("smallest_set") or {}
    cells = found.get("cells") or []
    if not cells:
        said = behaviour.get("sentence") or "No small set of cells is the mechanism."
        return (*about, Phrase(f": {visible(str(said))}"))
    subject = "this cell is" if len(cells) == 1 else f"these {len(cells):,} cells are"
    it = "it keeps" if len(cells) == 1 else "they keep"
    kept, left = _share(found.get("share")), _share(found.get("without"))
    alone = f": alone {it} {kept} of what the network knows" if kept else ""
    without = f", without {'it' if len(cells) == 1 else 'them'} {left} is left" if left else ""
    return (*about, Phrase(f": {subject} the mechanism{alone}{without}. {_named(cells)}{_stable(found)}"))


def _about(behaviour: Mapping[str, Any]) -> Sentence:
    """Return what a behaviour is: a choice between characters, or the character that ends a feature."""
    contrast, target = behaviour.get("contrast"), behaviour.get("target") or ""
    if contrast:
        return (Phrase(f"The choice of {visible(str(contrast))}"),)
    noun: Sentence = feature_noun(behaviour["feature"], counted=False).noun
    return (Phrase("The closing "), *closers(target), Phrase(" of "), *noun) if target else noun


def _share(value: Any) -> str:
    """Return a share, with its interval where it has one; "" where it is missing."""
    known = share_of(value)
    if isinstance(known, Estimate):
        return known.percent
    return "" if known is None else percent(known)


def share_of(value: Any) -> Estimate | float | None:
    """Return a value of the findings that is one number, or an estimate with its interval."""
    if isinstance(value, Mapping):
        return estimate_of(value) or finite(value.get("value"))
    return finite(value)


def _named(cells: Sequence[str]) -> str:
    """Return the names of the first cells of a set."""
    named, others = ", ".join(cells[:_MOST_NAMED]), len(cells) - _MOST_NAMED
    return f"Set: {named}" + (f" and {others:,} others." if others > 0 else ".")


def _stable(found: Mapping[str, Any]) -> str:
    """Return which share of their cells the sets of two halves of the text have in common."""
    shared = _share(found.get("jaccard"))
    return f" The sets of two halves of the text share {shared} of their cells." if shared else ""
