"""What a change of a cell is called, by what the cell does: "Close the bracket" or "Count on or back"."""

from collections.abc import Mapping
from typing import Any

_OPENING_BRACKETS = set("([{<")
# Parts of the names of features, in the order in which they are looked for, and what leaving each is called.
_LEAVING = {
    "comment": "End the comment",
    "quote": "Leave the quotes",
    "string": "Leave the string",
    "parenthes": "Close the bracket",
    "bracket": "Close the bracket",
    "brace": "Close the bracket",
    "guillemets": "Leave the quotes",
}


def flip_name(finding: Mapping[str, Any]) -> str:
    """Return what a reader does who changes the cell of a finding, as the words of a button."""
    kind, feature = finding["kind"], str(finding["feature"])
    if kind == "counter":
        return "Count on or back"
    if kind == "depth_counter":
        steps = set((finding.get("drivers") or {}).get("step") or [])
        return "Close the bracket" if not steps or steps & _OPENING_BRACKETS else "Count back"
    # The name of a proposed feature tells first what begins it: only that says what is left.
    beginning = feature.partition("_until_")[0]
    return next((words for part, words in _LEAVING.items() if part in beginning), "Switch it off")
