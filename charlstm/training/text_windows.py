"""A training text cut into streams, and the window of each that one step reads."""

import numpy as np
import torch
from torch import Tensor

from charlstm.errors import CorpusError
from charlstm.text.vocabulary import Ids


def stream_length(characters: int, *, streams: int, window: int) -> int:
    """Characters in each stream. Raises CorpusError when the text has no whole window for each."""
    length = (characters - 1) // streams
    if length < window:
        raise CorpusError(
            f"{characters:,} characters give {streams} streams of {max(length, 0):,}, shorter than the "
            f"window ({window})",
            "lower --streams or --window, or give more text",
        )
    return length


def stream_window(
    ids: Ids, position: int, *, streams: int, window: int, own: slice = slice(None)
) -> tuple[Tensor, Tensor]:
    """(inputs, targets), each (own streams, window) int64, that start at a position of every stream.

    Stream k is the k-th equal part of ids. Only the characters of the window are read.
    """
    length = (len(ids) - 1) // streams
    span = slice(position, position + window)
    inputs = ids[: streams * length].reshape(streams, length)[own, span]
    targets = ids[1 : streams * length + 1].reshape(streams, length)[own, span]
    return torch.from_numpy(inputs.astype(np.int64)), torch.from_numpy(targets.astype(np.int64))
