"""A text as HTML without scripts: each character stands on the colour of a number, which a tooltip tells.

The scale runs from blue at -1 over nearly white at 0 to orange at 1, which colour-blind readers tell apart,
and is never stretched. The ink is given, too, so that the text can be read in a dark notebook.
"""

from collections.abc import Iterable
from html import escape

from charlstm.report.words.symbols import visible

_BLUE, _WHITE, _ORANGE = (0x65, 0xA7, 0xFA), (0xF8, 0xF8, 0xF8), (0xE0, 0x90, 0x36)
_STYLE = "font-family:monospace;white-space:pre-wrap;line-height:1.5;color:#1c1e22"


def coloured_text(text: str, values: Iterable[float]) -> str:
    """Return text as one HTML element, each character on the colour of its value.

    values has a number for each character; beyond [-1, 1] it has the colour of the nearer end. Line breaks
    and characters that nobody could see are shown as symbols, and everything is escaped.
    """
    spans = [_span(character, float(value)) for character, value in zip(text, values, strict=True)]
    return f'<div style="{_STYLE}">{"".join(spans)}</div>'


def _span(character: str, value: float) -> str:
    """Return one character on the colour of a value, with the value as its tooltip."""
    shown = escape(visible(character))
    return f'<span style="background:{colour(value)}" title="{value:.2f}">{shown}</span>'


def colour(value: float) -> str:
    """Return the colour of a value as HTML writes it, such as "#f8f8f8" for 0."""
    end, share = (_ORANGE if value > 0 else _BLUE), min(1.0, abs(value))
    mixed = (round(white + (full - white) * share) for white, full in zip(_WHITE, end, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)
