"""The text that a command reads with a run: one that was named, or the run's own."""

from functools import partial
from pathlib import Path

from charlstm.checkpoint.loading import Checkpoint
from charlstm.checkpoint.record import CorpusRecord, load_config
from charlstm.config import Unknown
from charlstm.errors import (
    CheckpointError,
    CorpusError,
    LineEndError,
    UnknownCharacterError,
    UsageError,
    shortened,
)
from charlstm.machine.hugging_face import is_on_hub
from charlstm.machine.own_runs import is_own
from charlstm.text.corpus import Corpus, load_corpus, split_bounds
from charlstm.text.sources import is_built_in

_SHOWN_DIGITS = 12
# Said where the run's own text is no longer what it was: another Python's library, or an edited file.
CHANGED = "the run's text has changed since it was trained; new characters are replaced"


def corpus_of(
    checkpoint: Checkpoint, name: str | None, *, unknown: Unknown = "error", newlines: bool = False
) -> Corpus:
    """Return the text called name in the ids of the checkpoint's vocabulary, its training text for None.

    unknown says what happens to characters that the vocabulary does not have, and newlines reads line ends of
    \\r\\n and \\r as \\n; the training text is read as it was for the training. It may have changed since, as
    the standard library's source does with Python. If it has, new characters are replaced even with
    unknown="error"; unknown line ends still raise LineEndError. Raises UsageError when name is None and the
    run was imported, or is not one that this user trained here; CorpusError when the text cannot be read,
    UnknownCharacterError when it cannot be spelled.
    """
    vocabulary, record = checkpoint.config.vocabulary, checkpoint.config.corpus
    load = partial(load_corpus, vocabulary=vocabulary)
    if name is not None:
        return load(name, unknown=unknown, newlines=newlines)
    if record is None:
        raise UsageError(
            f"{checkpoint.path} was imported and has no text of its own",
            "give a text to read, in a terminal as CORPUS",
        )
    advice = "give that text or another one, in a terminal as CORPUS"
    refuse_unnamed_text(checkpoint.path, record, record.name, advice)
    newlines = newlines or record.newlines
    try:
        return load(record.name, unknown=unknown, newlines=newlines)
    except LineEndError:
        raise
    except UnknownCharacterError:
        return load(record.name, unknown="replace", newlines=newlines)
    except CorpusError as error:
        raise CorpusError(
            f"{checkpoint.path} was trained on {described(record)}: {error.problem}", advice
        ) from error


def may_be_read_unasked(run: Path, text: str) -> bool:
    """Return whether text, which the record of a run names, may be read where the user does not name it.

    It may where it is built in, and where this user trained the run on this machine: somebody else may have
    written the name of any file of the user's. A dataset of Hugging Face is never fetched unasked.
    """
    return is_built_in(text) or (is_own(run) and not is_on_hub(text))


def refuse_unnamed_text(run: Path, record: CorpusRecord, text: str, advice: str) -> None:
    """Raise UsageError unless text, which the record of a run names, may be read unasked.

    advice says how to name it.
    """
    if may_be_read_unasked(run, text):
        return
    shown = described(record) if text == record.name else shortened(text)
    if is_own(run):
        raise UsageError(f"{run} was trained on {shown}, which is not fetched unasked", advice)
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


def has_changed(checkpoint: Checkpoint, corpus: Corpus) -> bool:
    """Return whether corpus has the name of the checkpoint's training text, but other content.

    Where line ends were read as line feeds here alone, or for the training alone, nothing can be said.
    """
    record = checkpoint.config.corpus
    if record is None or corpus.name != record.name or corpus.sha256 == record.sha256:
        return False
    return corpus.line_ends == 0 or record.newlines == (corpus.line_ends is not None)


def trained_characters(record: CorpusRecord, characters: int) -> int:
    """Return how many characters, from the first on, of its text of that many a run was trained on.

    record is the run's. Those are all of them where the run was validated on another text.
    """
    return characters if record.validation is not None else split_bounds(characters, record.split)["train"][1]


def unseen_from(record: CorpusRecord, characters: int) -> int:
    """Return where reading a run's text of that many characters begins, to read what it was not trained on.

    record is the run's. The result is 0 where the run was trained on all of its text.
    """
    return 0 if record.validation is not None else trained_characters(record, characters)
