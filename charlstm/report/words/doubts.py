"""What a verdict rests on: what decided for "verified", or which condition of it failed, with the numbers."""

from collections.abc import Iterable, Mapping
from typing import Any

from charlstm.report.words.phrases import Phrase, Sentence
from charlstm.report.words.proof_numbers import Estimate, earlier_effect, estimate_of, percent, signed
from charlstm.report.words.sentences import closers
from charlstm.report.words.values import finite, plural

Json = Mapping[str, Any]

_NOT_TESTED = "No experiment changed this cell, so whether the model uses it is open."


def doubt(finding: Json, significance: float | None) -> Sentence:
    """Return what is missing for the verdict "verified"; () for a verified finding.

    significance is the largest p-value that counts, None where the findings do not have it. Findings of
    schema version 1 have no evidence: there the p-value says what is missing.
    """
    verdict = finding.get("verdict")
    if verdict in (None, ""):
        return (Phrase(_NOT_TESTED),)
    if verdict not in ("redundant", "correlate", "undecided"):
        return ()
    if not finding.get("evidence"):
        return (Phrase(_by_p_value(finding, significance)),)
    if verdict == "correlate":
        return _within(finding)
    reasons = [reason for reason in failures(finding) if reason]
    missing: Sentence = ()
    for place, reason in enumerate(reasons):
        missing = (*missing, Phrase("; " if place else ""), *reason)
    if verdict == "undecided":
        return (Phrase("It is not decided whether the model uses it: "), *missing, Phrase("."))
    return (Phrase("Alone it is not verified: "), *missing, Phrase(f". {_together(finding)}"))


def grounds(finding: Json) -> Sentence:
    """Return what decided for the verdict "verified", with the numbers; () for another verdict.

    Findings of schema version 1 have no evidence: nothing is said of them.
    """
    evidence = finding.get("evidence") or {}
    measures, limit = evidence.get("necessity") or {}, finite(evidence.get("limit_nats"))
    effects = [
        effect
        for name in ("resample", "conditional_mean")
        if (effect := estimate_of((measures.get(name) or {}).get("nats"))) is not None
    ]
    if finding.get("verdict") != "verified" or not effects or limit is None:
        return ()
    ways = " and ".join(effect.nats for effect in effects)
    intervals = "the intervals of both effects lie" if len(effects) > 1 else "the interval of the effect lies"
    told = f"When its memory is taken away, {intervals} beyond the required {limit:.2f} nats: {ways}."
    ranked = f"{told}{_ranked(evidence.get('rank') or {})}"
    return (Phrase(ranked), *_larger_elsewhere(evidence.get("specificity") or {}))


def _larger_elsewhere(specificity: Json) -> Sentence:
    """Return at which other character's places the effect came out larger, though not surely; () at none."""
    own, (target, effect) = estimate_of(specificity.get("own")), _runner_up(specificity)
    if own is None or effect is None or abs(effect.value) <= abs(own.value):
        return ()
    return (
        Phrase(" At the places of "),
        *closers(target),
        Phrase(f" its effect came out larger ({effect.nats}), though not surely."),
    )


def _runner_up(specificity: Json) -> tuple[str, Estimate | None]:
    """Return the closing character of another feature at which the effect is largest, and that effect."""
    behaviours = specificity.get("behaviours") or []
    named = (one for one in behaviours if one.get("feature") == specificity.get("runner_up"))
    other: Json = next(named, {})
    target = other.get("target") or ""
    return target, estimate_of(other.get("nats")) if target else None


def _ranked(rank: Json) -> str:
    """Return the place of the cell among the cells of its layer by the size of its effect, as a sentence."""
    place, cells, others = rank.get("rank"), rank.get("cells"), finite(rank.get("p95"))
    if not place or not cells:
        return ""
    beside = (
        ""
        if others is None
        else f"; 95% of the cells that do not carry the feature stay below {others:.2f} nats"
    )
    return f" By its effect it is number {place} of {cells:,} cells{beside}."


def failures(finding: Json) -> Iterable[Sentence]:
    """Yield each condition of "verified" that does not hold, in words with its numbers."""
    evidence = finding.get("evidence") or {}
    holds = evidence.get("conditions") or {}
    if not holds.get("necessity"):
        yield (Phrase(_not_necessary(finding, evidence)),)
    if not holds.get("specificity"):
        yield _not_specific(evidence.get("specificity") or {})
    if not any(holds.get(name) for name in ("insertion", "restoration", "interchange")):
        yield (Phrase(_not_sufficient(evidence)),)


def _not_necessary(finding: Json, evidence: Json) -> str:
    """Return why the effect does not count as one that is surely beyond the limit."""
    limit = finite(evidence.get("limit_nats")) or 0.0
    measures = evidence.get("necessity") or {}
    effects = [
        effect
        for name in ("resample", "conditional_mean")
        if (effect := estimate_of((measures.get(name) or {}).get("nats"))) is not None
    ]
    asked = f"the required {limit:.2f} nats"
    if effects and all(effect.low > limit for effect in effects) and finding["kind"] != "counter":
        return "without its memory the closing character becomes likelier, not less likely"
    beyond = [effect.low > limit or effect.high < -limit for effect in effects]
    if any(beyond) and not all(beyond):
        return f"only one of the two ways to take its memory away has an effect beyond {asked}"
    if effects and all(abs(effect.value) <= limit for effect in effects):
        return f"the effect is not beyond {asked}{_mattering_earlier(finding)}"
    return f"the interval, corrected for all tested cells, is too wide to lie beyond {asked}"


