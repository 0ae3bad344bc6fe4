"""Findings in plain words."""

from charlstm.report.words.sentences import effect

CAUSAL = {"target": "\n", "specific_nats": 0.4, "effect_nats": 0.4, "lag": 24, "steps": 10}


def told(kind: str, **causal: object) -> str:
    return "".join(part.text for part in effect({"kind": kind, "causal": CAUSAL | causal}))


def test_a_counter_says_by_how_far_its_closer_moves() -> None:
    moved = {"steps": 10, "characters": 6.2, "interval": [4.7, 7.8]}
    assert told("counter", displacement=moved) == (
        "When it is moved by 10 steps 24 characters earlier, ↵ becomes 1.49 times more likely; where the "
        "model writes on by itself, it comes 6.2 characters sooner (4.7 to 7.8)"
    )
    unsure = {"steps": 10, "characters": 0.2, "interval": [-0.1, 0.5]}
    assert "sooner" not in told("counter", displacement=unsure)
    assert "sooner" not in told("counter", displacement=None)


def test_a_target_is_what_closes_or_all_but_what_does_not() -> None:
    assert "earlier, ) or ] becomes" in told("latch", target=")]")
    assert "earlier, anything but ␣ or a becomes" in told("counter", target="[^ a]")
    assert told("latch", specific_nats=0.001) == ""


def test_of_many_characters_the_first_are_named_and_the_others_counted() -> None:
    assert "earlier, a, b, c, d, e, f, g or h becomes" in told("latch", target="abcdefgh")
    assert "anything but a, b, c, d, e, f, g or one of 2 others becomes" in told(
        "counter", target="[^abcdefghi]"
    )
