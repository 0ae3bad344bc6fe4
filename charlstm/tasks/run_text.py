"""The text that a command reads with a run: one that was named, or the run's own."""

from pathlib import Path

from charlstm.checkpoint.loading import Checkpoint
from charlstm.checkpoint.record import CorpusRecord, load_config
from charlstm.config import Unknown
from charlstm.errors import CheckpointError, CorpusError, UnknownCharacterError, UsageError
from charlstm.machine.own_runs import is_own
from charlstm.text.corpus import Corpus, load_corpus
from charlstm.text.sources import is_built_in

# Characters of a recorded name that a message shows: a made-up one may have millions.
_SHOWN_CHARACTERS = 200
_SHOWN_DIGITS = 12


def corpus_of(checkpoint: Checkpoint, name: str | None, *, unknown: Unknown = "error") -> Corpus:
    """Return the text called name in the ids of the checkpoint's vocabulary, its training text for None.

    unknown says what happens to characters that the vocabulary does not have. The training text may have
    changed since, as the standard library's source does with Python: its new characters are replaced where
    unknown is "error". Raises UsageError when name is None and the run was imported, or is not one that this
    user trained here; CorpusError when the text cannot be read, UnknownCharacterError when it cannot be
    spelled.
    """
    vocabulary, record = checkpoint.config.vocabulary, checkpoint.config.corpus
    if name is not None:
        return load_corpus(name, level=vocabulary.level, vocabulary=vocabulary, unknown=unknown)
    if record is None:
        raise UsageError(
            f"{checkpoint.path} was imported and has no text of its own", "name a CORPUS after it"
        )
    advice = "name that text or another one as CORPUS after the run's folder"
    refuse_unnamed_text(checkpoint.path, record, record.name, advice)
    try:
        return load_corpus(record.name, level=vocabulary.level, vocabulary=vocabulary, unknown=unknown)
    except UnknownCharacterError:
        return load_corpus(record.name, level=vocabulary.level, vocabulary=vocabulary, unknown="replace")
    except CorpusError as error:
        raise CorpusError(
            f"{checkpoint.path} was trained on {described(record)}: {error.problem}", advice
        ) from error


def refuse_unnamed_text(run: Path, record: CorpusRecord, text: str, advice: str) -> None:
    """Raise UsageError unless text may be read because the record of a run names it, and nobody else.

    It may where it is built in, and where this user trained the run on this machine: somebody else may have
    written the name of any file of the user's. A dataset of Hugging Face is never fetched unasked. advice
    says how to name it.
    """
    shown = described(record) if text == record.name else shortened(text)
    if is_built_in(text):
        return
    if is_own(run):
        if text.startswith("hf:"):
            raise UsageError(f"{run} was trained on {shown}, which is not fetched unasked", advice)
        return
    raise UsageError(f"{run} was not trained on this machine, or was moved; its text was {shown}", advice)


def is_own_run_on(path: Path, text: str) -> bool:
    """Return whether this user trained the run in the folder path here, on the text of this name."""
    try:
        record = load_config(path).corpus
    except CheckpointError:
        return False
    return record is not None and record.name == text and is_own(path)


def described(record: CorpusRecord) -> str:
    """Return the name of a run's text and the beginning of its SHA-256, for a message."""
    return f"{shortened(record.name)}, SHA-256 {record.sha256[:_SHOWN_DIGITS]}"


def shortened(text: str) -> str:
    """Return text, or its beginning where it is too long for a message."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."


def has_changed(checkpoint: Checkpoint, corpus: Corpus) -> bool:
    """Return whether corpus has the name of the checkpoint's training text, but other content."""
    record = checkpoint.config.corpus
    return record is not None and corpus.name == record.name and corpus.sha256 != record.sha256
