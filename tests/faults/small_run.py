"""A training that takes a second, and digests of the files that it leaves, to compare two runs by."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from safetensors import safe_open

from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.model.char_lstm import CharLSTM
from charlstm.run_files import METRICS, MODEL, RESUME
from charlstm.tasks import train
from charlstm.tasks.training_plan import TrainRequest
from charlstm.training.trainer import Trainer

TIMES = ("elapsed_seconds", "characters_per_second")
TEXT = 'He said "come in" (not at once) and went on to the door.\n' * 30


def request(out: Path, *, resume: bool = False, **settings: object) -> TrainRequest:
    """Return a request for a training of 60 steps on TEXT, whose run goes to the folder out.

    settings are fields of TrainingConfig. TEXT is written to text.txt beside out. The streams read it several
    times, and every seventh step evaluates.
    """
    text = out.parent / "text.txt"
    if not text.exists():
        text.write_text(TEXT)
    model = {"cells": 8, "embedding": 4, "layers": 2, "dropout": 0.2}
    training = {"steps": 60, "streams": 4, "window": 16, "precision": "float32", "evaluate_every": 7}
    return TrainRequest(
        corpus=str(text),
        out=out,
        model={} if resume else model,
        training={} if resume else training | settings,
        split="80/20",
        resume=resume,
    )


def train_small(wanted: TrainRequest, *, stop_after: int | None = None) -> train.Trained:
    """Train as wanted says, to the end or until stop_after steps are done, and return the last event."""
    done = 0

    def should_stop() -> bool:
        return stop_after is not None and done >= stop_after

    # The sample after a training takes longer than the training itself, and changes no file.
    with patch("charlstm.tasks.train._sample_text", return_value=""):
        for event in train.train_run(wanted, should_stop=should_stop):
            if isinstance(event, train.loop.Stepped):
                done = event.step
            last = event
    assert isinstance(last, train.Trained)
    return last


def load_to_resume(run: Path) -> None:
    """Load what a resumed training needs from the folder run, without training."""
    config = load_config(run)
    text = config.vocabulary.encode((run.parent / "text.txt").read_text())
    assert config.training is not None
    trainer = Trainer(CharLSTM(config.model), text[: len(text) * 8 // 10], config.training)
    RunFolder(run).restore(trainer)


def digest(place: Path, *, leave_out: Callable[[str], bool] = lambda name: name in TIMES) -> str:
    """Return the SHA-256 of all tensors and numbers in the safetensors file place, as hexadecimal digits.

    Numbers whose names leave_out is true for do not count; by default those are the TIMES.
    """
    tensors = hashlib.sha256()
    with safe_open(place, framework="np") as file:
        for name in sorted(file.keys()):
            tensors.update(name.encode() + file.get_tensor(name).tobytes())
        numbers = json.loads(file.metadata()["numbers"])
    compared = {name: value for name, value in numbers.items() if not leave_out(name)}
    return hashlib.sha256(tensors.digest() + json.dumps(compared, sort_keys=True).encode()).hexdigest()


def measurements(out: Path) -> list[dict[str, object]]:
    """Return the lines of metrics.jsonl in the run's folder out, without the TIMES."""
    lines = [json.loads(line) for line in (out / METRICS).read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


def outcome(out: Path) -> tuple[str, str, list[dict[str, object]]]:
    """Return the digests of the best weights and of the resume state in out, and the measurements.

    Two runs that computed the same have equal outcomes: times do not count, nor does the size of
    metrics.jsonl, which depends on the digits of the times in it.
    """
    state = digest(out / RESUME, leave_out=lambda name: name in (*TIMES, "metrics_bytes"))
    return digest(out / MODEL), state, measurements(out)
