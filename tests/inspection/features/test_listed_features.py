"""The listed features equal references that read one character at a time."""

from collections.abc import Iterable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.inspection.features import text_signals
from charlstm.inspection.features.feature import CAP, Feature, Signal
from charlstm.inspection.features.listed_features import (
    Traits,
    features,
    gated_counter,
    is_punctuation,
    symbol_name,
)
from charlstm.inspection.features.proposed_features import Automaton

# Whole pieces, so that blank lines, nested brackets and quotes inside comments come up often.
PIECES = [
    "a",
    "b7",
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\r\n",
    "\r\n\r\n",
    *"()[]{}<>\"'_.,\\#",
    "//",
    "/*",
    "*/",
    '"""',
]
texts = st.lists(st.sampled_from([*PIECES, "don't", "“", "”", "“ ”\n\n“"]), max_size=60).map("".join)


def values_by_name(text: str, starts: tuple[int, ...] = (0,)) -> dict[str, list[float]]:
    symbols = sorted(set(text) | set("\"'.,\n "))
    return {name: signal.values.tolist() for name, signal in signals_of(text, symbols, starts).items()}


def signals_of(text: str, symbols: Iterable[str], starts: tuple[int, ...] = (0,)) -> dict[str, Signal]:
    signals = features(text, Traits.of(text, symbols), starts=starts)
    return {signal.feature.name: signal for signal in signals}


def ends_blank_line(text: str, position: int) -> bool:
    if text[position] != "\n":
        return False
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return not line.strip()


@settings(max_examples=100, deadline=None)
@given(text=texts.filter(len))
def test_marks_within_a_line_equal_a_character_at_a_time(text: str) -> None:
    values = values_by_name(text)
    for opener, closer, named in (
        ('"', '"', "double_quote_until_newline_or_double_quote"),
        ("'", "'", "single_quote_until_newline_or_single_quote"),
        ("(", ")", "left_parenthesis_until_newline_or_right_parenthesis"),
        ("<", ">", "less_than_sign_until_newline_or_greater_than_sign"),
    ):
        automaton = Automaton("switch", (opener,), tuple(sorted(("\n", closer))))
        assert automaton.name == f"after_{named}", "a proposed feature with these drivers has this name"
        assert values[automaton.name] == automaton.signal(text, (0,)).values.tolist()


@settings(max_examples=150, deadline=None)
@given(text=texts.filter(len))
def test_quotes_lines_and_words_equal_a_character_at_a_time(text: str) -> None:
    values = values_by_name(text)
    curly = column = indentation = word = space = lines = 0
    # Whether the text begins inside quotes is tested below; here the first value is taken as given.
    inside = int(values["inside_double_quotes"][0]) ^ (text[0] == '"')
    beginning = True
    for position, character in enumerate(text):
        blank = ends_blank_line(text, position)
        feed = character == "\n"
        inside = 0 if blank else inside ^ (character == '"')
        curly = 0 if blank or character == "”" else 1 if character == "“" else curly
        column = 0 if feed else column + 1
        beginning = (beginning or feed) if feed or character in " \t" else False
        indentation = 0 if feed else indentation + (beginning and character in " \t")
        word = word + 1 if character.isalnum() or character == "_" else 0
        space = 0 if character in " \t\r\n" else space + 1
        lines = 0 if blank else lines + feed
        expected = {
            "inside_double_quotes": inside,
            "inside_curly_quotes": curly,
            "column": min(column, CAP),
            "indentation": min(indentation, CAP),
            "word_length": min(word, CAP),
            "characters_since_space": min(space, CAP),
            "lines_since_blank_line": min(lines, CAP),
        }
        assert {name: values[name][position] for name in expected} == expected


def test_a_text_may_begin_inside_quotes() -> None:
    spoken = 'he said "come in" and "sit down", and\n"no" she said, '
    assert values_by_name(spoken * 3)["inside_double_quotes"][:9] == [0] * 8 + [1]
    begun = (spoken * 3)[12:]
    assert values_by_name(begun)["inside_double_quotes"][:5] == [1, 1, 1, 1, 0]
    assert values_by_name(begun + "\n\n" + spoken)["inside_double_quotes"][-len(spoken) :][:9] == [0] * 8 + [
        1
    ]


@settings(max_examples=100, deadline=None)
@given(text=texts.filter(len), begin=st.integers(0, 30))
def test_parity_and_distance_equal_counting(text: str, begin: int) -> None:
    begin = min(begin, len(text) - 1)
    values = values_by_name(text, starts=(0, begin) if begin else (0,))
    for symbol in set(text) & set("\"'.,\n ()"):
        odd, distance = 0, 0
        for position, character in enumerate(text):
            odd = 0 if position == begin else odd
            odd ^= character == symbol
            distance = 0 if character == symbol else distance + 1
            assert values[f"parity_of_{symbol_name(symbol)}"][position] == odd
            assert values[f"distance_since_{symbol_name(symbol)}"][position] == min(distance, CAP)


