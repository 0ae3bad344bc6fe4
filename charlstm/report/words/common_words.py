"""A finding -> the common words by which a reader may look for it, beside those that the page shows."""

from collections.abc import Iterable, Mapping
from typing import Any

from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.phrases import sentence_text

_OF_KINDS = {
    "toggle": "switch",
    "latch": "switch",
    "graded": "switch by degrees",
    "counter": "count position",
    "depth_counter": "depth counter nesting level",
}
_OF_CHARACTERS = {
    "()": "bracket parenthesis round",
    "[]": "bracket square",
    "{}": "bracket brace curly",
    "<>": "bracket angle",
    "\"'`“”‘’«»": "quote quotation string",
    "'’": "apostrophe single",
    '"': "double",
    "\n": "newline line break end",
    " ": "space blank white",
    "\t": "tab indentation",
    "#": "comment hash number sign",
    ",": "comma punctuation",
    ".": "period full stop punctuation",
}
_OF_FEATURES = {
    "quote": "quotation string",
    "string": "quote quotation",
    "comment": "hash",
    "nesting": "bracket parenthesis brace",
    "column": "position line length",
    "indentation": "space tab margin",
}
# The roles of drivers that begin what a cell follows; those that end it may close other things as well.
_BEGINNING_ROLES = ("set", "step", "unstep")


def common_words(finding: Mapping[str, Any]) -> str:
    """Return the common words for the kind, the feature and the drivers of a finding, separated by spaces."""
    feature, kind = str(finding["feature"]), str(finding["kind"])
    noun = sentence_text(feature_noun(feature, counted=kind.endswith("counter")).noun)
    return " ".join(dict.fromkeys(f"{noun} {' '.join(_added(finding, feature, kind))}".split()))


def _added(finding: Mapping[str, Any], feature: str, kind: str) -> Iterable[str]:
    """Yield the words that neither the kind, the feature nor the drivers have themselves."""
    yield _OF_KINDS.get(kind, "")
    yield from (words for part, words in _OF_FEATURES.items() if part in feature)
    drivers = finding.get("drivers") or {}
    driving = {
        character for role in _BEGINNING_ROLES for driver in drivers.get(role) or [] for character in driver
    }
    yield from (words for characters, words in _OF_CHARACTERS.items() if driving & set(characters))
