"""Attributions are those of a linear guess, and they tell a cell that is read from its twin that is not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from exam_reading import SYMBOLS, planted_network

from charlstm.inspection.exam.answers import ids_of
from charlstm.inspection.exam.hard.hard_networks import upper_network
from charlstm.inspection.exam.rivals import attribution
from charlstm.inspection.exam.rivals.attribution import attribution_scores
from charlstm.inspection.exam.rivals.readings import read_network


def test_a_cell_that_is_read_has_a_large_attribution_and_its_twin_has_none() -> None:
    reading = read_network(planted_network())
    names = [feature.name for feature in reading.features]
    scores = attribution_scores(reading)
    assert scores[0, names.index("toggle |")] > 1
    assert scores[3].max() < 1e-3
    assert scores[1, names.index("since ;")] > 0.5
    assert scores[2, names.index("depth ()")] > 0.5


def test_the_gradient_is_the_slope_of_the_logit_when_c_is_changed() -> None:
    network = planted_network()
    ids = torch.from_numpy(ids_of(network).astype(np.int64))
    c, o = torch.full((1, 2, 8), 0.3), torch.full((1, 2, 8), 0.9)
    windows = torch.stack((ids[500:504], ids[700:704]))
    changed = c.clone()
    changed[0, :, 1] += 1e-2
    number = SYMBOLS.index(";")
    before, after = (attribution._logits(network, windows, state, o)[:, number] for state in (c, changed))
    point = c.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(attribution._logits(network, windows, point, o)[:, number].sum(), point)
    assert ((after - before) / 1e-2).tolist() == pytest.approx(gradient[0, :, 1].tolist(), rel=0.05)


def test_a_gradient_reaches_both_layers() -> None:
    network = upper_network(2, 12_000)
    reading = read_network(network)
    scores = attribution_scores(replace(reading))
    used = [
        cell
        for question, cell in zip(network.questions, network.cells, strict=True)
        if question.verdict == "verified"
    ]
    unused = [cell for cell in network.cells if cell < network.model.config.cells]
    assert scores[used].max(axis=1).min() > 10 * scores[unused].max()
