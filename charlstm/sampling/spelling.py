"""Text to the ids that a drawing begins with, and drawn ids to text."""

import codecs
from collections.abc import Iterable, Iterator

from charlstm.config import SamplingConfig, Unknown
from charlstm.text.vocabulary import Vocabulary


def read_prompt(prompt: str, vocabulary: Vocabulary, unknown: Unknown) -> list[int]:
    """The ids of a prompt, one at least. Raises UnknownCharacterError when the vocabulary cannot spell it."""
    ids: list[int] = vocabulary.encode(prompt, unknown=unknown).tolist()
    return ids or [vocabulary.symbols.index("\n") if "\n" in vocabulary.symbols else 0]


def written(
    drawn: Iterable[list[int]], vocabulary: Vocabulary, config: SamplingConfig
) -> Iterator[list[str]]:
    """Yield what ids, one for each of config.count streams, add to their texts; all end with config.stop."""
    writers = [_Writer(vocabulary, config.stop) for _ in range(config.count)]
    for symbols in drawn:
        yield [writer.write(symbol) for writer, symbol in zip(writers, symbols, strict=True)]
        if all(writer.stopped for writer in writers):
            return
    yield [writer.finish() for writer in writers]


class _Writer:
    """One stream's ids to text: characters split over several bytes wait until they are whole."""

    def __init__(self, vocabulary: Vocabulary, stop: str | None) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = stop
        self._tail = ""
        self.stopped = False

    def write(self, symbol: int) -> str:
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
        return "" if self.stopped else self._decoder.decode(b"", final=True)
