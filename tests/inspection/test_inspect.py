"""The whole inspection: planted switches and counters are found, and an untrained network gives nothing."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig, ModelConfig
from charlstm.errors import CorpusError, UsageError
from charlstm.findings import Findings
from charlstm.inspection import control_networks
from charlstm.inspection.exam.planted_cells import (
    PlantedCell,
    character_detector,
    depth_counter,
    fading_trace,
    latch,
    line_counter,
    plant,
    toggle,
)
from charlstm.inspection.inspect import InspectionRequest, _spans, inspect_model
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.reading.trace import WARMUP, Cut
from charlstm.model.char_lstm import CharLSTM


def inspected(model: CharLSTM, text: str, progress: Progress = ignore_progress, **settings: Any) -> Findings:
    request = InspectionRequest(
        model=model,
        ids=ids_of(text),
        vocabulary=SimpleNamespace(symbols=tuple(SYMBOLS)),
        config=InspectionConfig(**{"streams": 8, "seed": 3, **settings}),
        corpus_name="written",
        corpus_sha256="0" * 64,
        checkpoint="runs/written",
        bits_per_character=1.5,
        command="charlstm inspect runs/written",
    )
    return inspect_model(request, progress=progress)


PLANTED: list[tuple[PlantedCell, str, dict[str, list[str]]]] = [
    (toggle('"'), "toggle", {"set": ['"'], "reset": ['"']}),
    (latch("(", ")"), "latch", {"set": ["("], "reset": [")"]}),
    (line_counter("\n"), "counter", {"step": ["*"], "reset": ["\n"]}),
    (depth_counter("[", "]"), "depth_counter", {"step": ["["], "unstep": ["]"]}),
    (toggle(" "), "toggle", {"set": [" "], "reset": [" "]}),
]
DECOYS = [
    character_detector('"'),
    fading_trace("\n"),
    fading_trace(" ", kept=0.7),
    fading_trace(",", kept=0.8),
]


@pytest.fixture(scope="module")
def stages() -> list[tuple[str, float]]:
    """What the progress reports: each stage and the share of the work before it."""
    return []


@pytest.fixture(scope="module")
def planted(stages: list[tuple[str, float]]) -> Findings:
    """The findings of the planted network on the first 100,000 of some more characters."""
    cells = [cell for cell, _, _ in PLANTED] + DECOYS
    model = plant(cells, SYMBOLS, idle=8, generator=torch.Generator().manual_seed(0))
    text = written(100_000, seed=1) + "abc" * 500
    return inspected(model, text, lambda *report: stages.append(report), characters=100_000)


def test_every_planted_cell_is_found_with_its_kind_and_drivers_and_nothing_else(planted: Findings) -> None:
    found = {(f.layer, f.cell): (f.kind, f.drivers) for f in planted.findings}
    assert found == {(0, cell): (kind, drivers) for cell, (_, kind, drivers) in enumerate(PLANTED)}


def test_a_users_feature_may_be_missing_in_the_text_of_the_control_networks(monkeypatch) -> None:
    """Control networks read the beginning alone: the feature may come later, and nothing may be lost then."""
    monkeypatch.setattr("charlstm.inspection.inspect._CONTROL_CHARACTERS", 20_000)
    text = written(40_000, seed=1)
    assert "..." not in text
    late = text[:20_000] + text[20_000:].replace(" ", "... ")
    model = plant([toggle('"')], SYMBOLS, idle=4, generator=torch.Generator().manual_seed(0))
    found = inspected(model, late, features=(r"dots=\.\.\.",))
    assert found.corpus.characters == len(late)


def test_findings_come_with_their_scores_the_best_one_first(planted: Findings) -> None:
    scores = [finding.detection.held_out_score for finding in planted.findings]
    assert scores == sorted(scores, reverse=True)
    for finding in planted.findings:
        assert finding.polarity == 1
        assert finding.detection.held_out_score > 0.75  # depth is not 0 where a stretch begins
        assert finding.detection.held_out_score > finding.detection.held_out_null_max
        assert finding.detection.p_value == 0.01
    by_cell = {finding.cell: finding for finding in planted.findings}
    assert by_cell[4].detection.balanced_accuracy == pytest.approx(1, abs=1e-4)
    assert by_cell[2].detection.straightness == pytest.approx(1)
    # The column stops at its largest value, the cell goes on.
    assert by_cell[2].detection.slope == pytest.approx(1 / 80, rel=0.2)
    assert by_cell[0].detection.straightness is None


def test_the_gates_of_findings_and_of_the_layer_are_those_planted(planted: Findings) -> None:
    toggling = next(finding for finding in planted.findings if finding.cell == 0).mechanism
    assert toggling.input_gate < 1e-3 < 0.999 < toggling.input_gate_at_drivers
    assert toggling.forget_gate_at_drivers < 1e-3 < 0.999 < toggling.forget_gate
    layer = planted.gates["layers"][0]
    text_share_of_quotes = 1 - layer["forget"]["cells"]["above_0.9"][0]
    start, stop = planted.corpus.splits["confirm"]
    counted = np.array(list(written(100_000, seed=1)))[start + Cut(stop - start, 8).counted]
    assert text_share_of_quotes == pytest.approx((counted == '"').mean(), abs=1e-4)
    assert layer["forget"]["cells"]["below_0.1"][0] == pytest.approx(text_share_of_quotes, abs=1e-4)
    assert layer["output"]["cells"]["above_0.9"][0] == 1


def test_excerpts_have_the_text_and_the_features_of_the_same_positions(planted: Findings) -> None:
    (excerpt,) = planted.excerpts
    assert excerpt.start == planted.corpus.splits["confirm"][0] + WARMUP
    assert excerpt.text == written(100_000, seed=1)[excerpt.start : excerpt.start + 2_000]
    assert set(excerpt.cells) == {f"0:{cell}" for cell in range(len(PLANTED))}
    quotes = np.array(excerpt.cells["0:0"]["tanh_c"])
    named = next(finding.feature for finding in planted.findings if finding.cell == 0)
    assert ((quotes > 0.5) == np.array(excerpt.features[named])).all()


def test_gradients_are_followed_for_the_best_finding_that_is_on_in_spans(planted: Findings) -> None:
    spanning = [finding for finding in planted.findings if finding.kind != "counter"]
    assert {finding.verdict for finding in spanning} == {"correlate"}, "the head reads no planted cell"
    assert planted.credit["feature"] == spanning[0].feature
    assert planted.credit["sites"] > 0


def test_the_untrained_control_network_has_no_finding(planted: Findings) -> None:
    assert planted.method.controls["untrained"]["findings"] == 0


def test_findings_say_where_model_and_text_come_from(planted: Findings) -> None:
    assert (planted.model.checkpoint, planted.model.bits_per_character) == ("runs/written", 1.5)
    assert (planted.corpus.name, planted.corpus.sha256) == ("written", "0" * 64)
    assert planted.provenance["command"] == "charlstm inspect runs/written"
    assert planted.corpus.characters == 100_000, "no more than asked for is read"
    bounds = list(planted.corpus.splits.values())
    assert [start for start, _ in bounds[1:]] == [stop for _, stop in bounds[:-1]]
    assert (bounds[0][0], bounds[-1][1]) == (0, 100_000)


def test_the_stages_report_rising_shares_of_the_whole_work(
    planted: Findings, stages: list[tuple[str, float]]
) -> None:
    assert list(dict.fromkeys(stage for stage, _ in stages)) == [
        "features",
        "control networks",
        "calibration",
        "movements",
        "untrained scores",
        "discovery",
        "confirmation",
        "interventions",
        "circuits",
        "gates and gradients",
    ]
    shares = [share for _, share in stages]
    assert shares[0] == 0
    assert shares == sorted(set(shares))
    controls = [share for stage, share in stages if stage == "control networks"]
    networks = 1 + 2 * control_networks.NETWORKS_OF_A_KIND
    begun = [0.05 + 0.35 * network / networks for network in range(networks)]
    assert [min(controls, key=lambda share: abs(share - one)) for one in begun] == pytest.approx(begun)
    assert shares[-1] < 1


def test_spans_go_from_a_rise_to_the_next_fall() -> None:
    on = np.array([1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1], dtype=bool)
    assert _spans(on).tolist() == [[4, 7], [8, 9]], "cut spans at both ends are left out"
    assert _spans(on, lag=2).tolist() == [[2, 5], [6, 7]], "the characters come before the switch"
    assert _spans(np.zeros(5, dtype=bool)).shape == _spans(on[:4]).shape == (0, 2)


def test_an_untrained_network_has_no_findings() -> None:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=64, layers=2, embedding=16)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(8))
    found = inspected(model, written(60_000, seed=5))
    assert found.findings == []
    assert found.excerpts[0].cells == {}
    assert len(found.gates["layers"]) == 2


def test_a_text_too_short_or_without_features_and_too_few_shifts_are_refused() -> None:
    model = plant([toggle('"')], SYMBOLS, idle=0, generator=torch.Generator().manual_seed(0))
    with pytest.raises(CorpusError, match="needs 20,000 characters, the text has 500"):
        inspected(model, written(500, seed=0))
    with pytest.raises(CorpusError, match="no feature"):
        inspected(model, "a" * 25_000)
    with pytest.raises(
        UsageError, match=r"20 shifts can show no significance of 0.01; use 99 shifts at least"
    ):
        inspected(model, written(500, seed=0), shifts=20)
