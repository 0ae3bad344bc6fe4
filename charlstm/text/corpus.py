"""A text ready for training: found by its name, encoded once, and split into contiguous parts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

from charlstm.config import WHOLE_SPLIT, TextLevel, Unknown, parse_split
from charlstm.errors import CorpusError
from charlstm.text.cache_folder import default_data_folder
from charlstm.text.sources import BUILT_IN, find_text
from charlstm.text.token_cache import cached_records, load_tokens
from charlstm.text.vocabulary import Ids, Vocabulary, unknown_note

# What a text in hand is called: no file or folder has such a name by accident.
IN_HAND = "<text>"

# The parts of a text, in their order in the text.
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as ids of a vocabulary: tokens (characters,) unsigned integers, read-only.

    Of a long text they are memory-mapped. sha256 is of the bytes of the text as it was read, and bytes their
    number; left_out are files in its folder that are not text. unknown_characters is the number of characters
    that were left out or replaced, since the vocabulary does not have them, and unknown_symbols the most
    frequent of them with the number of each; replaced says which of the two was done. line_ends is the number
    of line ends, \\r\\n or \\r, that were read as \\n, None where all were read as they are.
    """

    name: str
    tokens: Ids
    vocabulary: Vocabulary
    sha256: str
    bytes: int
    left_out: tuple[Path, ...] = ()
    unknown_characters: int = 0
    unknown_symbols: Mapping[str, int] = field(default_factory=dict)
    replaced: bool = False
    line_ends: int | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know about how the text was read, as sentences without a full stop."""
        notes = []
        if self.vocabulary.level == "characters" and self._begins_with_a_mark:
            notes.append(f"{self.name} begins with a byte order mark, which is kept as the character U+FEFF")
        if self.line_ends:
            notes.append(f"{self.name}: {self.line_ends:,} line ends of \\r\\n or \\r are read as \\n")
        if self.unknown_characters:
            what = "replaced" if self.replaced else "left out"
            notes.append(f"{self.name}: {unknown_note(self.unknown_characters, self.unknown_symbols, what)}")
        return tuple(notes)

    @property
    def _begins_with_a_mark(self) -> bool:
        """Whether the first character is a byte order mark."""
        mark = self.vocabulary.index("\ufeff")
        return mark is not None and len(self.tokens) > 0 and int(self.tokens[0]) == mark

    @property
    def characters(self) -> int:
        """The number of tokens: characters, or bytes at level bytes, without those that unknown="skip" left
        out.
        """
        return len(self.tokens)


def load_corpus(
    name: str,
    *,
    level: TextLevel = "characters",
    vocabulary: Vocabulary | None = None,
    unknown: Unknown = "error",
    newlines: bool = False,
    data_folder: Path | None = None,
) -> Corpus:
    """Return the text that name stands for, as ids.

    name is stdlib, grammar:NAME[:CHARACTERS[:SEED]], a file, a folder, a glob, or
    hf:owner/name[:config][#column]. The symbols are those of the text unless a vocabulary is given, whose
    level then counts; unknown says what happens to symbols that it does not have. newlines reads each \\r\\n,
    and each \\r alone, as one \\n: the corpus is then the converted text, with its SHA-256. The ids are
    cached in data_folder, by default default_data_folder(); a text may be larger than memory.
    Raises CorpusError when the text cannot be read, and for unknown="error" UnknownCharacterError, which is a
    LineEndError where newlines would help.
    """
    level = vocabulary.level if vocabulary else level
    folder = data_folder or default_data_folder()
    text = replace(find_text(name, level=level, data_folder=folder), newlines=newlines)
    record, tokens = load_tokens(text, level=level, vocabulary=vocabulary, unknown=unknown, folder=folder)
    return Corpus(
        name,
        tokens,
        record.vocabulary,
        record.sha256,
        record.bytes,
        text.left_out,
        record.unknown_characters,
        record.unknown_symbols,
        unknown == "replace",
        record.line_ends if newlines else None,
    )


def corpus_in_hand(
    text: str,
    *,
    level: TextLevel = "characters",
    vocabulary: Vocabulary | None = None,
    unknown: Unknown = "error",
    name: str = IN_HAND,
) -> Corpus:
    """Return a text in hand as ids in memory: nothing is read from files, and nothing is cached.

    level, vocabulary and unknown are those of `load_corpus`. Raises CorpusError for an empty text and for
    what UTF-8 cannot hold, and for unknown="error" UnknownCharacterError.
    """
    if not text:
        raise CorpusError("the text is empty", "give a text with something in it")
    vocabulary = vocabulary or Vocabulary.of_text(text, level=level)
    unseen = Counter[str]()
    tokens = vocabulary.encode(text, unknown=unknown, unseen=unseen)
    tokens.flags.writeable = False
    content = text.encode("utf-8")
    return Corpus(
        name,
        tokens,
        vocabulary,
        sha256(content).hexdigest(),
        len(content),
        unknown_characters=unseen.total(),
        unknown_symbols=dict(unseen.most_common()),
        replaced=unknown == "replace",
    )


@dataclass(frozen=True)
class CachedCorpus:
    """A text that is built in, or cached, or both; the numbers are None where it is not cached."""

    name: str
    state: str
    level: TextLevel | None = None
    characters: int | None = None
    symbols: int | None = None
    disk_bytes: int | None = None


def list_corpora(data_folder: Path | None = None) -> list[CachedCorpus]:
    """Return the built-in texts, then the other cached ones, once for each setting that they are cached
    under.
    """
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


def split_bounds(characters: int, spec: str) -> dict[str, tuple[int, int]]:
    """Return where train, validation and test begin and end in a text of that number of characters.

    Each part begins where the one before ends, and the k-th ends at floor(characters * sum of the first k
    shares). Raises UsageError for a split that parse_split refuses.
    """
    ends = [characters * share // WHOLE_SPLIT for share in accumulate(parse_split(spec))]
    ends += [characters] * (len(PARTS) - len(ends))
    return dict(zip(PARTS, zip([0, *ends[:-1]], ends, strict=True), strict=True))
