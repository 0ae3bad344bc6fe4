"""Hold what one file of weights has in it, whatever wrote the file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.config import GateActivation


class NotReadError(Exception):
    """A file cannot be read although its kind is known; problem is the predicate of a sentence about it."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem, advice)
        self.problem = problem
        self.advice = advice


@dataclass(frozen=True, eq=False)
class Contents:
    """A Contents holds the tree of a file, and what the file itself says about its tensors.

    framework is "Keras" or "ONNX" where the kind of file fixes the layout of the tensors, gate_activation
    what the gates of its LSTM layers apply; each is None where the file does not say it.
    """

    tree: Any
    framework: str | None = None
    gate_activation: GateActivation | None = None


def with_metadata(tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return tensors by name, and a file's metadata as one dict under a name that no tensor has.

    A text of the metadata that is JSON becomes the value that it spells.
    """
    key = "metadata"
    while key in tensors:
        key += "'"
    return {**tensors, key: {name: _json_or_text(value) for name, value in metadata.items()}}


def _json_or_text(text: str) -> Any:
    """Return the JSON value that text spells, or text itself when it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
