"""Read the found cells of a model at earlier points of its training: when does each of them appear?

Nothing is searched for here: cells, features and signs are those that were found at the end, and so are the
text, its splits, and the places where cells are changed. What may differ is measured anew at every point: the
levels of a cell, how closely it follows its feature, its gates, and what the prediction loses without it. A
cell of an earlier point is the same row of the same weights; whether it already does what it does at the end
is the question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.findings import Json
from charlstm.inspection.describing.text_over_time import TextOverTime, text_over_time
from charlstm.inspection.detecting.calibration import Calibration, calibrate
from charlstm.inspection.detecting.confirmation import Confirmation, confirm
from charlstm.inspection.detecting.discovery import Pairs
from charlstm.inspection.features.feature import specific_drivers
from charlstm.inspection.intervening.experiment import InterventionContext
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.study import ConfirmedPair, Study
from charlstm.model.char_lstm import CharLSTM
from charlstm.training.evaluation import evaluate

# Scores of frozen pairs need no null; the sums behind them take a number of shifts, and this is the least.
_NO_SHIFT = torch.zeros(1, dtype=torch.int64)


@dataclass(frozen=True, eq=False)
class Moment:
    """A Moment is a point of a training: after `step` steps, when `characters` characters had been read.

    model returns the model as it was then.
    """

    step: int
    characters: int
    model: Callable[[], CharLSTM]


def read_over_time(moments: Sequence[Moment], studied: Study, progress: Progress = ignore_progress) -> Json:
    """Return what the found cells of a study did at each of moments, as findings.json has it.

    All moments have models of the studied one's shape. The result is empty without moments, and has:

    steps, characters: the moments.
    bits_per_character: how well each model predicts the split "intervene".
    closers: by feature, the mean log probability in nats of the characters at which it ends, where cells are
        changed, at each moment.
    cells: for each found cell its layer, cell and feature, and lists with one value for each moment: score
        (at equal shares for a switch or a depth, |r| for a counter; negative where the sign is not the final
        one), level_share and two_levels, the mean input_gate and forget_gate at the drivers' last characters
        (`at_drivers`) and elsewhere, and effect (value, low, high; in nats), which is null for a cell that
        was not intervened on.
    excerpt: a text with tanh(c) of found cells along it at every moment; {} without a found cell. It is what
        `TextOverTime.described` returns.
    """
    read = []
    text = text_over_time(studied, len(moments))
    for number, moment in enumerate(moments):
        progress(f"step {moment.step:,}", number / len(moments))
        read.append(_read(moment.model(), studied, text))
    if not read:
        return {}
    cells_of_layer = studied.proven.context.model.config.cells
    return {
        "steps": [moment.step for moment in moments],
        "characters": [moment.characters for moment in moments],
        "bits_per_character": [one.bits_per_character for one in read],
        "closers": {feature: [one.closers[feature] for one in read] for feature in read[0].closers},
        "cells": [
            {
                "layer": pair.cell // cells_of_layer,
                "cell": pair.cell % cells_of_layer,
                "feature": pair.feature.name,
                **{name: [one.cells[index][name] for one in read] for name in _NUMBERS},
            }
            for index, pair in enumerate(studied.confirmed_pairs)
        ],
        "excerpt": text.described([one.states for one in read], cells_of_layer) if text else {},
    }


_NUMBERS = ("score", "level_share", "two_levels", "input_gate", "forget_gate", "effect")


@dataclass(frozen=True, eq=False)
class _Reading:
    """A reading of one moment: the numbers of the found cells in their order, and what the model predicts.

    states (cells, characters) are what `TextOverTime.states` returns.
    """

    bits_per_character: float
    closers: dict[str, float]
    cells: list[Json]
    states: NDArray[np.uint8]


def _read(model: CharLSTM, studied: Study, shown: TextOverTime | None) -> _Reading:
    """Return what the found cells of a study do in model, an earlier or later state of the studied model.

    shown is the text along which their states are kept.
    """
    text = studied.found.text
    calibration = calibrate(model, text.splits["calibrate"])
    proven = studied.proven.context
    context = InterventionContext(
        model,
        proven.passage,
        list(proven.behaviours.values()),
        calibration.thresholds.view(model.config.layers, -1),
    )
    features = {pair.feature.name for pair in studied.confirmed_pairs} & set(context.behaviours)
    return _Reading(
        evaluate(model, text.splits["intervene"].ids).bits_per_character,
        {feature: context.closers(feature).natural_nats for feature in sorted(features)},
        _cells(context, studied, calibration),
        shown.states(model) if shown else np.zeros((0, 0), np.uint8),
    )


def _cells(context: InterventionContext, studied: Study, calibration: Calibration) -> list[Json]:
    """Return _NUMBERS of the found cells of a study in the model of context, whose levels are calibration."""
    text, pairs = studied.found.text, _found_pairs(studied)
    (confirmation,) = confirm(context.model, text.splits["confirm"], [pairs], calibration, _NO_SHIFT)
    two_levels = calibration.levels.two(pairs.cells, confirmation.dwell, confirmation.switch_scores).tolist()
    return [
        {
            "score": float(confirmation.equal_share[index] * pairs.signs[index]),
            "level_share": float(calibration.levels.share[pair.cell]),
            "two_levels": two_levels[index],
            **_gates(confirmation, index, pair, text.symbols),
            "effect": _effect(context, pair),
        }
        for index, pair in enumerate(studied.confirmed_pairs)
    ]


def _found_pairs(studied: Study) -> Pairs:
    """Return the confirmed pairs of a study, in their order."""
    indices = torch.tensor([pair.index for pair in studied.confirmed_pairs], dtype=torch.int64)
    pairs = studied.found.pairs
    return Pairs(pairs.cells[indices], pairs.features[indices], pairs.signs[indices])


def _gates(confirmation: Confirmation, index: int, pair: ConfirmedPair, symbols: Sequence[str]) -> Json:
    """Return the mean input and forget gate of a pair at its drivers' last characters and elsewhere."""
    last_characters = {driver[-1] for driver in specific_drivers(pair.name.drivers)}
    at_drivers = torch.tensor([symbol in last_characters for symbol in symbols])
    return {
        f"{gate}_gate": {
            "at_drivers": confirmation.gates.mean(gate, index, at_drivers),
            "elsewhere": confirmation.gates.mean(gate, index, ~at_drivers),
        }
        for gate in ("input", "forget")
    }


def _effect(context: InterventionContext, pair: ConfirmedPair) -> Json | None:
    """Return the effect of resampling a cell at the closers of its feature, or None without closers."""
    if pair.feature.name not in context.behaviours:
        return None
    closers = context.closers(pair.feature.name)
    cell = divmod(pair.cell, context.model.config.cells)
    return closers.change(closers.donor_values([cell])).effect().data
