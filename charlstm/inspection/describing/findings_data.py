"""The results of detection and intervention become the plain data of findings.json.

This module makes the findings with their mechanism, the facts about the model, the method and the provenance.
"""

import platform
from datetime import datetime, timezone
from importlib.metadata import version

import numpy as np
import torch
from torch import Tensor

from charlstm.checkpoint.tensor_file import weights_sha256
from charlstm.config import InspectionConfig
from charlstm.findings import Detection, Finding, Json, Mechanism, Method, ModelFacts
from charlstm.inspection.control_networks import pseudo_discoveries
from charlstm.inspection.describing.examples import examples_of
from charlstm.inspection.describing.followed_cells import FollowedCell, followed_cells
from charlstm.inspection.describing.portraits import portrait_of
from charlstm.inspection.detecting import confirmation, discovery, levels, margins
from charlstm.inspection.detecting.detect import Detected
from charlstm.inspection.features.feature import specific_drivers
from charlstm.inspection.gates.wiring import weights_of
from charlstm.inspection.intervening import census, judgement, necessity
from charlstm.inspection.study import ConfirmedPair, Study
from charlstm.model.char_lstm import CharLSTM

# A counter whose leak, the relative loss per step times the longest usual count, is larger is called
# saturating.
_LARGEST_LINEAR_LEAK = 0.5


def findings_of(studied: Study, model: CharLSTM, *, generator: np.random.Generator) -> list[Finding]:
    """Return the findings of a study of model, in descending order of their held-out score.

    generator draws examples by lot.
    """
    detected, pairs = studied.found, studied.confirmed_pairs
    cells = followed_cells(model, detected, pairs)
    seen = [
        _finding(detected, pair, model, cell, generator) for pair, cell in zip(pairs, cells, strict=False)
    ]
    unseen = [_finding(detected, pair, model, None, generator) for pair in pairs[len(cells) :]]
    return [*seen, *unseen]


def _finding(
    detected: Detected,
    pair: ConfirmedPair,
    model: CharLSTM,
    along_text: FollowedCell | None,
    generator: np.random.Generator,
) -> Finding:
    """Return the confirmed pair `pair` of cell and feature as a Finding.

    It has a portrait and examples where along_text, its cell along the text, is given; generator draws them.
    """
    layer, cell = divmod(pair.cell, model.config.cells)
    weights = weights_of(model, layer, cell, specific_drivers(pair.name.drivers), detected.text.symbols)
    return Finding(
        layer=layer,
        cell=cell,
        kind=pair.name.kind,
        feature=pair.feature.name,
        drivers=pair.name.drivers,
        polarity=int(detected.pairs.signs[pair.index]),
        detection=_detection(detected, pair),
        mechanism=_mechanism(detected, pair, weights),
        causal=pair.proof.causal,
        verdict=pair.proof.verdict,
        evidence=pair.proof.evidence,
        grade=pair.proof.grade.data if pair.proof.grade else None,
        portrait=portrait_of(along_text) if along_text else None,
        examples=examples_of(along_text, generator) if along_text else None,
    )


def _detection(detected: Detected, pair: ConfirmedPair) -> Detection:
    """Return how well the cell of a confirmed pair follows its feature."""
    cell, index = pair.cell, pair.index
    feature = int(detected.pairs.features[index])
    interval = detected.confirmation.score_intervals()[index].tolist()
    score = detected.discovery.scores.correlation[cell, feature].abs()
    confirmed = detected.confirmation
    if pair.feature.kind == "switch":
        numbers_of_kind = _switch_numbers(detected, pair)
    else:
        numbers_of_kind = _counter_numbers(detected, index)
    return Detection(
        score=float(score),
        discovery_p_value=float(detected.discovery.by_chance.p_values[cell, feature]),
        null_max=float(detected.discovery.by_chance.null.max()),
        held_out_score=float(confirmed.correlation[index].abs()),
        held_out_partial=float(confirmed.partial[index].abs()),
        held_out_context_partial=float(confirmed.context_partial[index].abs()),
        held_out_null_max=float(confirmed.null.max()),
        p_value=float(confirmed.p_values[index]),
        untrained_score=float(detected.untrained[feature]),
        memory=float(detected.discovery.memory[cell]),
        level_share=float(detected.calibration.level_shares[cell]),
        threshold=float(detected.calibration.thresholds[cell]),
        slope=float(confirmed.slopes[index]),
        equal_share=float(detected.discovery.scores.equal_share[cell, feature].abs()),
        feature_null_max=float(detected.discovery.by_chance.feature_null[feature]),
        held_out_equal_share=float(confirmed.equal_share[index].abs()),
        held_out_interval=interval,
        near_limit=interval[0] <= discovery.LEAST_SCORE,
        runner_up=_runner_up(detected, index),
        drivers_from=pair.name.drivers_from,
        partners=list(pair.partners),
        **numbers_of_kind,
        **({} if pair.feature.kind == "counter" else _on_off_numbers(detected, pair)),
    )


