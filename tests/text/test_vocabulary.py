import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlstm.errors import CheckpointError, CorpusError, UnknownCharacterError, UsageError
from charlstm.text.vocabulary import SymbolFinder, Vocabulary, unknown_note

texts = st.text(st.characters(exclude_categories=["Cs"]))
AWKWARD = ["", "\r\n\r\n\n\r", "\ufeffmark", "a\0b", "😀👩‍👩‍👧é", "\x85\u2028\x1a", "e\u0301\uffff\U0010ffff"]
LEVELS = ["characters", "bytes"]


@given(texts)
def test_characters_round_trip(text):
    vocabulary = Vocabulary.of_text(text)
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert vocabulary.decode_bytes(ids) == text.encode()
    assert [vocabulary.symbols[number] for number in ids] == list(text)
    assert vocabulary.symbols == tuple(sorted(set(text)))


@given(st.binary())
def test_bytes_round_trip(data):
    vocabulary = Vocabulary.of_text(data, level="bytes")
    ids = vocabulary.encode(data)
    assert vocabulary.decode_bytes(ids) == data
    assert vocabulary.decode(ids) == data.decode("utf-8", "replace")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("text", AWKWARD)
def test_nothing_is_translated(text, level):
    vocabulary = Vocabulary.of_text(text, level=level)
    for given_text in (text, text.encode()):
        assert vocabulary.decode(vocabulary.encode(given_text)) == text


@given(st.lists(texts, max_size=4))
def test_pieces_have_the_symbols_of_the_whole(pieces):
    finder = SymbolFinder("characters")
    for piece in pieces:
        finder.update(piece)
    assert finder.result() == Vocabulary.of_text("".join(pieces))


@pytest.mark.parametrize(
    ("size", "dtype"), [(255, "u1"), (256, "u1"), (257, "u2"), (65_536, "u2"), (65_537, "u4")]
)
def test_ids_take_the_smallest_type(size, dtype):
    text = "".join(map(chr, range(0xE000, 0xE000 + size)))
    vocabulary = Vocabulary.of_text(text)
    ids = vocabulary.encode(text)
    assert len(vocabulary) == size
    assert ids.dtype == vocabulary.token_dtype == np.dtype(dtype)
    assert vocabulary.decode(ids) == text
    with pytest.raises(UnknownCharacterError):
        vocabulary.encode("a")


def test_any_integers_are_decoded():
    vocabulary = Vocabulary.of_text("abc")
    for ids in ([2, 0, 1], (2, 0, 1), np.array([2, 0, 1], np.uint16), torch.tensor([2, 0, 1])):
        assert vocabulary.decode(ids) == "cab"
    assert vocabulary.decode([]) == ""


@pytest.mark.parametrize("ids", [[3], [-1], [0, 2**40], [0.5]])
@pytest.mark.parametrize("level", LEVELS)
def test_ids_of_another_vocabulary_are_refused(ids, level):
    with pytest.raises(UsageError):
        Vocabulary.of_text("abc", level=level).decode(ids)


def test_index():
    vocabulary = Vocabulary.of_text("ab")
    assert (vocabulary.index("b"), vocabulary.index("z")) == (1, None)


def test_an_unknown_character_is_named_with_its_place():
    vocabulary = Vocabulary.of_text("ab")
    with pytest.raises(UnknownCharacterError, match=r"'é' \(U\+00E9\) at position 12 .* the 2 symbols"):
        vocabulary.encode("abé", position=10)
    with pytest.raises(UnknownCharacterError, match=r"'😀' \(U\+1F600\) at position 0"):
        vocabulary.encode("😀b😀")
    with pytest.raises(UnknownCharacterError, match=r"byte 0xC3 at position 1 "):
        Vocabulary.of_text("ab", level="bytes").encode("aé")


