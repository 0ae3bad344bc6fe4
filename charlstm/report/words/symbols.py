"""Characters that a reader could not see, as symbols."""

import unicodedata

NAMED = {"\n": "↵", "\t": "⇥", " ": "␣", "\x7f": "␡"}
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
COMBINING = {"Mn", "Me"}


def symbol(character: str) -> str:
    """One character as something visible; bidirectional controls lose their force this way."""
    if character in NAMED:
        return NAMED[character]
    if character < " ":
        return chr(0x2400 + ord(character))
    category = unicodedata.category(character)
    if category in UNSEEN:
        return f"U+{ord(character):04X}"
    return f"◌{character}" if category in COMBINING else character


def visible(text: str) -> str:
    """Text with every unseen character but the space as a symbol."""
    return "".join(character if character == " " else symbol(character) for character in text)


def symbols_of(text: str) -> dict[str, str]:
    """Every character of the text that is drawn as another one, with its symbol."""
    drawn = {character: symbol(character) for character in {*text, *NAMED}}
    return {character: sign for character, sign in sorted(drawn.items()) if sign != character}