def _runner_up(detected: Detected, index: int) -> Json | None:
    """Return the runner-up of the pair with this index in `detected.pairs`, or None without one."""
    runner_up = detected.pairs.runners_up[index]
    if runner_up is None:
        return None
    name = detected.text.table.features[runner_up.feature].name
    return {"feature": name, "score": runner_up.score, "contrast": runner_up.contrast}


def _on_off_numbers(detected: Detected, pair: ConfirmedPair) -> Json:
    """Return the fields of Detection that apply where the feature is a switch or a depth."""
    levels, confirmed, cell = detected.calibration.levels, detected.confirmation, pair.cell
    return {
        "auc": float(confirmed.auc[pair.index]),
        "auc_interval": confirmed.auc_interval[pair.index].tolist(),
        "two_levels": {
            "passes": bool(detected.two_levels[pair.index]),
            "share": float(levels.share[cell]),
            "middle": float(levels.middle[cell]),
            "rarer": float(levels.rarer[cell]),
            "of_tanh": bool(levels.of_tanh[cell]),
            "dwell": int(confirmed.dwell[pair.index]),
            "feature_share": float(confirmed.switch_scores[pair.index].square()),
        },
    }


def _switch_numbers(detected: Detected, pair: ConfirmedPair) -> Json:
    """Return the fields of Detection that apply only where the feature is a switch."""
    index, confirmed = pair.index, detected.confirmation
    off = detected.calibration.means[pair.cell] + confirmed.staircases.means()[index, 0]
    return {
        "accuracy": float(confirmed.accuracy[index]),
        "balanced_accuracy": float(confirmed.balanced_accuracy[index]),
        "straightness": None,
        "levels": {"off": float(off), "on": float(off + confirmed.slopes[index])},
        "held": float(confirmed.held[index]),
        "survival": _rounded(confirmed.survival[index], 4),
    }


def _counter_numbers(detected: Detected, index: int) -> Json:
    """Return the fields of Detection that apply only where the feature is a counter or a depth.

    index is the index of the pair of cell and feature in `detected.pairs`.
    """
    staircases = detected.confirmation.staircases
    leak = float(staircases.leak()[index])
    return {
        "accuracy": None,
        "balanced_accuracy": None,
        "straightness": float(staircases.straightness()[index]),
        "reset_spread": float(staircases.reset_spread()[index]),
        "leak": leak,
        "rising": float(staircases.rising()[index]),
        "shape": "linear" if leak <= _LARGEST_LINEAR_LEAK else "saturating",
        "staircase": staircases.staircase(index),
        "levels_told_apart": int(staircases.values_told_apart()[index]),
    }


def _mechanism(detected: Detected, pair: ConfirmedPair, weights: Json) -> Mechanism:
    """Return the mean gates of a cell at the ends of its drivers and elsewhere, and its weights."""
    gates, index = detected.confirmation.gates, pair.index
    last_characters = {driver[-1] for driver in specific_drivers(pair.name.drivers)}
    at_drivers = torch.tensor([symbol in last_characters for symbol in detected.text.symbols])
    return Mechanism(
        input_gate=gates.mean("input", index, ~at_drivers),
        input_gate_at_drivers=gates.mean("input", index, at_drivers),
        forget_gate=gates.mean("forget", index, ~at_drivers),
        forget_gate_at_drivers=gates.mean("forget", index, at_drivers),
        output_gate=gates.mean("output", index, torch.ones_like(at_drivers)),
        output_saturation=float(gates.output_saturation.shares()[1][index]),
        weights=weights,
    )


