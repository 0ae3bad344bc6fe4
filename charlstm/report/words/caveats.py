"""What a reader has to know before believing the page, from the numbers of the findings themselves."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from charlstm.report.words.symbols import visible
from charlstm.report.words.values import finite, plural, text

Json = Mapping[str, Any]


def caveats(findings: Json) -> tuple[str, ...]:
    """Sentences, each only where the findings have its numbers."""
    if not findings.get("findings"):
        return ()
    return (
        *_tested(findings),
        *_chance(findings["findings"]),
        *_controls(findings),
        *_proof(findings),
        *_text(findings),
    )


def _tested(findings: Json) -> Iterable[str]:
    """How many pairs were in the race."""
    model, method = findings.get("model") or {}, findings.get("method") or {}
    cells = (model.get("layers") or 0) * (model.get("cells") or 0)
    features = len(method.get("features") or [])
    if cells and features:
        pairs = f"{plural(cells, 'cell')} were compared with {plural(features, 'feature')}"
        yield f"{pairs}; p-values allow for all of them."


def _chance(found: Sequence[Json]) -> Iterable[str]:
    """The largest score of chance, and the smallest of a finding."""
    detections = [one.get("detection") or {} for one in found]
    reached = finite(detections[0].get("held_out_null_max", detections[0].get("null_max")))
    scores = [score for one in detections if (score := finite(one.get("held_out_score"))) is not None]
    if reached is not None and scores:
        yield (
            "Scores are correlations on text that nothing was chosen on: here "
            f"{min(scores):.2f} at least, where chance reached {reached:.2f}. Below 1 a cell does something "
            "else as well."
        )


def _controls(findings: Json) -> Iterable[str]:
    """What the same search finds in networks that know nothing."""
    controls = (findings.get("method") or {}).get("controls") or {}
    known = {"untrained": "an untrained network", "gate_shuffled": "one with its gates shuffled"}
    told = [
        f"{text(controls[name]['findings'])} in {words}"
        for name, words in known.items()
        if isinstance(controls.get(name), Mapping) and "findings" in controls[name]
    ]
    if told:
        yield f"The same search found {' and '.join(told)}."


def _proof(findings: Json) -> Iterable[str]:
    """How many are more than company."""
    verdicts = [one.get("verdict") for one in findings["findings"]]
    if not any(verdicts):
        return
    verified, redundant = verdicts.count("verified"), verdicts.count("redundant")
    group = f", {redundant} only together with others" if redundant else ""
    yield (
        f"{verified} of {plural(len(verdicts), 'finding')} {'is' if verified == 1 else 'are'} verified by "
        f"changing the cell{group}; that the model uses the rest is not shown."
    )


def _text(findings: Json) -> Iterable[str]:
    """One text is one text."""
    corpus = findings.get("corpus") or {}
    if corpus.get("name") and corpus.get("characters"):
        name, characters = visible(str(corpus["name"])), text(corpus["characters"])
        yield f"All this is about {characters} characters of {name}; elsewhere the cells may do other things."
