"""A finding in sentences: what the cell does, and what a change of the cell did."""

import math
from collections.abc import Mapping
from typing import Any

from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.phrases import Phrase, Sentence, characters_in_words
from charlstm.report.words.proof_numbers import (
    Estimate,
    carried_share,
    effect_nats,
    effect_of,
    estimate_of,
    signed,
)
from charlstm.report.words.values import finite, plural, text

# An effect smaller than this is not told: it changes a probability by 2%.
_LEAST_TOLD_NATS = 0.02
# Factors above e^9, which is 8,103, are told as "over 8,103": a reader gains nothing by their digits.
_MOST_TOLD_NATS = 9.0

_COUNTING_KINDS = ("counter", "depth_counter")
# What comes before the characters of each role of a cell's drivers, by kind of cell: in the first place, and
# behind another role.
_SWITCHING = {"set": ("switches on at ", ""), "reset": ("switches off at ", " and off at ")}
_MECHANISMS = {
    "toggle": _SWITCHING,
    "latch": _SWITCHING,
    "graded": {"set": ("moves one way at ", ""), "reset": ("moves back at ", " and back at ")},
    "counter": {"step": ("steps at ", ""), "reset": ("starts again at ", " and starts again at ")},
    "depth_counter": {"step": ("steps up at ", ""), "unstep": ("steps down at ", " and down at ")},
}


def behaviour(finding: Mapping[str, Any]) -> Sentence:
    """Return what the cell of a finding does, without a subject or a full stop.

    A verified switch "marks text inside single quotes: it switches on at one ' and off at the next, and holds
    its value in between". A redundant cell does that "together with other cells". All others only "follow"
    their feature: nothing shows that the model uses them.
    """
    feature = feature_noun(finding["feature"], counted=finding["kind"] in _COUNTING_KINDS)
    verdict = finding.get("verdict")
    used = verdict in ("verified", "redundant")
    beginning = (Phrase(f"{feature.verb if used else 'follows'} "), *feature.noun)
    if finding["kind"] == "graded":
        partners = (finding.get("detection") or {}).get("partners")
        how = ", mixed with what other cells hold" if partners else " by degrees, without two clear levels"
        beginning = (*beginning, Phrase(how))
    if verdict == "redundant":
        beginning = (*beginning, Phrase(", together with other cells"))
    mechanism = _mechanism(finding)
    return (*beginning, Phrase(": it "), *mechanism) if mechanism else beginning


def _mechanism(finding: Mapping[str, Any]) -> Sentence:
    """Return what the cell does at its drivers; () where no drivers are known."""
    drivers, kind = finding.get("drivers") or {}, finding["kind"]
    switches = kind in ("toggle", "latch")
    holding = Phrase(", and holds its value in between")
    if switches and drivers.get("set") and drivers["set"] == drivers.get("reset"):
        characters = characters_in_words(drivers["set"])
        return (Phrase("switches on at one "), *characters, Phrase(" and off at the next"), holding)
    phrases: list[Phrase] = []
    for role, (first, following) in _MECHANISMS.get(kind, {}).items():
        if drivers.get(role):
            phrases.append(Phrase(following if phrases else first))
            phrases.extend(characters_in_words(drivers[role], star_is_any=role == "step"))
    return (*phrases, holding) if phrases and switches else tuple(phrases)


def effect(finding: Mapping[str, Any]) -> Sentence:
    """Return what a change of the cell did to the closing character, without a full stop.

    The sentence is () where the cell was not changed. Findings of schema version 1 have no interval: there
    the effect stands beside that of control cells, and a small one is not told.
    """
    causal = finding.get("causal") or {}
    nats, measured = effect_nats(causal), effect_of(causal)
    if nats is None or not causal.get("target"):
        return ()
    if measured is not None:
        return _effect_with_interval(finding, causal, measured)
    if abs(nats) < _LEAST_TOLD_NATS:
        return ()
    before = plural(causal.get("lag") or 0, "character")
    return (
        Phrase(f"When the cell is {_intervention(finding, causal)} {before} earlier, the closing "),
        *closers(causal["target"]),
        Phrase(f" becomes {likelier(nats)}{_controls(causal.get('control_effects') or {})}"),
        Phrase(_displacement(causal)),
    )


