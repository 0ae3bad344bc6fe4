"""A finding in plain words: what the cell does, what rests on it, and how sure that is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charlstm.report.words.symbols import symbol
from charlstm.report.words.values import finite, plural, text, words

ANY_CHARACTER = "*"
# Effects below this are not put in words, and larger factors than e^9 are one and the same to a reader.
LEAST_TOLD_NATS, MOST_NATS = 0.02, 9.0
# Of more characters in a row than these the first ones are named.
MOST_MARKS = 8
DRIVEN = {
    "toggle": {"set": "switches on at", "reset": "off at"},
    "latch": {"set": "switches on at", "reset": "off at"},
    "counter": {"step": "counts", "reset": "and starts again at"},
    "depth_counter": {"step": "goes up at", "unstep": "down at"},
}


@dataclass(frozen=True)
class Phrase:
    """A piece of a sentence; code is text of the corpus, which the page sets apart."""

    text: str
    code: bool = False


Sentence = tuple[Phrase, ...]


def behaviour(finding: Mapping[str, Any]) -> Sentence:
    """ "switches on at (, off at ), holds between, and so follows inside parentheses"."""
    drivers, kind = finding.get("drivers") or {}, finding["kind"]
    parts: list[Phrase] = []
    for role, phrase in DRIVEN.get(kind, {}).items():
        if drivers.get(role):
            parts += [Phrase(("" if not parts else " " if kind == "counter" else ", ") + phrase + " ")]
            parts += _marks(drivers[role], any_character=role == "step")
    feature = words(finding["feature"])
    if not parts:
        return (Phrase(f"follows {feature}"),)
    holds = ", holds between" if kind in ("toggle", "latch") else ""
    return (*parts, Phrase(f"{holds}: it follows {feature}"))


def _marks(drivers: Sequence[str], *, any_character: bool) -> Iterable[Phrase]:
    """Characters of the corpus with commas between; of many the first, and how many others there are."""
    named = drivers if len(drivers) <= MOST_MARKS else drivers[: MOST_MARKS - 1]
    others = len(drivers) - len(named)
    for place, driver in enumerate(named):
        if place:
            yield Phrase(" or " if place + 1 == len(drivers) else ", ")
        if any_character and driver == ANY_CHARACTER:
            yield Phrase("every character")
        else:
            yield Phrase("".join(map(symbol, driver)), code=True)
    if others:
        yield Phrase(f" or one of {others} others")


def effect(finding: Mapping[str, Any]) -> Sentence:
    """What changing the cell did, beside its controls; nothing where it was not changed, or to no avail."""
    causal = finding.get("causal") or {}
    nats = effect_nats(causal)
    if nats is None or abs(nats) < LEAST_TOLD_NATS or not causal.get("target"):
        return ()
    closers = list(_closers(causal["target"]))
    change = f" becomes {times(nats)} times {'less' if nats < 0 else 'more'} likely"
    before = plural(causal.get("lag") or 0, "character")
    return (
        Phrase(f"When it is {_forced(finding, causal)} {before} earlier, "),
        *closers,
        Phrase(f"{change}{_beside(causal.get('control_effects') or {})}{_displaced(causal)}"),
    )


def _closers(target: str) -> Iterable[Phrase]:
    """The characters of a target: each of them, or for [^...] all but those."""
    if len(target) > 3 and target.startswith("[^") and target.endswith("]"):
        yield Phrase("anything but ")
        target = target[2:-1]
    yield from _marks(list(target), any_character=False)


def _displaced(causal: Mapping[str, Any]) -> str:
    """By how many characters a counter's closer moves when the model writes on."""
    moved = causal.get("displacement") or {}
    characters, steps = finite(moved.get("characters")), finite(moved.get("steps"))
    low, high = map(finite, moved.get("interval") or (None, None))
    if characters is None or steps is None or low is None or high is None or low <= 0:
        return ""
    return (
        f"; where the model writes on by itself, it comes {characters:.1f} characters sooner "
        f"({low:.1f} to {high:.1f})"
    )


def _forced(finding: Mapping[str, Any], causal: Mapping[str, Any]) -> str:
    """How the cell was changed."""
    if finding["kind"] == "counter":
        return f"moved by {plural(int(causal.get('steps') or 1), 'step')}"
    return "set back to depth 0," if finding["kind"] == "depth_counter" else "forced off"


def _beside(controls: Mapping[str, Any]) -> str:
    """What the same did to cells alike."""
    largest = finite(controls.get("max"))
    if not controls.get("count") or largest is None:
        return ""
    return f"; {text(controls['count'])} matched cells changed that by at most {times(largest)} times"


def effect_nats(causal: Mapping[str, Any]) -> float | None:
    """The change of the log probability that is compared with controls: what of it is the closers' own."""
    specific = finite(causal.get("specific_nats"))
    return finite(causal.get("effect_nats")) if specific is None else specific


def times(nats: float) -> str:
    """A change in nats as a factor of at least 1: "6.0", "12"; a bound where it is beyond telling."""
    factor = math.exp(min(abs(nats), MOST_NATS))
    if abs(nats) > MOST_NATS:
        return f"over {factor:,.0f}"
    return f"{factor:.2f}" if factor < 2 else f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"


def doubt(finding: Mapping[str, Any], significance: float | None) -> str:
    """Why a finding is no more than its verdict says; nothing for a verified one."""
    verdict, causal = finding.get("verdict"), finding.get("causal") or {}
    if verdict is None:
        return "It was not changed, so whether the model uses it is open."
    p_value = finite(causal.get("p_value"))
    asked = f"; {significance:g} is asked for" if significance and p_value and p_value > significance else ""
    chance = "" if p_value is None else f" (p = {p_value:.2g} with all tested cells allowed for{asked})"
    if verdict == "redundant":
        group = (causal.get("group") or {}).get("cells") or []
        together = f"the {plural(len(group), 'cell')} of its feature together are"
        return f"Alone that is not beyond chance{chance}; {together}."
    return f"That is not enough to say that the model uses it{chance}." if verdict == "correlate" else ""
