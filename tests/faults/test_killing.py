"""A training that is killed at random moments keeps its last complete save, and resumes to the same end."""

from pathlib import Path

import pytest
from killed_child import moments, train_and_kill
from small_run import digest, outcome, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.checkpoint.tensor_file import load_tensors
from charlstm.run_files import CONFIG, RESUME, RUN_FILES

SETTINGS = {"save_every": 3, "steps": 100_000, "evaluate_every": 40}


def saves(out: Path, steps: int) -> dict[int, set[str]]:
    """Train undisturbed for a number of steps, and return the digests of what each step saved.

    A step that evaluates saves twice, so it has two digests.
    """
    found: dict[int, set[str]] = {}
    plain = RunFolder.save_resume

    def noted(self, trainer):
        plain(self, trainer)
        found.setdefault(trainer.progress.step, set()).add(state(out))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "save_resume", noted)
        train_small(request(out, **SETTINGS), stop_after=steps)
    return found


def state(out: Path) -> str:
    return digest(out / RESUME, leave_out=lambda name: name in ("elapsed_seconds", "metrics_bytes"))


def saved_step(out: Path) -> int:
    return int(load_tensors(out / RESUME, lambda shapes: True)[1]["step"])


def test_a_training_killed_at_any_moment_resumes_to_the_same_end(tmp_path, heavy):
    kills = 200 if heavy else 20
    out = tmp_path / "run"
    last, checked = 0, []
    for moment in moments(kills, seed=1):
        resume = (out / CONFIG).exists()
        reported = train_and_kill(out, resume=resume, **moment, **SETTINGS)
        step = saved_step(out) if (out / RESUME).exists() else 0
        if not step:  # it was killed before its first save
            continue
        assert step >= last, "a save was lost"
        saved_before = reported - 1
        assert step >= saved_before - saved_before % SETTINGS["save_every"], (
            "the last complete save is not there"
        )
        load(out)
        last = step
        checked.append((step, state(out)))
    assert last > kills, "the training hardly moved"
    expected = saves(tmp_path / "whole", last + 1)
    wrong = [step for step, digest_then in checked if digest_then not in expected[step]]
    assert not wrong, "these saves differ from those of an undisturbed training"
    train_small(request(out, resume=True), stop_after=last + 1)
    assert outcome(out) == outcome(tmp_path / "whole")
    others = {path.name for path in out.iterdir()} - set(RUN_FILES)
    assert not others, "half-written files are removed"
