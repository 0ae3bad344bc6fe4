"""What is found in control networks, and the share of findings above them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.inspection.control_networks import (
    ControlResult,
    ControlResults,
    inspect_controls,
    pseudo_discoveries,
    share_above,
)
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.exam.planted_cells import latch, plant, toggle
from charlstm.inspection.reading.inspected_text import read_text


@pytest.fixture(scope="module")
def inspected() -> tuple[Detected, ControlResults]:
    """What was detected in a network with a planted toggle and latch, and in its control networks."""
    cells = [toggle('"'), latch("(", ")")]
    model = plant(cells, SYMBOLS, idle=10, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    text = read_text(ids_of(written(40_000, seed=1)), SYMBOLS, 8)
    detected = detect(model, text, InspectionConfig(seed=0))
    return detected, inspect_controls(model, text, InspectionConfig(seed=0))


def test_the_share_above_controls_is_a_difference_with_its_interval(
    inspected: tuple[Detected, ControlResults],
) -> None:
    detected, controls = inspected
    share, by_control = share_above(detected, controls, 12)
    assert detected.is_finding.sum() == 2
    assert share["cells"] == 2 / 12
    same_text = by_control.pop("same_text")
    assert same_text["findings"] == 2, "the controls read all of this text"
    assert same_text["candidates"] >= 2
    assert same_text["best_score"] > 0.9
    assert set(by_control) == {"untrained", "gate_shuffled"}
    for name, control in by_control.items():
        assert (
            len(control["findings_of_each"]) == len(control["candidates_of_each"]) == control["networks"] > 1
        )
        assert control["findings_of_each"][0] == control["findings"]
        assert share[f"above_{name}"] == pytest.approx((2 - np.mean(control["findings_of_each"])) / 12)
        low, high = share[f"above_{name}_interval"]
        assert low - 1e-9 <= share[f"above_{name}"] <= high + 1e-9
    assert by_control["untrained"]["findings_of_each"] == [0] * by_control["untrained"]["networks"]
    assert 0 < by_control["untrained"]["best_score"] < 1


def test_findings_of_control_networks_are_taken_off_the_share(
    inspected: tuple[Detected, ControlResults],
) -> None:
    """As if 1, 2 and 6 cells of three untrained networks were findings, in every resampled text."""
    detected, controls = inspected
    results = [
        ControlResult(7, findings, 0.9, torch.full((1_000,), float(findings), dtype=torch.float64))
        for findings in (1, 2, 6)
    ]
    share, by_control = share_above(detected, replace(controls, by_name={"untrained": results}), 12)
    assert share["above_untrained"] == pytest.approx((2 - 3) / 12)
    assert share["above_untrained_interval"][1] == pytest.approx(share["interval"][1] - 3 / 12)
    assert by_control["untrained"]["findings"] == 1
    assert by_control["untrained"]["candidates_of_each"] == [7, 7, 7]


def test_the_false_discovery_rate_is_estimated_from_features_about_letters(
    inspected: tuple[Detected, ControlResults],
) -> None:
    detected, _ = inspected
    none = pseudo_discoveries(detected)
    features = detected.text.table.features
    assert none["features"] == sum(feature.name.startswith("pseudo_") for feature in features) > 0
    assert (none["candidates"], none["false_discovery_rate"]) == (0, 0.0)
    real = len(features) - none["features"]
    rate = pseudo_discoveries(replace(detected, pseudo_found=1))["false_discovery_rate"]
    assert rate == pytest.approx(min(1.0, real / none["features"] / detected.pairs.cell_count))
