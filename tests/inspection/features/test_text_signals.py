"""Elementary arrays along a text equal references that read one character at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.inspection.features import text_signals

two_kinds_of_events = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def shown(flags: np.ndarray, text: str) -> str:
    """Return text with a dot in the place of every character whose flag is False."""
    return "".join(character if flag else "." for character, flag in zip(text, flags, strict=True))


@given(text=st.text(max_size=40), characters=st.text(min_size=1, max_size=3))
def test_where_finds_every_occurrence_of_the_characters(text: str, characters: str) -> None:
    assert text_signals.where(text, characters).tolist() == [character in characters for character in text]


@given(events=two_kinds_of_events)
def test_distances_counts_and_latches_equal_one_event_at_a_time(events: list[tuple[bool, bool]]) -> None:
    first, second = np.array(events, np.bool_).T
    last, count, on, expected = -1, 0, False, []
    for position, (event, reset) in enumerate(events):
        last = position if event else last
        count = 0 if reset else count + event
        on = (on or event) and not reset
        expected.append((last, position - last, count, count % 2, on))
    values = zip(
        text_signals.last_position(first),
        text_signals.distance_since(first),
        text_signals.count_since(first, second),
        text_signals.parity(first, second),
        text_signals.latch(first, second),
        strict=True,
    )
    assert list(values) == expected


@given(spans=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 9)), max_size=8))
def test_fill_counts_the_spans_over_each_position(spans: list[tuple[int, int]]) -> None:
    inside = [(start, start + length) for start, length in spans]
    expected = [sum(start <= position < stop for start, stop in inside) for position in range(30)]
    assert text_signals.fill(inside, 30).tolist() == expected


@settings(max_examples=200)
@given(text=st.lists(st.sampled_from(["a", " ", "\t", "\n", "\r\n"]), max_size=20).map("".join))
def test_a_blank_line_ends_where_a_line_of_white_space_does(text: str) -> None:
    expected: list[bool] = []
    for line in text.split("\n"):
        expected += [False] * len(line) + [not line.strip()]
    assert text_signals.blank_line_ends(text).tolist() == expected[:-1]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('a "b" c "d', '.."b...."d'),
        ('"b" c', '"b...'),
        ('a" said "b" c', 'a......."b...'),
        ('a "b\n\nc "d"', '.."b\n..."d.'),
    ],
)
def test_double_quotes_start_anew_at_a_blank_line_and_may_be_open_at_the_start(
    text: str, inside: str
) -> None:
    blanks = text_signals.blank_line_ends(text)
    assert shown(text_signals.double_quotes(text, blanks), text) == inside


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
    ("text", "opener", "spans"),
    [
        ("a(b)c", "(", [(1, 3)]),
        ("(()", "(", [(1, 2), (0, 3)]),
        (")(", "(", [(1, 2)]),
        ("([)", "[", [(1, 2)]),
        ("<(>)", "<", [(0, 4)]),
        ("<" + "a" * 300, "<", [(0, 200)]),
        ("(" + "a" * 1_000 + ")", "(", [(0, 1_000)]),
    ],
)
def test_bracket_spans_end_at_the_closer_or_with_the_openers_life(
    text: str, opener: str, spans: list[tuple[int, int]]
) -> None:
    assert text_signals.bracket_spans(text)[opener] == spans


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
def test_strings_and_comments_of_python(text: str, literals: str, comments: str) -> None:
    spans = text_signals.hash_code_spans(text)
    assert shown(text_signals.fill(spans.literals, len(text)) > 0, text) == literals
    assert shown(text_signals.fill(spans.comments, len(text)) > 0, text) == comments


def test_a_text_that_begins_inside_a_docstring_is_not_read_inside_out() -> None:
    text = 'ends here."""\n' + "code = 1\n" * 20 + '"""doc"""\n' + "more = 2\n" * 20
    inside = shown(text_signals.fill(text_signals.hash_code_spans(text).triples, len(text)) > 0, text)
    assert inside.startswith('ends here.""')
    assert inside.replace(".", "") == 'ends here""' + '"doc""'


def test_strings_and_comments_of_c() -> None:
    text = 'a /* b\nc */ d // e \'"\nf "/*" g'
    spans = text_signals.slash_code_spans(text)
    assert shown(text_signals.fill(spans.comments, len(text)) > 0, text) == "...* b\nc *...../ e '\"........."
    assert shown(text_signals.fill(spans.literals, len(text)) > 0, text) == '........................"/*...'
