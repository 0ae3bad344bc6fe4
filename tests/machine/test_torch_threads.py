"""Work in torch's threads."""

import threading

import pytest
import torch

from charlstm.machine import torch_threads
from charlstm.machine.torch_threads import in_threads


@pytest.fixture(params=["openmp", "own"], autouse=True)
def kind(request, monkeypatch):
    if request.param == "own":
        monkeypatch.setattr(torch_threads, "_openmp", lambda: None)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_come_in_the_parts_order(count):
    assert in_threads(lambda part: part * part, list(range(count))) == [k * k for k in range(count)]


def test_two_parts_run_side_by_side():
    both = threading.Barrier(2, timeout=30)
    assert in_threads(lambda part: both.wait() is not None and part, ["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("part", [0, 1])
def test_a_problem_is_raised(problem, part):
    def work(number):
        if number == part:
            raise problem("here")

    with pytest.raises(problem, match="here"):
        in_threads(work, [0, 1])
    assert in_threads(str, [1, 2]) == ["1", "2"]
