"""A text ready for training: named, found, encoded once, and cut into contiguous parts."""

import os
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from charlstm.config import TextLevel, Unknown
from charlstm.errors import UsageError
from charlstm.text.sources import BUILT_IN, find_text
from charlstm.text.token_cache import cached_records, load_tokens
from charlstm.text.vocabulary import Ids, Vocabulary

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text in ids of a vocabulary: tokens (characters,), memory-mapped and read-only.

    sha256 and bytes are of the text as it was read; left_out are files in its folder that are not text.
    """

    name: str
    tokens: Ids
    vocabulary: Vocabulary
    sha256: str
    bytes: int
    left_out: tuple[Path, ...] = ()

    @property
    def characters(self) -> int:
        """Number of tokens: characters, or bytes at level bytes, less those that unknown="skip" left out."""
        return len(self.tokens)


def load_corpus(
    name: str,
    *,
    level: TextLevel = "characters",
    vocabulary: Vocabulary | None = None,
    unknown: Unknown = "error",
    data_folder: Path | None = None,
) -> Corpus:
    """The text that name stands for: stdlib, grammar:NAME[:CHARACTERS[:SEED]], a file, a folder, a glob,
    or hf:owner/name[:config][#column].

    Its symbols are its own unless a vocabulary is given, whose level then counts; unknown says what
    happens to symbols that one does not have. Its ids are cached in data_folder, by default
    default_data_folder(). A text larger than memory is no problem.
    Raises CorpusError, and UnknownCharacterError for unknown="error".
    """
    level = vocabulary.level if vocabulary else level
    folder = data_folder or default_data_folder()
    text = find_text(name, level=level, data_folder=folder)
    record, tokens = load_tokens(text, level=level, vocabulary=vocabulary, unknown=unknown, folder=folder)
    return Corpus(name, tokens, record.vocabulary, record.sha256, record.bytes, text.left_out)


def default_data_folder() -> Path:
    """$CHARLSTM_DATA, or ./data where that is a folder, or charlstm in the user's cache folder."""
    if chosen := os.environ.get("CHARLSTM_DATA"):
        return Path(chosen)
    if Path("data").is_dir():
        return Path("data")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "charlstm"


@dataclass(frozen=True)
class CachedCorpus:
    """A corpus that is built in, or cached, or both; the numbers are None while it is not cached."""

    name: str
    state: str
    level: TextLevel | None = None
    characters: int | None = None
    symbols: int | None = None
    disk_bytes: int | None = None


def list_corpora(data_folder: Path | None = None) -> list[CachedCorpus]:
    """What is built in, then what else is cached: once for each setting that it is cached under."""
    cached = [
        CachedCorpus(
            record.name,
            "built in, cached" if record.name in BUILT_IN else "cached",
            record.vocabulary.level,
            record.characters,
            len(record.vocabulary),
            disk_bytes,
        )
        for record, disk_bytes in cached_records(data_folder or default_data_folder())
    ]
    names = {corpus.name for corpus in cached}
    built_in = [CachedCorpus(name, "built in") for name in BUILT_IN if name not in names]
    return sorted(cached + built_in, key=lambda corpus: (corpus.name not in BUILT_IN, corpus.name))


def parse_split(spec: str) -> tuple[float, ...]:
    """The shares in "90/5/5" (train/validation/test) or "90/10" (train/validation), summing to 1.

    Raises UsageError for anything else.
    """
    return tuple(map(float, _shares(spec)))


def split_bounds(characters: int, spec: str) -> dict[str, tuple[int, int]]:
    """Where train, validation and test begin and end in a text, each going on where the one before ends.

    The k-th ends at floor(characters * sum of the first k shares). Raises UsageError as parse_split does.
    """
    ends = [int(characters * share) for share in accumulate(_shares(spec))]
    ends += [characters] * (len(PARTS) - len(ends))
    return dict(zip(PARTS, zip([0, *ends[:-1]], ends, strict=True), strict=True))


def _shares(spec: str) -> list[Fraction]:
    """The shares exactly: in binary fractions 0.7 + 0.2 is below 0.9, and a character would go astray."""
    try:
        shares = [Fraction(part) / 100 for part in spec.split("/")]
    except (ValueError, ZeroDivisionError):
        shares = []
    if len(shares) not in (2, 3) or sum(shares) != 1 or min(shares) < 0 or shares[0] == 0:
        raise UsageError(
            f"the split {spec!r} is not two or three percentages that sum to 100",
            "give train/validation/test such as 90/5/5, or train/validation such as 90/10",
        )
    return shares
