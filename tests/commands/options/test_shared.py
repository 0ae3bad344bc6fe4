"""Options that several commands share."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from charlstm.commands.options.shared import fields_of, given, place_to_read, run_to_read
from charlstm.config import SamplingConfig
from charlstm.errors import CheckpointError, UsageError


def test_only_settings_that_were_given_are_passed_on():
    assert given(cells=None, layers=2, dropout=0.0, seed=None) == {"layers": 2, "dropout": 0.0}


@pytest.mark.parametrize("name", ["here", "nowhere", "here/nowhere"])
def test_a_place_that_may_be_missing_is_left_to_whoever_reads_it(tmp_path, name):
    (tmp_path / "here").touch()
    assert place_to_read(tmp_path / name) == tmp_path / name


def test_a_name_that_is_too_long_is_refused_and_shown_in_part():
    with pytest.raises(CheckpointError) as problem:
        place_to_read(Path("x" * 300))
    assert problem.value.problem == f"{'x' * 199}… cannot be read: File name too long"


def test_nothing_is_fetched_where_a_shell_asks_how_a_word_can_be_completed():
    asked = SimpleNamespace(resilient_parsing=True)
    assert run_to_read(asked, Path("hf:own er/name")) == Path("hf:own er/name")
    with pytest.raises(UsageError):
        run_to_read(SimpleNamespace(resilient_parsing=False), Path("hf:own er/name"))


def test_the_fields_of_a_config_are_taken_from_what_was_typed():
    assert fields_of(SamplingConfig, {"length": 3, "top_k": None, "quiet": True}) == {"length": 3}
