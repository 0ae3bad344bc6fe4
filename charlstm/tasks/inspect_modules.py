"""Inspect a loaded run, or modules that live in a Python session: this is `charlstm.inspect`."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from warnings import warn

from torch import nn

from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import InspectionConfig
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.foreign.modules import Embedding, Head, from_modules
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.model.char_lstm import CharLSTM
from charlstm.tasks.run_text import unseen_from
from charlstm.text.vocabulary import Vocabulary


def inspect(
    model: Checkpoint | nn.LSTM,
    text: str,
    symbols: Sequence[str] | None = None,
    *,
    embedding: Embedding | None = None,
    head: Head | None = None,
    config: InspectionConfig | None = None,
) -> Findings:
    """Find the switches and counters of a model in text, and return the findings.

    model is a run that `charlstm.load` returned, or a live `nn.LSTM`. An nn.LSTM needs symbols, the
    characters in the order of their ids; embedding, which maps ids (n,) int64 to (n, model.input_size), or
    None for one-hot input; and head, which maps (n, model.hidden_size) to (n, len(symbols)) and must be
    affine. A run has all three; text should be one that it was not trained on, and a warning says where it is
    the run's own. config is InspectionConfig() when it is None. Modules are copied, not
    changed. Raises UsageError for modules or symbols that do not fit together, UnknownCharacterError for a
    character of text that the model does not know, CorpusError for a text that is too short.
    """
    config = config or InspectionConfig()
    if isinstance(model, Checkpoint):
        if symbols is not None or embedding is not None or head is not None:
            raise UsageError(
                "a run has symbols, an embedding and a head of its own", "give the run and a text"
            )
        return inspect_model(_of_run(model, text, config))
    if symbols is None or head is None:
        raise UsageError("an nn.LSTM predicts no characters by itself", "give symbols and head, too")
    return inspect_model(
        _of_modules(from_modules(model, embedding=embedding, head=head), text, symbols, config)
    )


def _of_run(run: Checkpoint, text: str, config: InspectionConfig) -> InspectionRequest:
    """Return the request to inspect a loaded run on text."""
    vocabulary, record = run.config.vocabulary, run.config.corpus
    seen = None
    if record is not None and record.sha256 == _hash(text):
        seen = unseen_from(record, len(text)) or len(text)
        warn(
            f"the run was trained on the first {seen:,} of these {len(text):,} characters: "
            "what is found there may be what it knows by heart",
            stacklevel=3,
        )
    return InspectionRequest(
        model=run.model,
        ids=vocabulary.encode(text),
        vocabulary=vocabulary,
        config=replace(config, imported=run.config.source is not None),
        corpus_name="text",
        corpus_sha256=_hash(text),
        checkpoint=str(run.path),
        bits_per_character=run.validation_bits_per_character,
        trained_on=seen,
    )


def _of_modules(
    model: CharLSTM, text: str, symbols: Sequence[str], config: InspectionConfig
) -> InspectionRequest:
    """Return the request to inspect a model that was made from modules on text.

    Raises UsageError where the model has another number of outputs than there are symbols.
    """
    vocabulary = Vocabulary("characters", tuple(symbols))
    if model.config.vocabulary_size != len(vocabulary):
        raise UsageError(
            f"the head has {model.config.vocabulary_size} outputs for {len(vocabulary)} symbols",
            "give one symbol for every output, in their order",
        )
    return InspectionRequest(
        model=model,
        ids=vocabulary.encode(text),
        vocabulary=vocabulary,
        config=replace(config, imported=True),
        corpus_name="text",
        corpus_sha256=_hash(text),
    )


def _hash(text: str) -> str:
    """Return the SHA-256 of text in UTF-8."""
    return sha256(text.encode("utf-8")).hexdigest()
