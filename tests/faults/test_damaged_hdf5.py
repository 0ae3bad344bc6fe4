"""A damaged HDF5 file with which the library HDF5 never ends, or crashes, is one error and leaves nothing."""

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from command_line import problem_in, run
from damage import MOST_MEGABYTES, refusals

from charlstm.foreign import load_foreign
from charlstm.foreign.files import keras_file

seeds = pytest.importorskip("weight_seeds", exc_type=ImportError)


def endless_hdf5() -> bytes:
    """Return an HDF5 file of Keras 2 that makes the library loop when it reads the configuration.

    Texts of any length lie in HDF5's global heap one behind the other. The head of the second one becomes
    zeros: an object of no bytes, from which the library goes on to the same object again.
    """
    content = bytearray(seeds.weight_seeds()["HDF5"])
    first = content.index(b"GCOL") + 16
    length = int.from_bytes(content[first + 8 : first + 16], "little")
    second = first + 16 + -(-length // 8) * 8
    content[second : second + 16] = bytes(16)
    return bytes(content)


def endless_keras() -> bytes:
    """Return a .keras archive whose HDF5 file makes the library loop when its list of names is read."""
    file, archive = io.BytesIO(), io.BytesIO()
    with seeds.h5py.File(file, "w") as opened:
        opened.attrs.create("layer_names", ["a layer"], dtype=seeds.h5py.string_dtype())
    content = bytearray(file.getvalue())
    second = content.index(b"GCOL") + 16 + 16 + 8
    content[second : second + 16] = bytes(16)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("config.json", "{}")
        opened.writestr("model.weights.h5", bytes(content))
    return archive.getvalue()


ENDLESS = {"h5": endless_hdf5, "keras": endless_keras}


@pytest.mark.parametrize("kind", ENDLESS)
def test_the_library_itself_never_ends_with_these_files(tmp_path, kind):
    """Without this, the tests that charlstm ends would prove nothing."""
    (tmp_path / "w").write_bytes(ENDLESS[kind]())
    if kind == "keras":
        with zipfile.ZipFile(tmp_path / "w") as archive:
            (tmp_path / "w").write_bytes(archive.read("model.weights.h5"))
    code = """
import h5py, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (2, 3))
print("opening", flush=True)
print(dict(h5py.File(sys.argv[1]).attrs))
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "w"], stdout=subprocess.PIPE, timeout=60)
    assert (done.stdout, done.returncode) == (b"opening\n", -signal.SIGXCPU)


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_file_with_which_the_library_never_ends_is_one_error(tmp_path, monkeypatch, capsys, kind):
    place = tmp_path / f"w.{kind}"
    place.write_bytes(ENDLESS[kind]())
    files, before = sorted(tmp_path.rglob("*")), os.times()
    assert run(monkeypatch, "import", place, "--out", tmp_path / "run") == 4
    # The limit of 2 seconds counts in whole seconds, and starting Python takes some time.
    assert os.times().children_user - before.children_user < 4.5
    problem, advice = problem_in(capsys.readouterr().err)
    assert problem.endswith(f"w.{kind} keeps the library HDF5 busy for more than 2 seconds")
    assert "check that the file is complete; if it is, save it as numpy.savez" in advice
    assert sorted(tmp_path.rglob("*")) == files


def test_a_library_that_crashes_is_one_error(tmp_path, monkeypatch, capsys):
    script, place = tmp_path / "script.py", tmp_path / "w.h5"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    place.write_bytes(seeds.weight_seeds()["HDF5"])
    monkeypatch.setattr(keras_file, "_SCRIPT", script)
    files = sorted(tmp_path.rglob("*"))
    assert run(monkeypatch, "import", place, "--out", tmp_path / "run") == 4
    assert "makes the library HDF5 crash" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == files


def children(process: int) -> list[int]:
    """Return the numbers of the processes that a process has started."""
    listing = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in listing.read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by Linux's /proc")
def test_ctrl_c_while_the_library_loops_ends_both_processes_at_once(tmp_path):
    place = tmp_path / "w.h5"
    place.write_bytes(endless_hdf5())
    with open(place, "r+b") as file:
        file.truncate(1 << 30)  # a large file has more time: here 104 seconds
    command = [sys.executable, "-m", "charlstm", "import", place, "--out", tmp_path / "run"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    started: list[int] = []
    while not (started := children(process.pid)) or time_taken(started[0]) < 1:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - sent < 5
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert not Path(f"/proc/{started[0]}").exists()


def time_taken(process: int) -> float:
    """Return the processor time that a process has taken, in seconds."""
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11]
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def test_a_file_damaged_at_any_place_is_read_or_one_error_within_the_limits(tmp_path, heavy):
    content = seeds.weight_seeds()["HDF5"]
    cases = []
    for number, start in enumerate(range(0, 4_000, 13 if heavy else 400)):
        damaged = bytearray(content)
        damaged[start : start + 16] = bytes(16)
        cases.append(tmp_path / f"{number}.h5")
        cases[-1].write_bytes(bytes(damaged))
    # Without a vocabulary each file is refused, be it read or not.
    assert len(refusals(load_foreign, cases)) == len(cases), MOST_MEGABYTES
