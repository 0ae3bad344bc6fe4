"""What a reader has to know before believing the page, in sentences with the findings' own numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from charlstm.report.words.detection_numbers import false_discoveries, held_out_score
from charlstm.report.words.symbols import visible
from charlstm.report.words.values import finite, plural, text

Json = Mapping[str, Any]

_CONTROLS = {
    "untrained": "an untrained network",
    "gate_shuffled": "the inspected network with its gates shuffled",
}


def caveats(findings: Json) -> tuple[str, ...]:
    """Return the sentences whose numbers are in findings; none where there is no finding."""
    if not findings.get("findings"):
        return ()
    return (
        *_comparisons(findings),
        *_chance(findings["findings"]),
        *_controls(findings),
        *_verdicts(findings),
        *_text(findings),
    )


def _comparisons(findings: Json) -> Iterable[str]:
    """Yield how many pairs of cell and feature were compared."""
    model, method = findings.get("model") or {}, findings.get("method") or {}
    cells = (model.get("layers") or 0) * (model.get("cells") or 0)
    features = len(method.get("features") or [])
    if cells and features:
        pairs = f"{plural(cells, 'cell')} were compared with {plural(features, 'feature')}"
        yield f"{pairs}; what counts as a finding allows for all these comparisons."


def _chance(found: Sequence[Json]) -> Iterable[str]:
    """Yield the smallest score of a finding and the largest score of chance."""
    detections = [finding.get("detection") or {} for finding in found]
    chance = finite(detections[0].get("held_out_null_max", detections[0].get("null_max")))
    scores = [score for one in found if (score := held_out_score(one)) is not None]
    if chance is not None and scores:
        yield (
            "Scores are correlations on held-out text, on which nothing was chosen, with a switch or a depth "
            f"as if it were on half of the time: the lowest here is {min(scores):.2f}, and chance reached "
            f"{chance:.2f}. A cell with a score below 1 follows its feature in part only."
        )


def _controls(findings: Json) -> Iterable[str]:
    """Yield what the same search finds where nothing should be found: in control networks, of letters."""
    controls = (findings.get("method") or {}).get("controls") or {}
    counts = [
        f"{text(count)} {'cell' if count == 1 else 'cells'} in {network}"
        for name, network in _CONTROLS.items()
        if isinstance(controls.get(name), Mapping) and (count := controls[name].get("findings")) is not None
    ]
    if counts:
        own = (controls.get("same_text") or {}).get("findings")
        told = (
            "" if own is None else f", and {plural(own, 'cell')} in this network on the text that they read"
        )
        yield f"The same search finds {' and '.join(counts)}{told}."
    if told := false_discoveries(findings):
        yield told


def _verdicts(findings: Json) -> Iterable[str]:
    """Yield how many findings are shown to be used by the model."""
    verdicts = [finding.get("verdict") for finding in findings["findings"]]
    if not any(verdicts):
        return
    verified, redundant = verdicts.count("verified"), verdicts.count("redundant")
    undecided = verdicts.count("undecided")
    group = f", and {redundant} by changing it together with other cells" if redundant else ""
    open_ = f"{plural(undecided, 'finding')} {'is' if undecided == 1 else 'are'} undecided; "
    yield (
        f"{verified} of {plural(len(verdicts), 'finding')} {'is' if verified == 1 else 'are'} verified by "
        f"changing the cell{group}; {open_ if undecided else ''}for the rest it is not shown that the model "
        "uses them."
    )


def _text(findings: Json) -> Iterable[str]:
    """Yield which text the findings are about."""
    corpus = findings.get("corpus") or {}
    if corpus.get("name") and corpus.get("characters"):
        name, characters = visible(str(corpus["name"])), text(corpus["characters"])
        yield (
            f"All of this was measured on {characters} characters of {name}; on other text the cells may do "
            "other things."
        )
    if trained := finite(corpus.get("trained_on_characters")):
        yield (
            f"The model was trained on {trained:,.0f} of these characters, so what is found may be what it "
            "knows by heart: held out means here that no choice of this inspection was based on them."
        )
