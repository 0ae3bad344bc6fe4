"""The number of threads of a computation without torch follows the environment, then the processors."""

import os

import pytest

from charlstm.machine.processors import default_thread_count


def test_the_environment_variable_sets_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert default_thread_count() == 3


@pytest.mark.parametrize("setting", [None, "", "0", "-2", "two"])
def test_without_a_usable_setting_it_is_the_number_of_processors_of_this_process(monkeypatch, setting):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if setting is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 5, 7, 11, 13}, raising=False)
    assert default_thread_count() == 5


def test_a_system_that_does_not_tell_gives_all_processors_of_the_machine_or_1(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert default_thread_count() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert default_thread_count() == 1
