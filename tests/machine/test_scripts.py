"""A script of the package runs in a process of its own, apart from the working folder, and never stays."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from charlstm.machine import scripts
from charlstm.machine.scripts import running_script


def script(folder: Path, code: str) -> Path:
    """Write a script with code, which finds its question in question, and return its path."""
    head = "import json, os, signal, sys, time\nquestion = json.loads(sys.argv[1])\n"
    (folder / "script.py").write_text(head + code)
    return folder / "script.py"


def is_there(process: int) -> bool:
    """Tell whether the process of that number exists, be it only as a zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_script_gets_its_question_and_its_output_is_read(tmp_path):
    question = {"text": "a\n\udce9 'x'", "number": 3}
    with running_script(script(tmp_path, "print(json.dumps(question))"), question, seconds=60) as running:
        assert json.loads(running.output.read()) == question
        assert not running.ended_by_time()


def test_a_script_imports_nothing_from_the_working_folder_its_own_or_pythonpath(tmp_path, monkeypatch):
    for name in ("here", "there", "beside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hostile.py").write_text("")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "there"))
    code = "import importlib.util\nprint(importlib.util.find_spec('hostile'))"
    with running_script(script(tmp_path / "beside", code), None, seconds=60) as running:
        assert running.output.read().strip() == b"None"


def test_the_import_paths_are_those_of_this_process_without_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path)
    paths = ["", "relative", str(tmp_path), str(tmp_path / "link"), f"{tmp_path}/packages"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", paths)
    assert scripts.import_paths() == [f"{tmp_path}/packages"]


def test_a_script_that_never_ends_is_ended_and_leaves_no_process(tmp_path):
    code = "print(os.getpid(), flush=True)\nwhile True: pass"
    began = time.monotonic()
    with running_script(script(tmp_path, code), None, seconds=2) as running:
        process = int(running.output.readline())
        assert running.output.read() == b""
        assert running.ended_by_time()
    assert time.monotonic() - began < 30
    assert not is_there(process)


@pytest.mark.parametrize(
    ("code", "by_time"),
    [
        ("os.kill(os.getpid(), signal.SIGXCPU)", True),
        ("os.kill(os.getpid(), signal.SIGALRM)", True),
        ("os.kill(os.getpid(), signal.SIGSEGV)", False),
        ("sys.exit(1)", False),
    ],
)
def test_a_limit_of_time_is_told_from_a_crash(tmp_path, code, by_time):
    with running_script(script(tmp_path, code), None, seconds=60) as running:
        assert running.output.read() == b""
        assert running.ended_by_time() == by_time


@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_an_exception_ends_the_script_at_once(tmp_path, kind):
    def interrupted() -> None:
        with running_script(endless, None, seconds=600) as running:
            processes.append(int(running.output.readline()))
            raise kind

    endless = script(tmp_path, "print(os.getpid(), flush=True)\ntime.sleep(600)")
    processes: list[int] = []
    began = time.monotonic()
    with pytest.raises(kind):
        interrupted()
    assert time.monotonic() - began < 30
    assert not is_there(processes[0])
