"""Processes that train together reach the losses of one process, and an error or death of one ends all."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from many_processes import End, Training
from small_run import measurements, outcome, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.tensor_file import load_tensors
from charlstm.run_files import METRICS, RESUME

# Five streams cannot be shared out equally, neither among two processes nor among three.
SETTINGS = {"steps": 200, "streams": 5, "evaluate_every": 40}


def train_together(out: Path, count: int, **settings) -> list[End | None]:
    """Train in out with count processes until all have ended, and return how each ended."""
    return Training(out, count=count, **settings).ends()


def losses_nats(out: Path) -> list[float]:
    """Return the validation losses that a run measured, in nats per character."""
    name = "validation_bits_per_character"
    return [line[name] * math.log(2) for line in measurements(out) if name in line]


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """Train a run in one process."""
    out = tmp_path_factory.mktemp("alone") / "run"
    train_small(request(out, **SETTINGS))
    return out


def test_two_processes_reach_the_losses_of_one(tmp_path, alone):
    ends = train_together(tmp_path / "run", 2, **SETTINGS)
    assert [(end.step, end.reason) for end in ends if end] == [(200, "done")] * 2
    assert losses_nats(tmp_path / "run") == pytest.approx(losses_nats(alone), abs=1e-3)
    assert len(losses_nats(alone)) == 5
    assert ["Sampled" in end.events for end in ends if end] == [True, False]


def test_a_run_resumes_with_another_number_of_processes(tmp_path, alone):
    out = tmp_path / "run"
    train_together(out, 2, stop_after=(30, None), **SETTINGS)
    train_together(out, 3, resume=True, stop_after=(None, 61, 70))
    assert int(load_tensors(out / RESUME, lambda shapes: True)[1]["step"]) == 61, (
        "one process asked to stop there"
    )
    train_small(request(out, resume=True), stop_after=100)
    train_together(out, 2, resume=True)
    assert losses_nats(out) == pytest.approx(losses_nats(alone), abs=1e-3)


def test_resuming_with_the_same_number_of_processes_changes_nothing(tmp_path):
    train_together(tmp_path / "whole", 2, steps=60)
    train_together(tmp_path / "run", 2, steps=60, stop_after=(None, 25))
    train_together(tmp_path / "run", 2, resume=True)
    assert outcome(tmp_path / "run") == outcome(tmp_path / "whole")


@pytest.mark.parametrize("killed", [0, 1])
def test_the_death_of_one_process_ends_the_other_and_keeps_the_last_save(tmp_path, killed):
    out = tmp_path / "run"
    training = Training(out, count=2, steps=100_000, save_every=5)
    training.kill(killed, after=22)
    ends = training.ends()
    assert ends[killed] is None
    survivor = ends[1 - killed]
    assert survivor is not None
    assert survivor.reason == "ProcessError"
    assert load(out).step <= survivor.step
    assert train_small(request(out, resume=True), stop_after=60).step >= 60


def test_all_processes_stop_by_the_clock_of_the_first(tmp_path):
    ends = train_together(tmp_path / "run", 2, steps=None, minutes=0.02, evaluate_every=0)
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0].step == ends[1].step > 10
    assert ends[0].reason == ends[1].reason == "done"


def test_an_error_ends_all_processes_alike(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "letter.txt").write_text("not a run")
    assert [end.reason for end in train_together(tmp_path / "run", 2) if end] == ["CheckpointError"] * 2
    few = train_together(tmp_path / "few", 2, streams=1)
    assert [end.reason for end in few if end] == ["UsageError"] * 2
    wild = train_together(tmp_path / "wild", 2, learning_rate=1e30, evaluate_every=1)
    assert {end.reason for end in wild if end} == {"DivergedError"}


def test_ctrl_c_under_torchrun_saves_the_run(tmp_path):
    """A terminal sends Ctrl-C to torchrun and to both processes; torchrun then sends it to both once more."""
    request(tmp_path / "run")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    command += ["charlstm", "train", str(tmp_path / "text.txt"), "--out", str(tmp_path / "run"), "--quiet"]
    command += ["--steps=100000", "--streams=4", "--window=16", "--cells=8", "--split=80/20"]
    with subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        until = time.monotonic() + 60
        while not _has_measurements(tmp_path / "run") and time.monotonic() < until:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        output, problems = process.communicate(timeout=60)
    assert output.count("characters read") == 1, problems
    assert "charlstm:" not in problems
    step = int(load_tensors(tmp_path / "run" / RESUME, lambda shapes: True)[1]["step"])
    assert step >= 20
    assert train_small(request(tmp_path / "run", resume=True), stop_after=step + 5).step == step + 5


def _has_measurements(out: Path) -> bool:
    return (out / METRICS).exists() and bool((out / METRICS).read_text())
