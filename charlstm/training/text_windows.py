"""A training text cut into streams, and the window of each stream that one optimiser step reads."""

import numpy as np
import torch
from torch import Tensor

from charlstm.errors import CorpusError
from charlstm.text.vocabulary import Ids


def stream_length(characters: int, *, streams: int, window: int) -> int:
    """Return how many characters each of streams streams has, in a text of the given number of characters.

    The last character of the text is a target only. Raises CorpusError when a stream is shorter than window
    characters.
    """
    length = (characters - 1) // streams
    if length < window:
        raise CorpusError(
            f"{characters:,} characters give {streams} streams of {max(length, 0):,}, shorter than the "
            f"window ({window})",
            "lower `streams` or `window`, or give more text",
        )
    return length


def stream_window(
    ids: Ids, position: int, *, streams: int, window: int, rows: slice = slice(None)
) -> tuple[Tensor, Tensor]:
    """Return (inputs, targets), each (streams in rows, window) int64, from position on in every stream.

    ids (characters,) is the whole text, stream k its k-th part of equal length; targets are one character
    ahead of inputs. rows selects some of the streams. Only the characters of the window are read from ids.
    """
    length = (len(ids) - 1) // streams
    span = slice(position, position + window)
    inputs = ids[: streams * length].reshape(streams, length)[rows, span]
    targets = ids[1 : streams * length + 1].reshape(streams, length)[rows, span]
    return torch.from_numpy(inputs.astype(np.int64)), torch.from_numpy(targets.astype(np.int64))


class DeviceText:
    """A whole training text in the memory of a device, where a scalar chooses the window to read."""

    def __init__(self, ids: Ids, *, streams: int, window: int, device: torch.device) -> None:
        """Copy ids (characters,), token ids, to device, cut into streams streams; see `stream_window`."""
        length = (len(ids) - 1) // streams
        # torch lacks most operations for unsigned numbers of more than 8 bits.
        kept = ids if ids.dtype == np.uint8 else ids.astype(np.int32)
        text = torch.tensor(kept[: streams * length + 1], device=device)
        self._inputs, self._targets = text[:-1].view(streams, length), text[1:].view(streams, length)
        self._span = torch.arange(window, device=device)

    @staticmethod
    def bytes_of(ids: Ids) -> int:
        """Return how many bytes ids (characters,) take on a device."""
        return len(ids) * (1 if ids.dtype == np.uint8 else 4)

    def window(self, position: Tensor) -> tuple[Tensor, Tensor]:
        """Return the (inputs, targets) of `stream_window` for position, a scalar int64 on the device."""
        at = position + self._span
        return self._inputs.index_select(1, at).long(), self._targets.index_select(1, at).long()
