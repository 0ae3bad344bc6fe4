"""What the cells of a model propose before anything is scored."""

from types import SimpleNamespace

import pytest

from charlstm.inspection.detecting import detect
from charlstm.inspection.features.automata import Automaton
from charlstm.inspection.reading.trace import Cut


@pytest.mark.parametrize("kind", ["depth", "switch"])
def test_what_is_0_most_of_the_time_is_proposed(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Also where a text begins inside more brackets than it ever opens again."""
    text = "a)b))) " + "so it (as (they) say) goes on and on " * 50
    part = SimpleNamespace(text=text, cut=Cut(len(text), 1))
    right = Automaton(kind, ("(",), (")",))
    for proposed in (right, right.reversed()):
        monkeypatch.setattr(detect, "proposals", lambda seen, one=proposed: [one])
        assert detect._proposed(None, part) == [right]
