"""Vocabularies are found in files of weights and beside them, and those that do not fit are refused."""

import json
import pickle

import numpy as np
import pytest
from foreign_models import CHARACTERS, SIZE

from charlstm.errors import CheckpointError
from charlstm.foreign.files.budget import Budget
from charlstm.foreign.files.placeholders import Placeholder
from charlstm.foreign.vocabularies import read_vocabulary, vocabulary_inside
from charlstm.text.vocabulary import Vocabulary

IDS_BY_CHARACTER = dict(zip(CHARACTERS, range(SIZE), strict=True))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(CHARACTERS),
        json.dumps(IDS_BY_CHARACTER),
        json.dumps({str(number): symbol for number, symbol in enumerate(CHARACTERS)}),
        json.dumps({"level": "char", "stoi": IDS_BY_CHARACTER}),
        "".join(CHARACTERS),
        "".join(CHARACTERS) + "\n",
        "kjihgfedcba" * 2,
    ],
)
def test_a_vocabulary_file_is_a_json_list_a_map_or_a_text(tmp_path, content):
    (tmp_path / "vocabulary").write_text(content)
    vocabulary = read_vocabulary(tmp_path / "vocabulary", SIZE)
    assert vocabulary.symbols == tuple(CHARACTERS)
    assert vocabulary.level == "characters"


@pytest.mark.parametrize("name", ["chars.pkl", "chars"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize(
    "tree", [CHARACTERS, IDS_BY_CHARACTER, dict(enumerate(CHARACTERS)), {"stoi": IDS_BY_CHARACTER, "n": 3}]
)
def test_a_vocabulary_file_may_be_a_pickle(tmp_path, name, protocol, tree):
    if protocol == 0 and name == "chars":
        pytest.skip("nothing but its name tells a pickle of protocol 0 from a text")
    (tmp_path / name).write_bytes(pickle.dumps(tree, protocol))
    assert read_vocabulary(tmp_path / name, SIZE).symbols == tuple(CHARACTERS)


def test_a_vocabulary_of_a_class_of_its_own_is_looked_through_as_data():
    tree = Placeholder("data.Vocabulary", ({"stoi": IDS_BY_CHARACTER},))
    assert vocabulary_inside(tree, SIZE, Budget(0), name="w").symbols == tuple(CHARACTERS)
    with pytest.raises(CheckpointError, match=r"no vocabulary outside of its object of data\.Vocabulary"):
        vocabulary_inside(Placeholder("data.Vocabulary"), SIZE, Budget(0), name="w")


def test_a_command_in_a_pickled_vocabulary_is_refused(tmp_path):
    (tmp_path / "chars.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(CheckpointError, match=r"wants to call os\.system"):
        read_vocabulary(tmp_path / "chars.pkl", SIZE)


def test_a_large_text_is_read_in_parts(tmp_path):
    (tmp_path / "text").write_text("".join(CHARACTERS[::-1]) * 800_000)
    assert read_vocabulary(tmp_path / "text", SIZE).symbols == tuple(CHARACTERS)


def test_a_text_of_different_characters_is_the_vocabulary_in_its_order(tmp_path):
    (tmp_path / "vocabulary").write_bytes(b"\nzyx\r wvut!")
    assert read_vocabulary(tmp_path / "vocabulary", SIZE).symbols == tuple("\nzyx\r wvut!")


def test_a_line_feed_at_the_end_belongs_to_the_vocabulary_only_if_the_size_needs_it(tmp_path):
    (tmp_path / "vocabulary").write_bytes(b"ba\n")
    assert read_vocabulary(tmp_path / "vocabulary", 2).symbols == ("b", "a")
    assert read_vocabulary(tmp_path / "vocabulary", 3).symbols == ("b", "a", "\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"zyxwvut", "has 7 different characters, the model's head 11 outputs"),
        (b"\xff\xfea\0", "is a text in UTF-16, not a vocabulary"),
        (b'["a", "b"]', "fits its head's 11 outputs: the whole of it has 2 symbols"),
        (b"[1, 2]", "holds no vocabulary"),
    ],
)
def test_a_vocabulary_file_that_does_not_fit_is_refused(tmp_path, content, words):
    (tmp_path / "vocabulary").write_bytes(content)
    with pytest.raises(CheckpointError, match=words):
        read_vocabulary(tmp_path / "vocabulary", SIZE)


def test_a_missing_vocabulary_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        read_vocabulary(tmp_path / "nowhere", SIZE)


@pytest.mark.parametrize(
    "tree",
    [
        {"chars": tuple(CHARACTERS)},
        {"chars": np.array(CHARACTERS)},
        {"extra": {"stoi": IDS_BY_CHARACTER}},
        {
            "itos": dict(enumerate(CHARACTERS)),
            "chars": CHARACTERS,
            "names": ["loss", "step"],
            "other": {"lr": 1},
        },
        {"alphabet": "".join(CHARACTERS), "tokens": list("xy")},
    ],
)
def test_a_vocabulary_in_a_file_of_weights_is_found_wherever_it_is(tree):
    assert vocabulary_inside(tree, SIZE, Budget(0), name="weights.pt").symbols == tuple(CHARACTERS)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, "weights.pt holds no vocabulary; its head has 11 outputs"),
        ({"stoi": {"a": 0, "b": 2}}, "holds no vocabulary"),
        ({"stoi": {"a": True, "b": False}}, "holds no vocabulary"),
        ({"chars": CHARACTERS[:-1]}, "fits its head's 11 outputs: chars has 10 symbols"),
        ({"chars": CHARACTERS, "itos": CHARACTERS[::-1]}, "differ: chars and itos"),
        ({"chars": ["<pad>", *CHARACTERS[1:]]}, "'<pad>' is not one character"),
        ({"chars": ["b", *CHARACTERS[1:]]}, "'b' is in it twice"),
    ],
)
def test_a_vocabulary_in_a_file_of_weights_that_does_not_fit_is_refused(tree, words):
    with pytest.raises(CheckpointError, match=words):
        vocabulary_inside(tree, SIZE, Budget(0), name="weights.pt")


def test_symbols_are_bytes_where_their_level_stands_beside_them():
    symbols = [chr(number) for number in range(0xF0, 0xF0 + SIZE)]
    of_bytes = {"vocabulary": {"level": "bytes", "symbols": symbols}}
    read = vocabulary_inside(of_bytes, SIZE, Budget(0), name="w")
    assert read == Vocabulary("bytes", tuple(symbols))
    for other in ({"level": "bytes", "chars": symbols}, {"level": np.ones(3), "symbols": symbols}):
        assert vocabulary_inside(other, SIZE, Budget(0), name="w") == Vocabulary("characters", tuple(symbols))
    with pytest.raises(CheckpointError, match=r"differ: vocabulary\.symbols and chars"):
        vocabulary_inside(of_bytes | {"chars": list(symbols)}, SIZE, Budget(0), name="w")
    with pytest.raises(CheckpointError, match="is not one byte"):
        vocabulary_inside({"level": "bytes", "symbols": ["\u0161", *symbols[1:]]}, SIZE, Budget(0), name="w")
