"""When a cell appeared in the training: from which moment on it did what it does at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charlstm.report.words.phrases import Phrase, Sentence
from charlstm.report.words.values import finite

# What tables and figures call the cells of a kind.
KINDS_IN_TABLES = {
    "toggle": "switches",
    "latch": "switches",
    "graded": "graded cells",
    "counter": "counters",
    "depth_counter": "depth counters",
}
# Rules of the inspection that are applied to each moment, where findings.json does not tell them.
_LEAST_SCORE, _LEAST_EFFECT_NATS = 0.4, 0.1


@dataclass(frozen=True)
class Appearance:
    """An Appearance says from which training step on a cell did what it does at the end.

    cell is written "layer:cell". follows is the first step from which on the cell keeps the least held-out
    score with its feature, two_levels that from which on it has two levels, and needed that from which on
    the interval of its effect lies beyond the least effect, on the side of the last effect. Each is None
    where that does not hold at the end.
    """

    cell: str
    feature: str
    follows: int | None
    two_levels: int | None
    needed: int | None


def appearances(document: Mapping[str, Any]) -> list[Appearance]:
    """Return the appearance of every cell in the entry over_time of findings, [] where it is empty.

    document is findings as JSON.
    """
    over_time, method = document.get("over_time") or {}, document.get("method") or {}
    rules = method.get("rules") or {}
    least_score = rules.get("least_held_out_score", _LEAST_SCORE)
    least_effect = rules.get("least_effect_nats", _LEAST_EFFECT_NATS)
    steps = over_time.get("steps") or []
    return [
        Appearance(
            cell=f"{cell['layer']}:{cell['cell']}",
            feature=cell["feature"],
            follows=_since(steps, [(finite(score) or 0.0) >= least_score for score in cell["score"]]),
            two_levels=_since(steps, [bool(value) for value in cell["two_levels"]]),
            needed=_since(steps, _beyond(cell["effect"], least_effect)),
        )
        for cell in over_time.get("cells") or []
    ]


def appearance_told(one: Appearance, noun: Sentence, *, verified: bool, first: int) -> Sentence:
    """Return in one sentence from which steps on a cell did what it does at the end.

    noun says what the cell's feature is. first is the step of the first moment. Only a verified cell is said
    to be needed by the network.
    """

    follows, *others = _deeds(one, verified=verified)
    clauses = [((Phrase("follows "), *noun), follows[1])]
    clauses += [((Phrase(verb),), step) for verb, step in others]
    known = [(verb, step) for verb, step in clauses if step is not None]
    steps = list(dict.fromkeys(step for _, step in known))
    told = [
        (*_listed([verb for verb, since in known if since == step]), Phrase(_from_step(step, first)))
        for step in steps
    ] or [clauses[0][0]]
    unused = one.needed is None and not verified
    end = "; nothing shows that the network needs it" if unused else ""
    return (
        Phrase("Cell "),
        Phrase(one.cell, code=True),
        Phrase(" "),
        *_listed(told, ", and "),
        Phrase(f"{end}."),
    )


def done_since(one: Appearance, *, verified: bool) -> list[tuple[str, int]]:
    """Return what a cell does at the end, each as a verb with the step from which on it does it."""
    return [(verb, step) for verb, step in _deeds(one, verified=verified) if step is not None]


def _deeds(one: Appearance, *, verified: bool) -> list[tuple[str, int | None]]:
    """Return what a cell may do, with the step from which on it does it. Only a verified cell is needed."""
    use = "is needed by the network" if verified else "alters what the network expects when it is changed"
    return [("follows its feature", one.follows), ("has two levels", one.two_levels), (use, one.needed)]


def _from_step(step: int, first: int) -> str:
    return " from the beginning on" if step == first else f" from step {step:,} on"


def _listed(parts: Sequence[Sentence], last: str = " and ") -> Sentence:
    """Return parts one after the other, with commas between them and `last` before the last one."""
    told: list[Phrase] = []
    for place, part in enumerate(parts):
        if place:
            told.append(Phrase(last if place + 1 == len(parts) else ", "))
        told.extend(part)
    return tuple(told)


def _since(steps: Sequence[int], holds: Sequence[bool]) -> int | None:
    """Return the first of steps from which on everything holds, or None where the last does not."""
    since = None
    for step, holding in zip(steps, holds, strict=True):
        since = (step if since is None else since) if holding else None
    return since


def _beyond(effects: Sequence[Mapping[str, Any] | None], limit: float) -> list[bool]:
    """Return which effects lie beyond the limit with their whole interval, on the side of the last one."""
    last = finite((effects[-1] or {}).get("value")) if effects else None
    sign = -1.0 if (last or 0.0) < 0 else 1.0
    ends = [(finite((one or {}).get("low")), finite((one or {}).get("high"))) for one in effects]
    return [
        low is not None and high is not None and min(sign * low, sign * high) > limit for low, high in ends
    ]
