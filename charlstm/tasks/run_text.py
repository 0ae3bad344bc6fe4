"""The text that a command reads with a run: one that was named, or the run's own."""

from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import Unknown
from charlstm.errors import UnknownCharacterError, UsageError
from charlstm.text.corpus import (
    Corpus,
    load_corpus,
)


def corpus_of(checkpoint: Checkpoint, name: str | None, *, unknown: Unknown = "error") -> Corpus:
    """A text in the ids of a checkpoint's vocabulary; the text it was trained on when name is None.

    That may have changed since, as the standard library's source does with Python: characters that are new
    in it are replaced. Raises UsageError when it was imported and has no text of its own.
    """
    vocabulary, record = checkpoint.config.vocabulary, checkpoint.config.corpus
    if name is not None:
        return load_corpus(name, level=vocabulary.level, vocabulary=vocabulary, unknown=unknown)
    if record is None:
        raise UsageError(
            f"{checkpoint.path} was imported and has no text of its own", "name a CORPUS after it"
        )
    try:
        return load_corpus(record.name, level=vocabulary.level, vocabulary=vocabulary, unknown=unknown)
    except UnknownCharacterError:
        return load_corpus(record.name, level=vocabulary.level, vocabulary=vocabulary, unknown="replace")


def has_changed(checkpoint: Checkpoint, corpus: Corpus) -> bool:
    """Whether a text has the name of the one that a checkpoint was trained on, and other content."""
    record = checkpoint.config.corpus
    return record is not None and corpus.name == record.name and corpus.sha256 != record.sha256
