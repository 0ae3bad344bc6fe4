"""Planted switches and counters are found; shifted features and untrained networks give nothing."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig, ModelConfig
from charlstm.errors import CorpusError, UsageError
from charlstm.findings import Findings
from charlstm.inspection.detecting import discovery, null
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
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.features.feature_table import FeatureTable
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.inspection.reading.accumulators import CellFeatureMoments, GroupSums
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.reading.trace import WARMUP, Cut
from charlstm.model.char_lstm import CharLSTM


def inspected(model: CharLSTM, text: str, **settings: float) -> Findings:
    ids = ids_of(text)
    config = InspectionConfig(**{"streams": 8, "seed": 3, **settings})
    vocabulary = SimpleNamespace(symbols=tuple(SYMBOLS))
    return inspect_model(
        InspectionRequest(
            model=model,
            ids=ids,
            vocabulary=vocabulary,
            config=config,
            corpus_name="written",
            corpus_sha256="0" * 64,
        )
    )


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
def planted() -> Findings:
    cells = [cell for cell, _, _ in PLANTED] + DECOYS
    model = plant(cells, SYMBOLS, idle=8, generator=torch.Generator().manual_seed(0))
    return inspected(model, written(100_000, seed=1))


def test_every_planted_cell_is_found_with_its_kind_and_drivers_and_nothing_else(planted: Findings) -> None:
    found = {(f.layer, f.cell): (f.kind, f.drivers) for f in planted.findings}
    assert found == {(0, cell): (kind, drivers) for cell, (_, kind, drivers) in enumerate(PLANTED)}


def test_planted_findings_say_how_they_stand(planted: Findings) -> None:
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
    assert by_cell[2].detection.slope == pytest.approx(
        1 / 80, rel=0.2
    )  # the column stops at CAP, the cell goes on
    assert by_cell[0].detection.straightness is None


def test_mechanism_and_gates_are_those_planted(planted: Findings) -> None:
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


def test_excerpts_line_up_with_their_text(planted: Findings) -> None:
    (excerpt,) = planted.excerpts
    assert excerpt.start == planted.corpus.splits["confirm"][0] + WARMUP
    assert excerpt.text == written(100_000, seed=1)[excerpt.start : excerpt.start + 2_000]
    assert set(excerpt.cells) == {f"0:{cell}" for cell in range(len(PLANTED))}
    quotes = np.array(excerpt.cells["0:0"]["tanh_c"])
    named = next(finding.feature for finding in planted.findings if finding.cell == 0)
    assert ((quotes > 0.5) == np.array(excerpt.features[named])).all()


def test_the_untrained_control_has_no_finding(planted: Findings) -> None:
    assert planted.method.controls["untrained"]["findings"] == 0


def test_an_untrained_network_gives_nothing() -> None:
    config = ModelConfig(vocabulary_size=len(SYMBOLS), cells=64, layers=2, embedding=16)
    model = CharLSTM(config, generator=torch.Generator().manual_seed(8))
    found = inspected(model, written(60_000, seed=5))
    assert found.findings == []
    assert found.excerpts[0].cells == {}
    assert len(found.gates["layers"]) == 2


def split_of(text: str, *columns: np.ndarray) -> Split:
    """A text in one part of four stretches, and its features."""
    features = tuple(Feature(str(place), "counter", {}) for place, _ in enumerate(columns))
    signals = np.stack(columns, axis=1)
    split = Split(ids_of(text), SYMBOLS, 0, 4, FeatureTable(features))
    return replace(split, kept=replace(split.first, signals=signals))


def test_a_shifted_feature_is_not_found_and_the_true_one_is() -> None:
    text = written(40_000, seed=2)
    inside = np.zeros(len(text), dtype=np.uint8)
    for place in np.split(np.arange(len(text)), 4):  # the toggle starts at zero in each stretch
        inside[place] = np.cumsum([text[p] == '"' for p in place]) & 1
    model = plant([toggle('"')], SYMBOLS, idle=3, generator=torch.Generator().manual_seed(0))
    for values, passing in ((inside, 1), (np.roll(inside, 9_001), 0)):
        split = split_of(text, values)
        calibration = discovery.calibrate(model, split)
        shifts = null.draw_shifts(null.self_likeness(split), 99, torch.Generator().manual_seed(1))
        tested = torch.tensor([0])
        found = discovery.discover(model, split, calibration.means, shifts, tested=tested)
        pairs = discovery.choose(
            found,
            eligible=torch.ones(1, dtype=torch.bool),
            untrained=torch.zeros(1),
            proposed=torch.zeros(1, dtype=torch.bool),
            significance=0.01,
        )
        assert len(pairs) == passing
        p = null.p_values(found.scores.correlation.abs().amax(1), found.null)
        assert (p[0] <= 0.01) == bool(passing)


def test_null_scores_are_correlations_with_rolled_features() -> None:
    text = written(12_000, seed=4)
    random = np.random.default_rng(0)
    columns = [
        np.cumsum(random.integers(-1, 2, size=len(text)) * 2).clip(0, 255).astype(np.uint8) for _ in range(3)
    ]
    split = split_of(text, *columns)
    model = plant([line_counter("\n")], SYMBOLS, idle=2, generator=torch.Generator().manual_seed(0))
    means = discovery.calibrate(model, split).means
    shifts = torch.tensor([1500, 4000])
    found = discovery.discover(model, split, means, shifts, tested=torch.tensor([0, 2]))
    c = torch.empty(split.rows, 3)
    for block in split.first.blocks(model):
        c[block.rows] = block.c
    # A score is within stretches, so what c differs in between them is no part of its variance.
    inside = c.double().view(4, -1, 3)
    inside = (inside - inside.mean(1, keepdim=True)).flatten(0, 1).numpy()
    for shift, largest in zip(shifts.tolist(), found.null.tolist(), strict=True):
        rolled = np.roll(split.first.columns(torch.tensor([0, 2])).numpy(), shift, axis=0).astype(float)
        products = (c.double().numpy() - means.numpy()).T @ (rolled - rolled.mean(0)) / len(c)
        reference = products / np.outer(inside.std(0), rolled.std(0))
        assert largest == pytest.approx(np.abs(reference).max(), abs=1e-5)


def test_partial_correlation_and_memory_equal_taking_group_means_out() -> None:
    random = torch.Generator().manual_seed(0)
    groups = torch.randint(0, 7, (500,), generator=random)
    offsets = torch.randn(7, 5, generator=random)
    values = torch.randn(500, 5, generator=random) + offsets[groups]
    values[:, 1] = offsets[groups, 1]  # a detector of the character: nothing is left of it
    moments, sums = CellFeatureMoments(3, 2), GroupSums(8, 5)
    moments.update(values[:, :3], values[:, 3:])
    sums.update(groups, values)
    left = values.double().numpy().copy()
    for group in range(7):
        left[groups == group] -= left[groups == group].mean(0)
    partial = discovery.partial_correlation(moments, sums)
    wanted = np.corrcoef(left[:, [0, 2]].T, left[:, 3:].T)[:2, 2:]
    np.testing.assert_allclose(partial[[0, 2]].numpy(), wanted, atol=1e-5)
    assert (partial[1] == 0).all()
    cells_only = GroupSums(8, 3)
    cells_only.update(groups, values[:, :3])
    found = discovery.memory(cells_only, moments.cell_means, moments.cell_squares)
    share = (left[:, :3] ** 2).sum(0) / ((values - values.mean(0))[:, :3] ** 2).double().numpy().sum(0)
    np.testing.assert_allclose(found.numpy(), share * 500 / 493, atol=1e-5)


def drawn_for(feature: torch.Tensor) -> torch.Tensor:
    """200 shifts of a feature (rows,)."""
    seen = null.SelfLikeness(len(feature))
    seen.update(feature[:, None])
    return null.draw_shifts(seen, 200, torch.Generator().manual_seed(0))


def test_shifts_keep_away_from_the_feature_itself() -> None:
    period = torch.arange(40_000) // 100 % 2
    shifts = drawn_for(period)
    assert shifts.min() >= null.LEAST_SHIFT
    assert shifts.max() <= 40_000 - null.LEAST_SHIFT
    assert 20 <= null.autocorrelation_time(period.float()) <= 50
    assert drawn_for(torch.arange(40_000) // 10_000 % 2).min() >= 10_000


def test_what_cannot_be_inspected_is_refused() -> None:
    model = plant([toggle('"')], SYMBOLS, idle=0, generator=torch.Generator().manual_seed(0))
    with pytest.raises(CorpusError, match="needs 20,000 characters, the text has 500"):
        inspected(model, written(500, seed=0))
    with pytest.raises(CorpusError, match="no feature"):
        inspected(model, "a" * 25_000)
    with pytest.raises(
        UsageError, match=r"20 shifts can show no significance of 0.01; use 99 shifts at least"
    ):
        inspected(model, written(500, seed=0), shifts=20)
