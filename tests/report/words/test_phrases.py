"""Lists of characters in sentences, and which of their pieces are characters of the inspected text."""

from charlstm.report.words.phrases import Phrase, characters_in_words, sentence_text


def listed(drivers: list[str], **options: object) -> str:
    return sentence_text(characters_in_words(drivers, **options))


def test_characters_are_listed_with_commas_and_a_word_before_the_last():
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a or b"
    assert listed(["(", "[", "\n"], last="and") == "(, [ and ↵"


def test_only_the_characters_are_code():
    assert characters_in_words([" a", "b"]) == (
        Phrase("␣a", code=True),
        Phrase(" or "),
        Phrase("b", code=True),
    )


def test_a_star_is_every_character_where_it_is_said_to_be():
    assert characters_in_words(["*"], star_is_any=True) == (Phrase("every character"),)
    assert characters_in_words(["*"]) == (Phrase("*", code=True),)


def test_a_long_list_names_the_first_seven_and_counts_the_others():
    assert listed(list("abcdefgh")) == "a, b, c, d, e, f, g or h"
    assert listed(list("abcdefghi")) == "a, b, c, d, e, f, g or one of 2 others"
    assert listed(list("abcdefghi"), last="and") == "a, b, c, d, e, f, g and 2 others"


def test_an_empty_list_is_no_sentence():
    assert characters_in_words([]) == ()
