"""Hold what one file of weights has in it, whatever wrote the file."""

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
