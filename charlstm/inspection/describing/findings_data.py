"""What the passes gave -> the plain data of findings.json."""

import platform
from datetime import datetime, timezone
from importlib.metadata import version

import torch
from torch import Tensor

from charlstm.checkpoint.tensor_file import weights_sha256
from charlstm.config import InspectionConfig
from charlstm.findings import Detection, Finding, Json, Mechanism, Method, ModelFacts
from charlstm.inspection.control_networks import pseudo_discoveries
from charlstm.inspection.describing.portraits import portraits
from charlstm.inspection.detecting import confirmation, discovery, null
from charlstm.inspection.detecting.detect import Detected
from charlstm.inspection.features.feature import specific_drivers
from charlstm.inspection.gates.wiring import weights_of
from charlstm.inspection.intervening import effect
from charlstm.inspection.study import Standing, Study
from charlstm.model.char_lstm import CharLSTM

# A counter that leaks no more than this share of itself counts in a line.
_LINEAR = 0.5


def findings_of(studied: Study, model: CharLSTM) -> list[Finding]:
    """The pairs that stand as findings, the best held-out score first."""
    drawn = portraits(model, studied.found, studied.standing)
    missing: list[Json | None] = [None] * (len(studied.standing) - len(drawn))
    return [
        _finding(studied.found, standing, model, portrait)
        for standing, portrait in zip(studied.standing, [*drawn, *missing], strict=True)
    ]


def _finding(found: Detected, standing: Standing, model: CharLSTM, portrait: Json | None) -> Finding:
    layer, cell = divmod(standing.cell, model.config.cells)
    weights = weights_of(model, layer, cell, specific_drivers(standing.name.drivers), found.text.symbols)
    mechanism = _mechanism(found, standing, weights)
    return Finding(
        layer=layer,
        cell=cell,
        kind=standing.name.kind,
        feature=standing.feature.name,
        drivers=standing.name.drivers,
        polarity=int(found.pairs.signs[standing.place]),
        detection=_detection(found, standing),
        mechanism=mechanism,
        causal=standing.proof.causal,
        verdict=standing.proof.verdict,
        portrait=portrait,
    )


def _detection(found: Detected, standing: Standing) -> Detection:
    cell, place = standing.cell, standing.place
    column = int(found.pairs.features[place])
    score = found.discovery.scores.correlation[cell, column].abs()
    confirmed = found.confirmation
    return Detection(
        score=float(score),
        discovery_p_value=float(null.p_values(score[None], found.discovery.null)),
        null_max=float(found.discovery.null.max()),
        held_out_score=float(confirmed.correlation[place].abs()),
        held_out_partial=float(confirmed.partial[place].abs()),
        held_out_context_partial=float(confirmed.context_partial[place].abs()),
        held_out_null_max=float(confirmed.null.max()),
        p_value=float(confirmed.p_values[place]),
        untrained_score=float(found.untrained[column]),
        memory=float(found.discovery.memory[cell]),
        level_share=float(found.calibration.level_shares[cell]),
        threshold=float(found.calibration.thresholds[cell]),
        slope=float(confirmed.slopes[place]),
        **_of_switch(found, standing) if standing.feature.kind == "switch" else _of_count(found, place),
    )


def _of_switch(found: Detected, standing: Standing) -> Json:
    """What only a switch has."""
    place, confirmed = standing.place, found.confirmation
    off = found.calibration.means[standing.cell] + confirmed.staircases.means()[place, 0]
    return {
        "accuracy": float(confirmed.accuracy[place]),
        "balanced_accuracy": float(confirmed.balanced_accuracy[place]),
        "straightness": None,
        "levels": {"off": float(off), "on": float(off + confirmed.slopes[place])},
        "held": float(confirmed.held[place]),
        "survival": _rounded(confirmed.survival[place], 4),
    }