@pytest.mark.parametrize(
    ("known", "written"), [("ab", "aaa"), ("a b", "a a"), ("? ab", "a?a"), ("az", "aaa")]
)
def test_unknown_characters_can_be_left_out_or_replaced(known, written):
    vocabulary = Vocabulary.of_text(known)
    skipped = vocabulary.encode("aéa", unknown="skip")
    replaced = vocabulary.encode("aéa", unknown="replace")
    assert vocabulary.decode(skipped) == "aa"
    assert vocabulary.decode(replaced) == written
    assert skipped.dtype == replaced.dtype == vocabulary.token_dtype


def test_nothing_can_be_replaced_without_symbols():
    with pytest.raises(UnknownCharacterError, match="the 0 symbols"):
        Vocabulary.of_text("").encode("a", unknown="replace")


@pytest.mark.parametrize("level", LEVELS)
def test_half_a_character_is_refused(level):
    with pytest.raises(CorpusError, match=r"U\+D83D, at position 2"):
        Vocabulary.of_text("ab\ud83d", level=level)
    with pytest.raises(CorpusError, match="surrogate"):
        Vocabulary.of_text("ab").encode("\udc00")


def test_bytes_that_are_not_utf8_are_refused_as_characters():
    with pytest.raises(CorpusError, match=r"byte 0xFF at offset 3.*`level=.bytes.`"):
        Vocabulary.of_text(b"abc\xff")


@given(texts.filter(bool), st.sampled_from(LEVELS))
def test_json_keeps_it(text, level):
    vocabulary = Vocabulary.of_text(text, level=level)
    assert Vocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


def test_symbols_may_come_in_any_order():
    vocabulary = Vocabulary("characters", ("z", "é", "a"))
    assert vocabulary.encode("aéz").tolist() == [2, 1, 0]
    assert vocabulary.decode([0, 1, 2]) == "zéa"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"level": "characters"},
        {"level": "characters", "symbols": "ab"},
        {"level": "characters", "symbols": []},
        {"level": "characters", "symbols": ["a", "a"]},
        {"level": "characters", "symbols": ["a", "bc"]},
        {"level": "characters", "symbols": ["a", ""]},
        {"level": "characters", "symbols": ["a", 1]},
        {"level": "characters", "symbols": ["a", ["b"]]},
        {"level": "characters", "symbols": ["a", "\ud800"]},
        {"level": "words", "symbols": ["a"]},
        {"level": ["bytes"], "symbols": ["a"]},
        {"level": "bytes", "symbols": ["a", "\u0100"]},
        {"symbols": ["a"]},
    ],
)
def test_json_of_anything_else_is_refused(data):
    with pytest.raises(CheckpointError):
        Vocabulary.from_json(data)


def test_a_note_names_the_most_frequent_unknown_characters_only():
    assert unknown_note(99, dict(zip("abcdef", range(9), strict=False)), "left out").endswith("'e' (4), ...")


def test_symbols_that_are_left_out_or_replaced_are_counted():
    unseen = Counter()
    vocabulary = Vocabulary.of_text("ab")
    for unknown in ("skip", "replace"):
        vocabulary.encode("aééb€", unknown=unknown, unseen=unseen)
    assert unseen == {"é": 4, "€": 2}
    in_bytes = Counter()
    Vocabulary.of_text(b"ab", level="bytes").encode("aé", unknown="skip", unseen=in_bytes)
    assert in_bytes == {"\xc3": 1, "\xa9": 1}


@pytest.mark.parametrize("symbols", [["a"] * 10_000_000, "a" * 10_000_000])
def test_a_vocabulary_of_ten_million_entries_is_refused_before_any_is_looked_at(symbols):
    with pytest.raises(UsageError, match=r"10,000,000 symbols are more than the 1,114,112 characters"):
        Vocabulary("characters", symbols)
    with pytest.raises(CheckpointError, match=r"10,000,000 symbols are more than|a list of symbols"):
        Vocabulary.from_json({"level": "characters", "symbols": symbols})
