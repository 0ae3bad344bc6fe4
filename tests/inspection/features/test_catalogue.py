"""Every feature against a reference that reads one character at a time."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.inspection.features import text_signals
from charlstm.inspection.features.catalogue import (
    Traits,
    features,
    gated_counter,
    is_punctuation,
    symbol_name,
)
from charlstm.inspection.features.feature import CAP, Feature, Signal

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


def named(text: str, starts: tuple[int, ...] = (0,)) -> dict[str, list[float]]:
    symbols = sorted(set(text) | set("\"'.,\n "))
    return {name: signal.values.tolist() for name, signal in signals_of(text, symbols, starts).items()}


def signals_of(text: str, symbols: Iterable[str], starts: tuple[int, ...] = (0,)) -> dict[str, Signal]:
    found = features(text, Traits.of(text, symbols), starts=starts)
    return {signal.feature.name: signal for signal in found}


def ends_blank_line(text: str, position: int) -> bool:
    if text[position] != "\n":
        return False
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return not line.strip()


@settings(max_examples=150, deadline=None)
@given(text=texts.filter(len))
def test_quotes_lines_and_words_equal_a_character_at_a_time(text: str) -> None:
    found = named(text)
    curly = column = indentation = word = space = lines = 0
    inside = int(found["inside_double_quotes"][0]) ^ (text[0] == '"')  # a text may begin inside: see below
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
        wanted = {
            "inside_double_quotes": inside,
            "inside_curly_quotes": curly,
            "column": min(column, CAP),
            "indentation": min(indentation, CAP),
            "word_length": min(word, CAP),
            "characters_since_space": min(space, CAP),
            "lines_since_blank_line": min(lines, CAP),
        }
        assert {name: found[name][position] for name in wanted} == wanted


def test_a_text_that_begins_inside_quotes() -> None:
    spoken = 'he said "come in" and "sit down", and\n"no" she said, '
    assert named(spoken * 3)["inside_double_quotes"][:9] == [0] * 8 + [1]
    begun = (spoken * 3)[12:]
    assert named(begun)["inside_double_quotes"][:5] == [1, 1, 1, 1, 0]
    assert named(begun + "\n\n" + spoken)["inside_double_quotes"][-len(spoken) :][:9] == [0] * 8 + [1]


@settings(max_examples=100, deadline=None)
@given(text=texts.filter(len), begin=st.integers(0, 30))
def test_parity_and_distance_equal_counting(text: str, begin: int) -> None:
    begin = min(begin, len(text) - 1)
    found = named(text, starts=(0, begin) if begin else (0,))
    for symbol in set(text) & set("\"'.,\n ()"):
        odd, distance = 0, 0
        for position, character in enumerate(text):
            odd = 0 if position == begin else odd
            odd ^= character == symbol
            distance = 0 if character == symbol else distance + 1
            assert found[f"parity_of_{symbol_name(symbol)}"][position] == odd
            assert found[f"distance_since_{symbol_name(symbol)}"][position] == min(distance, CAP)


def naive_depths(text: str, opener: str) -> list[int]:
    """Depth of one kind of bracket by simulating the rule, with every opener's age looked at each time."""
    kinds = {b.opener: b for b in text_signals.BRACKETS}
    closers = {b.closer: b for b in text_signals.BRACKETS}
    stack: list[tuple[str, int]] = []
    depths = []
    for position, character in enumerate(text):
        stack = [(kind, born) for kind, born in stack if position - born < kinds[kind].life]
        if character in kinds:
            stack.append((character, position))
        elif character in closers:
            wanted = closers[character]
            levels = [n for n, (kind, _) in enumerate(stack) if kind == wanted.opener]
            if levels and (not wanted.weak or levels[-1] == len(stack) - 1):
                del stack[levels[-1] :]
        depths.append(sum(kind == opener for kind, _ in stack))
    return depths


@settings(max_examples=150, deadline=None)
@given(
    text=st.lists(st.sampled_from([*"()[]{}<>", "a" * 90, "b" * 450]), max_size=50).map("".join).filter(len)
)
def test_depth_equals_a_stack_whose_openers_age(text: str) -> None:
    found = named(text)
    for bracket in text_signals.BRACKETS:
        depths = naive_depths(text, bracket.opener)
        assert found[f"{bracket.name}_depth"] == depths
    assert found["inside_parentheses"] == [float(depth > 0) for depth in naive_depths(text, "(")]


