"""A prompt becomes ids, and drawn ids become text, up to the stop text and in whole characters."""

import pytest

from charlstm.config import SamplingConfig
from charlstm.errors import UnknownCharacterError
from charlstm.sampling.spelling import decode_streams, encode_prompt, read_stop
from charlstm.text.vocabulary import Vocabulary

LETTERS = Vocabulary.of_text("\nabc")
BYTES = Vocabulary.of_text("é\u20ac".encode(), level="bytes")


def decoded(ids: list[list[int]], vocabulary: Vocabulary, **settings) -> list[list[str]]:
    return list(decode_streams(ids, vocabulary, SamplingConfig(count=len(ids[0]), **settings)))


def test_a_prompt_becomes_the_ids_of_its_characters():
    assert encode_prompt("abca", LETTERS, "error") == LETTERS.encode("abca").tolist()


def test_an_empty_prompt_becomes_a_line_break_or_the_first_symbol():
    assert encode_prompt("", LETTERS, "error") == [LETTERS.symbols.index("\n")]
    assert encode_prompt("", Vocabulary.of_text("abc"), "error") == [0]


def test_unknown_characters_of_a_prompt_are_refused_or_skipped():
    with pytest.raises(UnknownCharacterError, match=r"U\+00E9"):
        encode_prompt("aéb", LETTERS, "error")
    assert encode_prompt("aéb", LETTERS, "skip") == encode_prompt("ab", LETTERS, "error")
    assert encode_prompt("é", LETTERS, "skip") == encode_prompt("\n", LETTERS, "error")


def test_every_stream_gets_its_own_text():
    a, b = LETTERS.encode("ab").tolist()
    assert decoded([[a, b], [b, b]], LETTERS) == [["a", "b"], ["b", "b"], ["", ""]]


def test_a_stream_ends_with_the_stop_text_and_all_end_when_the_last_does():
    ids = [
        [LETTERS.symbols.index(letter) for letter in letters] for letters in ("ab", "ba", "cc", "ab", "bc")
    ]
    pieces = decoded(ids, LETTERS, stop="ab")
    assert pieces == [["a", "b"], ["b", "a"], ["", "c"], ["", "b"], ["", "c"], ["", ""]]
    assert decoded(ids[:2], LETTERS, stop="a") == [["a", "b"], ["", "a"]]


def test_a_character_of_several_bytes_appears_with_its_last_byte():
    ids = [[byte] for byte in BYTES.encode("é\u20ac").tolist()]
    assert decoded(ids, BYTES) == [[""], ["é"], [""], [""], ["\u20ac"], [""]]


def test_a_character_cut_off_by_the_end_becomes_a_replacement_character():
    ids = [[byte] for byte in BYTES.encode("é\u20ac").tolist()[:4]]
    assert decoded(ids, BYTES) == [[""], ["é"], [""], [""], ["\ufffd"]]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (r"\n", "\n"),
        (r"a\n\nb\t\r", "a\n\nb\t\r"),
        ("a\nb", "a\nb"),
        (r"\\n", r"\n"),
        (r"\d\x", r"\d\x"),
        ("\\", "\\"),
        ("", ""),
    ],
)
def test_a_stop_text_is_read_as_people_write_it(typed, meant):
    assert read_stop(typed) == meant
