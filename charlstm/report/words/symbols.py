"""Visible symbols for the characters of a text that a reader cannot see."""

import unicodedata

_SYMBOLS = {"\n": "↵", "\t": "⇥", " ": "␣", "\x7f": "␡"}
# Unicode's categories of the characters that draw nothing, or whose drawing changes what stands around them.
_UNSEEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
_COMBINING_CATEGORIES = {"Mn", "Me"}
# Unicode's pictures of the control characters begin here, in the order of the control characters.
_FIRST_CONTROL_PICTURE = 0x2400


def symbol(character: str) -> str:
    """Return text that shows character, which is one code point.

    A character that can be seen is returned as it is. Bidirectional controls become their code point's
    number, so they cannot turn the text around them; a combining mark is put on a dotted circle.
    """
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    if character < " ":
        return chr(_FIRST_CONTROL_PICTURE + ord(character))
    category = unicodedata.category(character)
    if category in _UNSEEN_CATEGORIES:
        return f"U+{ord(character):04X}"
    return f"◌{character}" if category in _COMBINING_CATEGORIES else character


def visible(text: str) -> str:
    """Return text with a symbol in the place of every character that cannot be seen, except the space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if character == " " else symbol(character) for character in text)


def spelled(text: str) -> str:
    """Return text on one line, with the escapes of a Python string literal and without its quotes."""
    return repr(text)[1:-1]


def symbols_of(text: str) -> dict[str, str]:
    """Return the symbol of every character of text that is not drawn as itself, in the characters' order."""
    drawn = {character: symbol(character) for character in {*text, *_SYMBOLS}}
    return {character: sign for character, sign in sorted(drawn.items()) if sign != character}
