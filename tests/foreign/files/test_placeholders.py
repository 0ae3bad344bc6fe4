"""Placeholders take the place of unknown classes, and hostile names are told from them."""

import pytest

from charlstm.foreign.files.placeholders import Placeholder, is_hostile


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "popen"),
        ("builtins", "eval"),
        ("subprocess", "run"),
        ("importlib.util", "x"),
    ],
)
def test_what_starts_programs_or_loads_code_is_hostile(module, name):
    assert is_hostile(module, name)


@pytest.mark.parametrize(
    ("module", "name"),
    [("config", "Config"), ("pathlib", "PosixPath"), ("builtins", "getattr"), ("transformers", "os")],
)
def test_other_classes_and_functions_are_not_hostile(module, name):
    assert not is_hostile(module, name)


def test_a_placeholder_cannot_be_called_and_takes_no_attributes():
    placeholder = Placeholder("config.Config", ("a",))
    assert placeholder.held == ["a"]
    assert not callable(placeholder)
    with pytest.raises(AttributeError):
        placeholder.cells = 4  # type: ignore[attr-defined]
