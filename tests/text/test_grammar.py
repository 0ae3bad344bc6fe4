"""Generated texts: their truth against plain readings of the text, and what their names give."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.errors import CorpusError
from charlstm.inspection.features.listed_features import Traits, features
from charlstm.text import grammar
from charlstm.text.corpus import default_data_folder, list_corpora, load_corpus
from charlstm.text.grammar import GRAMMARS, GrammarName, GrammarText, generate, parse_name

CLOSES = {")": "(", "]": "[", "}": "{"}


@pytest.fixture(scope="module", params=GRAMMARS)
def named(request: pytest.FixtureRequest) -> tuple[str, GrammarText]:
    return request.param, generate(request.param, characters=60_000, seed=3)


def open_brackets(text: str) -> list[str]:
    """What is open after each character, checking that every closer closes the innermost opener."""
    stack, found = "", []
    for character in text:
        if character in CLOSES:
            assert stack[-1] == CLOSES[character]
            stack = stack[:-1]
        elif character in CLOSES.values():
            stack += character
        found.append(stack)
    return found


def quotes_read(text: str) -> dict[str, list[int]]:
    return {"inside_double_quotes": [text[: end + 1].count('"') % 2 for end in range(len(text))]}


def brackets_read(text: str) -> dict[str, list[int]]:
    stacks = open_brackets(text)
    counted = {"parenthesis_depth": "(", "bracket_depth": "[", "brace_depth": "{"}
    read = {name: [stack.count(opener) for stack in stacks] for name, opener in counted.items()}
    return read | {"total_depth": [len(stack) for stack in stacks]}


def records_read(text: str) -> dict[str, list[int]]:
    return {"column": [place - text.rfind("\n", 0, place + 1) for place in range(len(text))]}


def indent_read(text: str) -> dict[str, list[int]]:
    """The level is read from the spaces that begin a line, and counts from the line feed before on."""
    read: dict[str, list[int]] = {"level": [], "indentation": [], "in_indentation": []}
    for number, line in enumerate(text.split("\n")):
        spaces = len(line) - len(line.lstrip(" "))
        places = range(0 if number else 1, len(line) + 1)
        read["level"] += [spaces // 4 for _ in places]
        read["indentation"] += [min(place, spaces) for place in places]
        read["in_indentation"] += [int(place <= spaces and number > 0) for place in places]
    return read


READINGS = {"quotes": quotes_read, "brackets": brackets_read, "records": records_read, "indent": indent_read}


@pytest.mark.parametrize("name", GRAMMARS)
@settings(deadline=None)  # the first text loads modules
@given(characters=st.integers(1, 2_000), seed=st.integers(0, 10**6))
def test_the_truth_is_what_the_text_says(name, characters, seed):
    made = generate(name, characters=characters, seed=seed)
    read = READINGS[name](made.text)
    # In an indentation that the cut ends, the text does not say how deep it was to become.
    said = len(made.text.rstrip("\n ")) if name == "indent" else characters
    assert len(made.text) == characters
    assert read.keys() == made.truth.keys()
    for signal, values in made.truth.items():
        assert values.shape == (characters,)
        assert values[:said].tolist() == read[signal][:said], signal


def test_the_truth_has_the_meaning_of_the_feature_of_its_name(named):
    name, made = named
    traits = Traits.of(made.text, set(made.text))
    found = {feature.name: values for feature, values in features(made.text, traits, starts=[0])}
    same = made.truth.keys() & found.keys()
    assert same == made.truth.keys() - {"total_depth", "level", "in_indentation"}, name
    for signal in same:
        np.testing.assert_array_equal(found[signal], made.truth[signal], err_msg=signal)


def test_the_same_seed_gives_the_same_text_and_another_another(named):
    name, made = named
    assert generate(name, characters=60_000, seed=3).text == made.text
    assert generate(name, characters=60_000, seed=4).text[:1_000] != made.text[:1_000]
    assert generate(name, characters=1_000, seed=3).text == made.text[:1_000]


def test_every_state_is_met(named):
    name, made = named
    values = {signal: set(array.tolist()) for signal, array in made.truth.items()}
    levels = set(range(grammar.DEEPEST + 1))
    assert (
        values
        == {
            "quotes": {"inside_double_quotes": {False, True}},
            "brackets": dict.fromkeys(made.truth, levels),
            "records": {"column": set(range(25))},
            "indent": {"level": levels, "indentation": set(range(17)), "in_indentation": {False, True}},
        }[name]
    )


def test_the_state_of_quotes_tells_what_may_come():
    made = generate("quotes", characters=60_000, seed=0)
    inside = made.truth["inside_double_quotes"].tolist()
    rules = {
        ".": lambda was, before, after: not was and before.isalpha() and after in " \n",
        "!": lambda was, before, after: was and before.isalpha() and after == " ",
        "\n": lambda was, before, after: not was and before == "." and after.isalpha(),
        '"': lambda was, before, after: (
            (before.isalpha() and after == " ") if was else (before == " " and after.isalpha())
        ),
    }
    for place in range(1, len(made.text) - 1):
        if made.text[place] in rules:
            surroundings = inside[place - 1], made.text[place - 1], made.text[place + 1]
            assert rules[made.text[place]](*surroundings), surroundings


def test_all_is_closed_at_the_end_of_every_line():
    for name in ("quotes", "brackets"):
        made = generate(name, characters=60_000, seed=0)
        feeds = np.array(list(made.text)) == "\n"
        assert feeds.sum() > 100
        assert all((values[feeds] == 0).all() for values in made.truth.values())


def test_records_are_as_long_as_they_say_and_random():
    lines = generate("records", characters=100_000, seed=0).text.split("\n")
    assert {len(line) for line in lines[:-1]} == {grammar.RECORD_CHARACTERS}
    shares = np.bincount([ord(character) for line in lines for character in line])
    shares = shares[shares > 0] / sum(map(len, lines))
    assert len(shares) == 36
    assert np.abs(shares - 1 / 36).max() < 0.003


def test_lines_are_set_in_as_the_line_before_says():
    lines = generate("indent", characters=60_000, seed=0).text.split("\n")[:-1]
    for line, after in pairwise(lines):
        step = 4 * (line.endswith(":") - line.lstrip().startswith("return "))
        assert len(after) - len(after.lstrip()) == len(line) - len(line.lstrip()) + step


def test_a_grammar_is_a_text():
    corpus = load_corpus("grammar:quotes:5000:7")
    assert corpus.vocabulary.decode(corpus.tokens) == generate("quotes", characters=5_000, seed=7).text
    assert corpus.name == "grammar:quotes:5000:7"
    assert "grammar:quotes:5000:7" in [listed.name for listed in list_corpora()]


def test_a_text_is_generated_once_and_again_when_it_is_damaged(monkeypatch):
    made = []
    monkeypatch.setattr(
        grammar, "generate", lambda *a, **settings: made.append(a) or generate(*a, **settings)
    )
    whole = [load_corpus(name).sha256 for name in ("grammar:indent:5000", "grammar:indent:5000:0")]
    assert len(set(whole)) == len(made) == 1
    (file,) = (default_data_folder() / "grammar").iterdir()
    file.write_text(file.read_text()[:-1])
    assert load_corpus("grammar:indent:5000").sha256 == whole[0]
    assert len(made) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("grammar:quotes", GrammarName("quotes", 2_000_000, 0)),
        ("grammar:records:10", GrammarName("records", 10, 0)),
        ("grammar:indent:10:3", GrammarName("indent", 10, 3)),
    ],
)
def test_names(name, expected):
    assert parse_name(name) == expected


@pytest.mark.parametrize(
    ("name", "problem", "advice"),
    [
        ("grammar:", "no grammar ''", "grammar:quotes, grammar:brackets, grammar:records, grammar:indent"),
        ("grammar:poems", "no grammar 'poems'", "grammar:quotes, grammar:brackets, grammar:records"),
        ("grammar:quotes:0", "cannot have 0 characters", "1 to 20,000,000"),
        ("grammar:quotes:20000001", "cannot have 20,000,001 characters", "1 to 20,000,000"),
        ("grammar:quotes:many", "'grammar:quotes:many' is not", "quotes, brackets, records, indent"),
        ("grammar:quotes:-5", "'grammar:quotes:-5' is not", "quotes, brackets, records, indent"),
        ("grammar:quotes:5:1:2", "'grammar:quotes:5:1:2' is not", "quotes, brackets, records, indent"),
        ("grammar:quotes:5:", "'grammar:quotes:5:' is not", "quotes, brackets, records, indent"),
        ("grammar:quotes:²", "is not a grammar", "quotes, brackets, records, indent"),
        ("grammar:quotes:" + "9" * 5_000, "is not a grammar", "quotes, brackets, records, indent"),
    ],
)
def test_each_wrong_name_is_one_clear_error(name, problem, advice):
    with pytest.raises(CorpusError, match=problem) as raised:
        load_corpus(name)
    assert advice in raised.value.advice
