"""findings.json -> the plain data that the page's templates lay out.

Every number becomes text here, so that the templates only place it and the script only draws.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from charlstm.errors import UsageError
from charlstm.findings import READABLE_VERSIONS, Json, Verdict
from charlstm.report.page.first_cell import FirstCell, first_cell
from charlstm.report.page.lesson.lineup import lineup
from charlstm.report.page.lesson.predictions import predictions
from charlstm.report.page.network import (
    Control,
    Gate,
    Gradient,
    control_table,
    gate_table,
    gradient_table,
    network_data,
)
from charlstm.report.page.over_time import OverTime, over_time, over_time_data, text_over_time
from charlstm.report.page.proof_data import Circuits, circuit_data, circuits
from charlstm.report.page.rows import Row, best_per_feature, row
from charlstm.report.page.script_data import page_data
from charlstm.report.words.detection_numbers import rank_score, share_line
from charlstm.report.words.network.caveats import caveats
from charlstm.report.words.network.method import method_told
from charlstm.report.words.symbols import symbols_of, visible
from charlstm.report.words.values import Facts, facts, finite, plural, text, words

# Characters of the text's fingerprint that the page's header shows; its section on provenance has all.
_FINGERPRINT_CHARACTERS = 12


@dataclass(frozen=True)
class Page:
    """Everything that the templates read.

    first is the cell of the first screen; headline is the answer in one sentence; rows are all findings and
    best those of the summary; untested is the number of findings whose cell was not changed, and which have
    no verdict; verdicts has the number of findings by verdict; circuits says which sets of cells carry a
    behaviour, over_time when the cells appeared in the training; has_evidence says whether the verdicts rest
    on evidence, as from schema version 2 on; data is for the script.
    """

    title: str
    first: FirstCell | None
    headline: str
    model: str
    corpus: str
    rows: tuple[Row, ...]
    best: tuple[Row, ...]
    untested: int
    verdicts: Facts
    gate_columns: tuple[str, ...]
    gates: tuple[Gate, ...]
    gradient_feature: str
    gradients: tuple[Gradient, ...]
    controls: tuple[Control, ...]
    circuits: Circuits
    over_time: OverTime
    share: str
    has_evidence: bool
    caveats: tuple[str, ...]
    method_told: tuple[str, ...]
    method: Facts
    provenance: Facts
    data: Json

    @property
    def verdict_names(self) -> tuple[str, ...]:
        """Every verdict that a finding can have."""
        return get_args(Verdict)

    @property
    def readable(self) -> bool:
        """Whether there is a text, and a cell with values along it."""
        excerpts = self.data["excerpts"]
        return bool(excerpts) and (bool(self.rows) or any(excerpt["grid"] for excerpt in excerpts))


def view(findings: Mapping[str, Any]) -> Page:
    """Return the page of findings as read from findings.json, the best held-out score first.

    Any part of the findings but schema_version may be missing. Raises UsageError when the findings are of
    another schema or an excerpt's values do not fit its text.
    """
    _refuse_other_schema(findings)
    model, corpus, method, gates, credit = (
        findings.get(name) or {} for name in ("model", "corpus", "method", "gates", "credit")
    )
    found = sorted(findings.get("findings") or [], key=rank_score, reverse=True)
    rows = tuple(row(finding, _significance(method)) for finding in found)
    columns, gate_rows = gate_table(gates)
    drawn = page_data(found, rows, findings.get("excerpts") or [])
    first = first_cell(rows, drawn, found)
    return Page(
        title=visible(str(model.get("checkpoint") or "an LSTM")).rstrip("/").rpartition("/")[2],
        first=first,
        headline=headline(rows, model, method),
        model=model_line(model),
        corpus=corpus_line(corpus),
        rows=rows,
        best=best_per_feature(rows),
        untested=sum(not finding.get("verdict") for finding in found),
        verdicts=_verdict_counts(rows),
        gate_columns=columns,
        gates=gate_rows,
        gradient_feature=words(credit.get("feature") or ""),
        gradients=tuple(gradient_table(credit)),
        controls=tuple(control_table(method)),
        circuits=circuits(findings),
        over_time=over_time(findings),
        share=share_line(findings),
        has_evidence=any(finding.get("evidence") for finding in found),
        caveats=caveats(findings),
        method_told=method_told(findings),
        method=[*split_lines(corpus), *facts(method)],
        provenance=facts(provenance_of(findings)),
        data=drawn
        | {
            "network": network_data(gates, credit),
            "circuits": circuit_data(findings),
            "overTime": over_time_data(findings),
            "lesson": {
                "rounds": predictions(found, rows, drawn, first),
                "lineup": lineup(findings, found, rows, drawn),
            },
            "symbols": drawn["symbols"] | symbols_of(text_over_time(findings)),
        },
    )


def _refuse_other_schema(findings: Mapping[str, Any]) -> None:
    """Raise UsageError when the findings have another schema_version than this page reads."""
    if findings.get("schema_version") not in READABLE_VERSIONS:
        raise UsageError(
            f"the findings have schema_version {findings.get('schema_version')!r}, this page reads "
            f"{' or '.join(map(str, READABLE_VERSIONS))}",
            "draw them with the charlstm that wrote them, or run `charlstm inspect` again",
        )


def _significance(method: Mapping[str, Any]) -> float | None:
    """Return the largest p-value that counts, None where the findings do not have it."""
    null = method.get("null")
    return finite(null.get("significance")) if isinstance(null, Mapping) else None


def _verdict_counts(rows: tuple[Row, ...]) -> Facts:
    """Return a line (verdict, number of findings) for every verdict that occurs."""
    counts = Counter(row.verdict for row in rows)
    return [(verdict, text(counts[verdict])) for verdict in get_args(Verdict) if counts[verdict]]


def headline(rows: tuple[Row, ...], model: Mapping[str, Any], method: Mapping[str, Any]) -> str:
    """Return the page's answer in one sentence."""
    cells = (model.get("layers") or 0) * (model.get("cells") or 0)
    among = f" of {cells:,}" if cells else ""
    if not rows:
        features = len(method.get("features") or [])
        tested = f"any of the {features} features" if features else "any feature"
        return f"Nothing passed: no cell{among} follows {tested} beyond chance on held-out text."
    following = len({r.cell for r in rows})
    verb = "follows" if following == 1 else "follow"
    count = len({r.feature for r in rows})
    return f"{plural(following, 'cell')}{among} {verb} {plural(count, 'feature')} of the text."


