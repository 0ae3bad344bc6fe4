"""The tree of exceptions."""

import pytest

from charlstm import errors
from charlstm.errors import (
    CharLSTMError,
    CheckpointError,
    CorpusError,
    UsageError,
    cannot_be_written,
    shortened,
)


def test_every_exception_of_charlstm_can_be_caught_as_one():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) >= 8
    assert all(issubclass(kind, CharLSTMError) for kind in kinds)


def test_an_exception_says_what_is_wrong_and_what_to_do():
    problem = UsageError("cells must be at least 1, not 0", "give a value in that range")
    assert (problem.problem, problem.advice) == (
        "cells must be at least 1, not 0",
        "give a value in that range",
    )
    assert str(problem) == "cells must be at least 1, not 0; give a value in that range"


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (OSError(28, "No space left on device", "a/b"), "No space left on device"),
        ("it is gone", "it is gone"),
    ],
)
def test_a_place_that_cannot_be_written_is_named_with_the_reason(why, words):
    problem = cannot_be_written(CorpusError, "a/b", why, "free some space")
    assert isinstance(problem, CorpusError)
    assert not isinstance(problem, CheckpointError)
    assert problem.problem == f"a/b cannot be written: {words}"


def test_a_long_name_is_cut_to_a_number_of_characters_with_an_ellipsis():
    assert [shortened("abcd", most) for most in (3, 4, 5)] == ["ab…", "abcd", "abcd"]
    assert len(shortened("x" * 1_000_000)) == 200
