"""Train a model on a text in hand, or on one that is named: this is `charlstm.train`."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.config import Activation, GateActivation, Optimizer, Precision, TextLevel
from charlstm.inspection.progress import Progress
from charlstm.machine.interrupts import stop_wish
from charlstm.session.progress import Wanted, reporting
from charlstm.session.run import Run, run_of
from charlstm.session.texts import is_text, warn_user
from charlstm.tasks.train import Prepared, train_run
from charlstm.tasks.training_plan import TrainRequest
from charlstm.text.corpus import Corpus, corpus_in_hand
from charlstm.training.loop import Logged, Stepped


def train(
    text: str | Path,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    out: str | Path | None = None,
    cells: int | None = None,
    layers: int | None = None,
    embedding: int | None = None,
    dropout: float | None = None,
    activation: Activation | None = None,
    gate_activation: GateActivation | None = None,
    streams: int | None = None,
    window: int | None = None,
    learning_rate: float | None = None,
    optimizer: Optimizer | None = None,
    recurrent_l1: float | None = None,
    weight_decay: float | None = None,
    evaluate_every: int | None = None,
    save_every: int | None = None,
    patience: int | None = None,
    snapshots: int | None = None,
    precision: Precision | None = None,
    split: str | None = None,
    validation: str | Path | None = None,
    level: TextLevel | None = None,
    begin_from: str | Path | Run | None = None,
    seed: int = 0,
    device: str = "auto",
    overwrite: bool = False,
    progress: Wanted = None,
) -> Run:
    """Train a model on text, save it in the folder out, and return the run with its best weights.

    text is the text itself, or the name of one: a string with a line break, or of more than 500 characters,
    is a text; a shorter one is a name as `charlstm train` takes it ("stdlib", a file, a folder, a glob,
    "hf:owner/name"), and a Path always is. The training takes 1 minute, or as long as minutes, steps or
    epochs says. Without out the run lies in a new temporary folder, `run.path`, which the system may remove
    one day; overwrite replaces a run that is there. Settings that are None are chosen by the length of the
    text and of the training; `charlstm.ModelConfig` and `charlstm.TrainingConfig` say what each means. split
    has the shares to train, validate and test on, "90/5/5" by default; validation is another text to validate
    on instead, in hand or named as text is. level "bytes" reads bytes. begin_from is a run or its folder: the
    training begins with its weights, size and symbols. progress is called with the stage and the share of the
    training that is done, in [0, 1]; True shows a bar. Ctrl-C, or interrupting the notebook's cell, ends the
    training early: the run so far is returned.
    Raises CorpusError, UsageError, CheckpointError, DeviceError or DivergedError.
    """
    begun = begin_from.path if isinstance(begin_from, Run) else begin_from and Path(begin_from)
    corpus = _in_hand(text, level, begun or None)
    validation_text = validation if isinstance(validation, str) and is_text(validation) else None
    length = {"minutes": minutes, "steps": steps, "epochs": epochs}
    if not _given(length):
        length["minutes"] = 1.0
    shape: dict[str, Any] = {"cells": cells, "layers": layers, "embedding": embedding, "dropout": dropout}
    shape |= {"activation": activation, "gate_activation": gate_activation}
    settings: dict[str, Any] = {"streams": streams, "window": window, "seed": seed}
    settings |= {"learning_rate": learning_rate, "optimizer": optimizer}
    settings |= {"recurrent_l1": recurrent_l1, "weight_decay": weight_decay}
    settings |= {"evaluate_every": evaluate_every, "save_every": save_every, "patience": patience}
    settings |= {"snapshots": snapshots, "precision": precision}
    with _folder(out) as folder, reporting(progress) as report:
        request = TrainRequest(
            corpus=str(text) if corpus is None else None,
            text=corpus,
            out=folder,
            model=_given(shape),
            training=_given(length | settings),
            split=split,
            validation=None if validation is None or validation_text is not None else str(validation),
            validation_text=validation_text,
            begin_from=begun or None,
            level=level,
            device=device,
            overwrite=overwrite,
        )
        _follow(request, report)
    return run_of(load(folder), corpus)


@contextmanager
def _folder(out: str | Path | None) -> Iterator[Path]:
    """Give the folder for a run: out, or one in a new temporary folder.

    The temporary folder is removed where it stays empty.
    """
    if out is not None:
        yield Path(out)
        return
    made = Path(mkdtemp(prefix="charlstm-"))
    try:
        yield made / "run"
    finally:
        with suppress(OSError):  # it holds a run
            made.rmdir()


def _in_hand(text: str | Path, level: TextLevel | None, begun: Path | None) -> Corpus | None:
    """Return a string that is a text as a corpus, in the symbols of the run to begin from; None for a name.

    Raises CheckpointError where there is no such run, UnknownCharacterError for characters that it lacks.
    """
    if isinstance(text, Path) or not is_text(text):
        return None
    vocabulary = load_config(begun).vocabulary if begun else None
    return corpus_in_hand(text, level=level or "characters", vocabulary=vocabulary)


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that were given, which are not None."""
    return {name: value for name, value in settings.items() if value is not None}


def _follow(request: TrainRequest, progress: Progress) -> None:
    """Carry a training out, and tell progress of it; notes on the text become warnings."""
    stage = "training"
    with _interruptible() as should_stop:
        for event in train_run(request, should_stop=should_stop):
            match event:
                case Prepared():
                    for note in event.notes:
                        warn_user(note)
                case Stepped():
                    progress(stage, event.fraction)
                case Logged():
                    stage = f"training, {event.train_bits_per_character:.2f} bits per character"


def _interruptible() -> AbstractContextManager[Callable[[], bool]]:
    """Return a context that turns Ctrl-C into a wish to stop; only a main thread gets signals."""
    if threading.current_thread() is threading.main_thread():
        return stop_wish(in_session=True)
    return nullcontext(lambda: False)
