"""The text that a command reads with a run: one that was named, or the run's own."""

from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import Unknown
from charlstm.errors import UnknownCharacterError, UsageError
from charlstm.text.corpus import Corpus, load_corpus


def corpus_of(checkpoint: Checkpoint, name: str | None, *, unknown: Unknown = "error") -> Corpus:
    """Return the text called name in the ids of the checkpoint's vocabulary, its training text for None.

    unknown says what happens to characters that the vocabulary does not have. The training text may have
    changed since, as the standard library's source does with Python: its new characters are replaced where
    unknown is "error". Raises UsageError when name is None and the run was imported, CorpusError when the
    text cannot be read, UnknownCharacterError when it cannot be spelled.
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
    """Return whether corpus has the name of the checkpoint's training text, but other content."""
    record = checkpoint.config.corpus
    return record is not None and corpus.name == record.name and corpus.sha256 != record.sha256
