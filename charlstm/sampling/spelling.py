"""The two ends of sampling: a prompt to the ids that a model reads, and drawn ids to text."""

import codecs
import re
from collections.abc import Iterable, Iterator

from charlstm.config import SamplingConfig, Unknown
from charlstm.text.vocabulary import Vocabulary

# What a character after a backslash stands for in a stop text.
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def encode_prompt(prompt: str, vocabulary: Vocabulary, unknown: Unknown) -> list[int]:
    """Return the ids of a prompt, one at least.

    An empty prompt becomes a line break, or symbol 0 where the vocabulary has no line break. unknown says
    what to do with characters that the vocabulary lacks: with "error", raises UnknownCharacterError.
    """
    ids: list[int] = vocabulary.encode(prompt, unknown=unknown).tolist()
    return ids or [vocabulary.symbols.index("\n") if "\n" in vocabulary.symbols else 0]


def read_stop(typed: str) -> str:
    r"""Return the stop text that somebody typed: \n, \t, \r and \\ in it stand for one character each.

    In plain quotes a shell passes a backslash and an n where a line break is meant. Every other backslash
    stands for itself.
    """
    return re.sub(r"\\([ntr\\])", lambda found: _ESCAPED[found[1]], typed)


def decode_streams(
    drawn: Iterable[list[int]], vocabulary: Vocabulary, config: SamplingConfig
) -> Iterator[list[str]]:
    """Yield the text that each of config.count streams adds, for every list of ids in drawn.

    drawn has one id per stream in each list. A stream ends with config.stop, which belongs to its text, and
    adds "" from then on; the iteration ends when all streams have. Otherwise the last list holds what was
    left of characters cut off by the end.
    """
    decoders = [_StreamDecoder(vocabulary, config.stop) for _ in range(config.count)]
    for ids in drawn:
        yield [decoder.add(symbol) for decoder, symbol in zip(decoders, ids, strict=True)]
        if all(decoder.stopped for decoder in decoders):
            return
    yield [decoder.finish() for decoder in decoders]


class _StreamDecoder:
    """Turns the ids of one stream into text, up to and with the stop text.

    In a vocabulary of bytes, a character of several bytes appears when its last byte does.
    """

    def __init__(self, vocabulary: Vocabulary, stop: str | None) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = stop
        self._tail = ""
        self.stopped = False

    def add(self, symbol: int) -> str:
        """Return the text that an id adds."""
        if self.stopped:
            return ""
        if self._vocabulary.level == "bytes":
            text = self._decoder.decode(self._vocabulary.decode_bytes([symbol]))
        else:
            text = self._vocabulary.symbols[symbol]
        if self._stop is not None:
            self._tail = (self._tail + text)[-len(self._stop) :]
            self.stopped = self._tail == self._stop
        return text

    def finish(self) -> str:
        """Return a replacement character for bytes of an unfinished character, or ""."""
        return "" if self.stopped else self._decoder.decode(b"", final=True)
