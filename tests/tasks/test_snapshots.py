"""Snapshots along a training: taken when they are due, the same ones after an interruption."""

import itertools

import numpy as np
import pytest
from tiny_run import TEXT

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.snapshots import Snapshot, load_snapshots
from charlstm.tasks import train
from charlstm.tasks.snapshots import snapshot_shares
from charlstm.tasks.training_plan import TrainRequest
from charlstm.training.loop import Stepped

SETTINGS = {"steps": 200, "streams": 2, "window": 8, "evaluate_every": 100, "precision": "float32"}


@pytest.fixture(autouse=True)
def no_samples(monkeypatch) -> None:
    monkeypatch.setattr(train, "_sample_text", lambda model, config, seed: "")


def trained(folder, *, stop_after: int | None = None, resume: bool = False) -> list[Snapshot]:
    """The snapshots of a run of 200 steps that is asked to stop after stop_after steps."""
    folder.mkdir(exist_ok=True)
    (folder / "text.txt").write_text(TEXT)
    request = TrainRequest(
        corpus=str(folder / "text.txt"),
        out=folder / "run",
        model={} if resume else {"cells": 8, "embedding": 4},
        training={} if resume else SETTINGS | {"snapshots": 6},
        split="80/20",
        resume=resume,
    )
    taken = 0

    def should_stop() -> bool:
        return stop_after is not None and taken >= stop_after

    for event in train.train_run(request, should_stop=should_stop):
        taken += isinstance(event, Stepped)
    return load_snapshots(folder / "run", load(folder / "run").config.model)


def test_the_shares_rise_from_the_beginning_to_the_end_by_one_factor():
    shares = snapshot_shares(6)
    assert shares[0] == 0
    assert shares[-1] == 1
    ratios = [later / earlier for earlier, later in itertools.pairwise(shares[1:])]
    assert ratios == pytest.approx([ratios[0]] * 4)
    assert ratios[0] > 1
    assert [snapshot_shares(count) for count in (0, 1, 2)] == [[], [1.0], [0.0, 1.0]]


def test_a_training_keeps_the_mean_weights_from_the_first_step_to_the_last(tmp_path):
    snapshots = trained(tmp_path / "a")
    assert [one.step for one in snapshots] == [0, 1, 4, 15, 54, 200]
    assert [one.characters for one in snapshots] == [16 * one.step for one in snapshots]
    run = load(tmp_path / "a" / "run")
    last = next(one for one in snapshots if one.step == run.step)
    for name, value in run.model.state_dict().items():
        np.testing.assert_allclose(last.weights()[name], value.numpy(), rtol=1e-3, atol=1e-6)


def test_an_interrupted_training_has_the_same_snapshots_when_it_is_over(tmp_path):
    whole = trained(tmp_path / "a")
    trained(tmp_path / "b", stop_after=30)
    resumed = trained(tmp_path / "b", resume=True)
    assert [one.step for one in resumed] == [one.step for one in whole]
    for one, other in zip(whole, resumed, strict=True):
        for name, value in one.tensors.items():
            np.testing.assert_array_equal(value, other.tensors[name])
