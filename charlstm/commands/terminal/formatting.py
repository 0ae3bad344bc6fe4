"""Numbers, times and characters as text; nothing here prints."""

import math
import unicodedata

# Unicode's categories of characters that show nothing and may change what is around them: format (zero width,
# direction, tags), line and paragraph separators, and halves of surrogate pairs.
_UNSEEN_CATEGORIES = frozenset({"Cf", "Zl", "Zp", "Cs"})
# Characters of other categories that show nothing either: a joiner, and four fillers of Hangul.
_UNSEEN_CHARACTERS = "\u034f\u115f\u1160\u3164\uffa0"


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


def safe_for_terminal(text: str) -> str:
    """Return text with control characters as pictures and unseen ones as escapes.

    So nothing in it acts on the terminal, and what is shown is in the order in which it is written.
    """
    return text.translate(_SHOWN)


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
