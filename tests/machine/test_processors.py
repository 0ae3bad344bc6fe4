"""The number of threads follows the environment, then the processors, then the container's quota."""

import os

import pytest

from charlstm.machine import processors
from charlstm.machine.processors import (
    OtherPrograms,
    available_processors,
    default_thread_count,
    processor_quota,
    tell_libraries_of_quota,
)


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that makes this process a member of control groups with the given files."""

    def made(own, files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            place = tmp_path / "groups" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        monkeypatch.setattr(processors, "_OWN_CGROUPS", tmp_path / "own")
        monkeypatch.setattr(processors, "_CGROUPS", tmp_path / "groups")
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")  # so that what a test sets is taken back
        monkeypatch.delenv("OMP_NUM_THREADS")

    return made


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


@pytest.mark.parametrize(
    ("own", "files", "quota"),
    [
        ("0::/", {"cpu.max": "max 100000\n"}, None),
        ("0::/", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a/b", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"}, 3),
        ("0::/a/b", {"a/b/cpu.max": "200000 100000\n", "cpu.max": "50000 100000\n"}, 0.5),
        (
            "4:memory:/m\n1:cpu:/",
            {"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            4,
        ),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("0::/", {"cpu.max": "broken"}, None),
        ("nonsense", {}, None),
    ],
)
def test_the_lowest_quota_of_the_groups_around_a_process_counts(groups, own, files, quota):
    groups(own, files)
    assert processor_quota() == quota
    assert available_processors() == {None: 8, 1.5: 2, 3: 3, 0.5: 1, 4: 4}[quota]


def test_libraries_are_told_of_a_quota_where_nothing_else_is_set(groups, monkeypatch):
    groups("0::/", {"cpu.max": "max 100000"})
    tell_libraries_of_quota()
    assert "OMP_NUM_THREADS" not in os.environ
    groups("0::/", {"cpu.max": "250000 100000"})
    tell_libraries_of_quota()
    assert os.environ["OMP_NUM_THREADS"] == "3"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    tell_libraries_of_quota()
    assert os.environ["OMP_NUM_THREADS"] == "5"


def test_what_others_do_is_the_work_of_usable_processors_without_ones_own(tmp_path, monkeypatch):
    """The columns are programs, niced, system, idle, waiting, two kinds of interrupts, stolen."""
    monkeypatch.setattr(processors, "_TIMES", tmp_path / "stat")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2}, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda _: 100)
    clock = iter([10.0, 12.0, 14.0])
    monkeypatch.setattr(processors.time, "monotonic", lambda: next(clock))
    own = iter([5.0, 7.0, 9.0])
    monkeypatch.setattr(processors.time, "process_time", lambda: next(own))
    text = "cpu 9 9 9\ncpu0 {} 0 0 700 0 0 0 0\ncpu1 {} 0 0 0 0 0 0 0\ncpu2 0 0 0 {} 0 0 0 {}\nintr 5\n"
    (tmp_path / "stat").write_text(text.format(100, 100, 0, 0))
    others = OtherPrograms()
    (tmp_path / "stat").write_text(text.format(300, 999, 150, 50))  # 2 s and .5 s, 2 s of which are one's own
    assert others.busy_processors() == pytest.approx(0.25)
    (tmp_path / "stat").write_text("nonsense")
    assert others.busy_processors() == 0  # no processor is listed


def test_what_others_do_is_not_known_where_the_system_does_not_tell(tmp_path, monkeypatch):
    monkeypatch.setattr(processors, "_TIMES", tmp_path / "none")
    assert OtherPrograms().busy_processors() is None