def _effect_with_interval(
    finding: Mapping[str, Any], causal: Mapping[str, Any], measured: Estimate
) -> Sentence:
    """Return the effect with its interval, the number of places, and the share that the cell carries."""
    places = f", {plural(causal['sites'], 'place')}" if causal.get("sites") else ""
    numbers = f"({signed(measured.value)} nats, {signed(measured.low)} to {signed(measured.high)}{places})"
    if abs(measured.value) < _LEAST_TOLD_NATS:
        change = f"hardly changes {numbers}"
    elif measured.low <= 0 <= measured.high:
        change = f"may not change at all {numbers}"
    else:
        ends = sorted(abs(end) for end in (measured.low, measured.high))
        size = f"{abs(measured.value):.2f} nats, {ends[0]:.2f} to {ends[1]:.2f}"
        change = f"becomes {likelier(measured.value)} ({size}{places})"
    share = carried_share(finding)
    carried = f"; it carries {share.percent} of what all cells together remember for it" if share else ""
    return (
        Phrase("Without this cell's memory the closing "),
        *closers(causal["target"]),
        Phrase(f" {change}{carried}{_moved(causal)}"),
    )


def likelier(nats: float) -> str:
    """Return a change of a log probability as a factor of the probability: "10 times less likely"."""
    return f"{times(nats)} times {'less' if nats < 0 else 'more'} likely"


def closers(target: str) -> Sentence:
    """Return the characters of an intervention's target; [^...] stands for all characters but those."""
    if len(target) > 3 and target.startswith("[^") and target.endswith("]"):
        return (Phrase("character (anything but "), *characters_in_words(list(target[2:-1])), Phrase(")"))
    return characters_in_words(list(target))


def _moved(causal: Mapping[str, Any]) -> str:
    """Return by how many characters a step of a counter moves its closer in text that the model writes.

    The text is "" unless it surely moves in the right direction: the whole interval has to be above 0.
    """
    moved, steps = _displaced(causal), finite((causal.get("displacement") or {}).get("steps"))
    if moved is None or steps is None or moved.low <= 0:
        return ""
    return (
        f"; counting {steps:g} steps more or less moves it by {moved.value:.1f} characters "
        f"({moved.low:.1f} to {moved.high:.1f}) in text that the model writes"
    )


def _displacement(causal: Mapping[str, Any]) -> str:
    """Return by how many characters a counter's closing character moves, for schema version 1."""
    moved = _displaced(causal)
    if moved is None or moved.low <= 0:
        return ""
    return (
        f"; when the model then writes text by itself, it comes {moved.value:.1f} characters sooner "
        f"(95% interval {moved.low:.1f} to {moved.high:.1f})"
    )


def _displaced(causal: Mapping[str, Any]) -> Estimate | None:
    """Return by how many characters the closer moves; None where that was not measured."""
    moved = causal.get("displacement") or {}
    low, high = moved.get("interval") or (None, None)
    return estimate_of({"value": moved.get("characters"), "low": low, "high": high})


def _intervention(finding: Mapping[str, Any], causal: Mapping[str, Any]) -> str:
    """Return how the cell was changed."""
    if finding["kind"] == "counter":
        return f"moved by {plural(int(causal.get('steps') or 1), 'step')}"
    return "set back to depth 0," if finding["kind"] == "depth_counter" else "forced off"


def _controls(controls: Mapping[str, Any]) -> str:
    """Return what equal changes of matched control cells did; "" where there were no controls."""
    largest = finite(controls.get("max"))
    if not controls.get("count") or largest is None:
        return ""
    return (
        f"; equal changes of {text(controls['count'])} matched cells or small groups of them change that by "
        f"at most {times(largest)} times"
    )


def times(nats: float) -> str:
    """Return a change of a log probability, in nats, as a factor of at least 1: "1.10", "6.0" or "12"."""
    factor = math.exp(min(abs(nats), _MOST_TOLD_NATS))
    if abs(nats) > _MOST_TOLD_NATS:
        return f"over {factor:,.0f}"
    return f"{factor:.2f}" if factor < 2 else f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"
