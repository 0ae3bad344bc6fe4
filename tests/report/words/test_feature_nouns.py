"""The nouns of features: the catalogue's, those that cells propose, and the user's own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.inspection.features.listed_features import Traits, features, symbol_name
from charlstm.inspection.features.proposed_features import Automaton
from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.phrases import sentence_text

TEXT = 'He said "come in", (at once) [or {later}].\n    # so <it> is\n\n' * 3


def in_words(name: str, *, counted: bool = False) -> str:
    noun = feature_noun(name, counted=counted)
    return f"{noun.verb} {sentence_text(noun.noun)}"


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("inside_single_quotes", "marks text inside single quotes"),
        ("inside_brackets", "marks text inside [ ]"),
        ("parity_of_hyphen_minus", "marks text after an odd number of -"),
        (
            "after_left_square_bracket_or_left_curly_bracket_until_right_square_bracket_or_right_curly_bracket",
            "marks text inside [ ] or { }, up to the next closing bracket",
        ),
        (
            "after_left_square_bracket_until_newline_or_right_square_bracket",
            "marks text inside [ ], up to the next ↵ or ]",
        ),
        (
            "after_left_square_bracket_or_comma_until_right_square_bracket",
            "marks text after [ or ,, up to the next ]",
        ),
        (
            "after_space_then_single_quote_until_tab_2_late",
            "marks text after ␣', up to the next ⇥, 2 characters late",
        ),
        ("parenthesis_depth", "marks text inside ( )"),
        ("depth_of_comma_to_period", "marks text after more of , than of ."),
        ("doctest", "marks the feature doctest"),
    ],
)
def test_the_noun_of_a_switch(name: str, noun: str):
    assert in_words(name) == noun


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("column", "tracks the column"),
        ("characters_since_space", "counts the characters since the last white space"),
        ("distance_since_comma", "counts the characters since the last ,"),
        ("characters_since_newline_or_tab", "counts the characters since the last ↵ or ⇥"),
        ("comma_or_colon_since_newline", "tracks the number of , and : since the last ↵"),
        (
            "after_double_quote_until_newline_or_double_quote",
            "marks text inside double quotes of one line",
        ),
        ("characters_inside_comment", "tracks the position in text inside a comment"),
        ("characters_parity_of_comma", "tracks the position in text after an odd number of ,"),
        ("nesting_depth", "tracks the depth of brackets ( ), [ ] and { }"),
        ("depth_of_left_parenthesis_to_right_parenthesis", "tracks the depth of brackets ( )"),
        ("depth_of_comma_to_period", "tracks the number of , less the number of ."),
        ("calls", "tracks the feature calls"),
    ],
)
def test_the_noun_of_what_counts(name: str, noun: str):
    assert in_words(name, counted=True) == noun


def test_every_listed_feature_has_a_noun():
    for signal in features(TEXT, Traits.of(TEXT, set(TEXT)), starts=[0]):
        if not signal.feature.pseudo:
            shown = in_words(signal.feature.name, counted=signal.feature.kind != "switch")
            assert "the feature" not in shown, signal.feature.name


symbols = st.characters(codec="utf-8").filter(lambda symbol: symbol_name(symbol).strip("_"))
sides = st.lists(st.text(symbols, min_size=1, max_size=2), min_size=1, max_size=2, unique=True)


@settings(max_examples=25)
@given(up=sides, down=sides, kind=st.sampled_from(["switch", "counter", "depth"]), lag=st.integers(0, 2))
def test_any_name_of_a_proposed_feature_has_words(up: list[str], down: list[str], kind: str, lag: int):
    automaton = Automaton(kind, tuple(up), tuple(down), lag)  # type: ignore[arg-type]

    assert in_words(automaton.name, counted=kind != "switch")


@given(mark=st.sampled_from("\"'.,;:!?-/\\()[]{}<>#%&*+=@^_`|~$\n\t €«»“”…"))
def test_the_symbols_of_a_proposed_feature_are_found_again(mark: str):
    shown = in_words(Automaton("switch", ("x",), (mark,)).name)

    assert (
        shown
        == f"marks text after x, up to the next {({chr(10): '↵', chr(9): '⇥', ' ': '␣'}).get(mark, mark)}"
    )


@given(st.text())
def test_any_text_can_be_the_name_of_a_feature(name: str):
    assert "\n" not in in_words(name)
    assert "\n" not in in_words(name, counted=True)