def naive_depths(text: str, opener: str) -> list[int]:
    """Return the depth of one kind of bracket after each character, by the rule applied step by step."""
    kinds = {bracket.opener: bracket for bracket in text_signals.BRACKETS}
    closers = {bracket.closer: bracket for bracket in text_signals.BRACKETS}
    stack: list[tuple[str, int]] = []
    depths = []
    for position, character in enumerate(text):
        stack = [(kind, born) for kind, born in stack if position - born < kinds[kind].life]
        if character in kinds:
            stack.append((character, position))
        elif character in closers:
            closed = closers[character]
            levels = [level for level, (kind, _) in enumerate(stack) if kind == closed.opener]
            if levels and (not closed.weak or levels[-1] == len(stack) - 1):
                del stack[levels[-1] :]
        depths.append(sum(kind == opener for kind, _ in stack))
    return depths


@settings(max_examples=150, deadline=None)
@given(
    text=st.lists(st.sampled_from([*"()[]{}<>", "a" * 90, "b" * 450]), max_size=50).map("".join).filter(len)
)
def test_the_depth_of_brackets_equals_a_stack_that_forgets_old_openers(text: str) -> None:
    values = values_by_name(text)
    for bracket in text_signals.BRACKETS:
        depths = naive_depths(text, bracket.opener)
        assert values[f"{bracket.name}_depth"] == depths
    assert values["inside_parentheses"] == [float(depth > 0) for depth in naive_depths(text, "(")]


def test_an_unclosed_quotation_mark_ends_at_a_blank_line_but_changes_the_parity() -> None:
    text = 'He said "odd.\r\n\r\nThen "even" came.\r\n'
    values = values_by_name(text)
    inside = [place for place, value in enumerate(values["inside_double_quotes"]) if value]
    assert inside == [*range(8, 16), *range(22, 27)]
    assert values["parity_of_double_quote"][text.index("Then")] == 1


def test_a_text_has_features_of_code_only_if_it_has_comments() -> None:
    prose = 'It is a truth, "universally" acknowledged.\n' * 10
    assert "inside_comment" not in values_by_name(prose)
    assert "inside_comment" in values_by_name(prose + "# a note\n")
    comment = signals_of("int x; // a\n", "/")["inside_comment"]
    assert comment.feature.drivers == {"set": ["//", "/*"], "reset": ["\n", "*/"]}


def test_only_single_characters_that_structure_text_are_punctuation() -> None:
    assert [c for c in "a1 \n\t.“é€\x00\x85_" if is_punctuation(c)] == list(" \n\t.“€_")
    assert not is_punctuation("ab")


def test_a_symbol_has_a_name_of_small_letters_and_underscores() -> None:
    assert symbol_name("“") == "left_double_quotation_mark"
    assert symbol_name("\n") == "newline"
    assert symbol_name(",") == "comma"
    assert symbol_name("\x00") == "character_0000"


@given(on=st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_gated_counter_counts_characters_since_its_switch_went_on(on: list[bool]) -> None:
    switch = Feature("s", "switch", {"set": ["a"], "reset": ["b"]}, lag=1)
    counter, values = gated_counter(Signal(switch, np.array(on, np.uint8)))
    count, expected = 0, []
    for before, now in zip([False, *on], on, strict=False):
        count = count + 1 if now and before else 0
        expected.append(count)
    assert values.tolist() == expected
    assert (counter.name, counter.kind, counter.lag) == ("characters_s", "counter", 1)
    assert counter.drivers == {"step": ["*"], "reset": ["a", "b"]}


def test_indentation_ends_at_any_character_but_a_space_or_a_tab() -> None:
    signals = signals_of("    a = 1\n        b\n", "ab=1 \n")
    assert signals["indentation_so_far"].feature.closers == set("ab=1\n")
    assert signals["column"].feature.closers == {"\n"}
    assert signals["nesting_depth"].feature.closers == set(")]}")


def test_pseudo_features_are_those_of_letters_as_frequent_as_the_commonest_marks() -> None:
    text = "abbbb, cc, ddd.\n" * 20
    traits = Traits.of(text, [",", ".", "?", "ab", "x"])
    assert traits.marks == (",", ".")
    assert traits.letters == ("c", "a"), "c is as frequent as the comma, a as the full stop"
    signals = {signal.feature.name: signal for signal in features(text, traits, starts=(0,))}
    pseudo = {name for name, signal in signals.items() if signal.feature.pseudo}
    letters = [symbol_name(letter) for letter in traits.letters]
    assert pseudo == {
        f"pseudo_{kind}_{letter}" for kind in ("parity_of", "distance_since") for letter in letters
    }
    assert signals["pseudo_parity_of_latin_small_letter_a"].values[:17].tolist() == [1] * 16 + [0]


@given(text=texts.filter(len), other=texts.filter(len))
def test_names_and_order_of_features_do_not_depend_on_the_text(text: str, other: str) -> None:
    traits = Traits.of(text, [*"\"'.,\n "])
    first, second = (list(features(each, traits, starts=(0,))) for each in (text, other))
    assert [signal.feature.name for signal in first] == [signal.feature.name for signal in second]
