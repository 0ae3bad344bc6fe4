"""Automata equal a reference that reads one character at a time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlstm.inspection.features.feature import CAP
from charlstm.inspection.features.proposed_features import Automaton, events

texts = st.lists(st.sampled_from([*'ab"()*', "a" * 150]), min_size=1, max_size=40).map("".join)
drivers = st.lists(st.sampled_from(["a", '"', "(", ")", "*", "ab", "((", '""']), max_size=3).map(tuple)
automata = st.builds(
    Automaton,
    kind=st.sampled_from(["switch", "counter", "depth"]),
    up=drivers,
    down=drivers,
    lag=st.integers(0, 2),
)


def stepped(automaton: Automaton, text: str, starts: list[int]) -> list[int]:
    """Return the signal, lag characters late, by the rule applied to one character after the other."""
    signal: list[int] = []
    values: list[int] = []
    for position in range(len(text)):
        if position in starts:
            begin, value, values = position, 0, []
        any_steps = automaton.kind == "counter" and automaton.up == ("*",)
        up = any_steps or any(text.endswith(driver, begin, position + 1) for driver in automaton.up)
        down = any(text.endswith(driver, begin, position + 1) for driver in automaton.down)
        if automaton.kind == "depth":
            value = max(0, value + up - down)
        elif automaton.kind == "counter":
            value = 0 if down else value + up
        elif up or down:
            value = 1 - value if up and down else int(up)
        values.append(value)
        signal.append(min(CAP, values[-1 - automaton.lag]) if len(values) > automaton.lag else 0)
    return signal


@settings(max_examples=200, deadline=None)
@given(automaton=automata, text=texts, cut=st.integers(0, 40))
def test_signals_equal_the_rule_applied_step_by_step(automaton: Automaton, text: str, cut: int) -> None:
    starts = sorted({0, min(cut, len(text) - 1)})
    assert automaton.signal(text, starts).values.tolist() == stepped(automaton, text, starts)


def test_an_asterisk_is_any_character_only_as_the_step_of_a_counter() -> None:
    text = "a*b"
    assert Automaton("counter", ("*",), ("b",)).signal(text, [0]).values.tolist() == [1, 2, 0]
    assert Automaton("counter", ("*", "a"), ("b",)).signal(text, [0]).values.tolist() == [1, 2, 0]
    assert Automaton("counter", ("a",), ("*",)).signal(text, [0]).values.tolist() == [1, 0, 0]
    assert Automaton("switch", ("*",), ("b",)).signal(text, [0]).values.tolist() == [0, 1, 0]
    assert events(text, ["*"]).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("automaton", "name", "by_role"),
    [
        (
            Automaton("switch", ("#",), ("\n",)),
            "after_number_sign_until_newline",
            {"set": ["#"], "reset": ["\n"]},
        ),
        (
            Automaton("switch", ('"',), ('"',), 1),
            "parity_of_double_quote_1_late",
            {"set": ['"'], "reset": ['"']},
        ),
        (Automaton("counter", ("*",), ("\n",)), "characters_since_newline", {"step": ["*"], "reset": ["\n"]}),
        (
            Automaton("depth", ("((",), (")",)),
            "depth_of_left_parenthesis_then_left_parenthesis_to_right_parenthesis",
            {"step": ["(("], "unstep": [")"]},
        ),
    ],
)
def test_the_feature_is_named_by_its_drivers(
    automaton: Automaton, name: str, by_role: dict[str, list[str]]
) -> None:
    feature = automaton.signal("((#\n", [0]).feature
    assert (feature.name, feature.drivers, feature.lag) == (name, by_role, automaton.lag)


def test_a_depth_whose_drivers_are_exchanged_has_the_closers_unmatched() -> None:
    depth = Automaton("depth", ("(",), (")",))
    assert depth.unmatched("(())") == 0
    assert depth.reversed().unmatched("(())") == 1
    assert depth.unmatched("())(") == 0.5
    assert depth.reversed() == Automaton("depth", (")",), ("(",))
