"""What a training shows while it runs and when it ends: lines for a person, JSON for a program."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from charlstm.commands.terminal import console, formatting
from charlstm.config import LEAST_INSPECTED_CHARACTERS
from charlstm.errors import UsageError
from charlstm.report.words.plain_table import table
from charlstm.tasks.run_text import unseen_from
from charlstm.tasks.train import Interrupted, Prepared, RunEvent, Sampled, Trained
from charlstm.training.loop import Evaluated, Logged, Stepped


def follow_training(
    events: Iterator[RunEvent], narrator: console.Narrator, *, as_json: bool = False
) -> Trained:
    """Show the events of a training as they come, and return the last one.

    A training whose JSON cannot be written goes on to its end. Where the reader has gone that is all; where
    there is another reason, such as a full disk, UsageError is raised then.
    """
    trained: Trained | None = None
    lines = _EventLines() if as_json else None
    with narrator.bar() as bar:
        bar.stage("reading the text")
        for event in events:
            if lines and not isinstance(event, Stepped):
                lines.write(event)
            match event:
                case Prepared():
                    narrator.say(describe(event))
                case Stepped():
                    bar.move_to(event.fraction)
                case Logged():
                    bar.figures(
                        f"{event.train_bits_per_character:.3f} bits/character, "
                        f"{event.characters_per_second:,.0f} characters/s"
                    )
                case Evaluated():
                    narrator.say(_evaluation_line(event))
                case Sampled():
                    narrator.excerpt(event.text)
                case Interrupted():
                    narrator.say(f"step {event.step:,} is saved; evaluating it, Ctrl-C again leaves at once")
                case Trained():
                    trained = event
    assert trained is not None
    if lines and lines.problem and trained.reason != "interrupted":
        raise lines.problem
    return trained


class _EventLines:
    """Events as lines of JSON on stdout, until one of them cannot be written; problem then says why."""

    def __init__(self) -> None:
        self._open = True
        self.problem: UsageError | None = None

    def write(self, event: RunEvent) -> None:
        """Write an event, if the ones before it could be written."""
        if not self._open:
            return
        try:
            console.write_json(event_document(event))
        except console.ReaderGoneError:
            self._open = False
        except UsageError as problem:
            self._open, self.problem = False, problem


def event_document(event: RunEvent) -> dict[str, Any]:
    """Return an event as one JSON object, with its name under "event"."""
    if isinstance(event, Prepared):
        left_out = [str(path) for path in event.left_out]
        shown = asdict(event) | {"config": event.config.to_json(), "left_out": left_out}
    else:
        shown = {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(event).items()
        }
    return {"event": type(event).__name__.lower(), **shown}


def describe(event: Prepared) -> str:
    """Return which model is about to be trained on which text, in a few lines."""
    model, plan, corpus = event.config.model, event.config.training, event.config.corpus
    assert plan is not None  # a training has both
    assert corpus is not None
    layers = f"{model.cells} cells" if model.layers == 1 else f"{model.layers} layers of {model.cells} cells"
    length = {"minutes": plan.minutes, "steps": plan.steps, "epochs": plan.epochs}
    unit, amount = next((unit, amount) for unit, amount in length.items() if amount is not None)
    lines = [
        corpus.name,
        f"{event.train_characters:,} characters to train on, {event.validation_characters:,} to validate, "
        f"{model.vocabulary_size} symbols",
        f"{layers}, {event.parameters:,} parameters, dropout {model.dropout:g}; {amount:g} {unit} on "
        f"{event.device} in {'bfloat16' if event.bfloat16 else 'float32'}",
    ]
    unseen = corpus.characters - unseen_from(corpus, corpus.characters)
    if corpus.validation is None and unseen < LEAST_INSPECTED_CHARACTERS:
        lines.append(
            f"{unseen:,} characters are not trained on; an inspection needs {LEAST_INSPECTED_CHARACTERS:,}:\n"
            + _without_unseen_text(corpus.characters)
        )
    if event.left_out:
        names = ", ".join(path.name for path in event.left_out[:3])
        lines.append(f"{len(event.left_out)} files left out that are not text: {names}")
    lines += event.notes
    if event.finished:
        lines.append(
            f"the run is finished, after step {event.step:,}: "
            "--resume --steps 1000, or --minutes or --epochs, trains it for that much more"
        )
    elif event.step:
        lines.append(f"continuing after step {event.step:,}")
    return "\n".join(lines)


def _without_unseen_text(characters: int) -> str:
    """Return what can be done where too little of a text of that many characters is not trained on."""
    if characters < LEAST_INSPECTED_CHARACTERS:
        return "give `charlstm inspect` another text, or train on a longer one"
    return "`charlstm inspect` reads all of the text then, unless you give it another one"


def _evaluation_line(event: Evaluated) -> str:
    """Return an evaluation as a line: step, time, validation loss, and whether it is the best one."""
    bits = formatting.bits_and_nats(event.validation_bits_per_character)
    mark = ", best" if event.best else ""
    return f"step {event.step:,}, {formatting.duration(event.elapsed_seconds)}: validation {bits}{mark}"


def summary_table(trained: Trained) -> str:
    """Return the outcome of a training as a table of two columns."""
    speed = trained.characters / max(trained.elapsed_seconds, 1e-9)
    rows = [
        ("run", str(trained.path)),
        ("parameters", f"{trained.parameters:,}"),
        ("steps", f"{trained.step:,}"),
        ("characters read", f"{trained.characters:,}"),
        ("time", f"{formatting.duration(trained.elapsed_seconds)}, {speed:,.0f} characters/s"),
    ]
    if trained.train_bits_per_character is not None:
        rows.append(("training", f"{trained.train_bits_per_character:.4f} bits per character"))
    if trained.validation_bits_per_character is not None:
        bits = trained.validation_bits_per_character
        rows.append(("validation", f"{bits:.4f} bits per character"))
        rows.append(("", f"{bits * math.log(2):.4f} nats, at step {trained.best_step:,}"))
    return table(rows)
