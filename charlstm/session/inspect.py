"""Inspect a run, or modules that live in a Python session: this is `charlstm.inspect`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import InspectionConfig
from charlstm.foreign.modules import Embedding, Head
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.model.char_lstm import CharLSTM
from charlstm.session.findings import Findings
from charlstm.session.modules import model_in_hand
from charlstm.session.progress import Wanted, reporting
from charlstm.session.texts import read_in, warn_user
from charlstm.tasks.inspect import inspection_of, notes_on
from charlstm.text.corpus import Corpus
from charlstm.text.vocabulary import Vocabulary


def inspect(
    model: Checkpoint | nn.LSTM,
    text: str | Path,
    symbols: Sequence[str] | None = None,
    *,
    embedding: Embedding | None = None,
    head: Head | None = None,
    config: InspectionConfig | None = None,
    progress: Wanted = None,
) -> Findings:
    """Find the switches and counters of a model in text, and return the findings.

    model is a run that `charlstm.load` or `charlstm.train` returned, or a live `nn.LSTM`. An nn.LSTM needs
    symbols, the characters in the order of their ids; embedding, which maps ids (n,) int64 to
    (n, model.input_size), or None for one-hot input; and head, which maps (n, model.hidden_size) to
    (n, len(symbols)) and must be affine. A run has all three. text is a string, or a Path to what is read; it
    should be one that the run was not trained on, and a warning says where it is the run's own. config is
    InspectionConfig() when it is None. progress is called with the name of each stage and the share of the
    work that is done, in [0, 1]; True shows a bar.
    Modules are copied, not changed. Raises UsageError for modules or symbols that do not fit together,
    UnknownCharacterError for a character of text that the model does not know, CorpusError for a text that is
    too short or cannot be read.
    """
    network, vocabulary = model_in_hand(model, symbols, embedding, head)
    corpus = read_in(text, vocabulary)
    config = config or InspectionConfig()
    if isinstance(model, Checkpoint):
        for note in notes_on(model, corpus, 0, named=True):
            warn_user(note)
        request = inspection_of(model, corpus, config)
    else:
        request = _of_modules(network, corpus, config)
    return inspected(request, vocabulary, progress)


def inspected(request: InspectionRequest, vocabulary: Vocabulary, progress: Wanted) -> Findings:
    """Return the findings of an inspection, which remember its model and vocabulary for their page."""
    with reporting(progress) as report:
        return Findings.of(inspect_model(request, progress=report), request.model, vocabulary)


def _of_modules(model: CharLSTM, corpus: Corpus, config: InspectionConfig) -> InspectionRequest:
    """Return the request to inspect a model that was made from modules on corpus."""
    return InspectionRequest(
        model=model,
        ids=corpus.tokens,
        vocabulary=corpus.vocabulary,
        config=replace(config, imported=True),
        corpus_name=corpus.name,
        corpus_sha256=corpus.sha256,
    )
