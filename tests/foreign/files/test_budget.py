"""What one file may take is bounded, and asked for before it is taken."""

import pytest

from charlstm.foreign.files import budget as module
from charlstm.foreign.files.budget import Budget, OverBudgetError


def test_a_file_may_take_memory_by_its_size():
    Budget(0).take_bytes(48 << 20)
    with pytest.raises(OverBudgetError, match="many times as large"):
        Budget(0).take_bytes((48 << 20) + 1)
    Budget(100 << 20).take_bytes(800 << 20)


def test_the_bytes_that_are_left_can_be_taken():
    budget = Budget(1_000)
    budget.take_bytes(5_000)
    assert budget.bytes_left == (48 << 20) + 3_000
    budget.take_bytes(budget.bytes_left)
    with pytest.raises(OverBudgetError):
        budget.take_bytes(1)


def test_nodes_are_the_same_for_a_file_of_any_size():
    for size in (0, 1 << 30):
        budget = Budget(size)
        budget.take_nodes(1_599_999)
        budget.take_nodes()
        with pytest.raises(OverBudgetError, match="very many steps"):
            budget.take_nodes()


def test_a_budget_ends_when_its_time_is_over(monkeypatch):
    budget = Budget(0)
    monkeypatch.setattr(module.time, "thread_time", lambda: 1e9)
    with pytest.raises(OverBudgetError, match="more than 30 seconds"):
        budget.take_nodes(20_000)
