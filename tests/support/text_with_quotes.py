"""A text that quotes in one part alone, and its feature "inside double quotes"."""

import numpy as np

from charlstm.inspection.features.feature import Feature, Signal
from charlstm.inspection.features.text_signals import blank_line_ends, double_quotes

LINE = "a line of text without any mark, number {:06d}\n"
QUOTING = 'say "number {:06d}" and {:03d}\n'


def quoted(text: str, stretches: int = 2) -> tuple[Signal, np.ndarray]:
    """Return the feature "inside double quotes" of a text, and its positions (stretches, characters)."""
    values = double_quotes(text, blank_line_ends(text)).astype(np.uint8)
    feature = Feature("inside_double_quotes", "switch", {"set": ['"'], "reset": ['"']})
    length = len(text) // stretches
    return Signal(feature, values), np.arange(stretches * length).reshape(stretches, length)


def mixed_text() -> str:
    """Return a text that quotes in one part alone."""
    plain = "".join(LINE.format(number) for number in range(100))
    return plain + "".join(QUOTING.format(number, number) for number in range(100)) + plain
