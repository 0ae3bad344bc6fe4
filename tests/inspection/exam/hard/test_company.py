"""Cells that share a behaviour add up to the whole of it, and no cell of a direction carries much."""

from collections import defaultdict

import numpy as np
import pytest
import torch

from charlstm.inspection.exam.answers import ids_of
from charlstm.inspection.exam.exam_texts import draw_roles
from charlstm.inspection.exam.hard.company import (
    Companions,
    companion_questions,
    rotated_questions,
    sharing_counter_questions,
    sharing_toggle_questions,
)
from charlstm.inspection.exam.hard.hard_networks import shared_network
from charlstm.inspection.exam.planted_cells import Drive
from charlstm.inspection.exam.questions import Question
from charlstm.inspection.features.feature import specific_drivers
from charlstm.inspection.reading.trace import trace

DRIVE = Drive(15.0)
COMPANIONS = Companions(swing=6.0, partly=0.25, latch=0.5, depth=0.25)


def every_question(seed: int = 0) -> list[Question]:
    random = np.random.default_rng(seed)
    roles = draw_roles(random)
    return [
        *sharing_toggle_questions(roles, DRIVE, COMPANIONS),
        *sharing_counter_questions(roles, DRIVE, COMPANIONS, random),
        *companion_questions(roles, DRIVE, COMPANIONS),
        *rotated_questions(roles, DRIVE, COMPANIONS),
    ]


def test_the_drivers_of_each_cell_are_the_characters_that_drive_it() -> None:
    for question in every_question():
        if question.kind:
            assert set(specific_drivers(question.drivers)) == question.cell.driven_by
            assert question.verdict == "verified"
            assert question.is_partial


def test_companions_are_drawn_with_shares_of_a_quarter_or_a_half() -> None:
    drawn = [Companions.drawn(np.random.default_rng(seed)) for seed in range(20)]
    assert {one.partly for one in drawn} == {one.latch for one in drawn} == {0.25, 0.5}


def test_the_cells_of_a_rotated_direction_share_it_and_none_carries_more_than_three_tenths() -> None:
    rotated = [question for question in every_question() if question.distributed]
    by_character = defaultdict(list)
    for question in rotated:
        assert (question.kind, question.share) == (None, 0.25)
        for character, weight in question.cell.reads.items():
            by_character[character].append(weight * np.tanh(question.cell.g_at[character]))
    assert len(by_character) == 3
    for swings in by_character.values():
        shares = np.array(swings) / np.sum(swings)
        assert (len(shares), shares.sum()) == (4, pytest.approx(1))
        assert 0.15 < shares.min() < shares.max() < 0.35


@pytest.mark.parametrize("seed", [1, 2])
def test_the_planted_shares_are_those_of_the_logits(seed: int) -> None:
    """The share of a cell is that of its part in the slope of the closer's logit on the cell's own c."""
    network = shared_network(seed, 20_000)
    (block,) = trace(network.model, ids_of(network), streams=4, window=5_000)
    c, h = (values[0, 300:].double() for values in (block.layers[0].c, block.layers[0].h))
    for question, cell in zip(network.questions, network.cells, strict=True):
        if not question.is_partial or question.distributed:
            continue
        (closer,) = question.drivers.get("reset") or question.drivers["unstep"]
        own = c[:, cell] - c[:, cell].mean()
        parts = h * network.model.head.weight.detach()[network.symbols.index(closer)]
        slopes = (own @ parts)[list(network.cells)]
        share = float(slopes[network.cells.index(cell)] / slopes.sum())
        assert share == pytest.approx(question.share, abs=0.1), question.label


def test_a_direction_is_found_by_a_probe_and_by_no_single_cell() -> None:
    network = shared_network(3, 20_000)
    (block,) = trace(network.model, ids_of(network), streams=1, window=len(network.text))
    rotated = [
        cell for question, cell in zip(network.questions, network.cells, strict=True) if question.distributed
    ]
    latches = [
        cell
        for question, cell in zip(network.questions, network.cells, strict=True)
        if question.kind == "latch"
    ]
    c = block.layers[0].c[0, 500:].double()
    target = torch.sign(c[:, latches[0]])
    single = [abs(float(torch.corrcoef(torch.stack((c[:, cell], target)))[0, 1])) for cell in rotated]
    weights = torch.linalg.lstsq(c[:, rotated] - c[:, rotated].mean(0), target - target.mean()).solution
    direction = (c[:, rotated] - c[:, rotated].mean(0)) @ weights
    assert max(single) < 0.85
    assert float(torch.corrcoef(torch.stack((direction, target)))[0, 1]) > 0.95
