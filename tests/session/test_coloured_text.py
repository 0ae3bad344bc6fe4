"""A text on colours is harmless HTML, and its colours are those of the report's scale."""

from html.parser import HTMLParser

import pytest

from charlstm.session.coloured_text import colour, coloured_text


class Reader(HTMLParser):
    """Collects the tags, and the text, of an HTML text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_no_text_can_become_markup():
    text = "<script>&amp;\"'</div>"
    read = Reader(coloured_text(text, [0.5] * len(text)))
    assert read.text == text
    assert read.tags == ["div", *["span"] * len(text)]


def test_characters_that_nobody_sees_have_symbols():
    assert Reader(coloured_text("a b\n\u202e", [0.0] * 5)).text == "a b↵U+202E"


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0, "#f8f8f8"), (1.0, "#e09036"), (-1.0, "#65a7fa"), (7.0, "#e09036")]
)
def test_the_scale_is_fixed(value: float, expected: str):
    assert colour(value) == expected


def test_a_text_needs_a_number_for_each_character():
    with pytest.raises(ValueError, match="shorter"):
        coloured_text("ab", [0.0])
