"""Attributions are finite differences of the log odds, and cells that nothing depends on have none."""

import numpy as np
import pytest
import torch
from circuits_fixture import network, planted, random_network
from quoted_text import SYMBOLS

from charlstm.inspection.circuits.attribution import Agreement, attributions, change_of, largest, log_odds_of
from charlstm.inspection.exam.planted_cells import toggle


def test_an_attribution_is_a_finite_difference():
    sites = planted(random_network(), count=40).sites
    closers = sites.closers

    with torch.no_grad():  # A caller may have turned gradients off.
        attributed = attributions(closers).mean(1)

    gap, step = closers.donor_c - closers.natural_c, 0.02
    for layer, cell in [(0, 1), (0, 4), (1, 0), (1, 5)]:
        ends = [closers.natural_c[layer][:, [cell]] + sign * step * gap[layer][:, [cell]] for sign in (1, -1)]
        logits = (closers.outcome({layer: ([cell], c)}).logits for c in ends)
        up, down = (change_of(closers, of_end).mean() for of_end in logits)
        assert float(attributed[layer, cell]) == pytest.approx((up - down) / (2 * step), rel=0.02, abs=2e-4)


def test_a_cell_that_is_not_read_has_no_attribution():
    attributed = attributions(planted(network([toggle('"').read('"', 3), toggle('"')])).sites.closers).mean(1)

    assert float(attributed[0, 0]) < -1
    assert float(attributed[0, 1]) == 0


def test_log_odds_are_against_the_likeliest_other_character_of_the_undisturbed_prediction():
    closers = planted(network([toggle('"').read('"', 3)])).sites.closers
    odds = log_odds_of(closers, closers.natural_logits)
    np.testing.assert_allclose(odds.numpy(), closers.natural_log_odds.numpy(), atol=1e-6)
    never = SYMBOLS.index(")")
    assert never not in closers.natural_logits.argsort(1)[:, -2:]

    raised = closers.natural_logits.clone()
    raised[:, never] += 10

    np.testing.assert_allclose(change_of(closers, raised), 0, atol=1e-6)
    assert float(closers.changes(raised).log_odds.max()) < -1


def test_the_correlation_is_of_the_checked_cells_alone():
    attributed = torch.tensor([[1.0, -2.0, 0.1, 3.0]])
    checked = largest(attributed, 3)

    assert checked == [(0, 3), (0, 1), (0, 0)]
    assert Agreement(attributed, checked, torch.tensor([6.0, -4.0, 2.0])).correlation == pytest.approx(1)
    assert Agreement(attributed, checked, torch.tensor([-6.0, 4.0, -2.0])).correlation == pytest.approx(-1)
    assert Agreement(attributed, checked, torch.zeros(3)).correlation is None


def test_the_cells_with_the_largest_attributions_are_listed_with_what_they_really_do():
    checked = [(0, 1), (0, 0)]
    data = Agreement(torch.tensor([[0.5, -2.0]]), checked, torch.tensor([-3.0, 0.25])).data

    assert data == {
        "top": [
            {"cell": "0:1", "attribution": -2.0, "real": -3.0},
            {"cell": "0:0", "attribution": 0.5, "real": 0.25},
        ],
        "checked": 2,
        "correlation": None,
    }