def shown(flags: np.ndarray, text: str) -> str:
    return "".join(c if flag else "." for c, flag in zip(text, flags, strict=True))


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("he said 'no' to", "........'no...."),
        ("don't stop, can't", "." * 17),
        ("the dogs' tails", "." * 15),
        ("'I don't' she", "'I don't....."),
        ("b'raw' x", ".'raw..."),
        ("x_b'raw y", "........."),
        ("'open\n\nnext", "'open\n....."),
        ("'open\r\n\r\nnext", "'open\r\n\r....."),
        ("'open\n\n'again'", "'open\n.'again."),
        ("''", "'."),
    ],
)
def test_single_quotes_leave_apostrophes_alone(text: str, inside: str) -> None:
    assert shown(text_signals.single_quotes(text), text) == inside


@pytest.mark.parametrize(
    ("text", "literals", "comments"),
    [
        ('x = "a # b" # c "d"\ny', '...."a # b.........\n.'.replace("\n", "."), '............# c "d"..'),
        ('s = "it\'s" # n\n', "....\"it's......", "...........# n."),
        ('t = """a\n"b" # c""" + 1', '...."""a\n"b" # c"".....', "." * 23),
        (r'u = "\"" # e', r'...."\".....', ".........# e"),
        ('v = "open\nw = 1', '...."open......', "." * 15),
    ],
)
def test_python_strings_and_comments(text: str, literals: str, comments: str) -> None:
    spans = text_signals.hash_code_spans(text)
    assert shown(text_signals.fill(spans.literals, len(text)) > 0, text) == literals
    assert shown(text_signals.fill(spans.comments, len(text)) > 0, text) == comments


def test_a_text_that_begins_inside_a_docstring_is_not_read_inside_out() -> None:
    text = 'ends here."""\n' + "code = 1\n" * 20 + '"""doc"""\n' + "more = 2\n" * 20
    inside = shown(text_signals.fill(text_signals.hash_code_spans(text).triples, len(text)) > 0, text)
    assert inside.startswith('ends here.""')
    assert inside.replace(".", "") == 'ends here""' + '"doc""'


def test_c_comments_and_strings() -> None:
    text = 'a /* b\nc */ d // e \'"\nf "/*" g'
    spans = text_signals.slash_code_spans(text)
    assert shown(text_signals.fill(spans.comments, len(text)) > 0, text) == "...* b\nc *...../ e '\"........."
    assert shown(text_signals.fill(spans.literals, len(text)) > 0, text) == '........................"/*...'


def test_one_odd_paragraph_does_not_turn_the_labels_over() -> None:
    text = 'He said "odd.\r\n\r\nThen "even" came.\r\n'
    inside = named(text)["inside_double_quotes"]
    assert shown(np.array(inside) > 0, text) == '........"odd.\r\n\r......"even.........'
    assert named(text)["parity_of_double_quote"][text.index("Then")] == 1


def test_code_features_only_where_there_is_code() -> None:
    prose = 'It is a truth, "universally" acknowledged.\n' * 10
    assert "inside_comment" not in named(prose)
    assert "inside_comment" in named(prose + "# a note\n")
    comment = signals_of("int x; // a\n", "/")["inside_comment"]
    assert comment.feature.drivers == {"set": ["//", "/*"], "reset": ["\n", "*/"]}


def test_punctuation_and_its_names() -> None:
    assert [c for c in "a1 \n\t.“é€\x00\x85_" if is_punctuation(c)] == list(" \n\t.“€_")
    assert not is_punctuation("ab")
    assert symbol_name("“") == "left_double_quotation_mark"
    assert symbol_name("\n") == "newline"


@given(on=st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_gated_counter_counts_from_where_its_switch_goes_on(on: list[bool]) -> None:
    switch = Feature("s", "switch", {"set": ["a"], "reset": ["b"]}, lag=1)
    counter, values = gated_counter(Signal(switch, np.array(on, np.uint8)))
    count, wanted = 0, []
    for before, now in zip([False, *on], on, strict=False):
        count = count + 1 if now and before else 0
        wanted.append(count)
    assert values.tolist() == wanted
    assert (counter.name, counter.kind, counter.lag) == ("characters_s", "counter", 1)
    assert counter.drivers == {"step": ["*"], "reset": ["a", "b"]}


def test_indentation_is_ended_by_all_that_is_no_blank() -> None:
    found = signals_of("    a = 1\n        b\n", "ab=1 \n")
    assert found["indentation_so_far"].feature.closers == set("ab=1\n")
    assert found["column"].feature.closers == {"\n"}
    assert found["nesting_depth"].feature.closers == set(")]}")
