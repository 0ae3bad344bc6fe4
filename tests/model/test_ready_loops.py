"""Compiled loops that are not there yet are made in the background, once, and torch computes meanwhile."""

import subprocess
from typing import get_args

import numpy as np
import pytest
import torch

from charlstm.config import SamplingConfig, StepPrecision, TracePrecision
from charlstm.inspection.reading.trace import trace
from charlstm.model import char_lstm, ready_loops, training_backend
from charlstm.model.char_lstm import runs_compiled
from charlstm.model.kernels import jit
from charlstm.model.ready_loops import are_ready, make
from charlstm.sampling.sampler import draw


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Nothing is compiled yet, in a folder of this test's own; return the commands that are started."""
    monkeypatch.setattr(jit, "kept_folder", lambda source: tmp_path)
    ready_loops._make_in_the_background.cache_clear()
    commands = []
    monkeypatch.setattr(ready_loops, "start_process", commands.append)
    yield commands
    ready_loops._make_in_the_background.cache_clear()


def test_loops_that_are_not_there_are_made_by_one_process(started, caplog):
    caplog.set_level("INFO", "charlstm")
    assert not any(are_ready(loops) for loops in ("float32", "training", "float32"))
    assert "make(['float32', 'bfloat16', 'int8', 'training'])" in " ".join(started[0])
    assert len(started) == 1
    assert len(caplog.records) == 1
    ready_loops._make_in_the_background.cache_clear()  # as in another process
    assert not are_ready("float32")
    assert len(started) == 1


@pytest.fixture
def compiled(monkeypatch):
    """Return what is compiled; nothing really is."""
    done = []
    for name in ("warm_up_drawing", "warm_up_tracing"):
        monkeypatch.setattr(
            f"charlstm.model.streams.{name}", lambda precision, name=name: done.append((name, precision))
        )
    monkeypatch.setattr("charlstm.model.bfloat16_layer.warm_up", lambda: done.append("training"))
    monkeypatch.setattr("charlstm.model.streams_backend.trial", lambda _: done.append("trial"))
    return done


def test_made_loops_are_there_until_their_source_changes(started, compiled, monkeypatch):
    make(["float32", "training"])
    assert compiled == [("warm_up_drawing", "float32"), ("warm_up_tracing", "float32"), "training", "trial"]
    assert are_ready("float32")
    assert are_ready("training")
    assert not started
    assert not are_ready("int8")
    assert "make(['int8', 'float32', 'bfloat16', 'training'])" in " ".join(started[0])
    monkeypatch.setattr(ready_loops, "_version", lambda: "another")
    assert not are_ready("float32")


def test_two_processes_compile_parts_that_are_all_together(started, compiled, monkeypatch):
    commands = []
    monkeypatch.setattr(ready_loops, "available_processors", lambda: 2)

    class Process:
        def __init__(self, command):
            commands.append(command[command.index("-c") + 1])

        def wait(self):
            exec(commands[-1].partition("sys.argv[1:]; ")[2])

    monkeypatch.setattr(subprocess, "Popen", Process)
    make(["float32"], by_two=True)
    assert [command.partition("ready_loops.")[2] for command in commands] == [
        "compile_parts(['drawing'])",
        "compile_parts(['tracing'])",
    ]
    assert compiled[-2:] == [("warm_up_drawing", "float32"), ("warm_up_tracing", "float32")]
    make(by_two=True)
    assert [command.partition("ready_loops.")[2] for command in commands[2:]] == [
        "compile_parts(['bfloat16'])",
        "compile_parts(['training', 'int8'])",
    ]
    names = {each for each in compiled if each not in ("training", "trial")}
    assert {name for _, name in names} == set(get_args(StepPrecision))
    assert {name for kind, name in names if kind == "warm_up_tracing"} == set(get_args(TracePrecision))
    assert "training" in compiled
    make(by_two=True)
    assert len(commands) == 4, "nothing is left to compile"


def test_a_process_that_ended_before_its_loops_were_there_does_not_stop_another(started, monkeypatch):
    assert not are_ready("float32")
    ready_loops._make_in_the_background.cache_clear()
    monkeypatch.setattr(ready_loops, "_LONGEST_SECONDS", 0)
    assert not are_ready("float32")
    assert len(started) == 2


def test_without_a_folder_to_keep_them_nothing_is_made(started, monkeypatch):
    monkeypatch.setattr(jit, "kept_folder", lambda source: None)
    assert not are_ready("float32")
    assert not started


def test_the_background_command_imports_this_package(started, tmp_path):
    are_ready("float32")
    (command,) = started
    *python, script = command[: command.index("-c") + 2]
    paths = command[len(python) + 1 :]
    assert script.count("ready_loops.make(") == 1
    shown = [*python, script.partition("; ready_loops.make(")[0] + "; print(ready_loops.__name__)", *paths]
    done = subprocess.run(shown, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.split() == ["charlstm.model.ready_loops"]


@torch.no_grad()
def test_torch_draws_and_traces_the_same_while_loops_are_not_there(small_model, generator, monkeypatch):
    def results():
        prompt, config = torch.tensor([1, 2]), SamplingConfig(length=30, temperature=0)
        drawn = list(draw(small_model, prompt, config=config, generator=torch.Generator()))
        blocks = [block.layers[1].c for block in trace(small_model, np.arange(60) % 11, streams=2, window=8)]
        return drawn, torch.cat([c.flatten() for c in blocks])

    drawn, states = results()
    monkeypatch.setattr(char_lstm, "are_ready", lambda _: False)
    assert not runs_compiled(small_model)
    monkeypatch.setattr("charlstm.model.streams.Streams.trace", lambda *_: pytest.fail("the loops ran"))
    others = results()
    assert others[0] == drawn
    torch.testing.assert_close(others[1], states, atol=1e-5, rtol=1e-5)


def test_torchs_layer_trains_while_loops_are_not_there(monkeypatch):
    monkeypatch.setattr(training_backend, "are_ready", lambda _: False)
    monkeypatch.setattr("charlstm.machine.speed.backend_choice._CHOICES", {})
    assert not training_backend.trains_compiled()
