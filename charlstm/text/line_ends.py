"""Line ends of \\r\\n and \\r, each of which becomes one \\n, as Python's text mode reads them.

Models that were trained elsewhere often know no \\r, since Python took it out of their texts. It is taken out
of the bytes of each file, in the units of its encoding, before they are decoded: so a text is converted in
pieces of any size, and its fingerprint is that of the converted text. A file is converted by itself: a \\r at
its end and the line feed that joins it to the next file stay two line ends.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from charlstm.errors import LineEndError
from charlstm.text.vocabulary import Vocabulary

_CARRIAGE_RETURN, _LINE_FEED = 0x0D, 0x0A


def as_line_feeds(data: bytes, unit: str) -> bytes:
    """Return the bytes of a text in which each \\r\\n, and each \\r alone, is one \\n.

    unit is numpy's name of the type of the encoding's units: u1 for bytes and UTF-8, <u2 for UTF-16LE.
    """
    if unit == "u1":
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    units = np.frombuffer(data, unit)
    returns = units == _CARRIAGE_RETURN
    ends_a_pair = np.zeros(len(units), np.bool_)
    ends_a_pair[1:] = returns[:-1] & (units[1:] == _LINE_FEED)
    return np.where(returns, _LINE_FEED, units).astype(unit)[~ends_a_pair].tobytes()


def with_line_feeds(text: str) -> str:
    """Return text with one \\n for each \\r\\n, and for each \\r alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def converted(chunks: Iterable[bytes], unit: str, *, told: Callable[[int], object]) -> Iterator[bytes]:
    """Yield the chunks of a file, the last of which is b"", with each \\r\\n and each \\r as one \\n.

    No chunk but the last is empty, however much is held back: half a unit, and a \\r that \\n may follow.
    told is called with the number of line ends of each chunk that became \\n. unit is that of as_line_feeds.
    """
    size, held = np.dtype(unit).itemsize, b""
    end_of_line = np.array([_CARRIAGE_RETURN], unit).tobytes()
    for chunk in chunks:
        data = held + chunk
        whole = len(data) // size * size if chunk else len(data)
        if chunk and data[:whole].endswith(end_of_line):
            whole -= size
        ready, held = data[:whole], data[whole:]
        odd = len(ready) % size  # half a unit at the end of a damaged file
        body = ready[: len(ready) - odd]
        told(int(np.count_nonzero(np.frombuffer(body, unit) == _CARRIAGE_RETURN)))
        if ready:
            yield as_line_feeds(body, unit) + ready[len(body) :]
    yield b""


def refuse_line_ends(name: str, part: str | bytes, vocabulary: Vocabulary, position: int) -> None:
    """Raise LineEndError where the first symbol of part that vocabulary does not have is a line end's \\r.

    part is a piece of the text called name, and position is that of its first symbol in the text. Raises
    UnknownCharacterError where another unknown symbol stands before it.
    """
    if vocabulary.index("\r") is not None or vocabulary.index("\n") is None:
        return
    before, found, after = part.partition("\r") if isinstance(part, str) else part.partition(b"\r")
    if not found:
        return
    position += len(vocabulary.encode(before, position=position))
    kind = "\\r\\n" if after[:1] in ("\n", b"\n") else "\\r"
    raise LineEndError(
        f"{name} has line ends of {kind}, the first at position {position:,}, and the model knows \\n alone",
        "read each of them as one \\n by `newlines=True`",
    )