def _of_count(found: Detected, place: int) -> Json:
    """What only a counter or a depth has."""
    profile = found.confirmation.staircases
    leak = float(profile.leak()[place])
    return {
        "accuracy": None,
        "balanced_accuracy": None,
        "straightness": float(profile.straightness()[place]),
        "reset_spread": float(profile.reset_spread()[place]),
        "leak": leak,
        "shape": "linear" if leak <= _LINEAR else "saturating",
        "staircase": profile.staircase(place),
        "levels_told_apart": int(profile.levels()[place]),
    }


def _mechanism(found: Detected, standing: Standing, weights: Json) -> Mechanism:
    """The gates of a cell at the characters that end its drivers, and at all others."""
    gates, place = found.confirmation.gates, standing.place
    ends = {driver[-1] for driver in specific_drivers(standing.name.drivers)}
    drivers = torch.tensor([symbol in ends for symbol in found.text.symbols])
    return Mechanism(
        input_gate=gates.mean("input", place, ~drivers),
        input_gate_at_drivers=gates.mean("input", place, drivers),
        forget_gate=gates.mean("forget", place, ~drivers),
        forget_gate_at_drivers=gates.mean("forget", place, drivers),
        output_gate=gates.mean("output", place, torch.ones_like(drivers)),
        output_saturation=float(gates.output_saturation.shares()[1][place]),
        weights=weights,
    )


def model_facts(model: CharLSTM, bits_per_character: float | None, checkpoint: str | None) -> ModelFacts:
    """The model as findings.json names it."""
    return ModelFacts(
        layers=model.config.layers,
        cells=model.config.cells,
        activation=model.config.activation,
        vocabulary_size=model.config.vocabulary_size,
        parameters=model.parameter_count(),
        bits_per_character=bits_per_character,
        checkpoint=checkpoint,
    )


def method_of(found: Detected, share: Json, controls: dict[str, Json], config: InspectionConfig) -> Method:
    """What was tested, against which nulls, by which rules."""
    table = found.text.table
    return Method(
        features=[feature.name for feature in table.features if not feature.pseudo],
        dropped_features=list(table.dropped),
        aliases=table.aliases,
        null={
            "kind": "circular shift of the features, the same for all cells, largest score of any pair",
            "shifts": config.shifts,
            "shortest_shift": found.shortest_shift,
            "significance": config.significance,
            "discovery": _rounded(found.discovery.null.sort().values, 4),
            "held_out": _rounded(found.confirmation.null.sort().values, 4),
        },
        rules={
            "least_score": discovery.LEAST_SCORE,
            "untrained_deviations": discovery.UNTRAINED_DEVIATIONS,
            "feature_memory": discovery.LEAST_FEATURE_MEMORY,
            "proposed_feature_memory": discovery.LEAST_PROPOSED_MEMORY,
            "partial_share": discovery.LEAST_PARTIAL_RATIO,
            "context_partial_share": confirmation.LEAST_CONTEXT_RATIO,
            "memory": discovery.LEAST_MEMORY_RATIO,
            "straightness": confirmation.LEAST_STRAIGHTNESS,
            "reset_spread": confirmation.LARGEST_RESET_SPREAD,
            "leak": confirmation.LARGEST_LEAK,
            "least_effect_nats": effect.LEAST_EFFECT_NATS,
            "least_effect_ratio": effect.LEAST_RATIO,
        },
        controls={**controls, "pseudo_features": pseudo_discoveries(found)},
        seed=config.seed,
        share=share,
    )


def provenance_of(model: CharLSTM, command: str | None) -> Json:
    """What was read, what wrote the findings, and when; the hash is of all weights, by name."""
    arrays = {name: values.detach().float().cpu().numpy() for name, values in model.state_dict().items()}
    return {
        "charlstm": version("charlstm"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "weights_sha256": weights_sha256(arrays),
        "command": command,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _rounded(values: Tensor, decimals: int) -> list[float]:
    return [round(value, decimals) for value in values.tolist()]
