"""The script that reads HDF5 sends the arrays as they are, and keeps its process within its limits."""

import io
import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charlstm.foreign.files import hdf5_process
from charlstm.foreign.files.hdf5_process import Question

h5py = pytest.importorskip("h5py")
SCRIPT = Path(hdf5_process.__file__)


def question(path: Path, **others: Any) -> Question:
    """Return the question for the file at path, with limits that suffice unless others says otherwise."""
    limits = {"array_bytes": 1 << 20, "memory_bytes": 1 << 30, "cpu_seconds": 20, "seconds": 200}
    settings = {"path": os.fsencode(path).hex(), "member": None, "import_paths": []} | limits | others
    return Question(**settings)  # type: ignore[typeddict-item]


def answer(asked: Question) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Run the script, and return its messages and the bytes behind those of arrays."""
    command = [sys.executable, "-I", str(SCRIPT), json.dumps(asked)]
    output = io.BytesIO(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    messages, contents = [], []
    for line in output:
        messages.append(json.loads(line))
        if "shape" in messages[-1]:
            size = np.dtype(messages[-1]["dtype"]).itemsize * int(np.prod(messages[-1]["shape"], dtype=int))
            contents.append(output.read(size))
    return messages, contents


def test_every_kind_of_numbers_is_sent_as_it_is(tmp_path):
    random = np.random.default_rng(0)
    arrays = {
        kind: np.asarray(random.integers(0, 2, shape)).astype(kind)
        for kind, shape in [
            ("<f4", (3, 5)), (">f8", (2,)), ("<f2", (4, 1, 2)), ("|b1", (3,)), ("|u1", (0, 7)), ("<i8", ())
        ]
    }  # fmt: skip
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for kind, array in arrays.items():
            file[f"group {kind}/array"] = array
    messages, contents = answer(question(tmp_path / "w.h5"))
    assert messages[0] == {"model_config": None, "keras_version": None, "in_order": False}
    assert messages[-1] == {"end": True}
    sent = {message["name"]: message for message in messages[1:-1]}
    assert sent == {
        f"group {kind}/array": {
            "name": f"group {kind}/array", "dtype": array.dtype.str, "shape": list(array.shape)
        }
        for kind, array in arrays.items()
    }  # fmt: skip
    for name, content in zip(sent, contents, strict=True):
        assert content == arrays[sent[name]["dtype"]].tobytes()


def test_a_member_of_an_archive_under_a_name_that_is_no_utf_8_is_read(tmp_path):
    inner = io.BytesIO()
    with h5py.File(inner, "w") as file:
        file["a"] = np.arange(3.0)
    place = tmp_path / os.fsdecode(b"\xe9.keras")
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.h5", inner.getvalue())
    _, contents = answer(question(place, member="w.h5"))
    assert contents == [np.arange(3.0).tobytes()]
    (tmp_path / os.fsdecode(b"\xe9.h5")).write_bytes(inner.getvalue())
    _, contents = answer(question(tmp_path / os.fsdecode(b"\xe9.h5")))
    assert contents == [np.arange(3.0).tobytes()]


def test_arrays_beyond_the_limit_are_not_sent(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["a"], file["b"] = np.ones(100, np.float32), np.ones(100, np.float32)
    messages, contents = answer(question(tmp_path / "w.h5", array_bytes=799))
    assert [len(content) for content in contents] == [400]
    assert messages[-1] == {"over": "would become many times as large as it is"}
    messages, contents = answer(question(tmp_path / "w.h5", array_bytes=800))
    assert len(contents) == 2


@pytest.mark.parametrize(("megabytes", "word"), [(20, "over"), (500, "end")])
def test_the_memory_is_limited(tmp_path, megabytes, word):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("a", (200 << 20,), np.uint8)
    limits = {"array_bytes": 1 << 30, "memory_bytes": megabytes << 20}
    messages, _ = answer(question(tmp_path / "w.h5", **limits))
    assert word in messages[-1]


def test_groups_that_lead_to_each_other_in_very_many_ways_end(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for depth in range(8):
            for number in range(20):
                file.require_group(f"{depth}")[f"{number}"] = file.require_group(f"{depth + 1}")
    monkeypatch.setattr(hdf5_process, "_MOST_STEPS", 5_000)
    with pytest.raises(hdf5_process._OverLimitError, match="very many steps"):
        list(hdf5_process._messages(question(tmp_path / "w.h5")))


def test_the_processor_time_is_limited_and_no_core_is_left(tmp_path):
    code = f"""
import resource, runpy
names = runpy.run_path({str(SCRIPT)!r})
names["_limit_this_process"]({dict(question(tmp_path, cpu_seconds=1))!r})
assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
while True: pass
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGXCPU


def test_a_process_that_waits_is_ended_too(tmp_path):
    code = f"""
import runpy, time
names = runpy.run_path({str(SCRIPT)!r})
names["_limit_this_process"]({dict(question(tmp_path, seconds=1))!r})
time.sleep(60)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=50).returncode == -signal.SIGALRM


def test_a_lower_limit_that_was_there_stays(tmp_path):
    code = f"""
import resource, runpy
resource.setrlimit(resource.RLIMIT_CPU, (7, 9))
names = runpy.run_path({str(SCRIPT)!r})
names["_limit_this_process"]({dict(question(tmp_path, cpu_seconds=100))!r})
print(resource.getrlimit(resource.RLIMIT_CPU))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).stdout.strip() == b"(9, 9)"


def test_without_h5py_the_script_says_so(monkeypatch, tmp_path, capfdbinary):
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setattr(sys, "argv", ["hdf5_process.py", json.dumps(question(tmp_path / "w.h5"))])
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGALRM, signal.SIGXCPU)}
    used = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    assert resource.getrlimit(resource.RLIMIT_CPU) == used
    assert json.loads(capfdbinary.readouterr().out) == {"missing": True}
