"""The faster way is found by timing once, kept, and not replaced by one that is hardly faster."""

import time

import pytest

from charlstm.machine.speed import backend_choice
from charlstm.machine.speed.backend_choice import Choice, forget, preferred


@pytest.fixture(autouse=True)
def new_machine(tmp_path, monkeypatch):
    """Nothing is known of this machine, and a second has the length that a test says."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(backend_choice, "_CHOICES", {})


class Clock:
    """A clock that a way moves on, so that no test waits or depends on the machine."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        self.calls = []
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def way(self, name, *seconds):
        """Return a way that takes these seconds at its first calls, and the last of them from then on."""
        left = list(seconds)

        def run():
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


@pytest.mark.parametrize(("others", "chosen"), [(0.079, "b"), (0.081, "a"), (0.2, "a")])
def test_another_way_than_the_first_must_be_clearly_faster(others, chosen, monkeypatch):
    clock = Clock(monkeypatch)
    assert preferred("job", {"a": clock.way("a", 0.1), "b": clock.way("b", others)}).backend == chosen


def test_the_first_call_and_slow_rounds_do_not_count(monkeypatch):
    clock = Clock(monkeypatch)
    ways = {"a": clock.way("a", 9, 0.03, 0.02), "b": clock.way("b", 9, 0.01, 0.3, 0.01)}
    choice = preferred("job", ways)
    assert choice.backend == "b"
    assert choice.seconds == pytest.approx({"a": 0.02, "b": 0.01})
    assert clock.calls == ["a", "b"] * (len(clock.calls) // 2)


def test_times_are_measured_once_in_a_process_and_kept_for_the_next(monkeypatch):
    clock = Clock(monkeypatch)
    ways = {"a": clock.way("a", 0.125), "b": clock.way("b", 0.0625)}
    choice, calls = preferred("job", ways), len(clock.calls)
    assert preferred("job", ways) == choice
    backend_choice._CHOICES.clear()  # as in another process
    assert preferred("job", ways) == choice
    assert len(clock.calls) == calls
    forget()
    assert preferred("job", ways) == choice
    assert len(clock.calls) == 2 * calls


def test_times_of_other_ways_other_versions_and_another_number_of_threads_do_not_count(monkeypatch):
    clock = Clock(monkeypatch)
    preferred("job", {"a": clock.way("a", 0.125), "b": clock.way("b", 0.0625)})
    backend_choice._CHOICES.clear()
    assert list(preferred("job", {"a": clock.way("a", 0.1), "c": clock.way("c", 0.05)}).seconds) == ["a", "c"]
    for change in (("OMP_NUM_THREADS", "17"),):
        backend_choice._CHOICES.clear()
        backend_choice._file_name.cache_clear()
        monkeypatch.setenv(*change)
        calls = len(clock.calls)
        preferred("job", {"a": clock.way("a", 0.1), "c": clock.way("c", 0.05)})
        assert len(clock.calls) > calls
    backend_choice._file_name.cache_clear()


@pytest.mark.parametrize("seconds", [{"a": -1.0, "b": 1.0}, {"a": "1", "b": 1.0}, {"a": 1.0}, [1, 2]])
def test_kept_times_that_cannot_be_are_measured_anew(seconds, monkeypatch):
    backend_choice.keep(backend_choice._file_name(), {"job": seconds})
    clock = Clock(monkeypatch)
    assert preferred("job", {"a": clock.way("a", 0.125), "b": clock.way("b", 0.0625)}).backend == "b"


def test_one_way_alone_is_not_timed():
    assert preferred("job", {"a": lambda: pytest.fail("it ran")}) == Choice("job", "a", {})


def cannot_run():
    raise RuntimeError("no such instruction")


@pytest.mark.parametrize("ways", [["a", "b"], ["b", "a"]])
def test_a_way_that_cannot_run_here_is_not_chosen_and_not_tried_again(ways, monkeypatch):
    clock = Clock(monkeypatch)
    trials = {"a": clock.way("a", 0.1), "b": cannot_run}
    choice = preferred("job", {way: trials[way] for way in ways})
    assert choice.backend == "a"
    assert choice.seconds["b"] is None
    backend_choice._CHOICES.clear()  # as in another process
    assert preferred("job", {way: lambda: pytest.fail("it ran") for way in ways}) == choice