def _mattering_earlier(finding: Json) -> str:
    """Return that the cell matters where it is changed earlier, "" where it does not."""
    earlier = earlier_effect(finding)
    if earlier is None:
        return ""
    lag, effect = earlier
    return f", though changed {lag} characters before it matters ({effect.nats}): others may copy from it"


def _not_specific(specificity: Json) -> Sentence:
    """Return why the effect does not count as one on the closing character."""
    if _changes_another(specificity):
        told = "the closing character changes no more than a typical one: only another character does"
        return (Phrase(f"{told}, and the cell serves that one"),)
    target, effect = _runner_up(specificity)
    if effect is None:
        return (Phrase("the effect is no larger at its own places than at another character's"),)
    return (
        Phrase("the effect is larger at another character's places ("),
        *closers(target),
        Phrase(f", {signed(effect.value)} nats)"),
    )


def _changes_another(specificity: Json) -> bool:
    """Return whether the closing character changes hardly more than the typical character."""
    own, beside = (estimate_of(specificity.get(name)) for name in ("own", "beside_others"))
    return own is not None and beside is not None and abs(beside.value) < abs(own.value) / 2


def _not_sufficient(evidence: Json) -> str:
    """Return what restoring the cell alone, and giving it alone another value, bring about."""
    sufficiency, interchange = evidence.get("sufficiency") or {}, evidence.get("interchange") or {}
    restored, swapped = estimate_of(sufficiency.get("restoration")), estimate_of(interchange.get("share"))
    baseline = finite(sufficiency.get("restoration_baseline")) or 0.0
    swaps = (
        "there are too few places to exchange it"
        if swapped is None
        else f"exchanging it alone turns {percent(swapped.value)} of the model's choices"
    )
    return f"{_restoring(restored, baseline)}, and {swaps}"


def _restoring(restored: Estimate | None, baseline: float) -> str:
    """Return what restoring the cell alone brings back of the prediction."""
    if restored is None:
        return "what restoring it alone brings back is not known"
    if restored.high - restored.low > 1:
        return "what restoring it alone brings back is too uncertain"
    if restored.value <= 0.005:
        return "restoring it alone brings nothing back"
    if restored.low <= baseline and baseline > 0:
        return (
            f"restoring it alone brings {restored.percent} back, where other cells bring {percent(baseline)}"
        )
    return f"restoring it alone brings {restored.percent} back"


def _within(finding: Json) -> Sentence:
    """Return within which limit the effects of a correlate surely lie, and where it matters all the same."""
    rules = finding.get("evidence") or {}
    limit = finite(rules.get("margin_nats")) or finite(rules.get("limit_nats")) or 0.0
    told, earlier = f"Its effect surely lies within {limit:.2f} nats", earlier_effect(finding)
    if earlier is None:
        lost = "little is lost when its memory is taken away"
        return (Phrase(f"{told}: {lost}.{_inserted(rules)}"),)
    lag, effect = earlier
    close = plural((rules.get("necessity") or {}).get("lag") or 0, "character")
    return (
        Phrase(
            f"{told} when it is changed {close} before. Changed {lag} characters before, it matters "
            f"({effect.nats}): other cells may have taken over by then what it held."
        ),
    )


def _inserted(evidence: Json) -> str:
    """Return what the cell does where its feature is in the other state, "" where that is not surely much."""
    inserted = estimate_of((evidence.get("sufficiency") or {}).get("insertion"))
    if inserted is None or not (evidence.get("conditions") or {}).get("insertion"):
        return ""
    return f" Set where its feature is in the other state, it does change the prediction: {inserted.nats}."


def _together(finding: Json) -> str:
    """Return what the group of a redundant cell does together."""
    group = (finding.get("causal") or {}).get("group") or {}
    low, high = group.get("interval") or (None, None)
    effect = estimate_of({"value": group.get("effect_nats"), "low": low, "high": high})
    size = f": {effect.nats}" if effect else ""
    cells = plural(len(group.get("cells") or []), "cell")
    own = f"{finding.get('layer')}:{finding.get('cell')}"
    parts = [one.get("lost") for one in group.get("leave_one_out") or [] if one.get("cell") == own]
    part = next(filter(None, map(estimate_of, parts)), None)
    less = f", by {part.nats}" if part else ""
    together = f"The {cells} of its feature together are needed{size}."
    return f"{together} Without this cell that effect is smaller{less}."


def _by_p_value(finding: Json, significance: float | None) -> str:
    """Return what findings of schema version 1 say of a cell that is not verified."""
    causal = finding.get("causal") or {}
    p_value = finite(causal.get("p_value"))
    limit = (
        f"; {significance:g} at most is required"
        if significance and p_value and p_value > significance
        else ""
    )
    chance = "" if p_value is None else f" (p = {p_value:.2g}, corrected for all tested cells{limit})"
    if finding.get("verdict") == "redundant":
        cells = plural(len((causal.get("group") or {}).get("cells") or []), "cell")
        return (
            f"Changing this cell alone does not show that the model uses it{chance}; changing the {cells} of "
            "its feature together does."
        )
    return f"Changing it does not show that the model uses it{chance}."
