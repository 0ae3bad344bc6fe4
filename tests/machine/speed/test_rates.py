"""The rates of a machine are operations and bytes by the shortest time of several calls."""

import pytest
import torch

from charlstm.machine.speed.rates import bandwidth, best_seconds, product_rate


def test_the_shortest_of_several_calls_counts():
    times = iter([0, 0.3, 0.3, 0.5, 0.5, 0.9])
    assert best_seconds(lambda: None, clock=lambda: next(times), calls=3) == pytest.approx(0.2)


def test_no_call_is_begun_after_a_second():
    times = iter([0, 0.75, 1, 1.5, 2, 9])
    assert best_seconds(lambda: None, clock=lambda: next(times), calls=7) == 0.5


def test_rates_are_work_by_time(monkeypatch):
    monkeypatch.setattr("charlstm.machine.speed.rates.best_seconds", lambda run: run() is None or 0.5)
    assert product_rate(torch.float32, size=8) == 4 * 8**3
    assert bandwidth(megabytes=2) == pytest.approx(4e6)
