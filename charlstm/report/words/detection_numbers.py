"""The numbers and sentences of a detection that terminal, page and figures tell: the score and its doubts."""

import math
from collections.abc import Mapping
from typing import Any

from charlstm.report.words.phrases import Sentence, plain_sentence
from charlstm.report.words.values import MISSING, finite, plural, words

Json = Mapping[str, Any]

# Where the cell stands between two features, from which on it is said to follow its own.
_CLEAR_CONTRAST = 0.6


def held_out_score(finding: Json) -> float | None:
    """Return the score of a finding on held-out text, by which it was accepted; None where it has none.

    It is the correlation at equal shares; a counter, and a finding of schema version 1, has only |r|.
    """
    detection = finding.get("detection") or {}
    score = finite(detection.get("held_out_equal_share"))
    return finite(detection.get("held_out_score")) if score is None else score


def rank_score(finding: Json) -> float:
    """Return the score that findings are ranked by; minus infinity for a finding without one."""
    score = held_out_score(finding)
    return -math.inf if score is None else score


def near_limit(finding: Json) -> bool:
    """Whether the interval of a finding's score reaches down to the least score of a candidate."""
    return (finding.get("detection") or {}).get("near_limit") is True


def runner_up(finding: Json) -> Json | None:
    """Return the feature that challenged the name of a finding, with its numbers; None without one."""
    known = (finding.get("detection") or {}).get("runner_up")
    return known if isinstance(known, Mapping) and known.get("feature") else None


def score_sentence(finding: Json) -> Sentence:
    """Return the score of a finding with its interval, and its |r| where this is another number; or ()."""
    detection = finding.get("detection") or {}
    score, plain = held_out_score(finding), finite(detection.get("held_out_score"))
    if score is None:
        return ()
    low, high = detection.get("held_out_interval") or (None, None)
    interval = "" if low is None or high is None else f" (95% interval {low:.2f} to {high:.2f})"
    counts = finding["kind"] == "counter" or detection.get("held_out_equal_share") is None
    also = "" if counts or plain is None else f"; its plain correlation with the feature, |r|, is {plain:.2f}"
    return plain_sentence(f"Its score on held-out text is {score:.2f}{interval}{also}.")


def near_limit_sentence(finding: Json) -> Sentence:
    """Return the sentence about a score near its limit; () where it is not near."""
    if not near_limit(finding):
        return ()
    return plain_sentence(
        "The interval of its score reaches down to the least with which a cell is chosen: on other text "
        "this cell may not be found."
    )


def runner_up_sentence(finding: Json) -> Sentence:
    """Return the sentence about the feature that challenged the name; () where none came near."""
    other = runner_up(finding)
    if other is None:
        return ()
    score, contrast = finite(other.get("score")), finite(other.get("contrast"))
    if contrast is None:
        told = "the text hardly tells the two apart"
    elif contrast >= _CLEAR_CONTRAST:
        told = "where the two differ, the cell follows its own"
    else:
        told = "where the two differ, the cell stands about halfway between them"
    number = "" if contrast is None else f" ({contrast:.2f}; 1 is its own feature, 0 the other)"
    named = words(other["feature"])
    scored = MISSING if score is None else f"{score:.2f}"
    return plain_sentence(f"The feature that fits next best is {named} (score {scored}): {told}{number}.")


def partners_sentence(finding: Json) -> Sentence:
    """Return the sentence about the cells that share the depth of a finding's cell; () without such cells."""
    partners = (finding.get("detection") or {}).get("partners") or []
    if not partners:
        return ()
    cells = ("cells " if len(partners) > 1 else "cell ") + ", ".join(
        f"{finding['layer']}:{cell}" for cell in partners
    )
    return plain_sentence(
        f"It steps at the same characters as {cells}, but not always in the same direction: together they "
        "carry depths that none of them counts alone."
    )


def share_line(findings: Json) -> str:
    """Return the share of cells with a finding less that of untrained networks, and what it depends on.

    The text is "" where the findings do not have it. No interval stands in it: one from the same text keeps
    the cells that were chosen on this text.
    """
    above = finite(((findings.get("method") or {}).get("share") or {}).get("above_untrained"))
    if above is None:
        return ""
    near = sum(near_limit(finding) for finding in findings.get("findings") or [])
    told = f" {plural(near, 'finding')} {'is' if near == 1 else 'are'} near the limit." if near else ""
    return (
        f"After subtracting the share found in untrained networks, {above:.1%} of all cells have a finding. "
        f"The share differs between texts; one text cannot show by how much.{told}"
    )


def false_discoveries(findings: Json) -> str:
    """Return what the features about letters say about findings by chance, as sentences; "" if unknown."""
    pseudo = ((findings.get("method") or {}).get("controls") or {}).get("pseudo_features") or {}
    rate, count = finite(pseudo.get("false_finding_rate")), pseudo.get("features")
    if rate is None or not count:
        return ""
    passed = pseudo.get("findings") or 0
    cells = "no cell" if not passed else plural(passed, "cell")
    verb = "follow" if passed > 1 else "follows"
    return (
        f"False discovery rate: {rate:.0%} of the findings, estimated from {plural(count, 'feature')} about "
        f"letters, which no cell has a reason to follow: {cells} {verb} one of them."
    )
