"""A live `nn.LSTM`, with what stands around it, as a CharLSTM and its vocabulary."""

from collections.abc import Sequence

from torch import nn

from charlstm.checkpoint.loading import Checkpoint
from charlstm.errors import UsageError
from charlstm.foreign.modules import Embedding, Head, from_modules
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.vocabulary import Vocabulary


def model_in_hand(
    model: Checkpoint | nn.LSTM,
    symbols: Sequence[str] | None,
    embedding: Embedding | None,
    head: Head | None,
) -> tuple[CharLSTM, Vocabulary]:
    """Return the CharLSTM of a run, or a copy of live modules as one, with its vocabulary.

    A run has symbols, embedding and head of its own. An nn.LSTM needs symbols, the characters in the order of
    their ids, and head; embedding is None for one-hot input. Raises UsageError where these do not fit
    together.
    """
    if isinstance(model, Checkpoint):
        if symbols is not None or embedding is not None or head is not None:
            raise UsageError(
                "a run has symbols, an embedding and a head of its own", "give the run and a text"
            )
        return model.model, model.config.vocabulary
    if symbols is None or head is None:
        raise UsageError("an nn.LSTM predicts no characters by itself", "give symbols and head, too")
    made = from_modules(model, embedding=embedding, head=head)
    vocabulary = Vocabulary("characters", tuple(symbols))
    if made.config.vocabulary_size != len(vocabulary):
        raise UsageError(
            f"the head has {made.config.vocabulary_size} outputs for {len(vocabulary)} symbols",
            "give one symbol for every output, in their order",
        )
    return made, vocabulary