def model_facts(model: CharLSTM, bits_per_character: float | None, checkpoint: str | None) -> ModelFacts:
    """Return the facts about model that findings.json has.

    bits_per_character says how well model predicts its validation text, checkpoint is the folder of its run;
    each is None where it is not known.
    """
    return ModelFacts(
        layers=model.config.layers,
        cells=model.config.cells,
        activation=model.config.activation,
        vocabulary_size=model.config.vocabulary_size,
        parameters=model.parameter_count(),
        bits_per_character=bits_per_character,
        checkpoint=checkpoint,
        gate_activation=model.config.gate_activation,
    )


def method_of(detected: Detected, share: Json, controls: dict[str, Json], config: InspectionConfig) -> Method:
    """Return what was tested, how chance was measured, and by which rules a pair becomes a finding.

    share and controls are the two results of `control_networks.share_above`.
    """
    table = detected.text.table
    return Method(
        features=[feature.name for feature in table.features if not feature.pseudo],
        dropped_features=list(table.dropped),
        aliases=table.aliases,
        null={
            "kind": "circular shift of the features, the same for all cells; correlations at equal shares, "
            "studentised for each feature, step-down over all pairs",
            "shifts": config.shifts,
            "independent_shifts": detected.independent_shifts,
            "shortest_shift": detected.shortest_shift,
            "significance": config.significance,
            "discovery": _rounded(detected.discovery.by_chance.null.sort().values, 4),
            "held_out": _rounded(detected.confirmation.null.sort().values, 4),
        },
        rules=_rules(),
        controls={**controls, "pseudo_features": pseudo_discoveries(detected)},
        seed=config.seed,
        precision=config.precision,
        share=share,
    )


def _rules() -> dict[str, float]:
    """Return the limits that detection and intervention apply, by their names in findings.json."""
    return {
        "least_score": discovery.LEAST_SCORE,
        "least_held_out_score": confirmation.LEAST_HELD_OUT_SCORE,
        "least_correlation": discovery.LEAST_CORRELATION,
        "least_held_out_correlation": confirmation.LEAST_HELD_OUT_CORRELATION,
        "untrained_deviations": margins.MARGIN_DEVIATIONS,
        "feature_memory": discovery.LEAST_FEATURE_MEMORY,
        "proposed_feature_memory": discovery.LEAST_PROPOSED_MEMORY,
        "partial_share": discovery.LEAST_PARTIAL_RATIO,
        "context_partial_share": confirmation.LEAST_CONTEXT_RATIO,
        "memory": discovery.LEAST_MEMORY_RATIO,
        "straightness": confirmation.LEAST_STRAIGHTNESS,
        "reset_spread": confirmation.LARGEST_RESET_SPREAD,
        "leak": confirmation.LARGEST_LEAK,
        "rising_share": confirmation.LEAST_RISING_SHARE,
        "level_share": levels.LEAST_LEVEL_SHARE,
        "feature_share": levels.LEAST_FEATURE_SHARE,
        "middle_share": levels.LARGEST_MIDDLE_SHARE,
        "rarer_share": levels.LEAST_RARER_SHARE,
        "dwell": float(levels.LEAST_DWELL_CHARACTERS),
        "least_effect_nats": necessity.LEAST_EFFECT_NATS,
        "least_effect_ratio": judgement.LEAST_RATIO,
        "least_part_of_closer": census.LEAST_PART_OF_CLOSER,
    }


def provenance_of(model: CharLSTM, command: str | None) -> Json:
    """Return which software and machine wrote the findings, from which weights, by which command, and when.

    weights_sha256 is the SHA-256 of all weights of model as float32 numbers; command is the command line that
    was typed, or None; created is the present time in UTC.
    """
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
    """Return values (n,) as a list of numbers with the given number of decimals."""
    return [round(value, decimals) for value in values.tolist()]
