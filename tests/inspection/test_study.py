"""The study of one model: which cells stand, in which order, under which names, and what is intervened on."""

import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.inspection.exam.exam_networks import exam_network
from charlstm.inspection.exam.planted_cells import latch, line_counter, plant, toggle
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.study import Study, study

# The seed of an exam network in which depths are spread over four cells.
SHARED_SEED = 301


@pytest.fixture(scope="module")
def stages() -> list[str]:
    """The stages that the progress reports."""
    return []


def study_with(seed: int, progress: Progress = ignore_progress) -> Study:
    """A network with a toggle that the head reads, a counter and a latch, of which one is intervened on."""
    cells = [toggle('"').read('"', 4.0), line_counter("\n"), latch("(", ")")]
    model = plant(cells, SYMBOLS, idle=8, generator=torch.Generator().manual_seed(0)).requires_grad_(False)
    return study(
        model,
        read_text(ids_of(written(70_000, seed=1)), SYMBOLS, 8),
        InspectionConfig(seed=seed, interventions=1),
        progress=progress,
    )


@pytest.fixture(scope="module")
def studied(stages: list[str]) -> Study:
    """The study with the first seed."""
    return study_with(0, lambda stage, _: stages.append(stage))


def test_every_pair_that_passed_is_in_the_study_with_its_name(studied: Study) -> None:
    names = {pair.cell: (pair.name.kind, pair.name.drivers) for pair in studied.confirmed_pairs}
    assert names == {
        0: ("toggle", {"set": ['"'], "reset": ['"']}),
        1: ("counter", {"step": ["*"], "reset": ["\n"]}),
        2: ("latch", {"set": ["("], "reset": [")"]}),
    }
    for pair in studied.confirmed_pairs:
        assert int(studied.found.pairs.cells[pair.index]) == pair.cell
        column = int(studied.found.pairs.features[pair.index])
        assert studied.found.text.table.features[column] == pair.feature


def test_the_best_held_out_score_comes_first_and_only_the_first_is_intervened_on(studied: Study) -> None:
    scores = studied.found.confirmation.correlation.abs()
    held_out = [float(scores[pair.index]) for pair in studied.confirmed_pairs]
    assert held_out == sorted(held_out, reverse=True)
    first, *others = [pair.proof for pair in studied.confirmed_pairs]
    assert first.causal is not None
    assert first.verdict is not None
    assert first.evidence is not None
    assert first.grade is not None
    assert [(proof.causal, proof.verdict) for proof in others] == [(None, None)] * 2
    assert studied.proven.proofs == [first]
    assert studied.confirmed_pairs[0].feature.name in studied.proven.context.behaviours


def test_another_seed_changes_no_proof(studied: Study) -> None:
    again = study_with(5)
    assert [pair.cell for pair in again.confirmed_pairs] == [pair.cell for pair in studied.confirmed_pairs]
    first, same = studied.confirmed_pairs[0].proof, again.confirmed_pairs[0].proof
    assert (same.causal, same.evidence, same.verdict) == (first.causal, first.evidence, first.verdict)
    assert (same.grade, same.controls) == (first.grade, first.controls)


def test_interventions_come_after_detection(studied: Study, stages: list[str]) -> None:
    assert stages[0] == "calibration"
    assert stages[-2:] == ["confirmation", "interventions"]


def test_cells_over_which_depths_are_spread_are_graded_and_know_each_other() -> None:
    network = exam_network(SHARED_SEED)
    rotated = {
        cell
        for question, cell in zip(network.questions, network.cells, strict=True)
        if question.label == "rotated"
    }
    text = read_text(ids_of(network.text, network.symbols), network.symbols, 8)
    pairs = study(network.model, text, InspectionConfig(interventions=0)).confirmed_pairs
    found = {pair.cell: pair for pair in pairs if pair.cell in rotated}
    assert len(found) == len(rotated) == 4
    assert {pair.name.kind for pair in found.values()} == {"graded"}
    assert all(pair.partners and set(pair.partners) <= rotated for pair in found.values())
    assert not any(pair.partners for pair in pairs if pair.cell not in rotated)
