"""The numbers of a finding equal those that a plain trace of its cell gives; the facts are the model's."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.findings import Finding
from charlstm.inspection.describing.findings_data import findings_of, method_of, model_facts, provenance_of
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, plant, toggle
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.reading.trace import WARMUP, trace
from charlstm.inspection.study import Study, study
from charlstm.model.char_lstm import CharLSTM
from charlstm.report.page.examples import unpacked

CONFIG = InspectionConfig(streams=4, interventions=0)
TEXT = written(40_000, seed=1)


@pytest.fixture(scope="module")
def model() -> CharLSTM:
    cells = [
        toggle('"').read('"', 3),
        latch("(", ")", level=0.5).negated(),
        line_counter("\n", step=0.01).read("\n", 6),
        depth_counter("[", "]"),
    ]
    return plant(cells, SYMBOLS, idle=4, generator=torch.Generator().manual_seed(0)).requires_grad_(False)


@pytest.fixture(scope="module")
def studied(model: CharLSTM) -> Study:
    text = read_text(ids_of(TEXT), SYMBOLS, CONFIG.streams)
    return study(model, text, CONFIG)


def lots() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def findings(studied: Study, model: CharLSTM) -> dict[int, Finding]:
    """The findings by cell."""
    found = {finding.cell: finding for finding in findings_of(studied, model, generator=lots())}
    assert sorted(found) == [0, 1, 2, 3]
    return found


class Traced:
    """One cell along the split "confirm", (stretches, characters), from the WARMUP-th character on.

    c, its value at the character before, the gates i, f and o, the values of the feature with the value at
    the character before, and the characters.
    """

    def __init__(self, studied: Study, model: CharLSTM, finding: Finding) -> None:
        chunk = studied.found.text.splits["confirm"].first
        streams, length = chunk.cut.streams, chunk.cut.length
        (block,) = trace(model, chunk.ids, streams=streams, window=length)
        layer, counted, before = block.layers[0], slice(WARMUP, None), slice(WARMUP - 1, -1)
        c = layer.c[:, :, finding.cell].numpy()
        values = chunk.signal(finding.feature).values[: streams * length].reshape(streams, length)
        self.c, self.c_before = c[:, counted], c[:, before]
        self.i, self.f, self.o = (
            gate[:, counted, finding.cell].numpy() for gate in (layer.gates.i, layer.gates.f, layer.gates.o)
        )
        self.values, self.values_before = values[:, counted], values[:, before]
        self.characters = np.array(list(chunk.text[: streams * length])).reshape(streams, length)[:, counted]


def mean_steps(traced: Traced, count: int) -> np.ndarray:
    """Return (count - 1,): the steps of the mean of c from each of the values 0 to count - 1 to the next.

    They are fitted by least squares beside a level of each stretch, since a stretch begins from a zero state.
    """
    stretches = np.broadcast_to(np.arange(len(traced.c))[:, None], traced.c.shape).ravel()
    columns = [np.eye(int(traced.values.max()) + 1)[traced.values.ravel()], np.eye(len(traced.c))[stretches]]
    fit, *_ = np.linalg.lstsq(
        np.concatenate(columns, axis=1), traced.c.ravel().astype(np.float64), rcond=None
    )
    return np.diff(fit[:count])


@pytest.mark.parametrize("cell", [0, 1])
def test_the_numbers_of_a_switch_are_those_of_its_trace(
    cell: int, findings: dict[int, Finding], studied: Study, model: CharLSTM
) -> None:
    finding = findings[cell]
    detection, traced = finding.detection, Traced(studied, model, finding)
    feature_on = traced.values > 0
    on, on_before = ((c - detection.threshold) * finding.polarity > 0 for c in (traced.c, traced.c_before))
    steady = feature_on == (traced.values_before > 0)
    assert finding.polarity == (1 if cell == 0 else -1)
    assert detection.levels is not None
    between = detection.levels["on"] - detection.levels["off"]
    assert between == pytest.approx(detection.slope) == pytest.approx(mean_steps(traced, 2)[0], rel=1e-3)
    assert (detection.levels["on"] - detection.threshold) * finding.polarity > 0
    assert (detection.levels["off"] - detection.threshold) * finding.polarity < 0
    assert detection.accuracy == pytest.approx((on == feature_on).mean(), abs=1e-5)
    assert detection.held == pytest.approx((on == on_before)[steady].mean(), abs=1e-5)
    assert detection.survival is not None
    assert min(detection.survival) > 0.9
    assert (detection.staircase, detection.leak, detection.straightness) == (None, None, None)


@pytest.mark.parametrize("cell", [2, 3])
def test_the_numbers_of_a_counter_are_those_of_its_trace(
    cell: int, findings: dict[int, Finding], studied: Study, model: CharLSTM
) -> None:
    finding = findings[cell]
    detection, traced = finding.detection, Traced(studied, model, finding)
    assert detection.staircase is not None
    steps = mean_steps(traced, len(detection.staircase))
    assert np.diff(detection.staircase) == pytest.approx(steps, abs=2e-3)
    assert detection.shape == "linear"
    # The column is held at 255 in longer lines, in which the cell counts on.
    assert detection.slope == pytest.approx(0.01 if cell == 2 else np.tanh(0.5), rel=0.2)
    assert (detection.accuracy, detection.levels, detection.survival) == (None, None, None)


@pytest.mark.parametrize("cell", range(4))
def test_the_mechanism_has_the_mean_gates_at_the_drivers_and_elsewhere(
    cell: int, findings: dict[int, Finding], studied: Study, model: CharLSTM
) -> None:
    finding = findings[cell]
    mechanism, traced = finding.mechanism, Traced(studied, model, finding)
    drivers = {driver for side in finding.drivers.values() for driver in side if driver != "*"}
    at = np.isin(traced.characters, list(drivers))
    assert mechanism.input_gate_at_drivers == pytest.approx(traced.i[at].mean(), abs=1e-5)
    assert mechanism.input_gate == pytest.approx(traced.i[~at].mean(), abs=1e-5)
    assert mechanism.forget_gate_at_drivers == pytest.approx(traced.f[at].mean(), abs=1e-5)
    assert mechanism.forget_gate == pytest.approx(traced.f[~at].mean(), abs=1e-5)
    assert mechanism.output_gate == pytest.approx(traced.o.mean(), abs=1e-5)
    assert mechanism.output_saturation == pytest.approx((np.abs(np.tanh(traced.c)) > 0.9).mean(), abs=1e-5)


def test_findings_are_sorted_by_their_held_out_score(studied: Study, model: CharLSTM) -> None:
    found = findings_of(studied, model, generator=lots())
    scores = [finding.detection.held_out_score for finding in found]
    assert scores == sorted(scores, reverse=True)


def test_the_excerpts_of_a_portrait_stand_where_they_say_in_the_whole_text(
    findings: dict[int, Finding],
) -> None:
    for finding in findings.values():
        assert finding.portrait is not None
        excerpts = finding.portrait["excerpts"]
        assert {"strongest", "counter_example"} <= set(excerpts)
        for excerpt in excerpts.values():
            assert excerpt["text"] == TEXT[excerpt["start"] :][: len(excerpt["text"])]


def test_the_examples_stand_where_they_say_with_the_c_and_the_gates_of_a_plain_trace(
    findings: dict[int, Finding], studied: Study, model: CharLSTM
) -> None:
    begin = studied.found.text.splits["confirm"].first.start
    for number, finding in findings.items():
        assert finding.examples is not None
        excerpt, traced = finding.examples["excerpt"], Traced(studied, model, finding)
        rows = unpacked(excerpt["rows"], len(excerpt["text"]))
        assert excerpt["text"] == TEXT[excerpt["start"] :][: len(excerpt["text"])]
        stretch, place = divmod(excerpt["start"] - begin, traced.c.shape[1] + WARMUP)
        span = slice(place - WARMUP, place - WARMUP + len(excerpt["text"]))
        for name, values in (
            ("c", traced.c),
            ("input", traced.i),
            ("forget", traced.f),
            ("output", traced.o),
        ):
            step = float(np.abs(values[stretch, span]).max()) / 127
            assert rows[name] == pytest.approx(values[stretch, span], abs=0.51 * step + 1e-3), (number, name)
        assert rows["feature"] == traced.values[stretch, span].tolist()
        for line in finding.examples["lines"]["each"]:
            assert line["text"] == TEXT[line["start"] :][: len(line["text"])]


def test_the_method_has_what_was_tested_and_the_scores_by_chance(studied: Study) -> None:
    method = method_of(studied.found, {"cells": 0.5}, {"untrained": {"findings": 0}}, CONFIG)
    table = studied.found.text.table
    pseudo = {feature.name for feature in table.features if feature.pseudo}
    assert pseudo
    assert set(method.features) == set(table.names) - pseudo
    assert (method.share, method.seed) == ({"cells": 0.5}, CONFIG.seed)
    assert method.controls["untrained"] == {"findings": 0}
    assert method.controls["pseudo_features"]["features"] == len(pseudo)
    for split in ("discovery", "held_out"):
        assert method.null[split] == sorted(method.null[split])
        assert len(method.null[split]) == CONFIG.shifts
    assert all(limit > 0 for limit in method.rules.values())


def test_model_facts_are_those_of_the_configuration(small_model: CharLSTM) -> None:
    facts = model_facts(small_model, 1.5, "runs/small")
    assert (facts.layers, facts.cells, facts.vocabulary_size, facts.activation) == (2, 6, 11, "tanh")
    assert facts.gate_activation == "sigmoid"
    hard = CharLSTM(replace(small_model.config, gate_activation="hard_sigmoid"))
    assert model_facts(hard, None, None).gate_activation == "hard_sigmoid"
    # Embedding; two layers of four gates with weights of 4 or 6 inputs, of 6 cells, and two biases; head.
    assert facts.parameters == 11 * 4 + 4 * 6 * (4 + 6 + 2) + 4 * 6 * (6 + 6 + 2) + 11 * (6 + 1)
    assert (facts.bits_per_character, facts.checkpoint) == (1.5, "runs/small")


def test_provenance_has_a_hash_that_every_weight_changes_and_the_present_time(small_model: CharLSTM) -> None:
    first = provenance_of(small_model, "charlstm inspect runs/small")
    assert json.loads(json.dumps(first)) == first
    assert first["command"] == "charlstm inspect runs/small"
    assert abs(datetime.fromisoformat(first["created"]) - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert provenance_of(small_model, None)["weights_sha256"] == first["weights_sha256"]
    hashes = {first["weights_sha256"]}
    for parameter in small_model.parameters():
        with torch.no_grad():
            parameter.view(-1)[-1] += 1
        hashes.add(provenance_of(small_model, None)["weights_sha256"])
    assert len(hashes) == 1 + len(list(small_model.parameters()))
