"""What training and findings look like: a bar, lines and tables for a person, JSON for a program."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from charlstm import console
from charlstm.config import GateOrder
from charlstm.corpus import CachedCorpus
from charlstm.imports import Imported
from charlstm.inspection.findings import Findings
from charlstm.inspection.marking import Result
from charlstm.pipeline import Score
from charlstm.runs import Interrupted, Prepared, RunEvent, Sampled, Trained
from charlstm.training import Evaluated, Logged, Stepped

# A text of English or code costs a model that works less, whatever its size; a scrambled one costs more.
_IMPLAUSIBLE_BITS = 4.5

# Of a run's own text that is not what it was: another Python's stdlib, or a file that was edited.
CHANGED_TEXT = "note      the run's text has changed since it was trained; new characters are replaced"
_FINDING_COLUMNS = ("cell", "kind", "feature", "driven by", "|r|", "verdict", "effect", "")


def follow_training(
    events: Iterator[RunEvent], narrator: console.Narrator, *, as_json: bool = False
) -> Trained:
    """Use up the events of a training, showing each, and return the last one."""
    trained: Trained | None = None
    with narrator.bar() as bar:
        for event in events:
            if as_json and not isinstance(event, Stepped):
                console.write_json(event_document(event))
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
    return trained


def event_document(event: RunEvent) -> dict[str, Any]:
    """The event as one JSON object, with its name under "event"."""
    if isinstance(event, Prepared):
        shown = asdict(event) | {"config": event.config.to_json()}
    else:
        shown = {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(event).items()
        }
    return {"event": type(event).__name__.lower(), **shown}


def describe(event: Prepared) -> str:
    """What is about to be trained, on what, in two or three lines."""
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
    if event.left_out:
        names = ", ".join(path.name for path in event.left_out[:3])
        lines.append(f"{len(event.left_out)} files left out that are not text: {names}")
    if event.step:
        lines.append(f"going on after step {event.step:,}")
    return "\n".join(lines)


def _evaluation_line(event: Evaluated) -> str:
    bits = console.bits_and_nats(event.validation_bits_per_character)
    mark = ", best" if event.best else ""
    return f"step {event.step:,}, {console.duration(event.elapsed_seconds)}: validation {bits}{mark}"


def summary_table(trained: Trained) -> str:
    """The outcome of a training as a table of two columns."""
    speed = trained.characters / max(trained.elapsed_seconds, 1e-9)
    rows = [
        ("run", str(trained.path)),
        ("parameters", f"{trained.parameters:,}"),
        ("steps", f"{trained.step:,}"),
        ("characters read", f"{trained.characters:,}"),
        ("time", f"{console.duration(trained.elapsed_seconds)}, {speed:,.0f} characters/s"),
    ]
    if trained.train_bits_per_character is not None:
        rows.append(("training", f"{trained.train_bits_per_character:.4f} bits per character"))
    if trained.validation_bits_per_character is not None:
        bits = trained.validation_bits_per_character
        rows.append(("validation", f"{bits:.4f} bits per character"))
        rows.append(("", f"{bits * math.log(2):.4f} nats, at step {trained.best_step:,}"))
    return console.table(rows)


def next_commands(path: Path, corpus: str = "") -> str:
    """What to type next; corpus follows where the run has no text of its own."""
    return f"next:  charlstm sample {path}\n       charlstm inspect {path}{corpus}"


def score_line(scored: Score) -> str:
    """The loss on a text, and of how many characters it is the mean."""
    return f"{console.bits_and_nats(scored.bits_per_character)} over {len(scored.ids) - 1:,} characters"


def import_table(imported: Imported) -> str:
    """What was found in a file of weights as a table of two columns."""
    model, source = imported.model, imported.source
    bias = f", forget bias {source.forget_bias:g} added" if source.forget_bias else ""
    rows = [
        ("run", str(imported.path)),
        ("layers", f"{model.layers} of {model.cells} cells"),
        ("input", imported.input),
        ("vocabulary", f"{model.vocabulary_size} symbols"),
        ("gate order", f"{source.gate_order}, weights laid out as {source.layout}'s{bias}"),
        ("parameters", f"{imported.parameters:,} in the file"),
    ]
    return console.table(rows)


def import_advice(imported: Imported, scored: Score | None) -> str:
    """What to do after an import: another gate order where the score is what wrong weights give."""
    bits = scored.bits_per_character if scored is not None else 0.0
    uniform = math.log2(imported.model.vocabulary_size)
    if bits > min(uniform, _IMPLAUSIBLE_BITS):
        return (
            f"{bits:.2f} bits per character is implausible: guessing among the symbols takes {uniform:.2f}\n"
            f"try another --gate-order ({', '.join(get_args(GateOrder))}), --forget-bias or --vocabulary"
        )
    return next_commands(imported.path, " CORPUS")


def findings_table(findings: Findings, *, most: int = 20) -> str:
    """The findings as a table, the best held-out score first, and what there is to say without any.

    The effect is the change of the closer's log probability in nats, x how many times the 95th percentile of
    matched control cells what is specific of it comes to.
    """
    if not findings.findings:
        return "no cell follows a feature of the text better than chance and what single characters explain"
    rows = [
        (
            f"{finding.layer}:{finding.cell}",
            finding.kind.removesuffix("_counter"),
            _cut(finding.feature.replace("_", " "), 17),
            _cut(drivers_in_words(finding.drivers), 12),
            f"{finding.detection.held_out_score:.2f}",
            finding.verdict or "not tested",
            *_effect(finding.causal),
        )
        for finding in findings.findings[:most]
    ]
    left = len(findings.findings) - len(rows)
    shown = console.table(rows, header=_FINDING_COLUMNS)
    return shown + (f"\n{left} more in findings.json" if left else "")


def _effect(causal: dict[str, Any] | None) -> tuple[str, str]:
    """The effect in nats, and how many times its controls it is."""
    if causal is None:
        return "", ""
    ratio = causal["ratio"]
    return f"{causal['effect_nats']:+.2f}"[:6], "" if ratio is None else f"x{min(ratio, 999):.0f}"


def exam_table(result: Result) -> str:
    """The marks by kind and, set in, by design, for hard cells and for soft ones."""
    rows: list[tuple[str, ...]] = []
    for title, marked in (("K >= 8", result.hard), ("K = 2, 4 with noise", result.soft)):
        rows.append((title, "", "", "", "", "", ""))
        for mark in marked:
            name = f"  {mark.name.replace('_', ' ')}" if mark.precision is not None else f"    {mark.name}"
            shares = (mark.precision, mark.recall, mark.drivers, mark.verdicts)
            told = ["" if share is None else f"{share:.3f}" for share in shares]
            rows.append((name, str(mark.asked), str(mark.found), *told))
    twins = "" if result.twins is None else f"twins told apart in {result.twins:.1%} of networks; "
    clean = sum(count == 0 for count in result.untrained)
    header = ("", "asked", "found", "precision", "recall", "drivers", "verdicts")
    return (
        f"{console.table(rows, header=header)}\n{twins}no finding in {clean} of {len(result.untrained)} "
        f"untrained networks; {result.networks} networks from seed {result.seed} on"
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def drivers_in_words(drivers: dict[str, list[str]]) -> str:
    """{"set": ["("], "reset": [")"]} as `( on, ) off`; any character goes without saying."""
    words = {"set": "on", "step": "up", "unstep": "down", "reset": "to 0" if "step" in drivers else "off"}
    if drivers.get("set") == drivers.get("reset") is not None:
        return f"{_spelled(drivers['set'])} on and off"
    parts = [
        f"{_spelled(drivers[role])} {words[role]}" for role in words if drivers.get(role, ["*"]) != ["*"]
    ]
    return ", ".join(parts)


def _spelled(characters: list[str]) -> str:
    return " ".join("space" if character == " " else console.spelled(character) for character in characters)


def corpora_table(corpora: list[CachedCorpus]) -> str:
    """The texts that are at hand, with what is known of those that are cached."""
    rows = [
        (
            _cut(corpus.name, 30),
            corpus.state,
            corpus.level or "",
            "" if corpus.characters is None else f"{corpus.characters:,}",
            "" if corpus.symbols is None else f"{corpus.symbols:,}",
        )
        for corpus in corpora
    ]
    return console.table(rows, header=("corpus", "state", "level", "characters", "symbols"))
