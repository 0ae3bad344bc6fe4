"""A folder that cannot be written, or that another training uses, gives one clear error and stays whole."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from killed_child import hold
from processes import PROCESSES
from small_run import digest, outcome, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.errors import CheckpointError
from charlstm.machine.files import whole_file
from charlstm.run_files import MODEL, RESUME
from charlstm.tasks import train
from charlstm.tasks.training_plan import TrainRequest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 300 kB, and return its folder."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting takes rights that these tests do not have")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_leaves_the_last_save_whole(small_disk, tmp_path):
    out = small_disk / "run"
    train_small(request(out, save_every=1), stop_after=20)
    good = digest(out / RESUME)
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize - 4096))
    with pytest.raises(CheckpointError, match="No space left on device") as problem:
        train_small(request(out, resume=True))
    assert "has space" in problem.value.advice
    assert digest(out / RESUME) == good
    assert load(out).step <= 20
    assert not list(out.glob("*.partial"))
    (small_disk / "filler").unlink()
    train_small(request(out, resume=True))
    train_small(request(tmp_path / "run", save_every=1))
    assert outcome(out) == outcome(tmp_path / "run")


def test_a_training_cannot_begin_on_a_full_disk(small_disk):
    (small_disk / "filler").write_bytes(bytes(290 * 1024))
    with pytest.raises(CheckpointError, match="cannot be written"):
        train_small(request(small_disk / "run"))


def test_overwriting_on_a_full_disk_leaves_the_old_run(small_disk):
    out = small_disk / "run"
    train_small(request(out))
    before = outcome(out)
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize))
    again = TrainRequest(**{**vars(request(out)), "overwrite": True})
    with pytest.raises(CheckpointError, match="No space left on device"):
        train_small(again)
    assert outcome(out) == before
    assert load(out).config


def test_a_read_only_disk_is_an_error_and_the_run_stays_whole(small_disk):
    out = small_disk / "run"
    train_small(request(out), stop_after=20)
    before = outcome(out)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for resume in (True, False):
        with pytest.raises(CheckpointError, match="cannot be written"):
            train_small(request(out if resume else small_disk / "other", resume=resume))
    assert outcome(out) == before


def test_a_limit_on_the_size_of_files_leaves_the_last_save_whole(tmp_path):
    """Such a limit acts like a full disk, and needs no right to mount one."""
    train_small(request(tmp_path / "run"), stop_after=20)
    good = digest(tmp_path / "run" / RESUME)
    command = f"ulimit -f 4; exec {sys.executable} -m charlstm train --resume --out {tmp_path / 'run'}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    assert done.stderr.splitlines()[-2].endswith("File too large")
    assert "Traceback" not in done.stderr
    assert digest(tmp_path / "run" / RESUME) == good
    assert load(tmp_path / "run").step <= 20


def test_a_run_that_another_process_trains_is_refused_until_that_process_ends(tmp_path):
    out = tmp_path / "run"
    training, connection = hold(out)
    try:
        for resume in (True, False):
            again = request(out, resume=resume)
            with pytest.raises(CheckpointError, match="another process is training in"):
                train_small(TrainRequest(**{**vars(again), "overwrite": not resume}))
    finally:
        training.kill()
        training.join()
        connection.close()
    assert train_small(request(out, resume=True)).step == 60, "a dead process holds no lock"


def test_a_second_training_of_a_run_in_the_same_process_is_refused(tmp_path):
    first = train.train_run(request(tmp_path / "run"))
    next(first)
    with pytest.raises(CheckpointError, match="another process is training in"):
        next(train.train_run(request(tmp_path / "run", resume=True)))
    first.close()
    assert train_small(request(tmp_path / "run", resume=True)).step == 60


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("name", ["poem.txt", "config.json"])
def test_a_folder_with_other_files_is_refused_and_keeps_them(tmp_path, name, overwrite):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text('{"mine": 1}')
    (out / MODEL).write_text("mine too")
    wanted = TrainRequest(**{**vars(request(out)), "overwrite": overwrite})
    with pytest.raises(CheckpointError, match=f"holds files that are no run's, such as {name}"):
        train_small(wanted)
    assert (out / name).read_text() == '{"mine": 1}'
    assert (out / MODEL).read_text() == "mine too"


def test_half_written_files_of_dead_processes_are_removed(tmp_path):
    process = PROCESSES.Process(target=os.getpid)
    process.start()
    process.join()
    out = tmp_path / "run"
    train_small(request(out), stop_after=20)
    dead, alive = (out / f"{MODEL}.{number}.partial" for number in (process.pid, os.getppid()))
    for partial in (dead, alive):
        partial.write_text("half")
    with RunFolder(out).held():
        assert not dead.exists()
        assert alive.exists()
    dead = tmp_path / f"note[1].txt.{process.pid}.partial"
    dead.write_text("half")
    with whole_file(tmp_path / "note[1].txt") as partial:
        partial.write_text("whole")
    assert sorted(path.name for path in tmp_path.glob("note*")) == ["note[1].txt"]
