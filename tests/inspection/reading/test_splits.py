"""A text read in parts: every position once, and the same findings as in one piece."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import torch
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
from charlstm.inspection.reading import contexts, splits
from charlstm.inspection.reading.contexts import counted_numbers
from charlstm.inspection.reading.inspected_text import InspectedText, read_text
from charlstm.inspection.reading.splits import Split
from charlstm.inspection.reading.trace import WARMUP


def text_in_parts(
    monkeypatch: pytest.MonkeyPatch, most: int, wanted: Sequence[str] = ()
) -> tuple[str, InspectedText]:
    monkeypatch.setattr(splits, "MOST", most)
    text = written(60_000, seed=1)
    return text, read_text(ids_of(text), SYMBOLS, 4, wanted)


def test_parts_follow_one_another_and_count_each_position_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text, read = text_in_parts(monkeypatch, 9_000)
    assert {name: split.chunk_count for name, split in read.splits.items()} == {
        "calibrate": 1,
        "discover": 3,
        "confirm": 3,
        "intervene": 2,
    }
    split = read.splits["confirm"]
    places, rows, stretches = [], [], []
    for part in split:
        assert part.text == text[part.start :][: len(part.ids)]
        places += (part.start + part.counted).tolist()
        numbers = torch.arange(len(part.counted))
        rows += (part.rows_before + numbers).tolist()
        stretches += part.stretches(numbers).tolist()
    start, stop = read.bounds["confirm"]
    assert len(set(places)) == len(places) == split.rows
    assert start + WARMUP <= min(places) <= max(places) < stop
    assert rows == list(range(split.rows))
    lengths = np.bincount(stretches)
    assert len(lengths) == split.stretches == 9
    assert set(lengths.tolist()) == {split.cut.length - WARMUP}


def test_signals_of_a_part_are_those_of_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    _, read = text_in_parts(monkeypatch, 9_000, ["tag=[a-c]+"])
    assert read.table.names[0] == "tag"
    for part in read.splits["discover"]:
        column = part.signal("column").values
        feeds = np.flatnonzero(np.array(list(part.text)) == "\n")
        assert (column[feeds] == 0).all()
        assert (column[feeds[:-1] + 1] <= 1).all()
        assert torch.equal(
            part.features(torch.arange(50))[:, read.table.names.index("column")],
            torch.from_numpy(column[part.cut.counted[:50]].astype(np.float32)),
        )
        on = part.signal("tag").values > 0
        since = part.since(torch.tensor([0]))[:, 0]
        changed = np.concatenate(([True], on[1:] != on[:-1]))
        wanted = [place - max(np.flatnonzero(changed[: place + 1])) for place in part.cut.counted[:500]]
        assert since[:500].tolist() == wanted


def test_contexts_and_pairs_are_those_of_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    text, read = text_in_parts(monkeypatch, 9_000)
    split = read.splits["discover"]
    length = split.contexts.length
    seen: dict[int, set[str]] = {}
    for part in split:
        numbers = split.contexts.of(part.ids, part.cut)
        assert numbers.max() < len(split.contexts)
        for number, place in zip(numbers.tolist(), (part.start + part.counted).tolist(), strict=True):
            seen.setdefault(number, set()).add(text[place - length + 1 : place + 1])
    assert all(len(runs) == 1 for runs in seen.values()), "one number is one run"
    assert len(set.union(*seen.values())) == len(seen) == len(split.contexts.numbers)
    numbers, counts = counted_numbers(iter([np.array([3, 1, 3]), np.array([2, 3])]))
    assert (numbers.tolist(), counts.tolist()) == ([1, 2, 3], [1, 1, 3])


def test_of_rare_contexts_the_last_character_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    _, read = text_in_parts(monkeypatch, 9_000)
    whole = Split(read.splits["discover"].ids, SYMBOLS, 0, 4).contexts
    monkeypatch.setattr(contexts, "_MOST_RUNS", 100)
    split = Split(read.splits["discover"].ids, SYMBOLS, read.splits["discover"].start, 4)
    assert len(split.contexts) == 100 + len(SYMBOLS) < len(whole)
    assert set(split.contexts.numbers) < set(whole.numbers)
    part = split.first
    numbers, ends = split.contexts.of(part.ids, part.cut).numpy(), part.characters.numpy()
    rare = numbers >= 100
    assert 0.05 < rare.mean() < 0.95
    np.testing.assert_array_equal(numbers[rare] - 100, ends[rare])
    assert all(len(set(ends[numbers == number])) == 1 for number in range(100))


def findings() -> Findings:
    cells = [toggle('"'), latch("(", ")"), line_counter("\n"), depth_counter("[", "]"), fading_trace("\n")]
    model = plant(cells, SYMBOLS, idle=8, generator=torch.Generator().manual_seed(0))
    request = InspectionRequest(
        model=model,
        ids=ids_of(written(120_000, seed=1)),
        vocabulary=SimpleNamespace(symbols=tuple(SYMBOLS)),
        config=InspectionConfig(streams=8, seed=3, interventions=0),
        corpus_name="written",
        corpus_sha256="0" * 64,
    )
    return inspect_model(request)


def test_findings_in_parts_are_those_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = findings()
    monkeypatch.setattr(splits, "MOST", 15_000)
    parted = findings()
    assert len(whole.findings) == 4
    by_cell = {finding.cell: finding for finding in parted.findings}
    assert by_cell.keys() == {finding.cell for finding in whole.findings}
    for finding in whole.findings:
        same = by_cell[finding.cell]
        assert (same.kind, same.drivers) == (finding.kind, finding.drivers)
        assert same.detection.held_out_score == pytest.approx(finding.detection.held_out_score, abs=0.05)
        if finding.kind == "counter":
            assert same.detection.straightness == pytest.approx(finding.detection.straightness, abs=0.01)