def model_line(model: Mapping[str, Any]) -> str:
    """Return the model in one line, of what is known about it."""
    known = {name: text(value) for name, value in model.items() if value is not None}
    if known.get("gate_activation") == "sigmoid":
        del known["gate_activation"]  # as in every textbook
    size = f"{plural(model['layers'], 'layer')} of " if model.get("layers") else ""
    wordings = {
        "cells": f"{size}{{}} cells",
        "activation": "activation {}",
        "gate_activation": "gates {}",
        "parameters": "{} parameters",
        "vocabulary_size": "a vocabulary of {}",
        "bits_per_character": "{} bits per character",
        "checkpoint": "in {}",
    }
    return ", ".join(wording.format(known[name]) for name, wording in wordings.items() if name in known)


def corpus_line(corpus: Mapping[str, Any]) -> str:
    """Return the text's name and length and the start of its fingerprint in one line."""
    known = {name: text(value) for name, value in corpus.items() if value is not None}
    if "sha256" in known:
        known["sha256"] = known["sha256"][:_FINGERPRINT_CHARACTERS]
    wordings = {"name": "{}", "characters": "{} characters", "sha256": "sha256 {}…"}
    return ", ".join(wording.format(known[name]) for name, wording in wordings.items() if name in known)


def split_lines(corpus: Mapping[str, Any]) -> Facts:
    """Return a line for each split of the text, with the positions where it begins and ends."""
    splits = (corpus.get("splits") or {}).items()
    return [(f"text to {words(name)} on", f"{start:,} to {end:,}") for name, (start, end) in splits]


def provenance_of(findings: Mapping[str, Any]) -> Json:
    """Return what wrote the findings, with the whole fingerprint of the text."""
    provenance = findings.get("provenance") or {}
    fingerprint = (findings.get("corpus") or {}).get("sha256")
    return {**provenance, **({"text_sha256": fingerprint} if provenance and fingerprint else {})}
