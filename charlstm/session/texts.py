"""A text that a Python session gives: a string is the text itself, a Path names what is read.

What a user should know of it becomes a warning.
"""

import sys
from pathlib import Path
from warnings import warn

from charlstm.config import Unknown
from charlstm.text.corpus import Corpus, corpus_in_hand, load_corpus
from charlstm.text.vocabulary import Vocabulary

# A string that is longer, or has a line break, is a text and no name.
_LONGEST_NAME_CHARACTERS = 500
_PACKAGE = __name__.split(".")[0]


def read_in(text: str | Path, vocabulary: Vocabulary, *, unknown: Unknown = "error") -> Corpus:
    """Return a text in the ids of a vocabulary.

    A string is the text itself, and a Path names what is read, as on the command line. unknown says what
    happens to characters that the vocabulary does not have. A string that names a file is read as a text, and
    a warning says so. Raises CorpusError for an empty text and for a file that cannot be read, and for
    unknown="error" UnknownCharacterError.
    """
    if isinstance(text, Path):
        return load_corpus(str(text), vocabulary=vocabulary, unknown=unknown)
    if _names_a_file(text):
        warn_user(
            f"the {len(text)} characters {text!r} are read as a text; for the file write Path({text!r})"
        )
    return corpus_in_hand(text, vocabulary=vocabulary, unknown=unknown, name="text")


def warn_user(message: str) -> None:
    """Warn of something, at the line outside of this package that called into it."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warn(message, stacklevel=level)


def is_text(text: str) -> bool:
    """Return whether a string can only be a text in hand, and not the name of one."""
    return "\n" in text or len(text) > _LONGEST_NAME_CHARACTERS


def _names_a_file(text: str) -> bool:
    """Return whether a string is the name of a file that exists."""
    if is_text(text) or "\0" in text:
        return False
    try:
        return Path(text).is_file()
    except OSError:
        return False
