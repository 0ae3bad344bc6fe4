"""A whole findings.json of seven findings: the sample of report_fixture with every required field."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from report_fixture import sample_findings

from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.tensor_file import weights_sha256
from charlstm.checkpoint.weights import load_weights
from charlstm.findings import Detection, Mechanism


def findings_document(
    *, checkpoint: str | None = None, sample: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Findings of the model at checkpoint that Findings.from_json reads; numbers that lack are 0.5.

    sample is what is completed, by default the sample of report_fixture.
    """
    document = sample or sample_findings()
    document["model"]["checkpoint"] = checkpoint
    method = {"dropped_features": [], "aliases": {}, "rules": {}}
    document["method"] = method | document["method"] | {"null": {"name": "circular shift", "shifts": 99}}
    for finding in document["findings"]:
        finding["detection"] = _required(Detection) | finding["detection"]
        finding["mechanism"] = _required(Mechanism) | finding["mechanism"]
    return document


def inspected(run: Path) -> dict[str, Any]:
    """What findings say of the weights that were inspected: those of the run in the folder run."""
    tensors = load_weights(run, load_config(run).model).tensors
    return {"provenance": {"weights_sha256": weights_sha256(tensors)}}


def _required(kind: type) -> dict[str, float]:
    """0.5 for each field of a dataclass of numbers that has no default."""
    return {
        field.name: 0.5
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    }
