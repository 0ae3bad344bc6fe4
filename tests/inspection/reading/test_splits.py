"""A split is read in chunks: each position once, with its chunk's signals, and with the same findings."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from chunked_text import text_in_chunks
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.findings import Findings
from charlstm.inspection.exam.planted_cells import (
    depth_counter,
    fading_trace,
    latch,
    line_counter,
    plant,
    toggle,
)
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.inspection.reading import splits
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.reading.trace import WARMUP


def test_chunks_follow_one_another_and_count_each_position_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text, inspected = text_in_chunks(monkeypatch)
    assert {name: split.chunk_count for name, split in inspected.splits.items()} == {
        "calibrate": 1,
        "discover": 3,
        "confirm": 3,
        "intervene": 2,
    }
    split = inspected.splits["confirm"]
    positions, rows, stretches = [], [], []
    for chunk in split:
        assert chunk.text == text[chunk.start :][: len(chunk.ids)]
        positions += (chunk.start + chunk.counted).tolist()
        numbers = torch.arange(len(chunk.counted))
        rows += (chunk.rows_before + numbers).tolist()
        stretches += chunk.stretches(numbers).tolist()
    start, stop = inspected.bounds["confirm"]
    assert len(set(positions)) == len(positions) == split.rows
    assert start + WARMUP <= min(positions) <= max(positions) < stop
    assert rows == list(range(split.rows))
    lengths = np.bincount(stretches)
    assert len(lengths) == split.stretches == 9
    assert set(lengths.tolist()) == {split.cut.length - WARMUP}


def test_signals_of_a_chunk_are_those_of_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    _, inspected = text_in_chunks(monkeypatch, user_specs=["tag=[a-c]+"])
    names = inspected.table.names
    assert names[0] == "tag"
    for chunk in inspected.splits["discover"]:
        column = chunk.signal("column").values
        feeds = np.flatnonzero(np.array(list(chunk.text)) == "\n")
        assert (column[feeds] == 0).all()
        assert (column[feeds[:-1] + 1] <= 1).all()
        counted = torch.from_numpy(column[chunk.cut.counted])
        place = names.index("column")
        assert torch.equal(chunk.features(torch.arange(50))[:, place], counted[:50].float())
        assert torch.equal(chunk.columns(torch.tensor([place]))[:, 0], counted)


def test_characters_since_a_change_count_from_where_a_feature_went_on_or_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, inspected = text_in_chunks(monkeypatch, user_specs=["tag=[a-c]+"])
    for chunk in inspected.splits["discover"]:
        on = chunk.signal("tag").values > 0
        since = chunk.since_change(torch.tensor([0]))[:, 0]
        changes = np.concatenate(([True], on[1:] != on[:-1]))
        expected = [
            position - max(np.flatnonzero(changes[: position + 1])) for position in chunk.cut.counted[:500]
        ]
        assert since[:500].tolist() == expected


def test_a_signal_of_an_unknown_name_is_an_error() -> None:
    chunk = Split(ids_of(written(3_000, seed=1)), SYMBOLS, 0, 1).first
    with pytest.raises(ValueError, match="not in list"):
        chunk.signal("no such feature")


def test_stretches_are_never_so_short_that_the_warm_up_takes_more_than_a_tenth() -> None:
    split = Split(ids_of(written(9_500, seed=1)), SYMBOLS, 0, streams=64)
    assert split.cut.streams == 4
    assert split.rows >= 0.9 * 4 * split.cut.length
    short = Split(ids_of(written(500, seed=1)), SYMBOLS, 0, streams=64)
    assert (short.cut.streams, short.rows) == (1, 500 - WARMUP)


def test_the_beginning_of_a_chunk_is_its_first_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    _, inspected = text_in_chunks(monkeypatch, longest=30_000)
    whole = inspected.splits["discover"].first
    assert whole.cut.streams == 4
    beginning = whole.beginning(2 * whole.cut.length + 1)
    assert (beginning.cut.streams, beginning.cut.length) == (2, whole.cut.length)
    assert beginning.text == whole.text[: 2 * whole.cut.length]
    np.testing.assert_array_equal(beginning.signals, whole.signals[: len(beginning.ids)])
    assert whole.beginning(1).cut.streams == 1
    assert len(whole.beginning(10**9).ids) == 4 * whole.cut.length


def test_a_split_of_one_chunk_makes_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, inspected = text_in_chunks(monkeypatch)
    single, several = inspected.splits["calibrate"], inspected.splits["confirm"]
    assert single.chunk(0) is single.first
    assert several.chunk(0) is not several.chunk(0)
    np.testing.assert_array_equal(several.chunk(1).signals, several.chunk(1).signals)


def test_every_chunk_of_a_text_is_read_on_its_device_in_its_precision() -> None:
    how = {"device": torch.device("cpu", 0), "precision": "bfloat16"}
    text = read_text(ids_of(written(24_000, seed=1)), tuple(SYMBOLS), 4, **how).extended([])
    chunks = [chunk for split in text.splits.values() for chunk in split]
    for piece in (*text.splits.values(), *chunks):
        assert {"device": piece.device, "precision": piece.precision} == how
    model = plant([toggle('"')], SYMBOLS, idle=8, generator=torch.Generator().manual_seed(0))
    block, exact = (
        next(replace(chunks[0], precision=name).blocks(model)) for name in ("bfloat16", "float32")
    )
    assert 0 < (block.c - exact.c).abs().max() < 0.1


def find_planted_cells() -> Findings:
    cells = [toggle('"'), latch("(", ")"), line_counter("\n"), depth_counter("[", "]"), fading_trace("\n")]
    model = plant(cells, SYMBOLS, idle=8, generator=torch.Generator().manual_seed(0))
    request = InspectionRequest(
        model=model,
        ids=ids_of(written(60_000, seed=1)),
        vocabulary=SimpleNamespace(symbols=tuple(SYMBOLS)),
        config=InspectionConfig(streams=8, seed=3, interventions=0),
        corpus_name="written",
        corpus_sha256="0" * 64,
    )
    return inspect_model(request)


def test_findings_from_several_chunks_are_those_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from_one = find_planted_cells()
    monkeypatch.setattr(splits, "LONGEST_CHUNK_CHARACTERS", 8_000)
    by_cell = {finding.cell: finding for finding in find_planted_cells().findings}
    assert len(from_one.findings) == 4
    assert by_cell.keys() == {finding.cell for finding in from_one.findings}
    for finding in from_one.findings:
        same_cell = by_cell[finding.cell]
        assert (same_cell.kind, same_cell.drivers) == (finding.kind, finding.drivers)
        detection, expected = same_cell.detection, finding.detection
        assert detection.held_out_score == pytest.approx(expected.held_out_score, abs=0.05)
        if finding.kind == "counter":
            assert detection.straightness == pytest.approx(expected.straightness, abs=0.01)
