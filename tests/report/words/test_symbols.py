"""Characters that cannot be seen become symbols, and all others stay as they are."""

import ast
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlstm.report.words.symbols import spelled, symbol, symbols_of, visible


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("a", "a"),
        ("\n", "↵"),
        ("\t", "⇥"),
        (" ", "␣"),
        ("\x00", "␀"),
        ("\x85", "U+0085"),
        ("\u202e", "U+202E"),
        ("\ud800", "U+D800"),
        ("\u0301", "◌\u0301"),
    ],
)
def test_an_unseen_character_has_a_symbol(character: str, shown: str):
    assert symbol(character) == shown


@given(st.text())
def test_visible_text_has_no_control_and_no_bidirectional_mark(text: str):
    shown = visible(text)

    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert shown.count(" ") == text.count(" ")


def test_visible_text_keeps_its_spaces():
    assert visible("a b\n") == "a b↵"


@given(st.text())
def test_the_symbols_of_a_text_are_those_of_its_characters(text: str):
    symbols = symbols_of(text)

    assert all(symbol(character) == symbols.get(character, character) for character in text)
    assert list(symbols) == sorted(symbols)


def test_the_symbols_of_any_text_have_the_line_feed():
    assert symbols_of("a") == {"\t": "⇥", "\n": "↵", " ": "␣", "\x7f": "␡"}


def test_a_text_on_one_line_reads_back_as_it_was():
    text = "quote \" tab \t newline \n apostrophe ' and é"
    shown = spelled(text)
    assert "\n" not in shown
    assert ast.literal_eval(f"'{shown}'" if '"' in shown and "'" not in shown else f'"""{shown}"""') == text
