"""Work in torch's threads."""

import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import torch

from charlstm.machine import torch_threads
from charlstm.machine.torch_threads import adapt_thread_count, in_threads


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


@pytest.fixture
def load(monkeypatch):
    """Return a function that lets half seconds pass in which others keep processors busy; there are 4."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch_threads, "permitted_processors", lambda: 4)
    clock = [0.0]
    monkeypatch.setattr(torch_threads.time, "monotonic", lambda: clock[0])
    others = SimpleNamespace(busy_processors=lambda: busy)
    monkeypatch.setattr(torch_threads, "OtherPrograms", lambda: others)
    busy = None

    def pass_half_seconds(count, processors):
        nonlocal busy
        busy = processors
        for _ in range(count):
            clock[0] += 0.5
            adapt_thread_count()
        return torch.get_num_threads()

    torch_threads._thread_count.cache_clear()
    torch.set_num_threads(4)
    adapt_thread_count()
    yield pass_half_seconds
    torch_threads._thread_count.cache_clear()


def test_torch_leaves_the_processors_that_others_keep_busy(load):
    assert load(1, 0.1) == 4
    assert load(1, 1.0) == 3
    assert load(1, 3.9) == 1  # at once
    assert load(3, 0.0) == 1
    assert load(1, 0.0) == 4  # after some quiet
    assert load(1, None) == 4


def test_a_number_that_was_chosen_is_never_exceeded(load, monkeypatch):
    torch.set_num_threads(2)
    assert load(1, 0.0) == 2
    assert load(1, 3.0) == 1
    assert load(4, 0.0) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert load(4, 4.0) == 2


def test_no_other_thread_than_the_main_one_changes_the_number(load, monkeypatch):
    monkeypatch.setattr(torch_threads.threading, "current_thread", lambda: None)
    assert load(1, 3.0) == 4


def test_beside_a_process_that_never_rests_one_thread_less_computes(monkeypatch):
    """Both run on one processor, which counts as two: on one alone there would be one thread anyway."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch_threads, "permitted_processors", lambda: 2)
    own = os.sched_getaffinity(0)
    torch_threads._thread_count.cache_clear()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            os.sched_setaffinity(0, {min(own)})
            os.sched_setaffinity(busy.pid, {min(own)})
            end = time.monotonic() + 30
            while torch.get_num_threads() == 2 and time.monotonic() < end:
                adapt_thread_count()
        finally:
            busy.kill()
            os.sched_setaffinity(0, own)
            torch_threads._thread_count.cache_clear()
    assert torch.get_num_threads() == 1
