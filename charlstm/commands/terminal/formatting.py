"""Numbers, times, characters and tables as text; nothing here prints."""

import math
import unicodedata
from collections.abc import Iterable, Sequence

# Unicode's categories of characters that show nothing and may change what is around them: format (zero width,
# direction, tags), line and paragraph separators, and halves of surrogate pairs.
_UNSEEN_CATEGORIES = frozenset({"Cf", "Zl", "Zp", "Cs"})
# Characters of other categories that show nothing either: a joiner, and four fillers of Hangul.
_UNSEEN_CHARACTERS = "\u034f\u115f\u1160\u3164\uffa0"
# Characters of a number besides its digits.
_BESIDE_DIGITS = str.maketrans("", "", ",.-+%−")


class _Shown(dict[int, int | str]):
    """What stands for each character in a terminal, by code point: filled as characters are met.

    A control character has its picture in Unicode, or a replacement character; one that nobody would see has
    the escape of a Python string; every other character stands for itself.
    """

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        unseen = character in _UNSEEN_CHARACTERS or unicodedata.category(character) in _UNSEEN_CATEGORIES
        self[code] = character.encode("unicode_escape").decode() if unseen else code
        return self[code]


_SHOWN = _Shown({code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"})
_SHOWN |= {0x7F: 0x2421} | dict.fromkeys(range(128, 160), 0xFFFD)


def visible(text: str) -> str:
    """Return text with control characters as pictures and unseen ones as escapes.

    So nothing in it acts on the terminal, and what is shown is in the order in which it is written.
    """
    return text.translate(_SHOWN)


def shortened(text: str, width: int) -> str:
    """Return text, cut to a width in characters with an ellipsis at its end."""
    return text if len(text) <= width else text[: width - 1] + "…"


def spelled(text: str) -> str:
    """Return text on one line, with the escapes of a Python string literal and without its quotes."""
    return repr(text)[1:-1]


# No column of a table is cut to fewer characters than this.
_LEAST_WIDTH = 10
_GAP = "  "


def table(rows: Iterable[Sequence[object]], header: Sequence[str] = (), *, width: int | None = None) -> str:
    """Return rows, and a header above them, as aligned columns two spaces apart.

    Below a header numbers stand at the right of their column, except in the first one. Where the lines would
    be longer than width, in characters, the widest columns of words are cut, each cell with an ellipsis; the
    first column is not. With a width of None nothing is cut.
    """
    cells = [
        [str(value) for value in row] for row in ([header] if header else []) + [list(row) for row in rows]
    ]
    if not cells:
        return ""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    if width is not None:
        _narrow(widths, width)
    lines = []
    for row in cells:
        parts = [
            value.rjust(wide)
            if header and number and _is_number(value)
            else shortened(value, wide).ljust(wide)
            for number, (value, wide) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_GAP.join(parts).rstrip())
    return "\n".join(lines)


def _narrow(widths: list[int], width: int) -> None:
    """Make the widest columns but the first narrower, one character at a time, until all fit into width."""
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        widest = max(range(1, len(widths)), key=lambda column: widths[column], default=0)
        if widest == 0 or widths[widest] <= _LEAST_WIDTH:
            return
        widths[widest] -= 1


def _is_number(value: str) -> bool:
    """Return whether a cell of a table is a number, with a sign or as a percentage."""
    return value.translate(_BESIDE_DIGITS).isdigit()


def duration(seconds: float) -> str:
    """Return seconds as text of the form 45s, 3m 20s or 2h 05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def bytes_in_words(count: int) -> str:
    """Return a number of bytes as text of the form 17 bytes, 3.2 kB, 14 MB or 1.2 GB."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"


def bits_and_nats(bits: float) -> str:
    """Return a loss, given in bits, as text in bits per character and in nats."""
    return f"{bits:.4f} bits per character ({bits * math.log(2):.4f} nats)"
