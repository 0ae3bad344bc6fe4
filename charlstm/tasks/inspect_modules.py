"""Inspect modules that live in a Python session: this is `charlstm.inspect`."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from torch import nn

from charlstm.config import InspectionConfig
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.foreign.modules import Embedding, Head, from_modules
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.text.vocabulary import Vocabulary


def inspect(
    lstm: nn.LSTM,
    text: str,
    symbols: Sequence[str],
    *,
    embedding: Embedding | None,
    head: Head,
    config: InspectionConfig | None = None,
) -> Findings:
    """Find the switches and counters of a live `nn.LSTM` in text, and return the findings.

    symbols are the characters in the order of their ids. embedding maps ids (n,) int64 to (n,
    lstm.input_size), or is None for one-hot input; head maps (n, lstm.hidden_size) to (n, len(symbols)) and
    must be affine. config is InspectionConfig() when it is None. The modules are copied, not changed. Raises
    UsageError for modules or symbols that do not fit together, UnknownCharacterError for a character of text
    that is not in symbols, CorpusError for a text that is too short.
    """
    vocabulary = Vocabulary("characters", tuple(symbols))
    model = from_modules(lstm, embedding=embedding, head=head)
    if model.config.vocabulary_size != len(vocabulary):
        raise UsageError(
            f"the head has {model.config.vocabulary_size} outputs for {len(vocabulary)} symbols",
            "give one symbol for every output, in their order",
        )
    return inspect_model(
        InspectionRequest(
            model=model,
            ids=vocabulary.encode(text),
            vocabulary=vocabulary,
            config=replace(config or InspectionConfig(), imported=True),
            corpus_name="text",
            corpus_sha256=sha256(text.encode("utf-8")).hexdigest(),
        )
    )
