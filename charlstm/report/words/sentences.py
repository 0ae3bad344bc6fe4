"""A finding in sentences: what the cell does, what a change of the cell did, and what that shows."""

import math
from collections.abc import Mapping
from typing import Any

from charlstm.report.words.feature_nouns import feature_noun
from charlstm.report.words.phrases import Phrase, Sentence, characters_in_words
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
    its value in between". A redundant cell does that "together with other cells". A correlate, and a cell
    that was not tested, only "follows" its feature: nothing shows that the model uses it.
    """
    feature = feature_noun(finding["feature"], counted=finding["kind"] in _COUNTING_KINDS)
    verdict = finding.get("verdict")
    used = verdict in ("verified", "redundant")
    beginning = (Phrase(f"{feature.verb if used else 'follows'} "), *feature.noun)
    if finding["kind"] == "graded":
        beginning = (*beginning, Phrase(" by degrees, without two clear levels"))
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
    """Return what a change of the cell did to the closing character, beside its control cells.

    The sentence has no full stop. It is () where the cell was not changed and where little happened.
    """
    causal = finding.get("causal") or {}
    nats = specific_effect_nats(causal)
    if nats is None or abs(nats) < _LEAST_TOLD_NATS or not causal.get("target"):
        return ()
    change = f" becomes {times(nats)} times {'less' if nats < 0 else 'more'} likely"
    before = plural(causal.get("lag") or 0, "character")
    return (
        Phrase(f"When the cell is {_intervention(finding, causal)} {before} earlier, the closing "),
        *_closers(causal["target"]),
        Phrase(f"{change}{_controls(causal.get('control_effects') or {})}{_displacement(causal)}"),
    )


def _closers(target: str) -> Sentence:
    """Return the characters of an intervention's target; [^...] stands for all characters but those."""
    if len(target) > 3 and target.startswith("[^") and target.endswith("]"):
        return (Phrase("character (anything but "), *characters_in_words(list(target[2:-1])), Phrase(")"))
    return characters_in_words(list(target))


def _displacement(causal: Mapping[str, Any]) -> str:
    """Return by how many characters a counter's closing character moves in text that the model writes.

    The text is "" unless it surely comes sooner: the whole interval has to be above 0.
    """
    moved = causal.get("displacement") or {}
    characters, steps = finite(moved.get("characters")), finite(moved.get("steps"))
    low, high = map(finite, moved.get("interval") or (None, None))
    if characters is None or steps is None or low is None or high is None or low <= 0:
        return ""
    return (
        f"; when the model then writes text by itself, it comes {characters:.1f} characters sooner "
        f"(95% interval {low:.1f} to {high:.1f})"
    )


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


def specific_effect_nats(causal: Mapping[str, Any]) -> float | None:
    """Return the effect that is compared with controls, in nats; None without an intervention.

    It is causal.specific_nats, the part of the change of the closing character's log probability that its own
    logit explains; in findings without that field it is the whole change, causal.effect_nats.
    """
    specific = finite(causal.get("specific_nats"))
    return finite(causal.get("effect_nats")) if specific is None else specific


def times(nats: float) -> str:
    """Return a change of a log probability, in nats, as a factor of at least 1: "1.10", "6.0" or "12"."""
    factor = math.exp(min(abs(nats), _MOST_TOLD_NATS))
    if abs(nats) > _MOST_TOLD_NATS:
        return f"over {factor:,.0f}"
    return f"{factor:.2f}" if factor < 2 else f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"


def doubt(finding: Mapping[str, Any], significance: float | None) -> str:
    """Return what is missing for the verdict "verified"; "" for a verified finding.

    significance is the largest p-value that counts, None where the findings do not have it.
    """
    verdict, causal = finding.get("verdict"), finding.get("causal") or {}
    if verdict is None:
        return "No experiment changed this cell, so whether the model uses it is open."
    p_value = finite(causal.get("p_value"))
    limit = (
        f"; {significance:g} at most is required"
        if significance and p_value and p_value > significance
        else ""
    )
    chance = "" if p_value is None else f" (p = {p_value:.2g}, corrected for all tested cells{limit})"
    if verdict == "redundant":
        cells = plural(len((causal.get("group") or {}).get("cells") or []), "cell")
        return (
            f"Changing this cell alone does not show that the model uses it{chance}; changing the {cells} of "
            "its feature together does."
        )
    return f"Changing it does not show that the model uses it{chance}." if verdict == "correlate" else ""
