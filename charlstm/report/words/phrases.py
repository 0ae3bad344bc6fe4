"""Pieces of sentences, some of which are characters of the inspected text that the page sets apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from charlstm.report.words.symbols import symbol

# The driver that stands for any character; only a counter steps at it.
ANY_CHARACTER = "*"
# A longer list of characters is cut: all but the last of this many are named, and the others are counted.
_LONGEST_LIST = 8


@dataclass(frozen=True)
class Phrase:
    """A piece of a sentence; code says that text shows characters of the inspected text."""

    text: str
    code: bool = False


Sentence = tuple[Phrase, ...]


def plain_sentence(text: str) -> Sentence:
    """Return a sentence without characters of the inspected text."""
    return (Phrase(text),)


def sentence_text(sentence: Sentence) -> str:
    """Return the pieces of a sentence as one text."""
    return "".join(phrase.text for phrase in sentence)


def characters_in_words(drivers: Sequence[str], *, last: str = "or", star_is_any: bool = False) -> Sentence:
    """Return drivers, each one or more characters, as a list: "a, b or c".

    last is the word before the last one. A list of more than 8 drivers names the first 7 and counts the
    others. star_is_any says that the driver "*" stands for every character, as among a counter's steps.
    """
    named = drivers if len(drivers) <= _LONGEST_LIST else drivers[: _LONGEST_LIST - 1]
    others = len(drivers) - len(named)
    phrases: list[Phrase] = []
    for place, driver in enumerate(named):
        if place:
            phrases.append(Phrase(f" {last} " if place + 1 == len(drivers) else ", "))
        if star_is_any and driver == ANY_CHARACTER:
            phrases.append(Phrase("every character"))
        else:
            phrases.append(Phrase("".join(map(symbol, driver)), code=True))
    if others:
        phrases.append(
            Phrase(f" {last} one of {others} others" if last == "or" else f" {last} {others} others")
        )
    return tuple(phrases)
