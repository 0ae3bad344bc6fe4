"""What `charlstm inspect` does: reads a run and a text, inspects, saves the findings and draws the page.

Nothing here prints, parses or exits.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from charlstm.checkpoint.loading import Checkpoint, load
from charlstm.checkpoint.snapshots import Snapshot, require_snapshots
from charlstm.config import LEAST_INSPECTED_CHARACTERS, InspectionConfig, Unknown
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.inspection.over_time import Moment
from charlstm.inspection.progress import Progress, ignore_progress, within
from charlstm.inspection.twins import shuffled_twin, untrained_twin
from charlstm.machine.devices import choose_device, keep_freed_memory, return_freed_memory
from charlstm.machine.launch import SINGLE, Launch
from charlstm.machine.processes import joined, own_device
from charlstm.model.char_lstm import CharLSTM
from charlstm.run_files import COMPARED, COMPARISON, FINDINGS, REPORT
from charlstm.tasks.report import draw_comparison, draw_report
from charlstm.tasks.run_text import CHANGED, corpus_of, has_changed, trained_characters, unseen_from
from charlstm.text.corpus import Corpus

# Networks that can be compared with a run in the place of another run, by the name a user calls them.
TWINS = {"untrained": untrained_twin, "shuffled": shuffled_twin}


@dataclass(frozen=True)
class Inspected:
    """What an inspection found, and the paths of the files it wrote.

    comparison_path is None where no second model was compared. notes are about how the text was read.
    """

    findings: Findings
    findings_path: Path
    report_path: Path
    comparison_path: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InspectRequest:
    """What `charlstm inspect` was asked for.

    run is the folder of the run to inspect, out the folder that the findings are written to. corpus is the
    text's name; None means the part of the run's training text that it was not trained on, or all of that
    text where the run was validated on another one. compare is a second model that reads the text as well:
    a run's folder, "untrained" or "shuffled". with_model puts the network into the page. over_time reads
    the found cells at the run's snapshots, too. command is the
    command line that was typed, as findings.json quotes it. unknown says what happens to characters that a
    run's vocabulary does not have; newlines reads each \\r\\n, and each \\r alone, as one \\n. device is
    where the networks read the text; everything else is computed on the CPU.
    """

    run: Path
    corpus: str | None = None
    out: Path
    config: InspectionConfig = field(default_factory=InspectionConfig)
    command: str | None = None
    unknown: Unknown = "error"
    newlines: bool = False
    compare: str | None = None
    with_model: bool = True
    over_time: bool = False
    device: str = "cpu"


def inspect_run(
    request: InspectRequest, *, progress: Progress = ignore_progress, launch: Launch = SINGLE
) -> Inspected:
    """Find the switches and counters of a run's best model; write findings.json and report.html.

    The findings of a second model go to compared.json, and both side by side to compare.html. Processes that
    were launched together share the work: all of them call this, and the first one writes. Raises
    CheckpointError, UsageError, CorpusError, DeviceError or ProcessError.
    """
    device = own_device(launch, choose_device(request.device))
    checkpoint, out = load(request.run), request.out
    other = other_run(checkpoint, request.compare, seed=request.config.seed) if request.compare else None
    keep_freed_memory()
    progress = _with_less_memory(progress)
    with joined(launch, torch.device("cpu")) as processes:
        text, other_text = processes.in_turn(lambda: _texts(request, checkpoint, other))
        moments = _moments(checkpoint) if request.over_time else []
        start = _start(request, checkpoint, len(text.tokens))
        findings = inspect_model(
            replace(
                _inspection(request, checkpoint, str(request.run), text, start),
                moments=moments,
                device=device,
            ),
            progress=within(progress, 0.0, 0.5 if other else 1.0),
            processes=processes,
        )
        if processes.leads:
            findings.save(out / FINDINGS)
            draw_report(out / FINDINGS, None, with_model=request.with_model, run=request.run)
        if other is not None and other_text is not None and request.compare is not None:
            compared = inspect_model(
                replace(_inspection(request, other, request.compare, other_text, start), device=device),
                progress=within(progress, 0.5, 1.0),
                processes=processes,
            )
            if processes.leads:
                compared.save(out / COMPARED)
                draw_comparison(out)
    comparison = out / COMPARISON if other else None
    notes = notes_on(checkpoint, text, start, named=request.corpus is not None)
    return Inspected(findings, out / FINDINGS, out / REPORT, comparison, notes)


def _with_less_memory(progress: Progress) -> Progress:
    """Return progress that, as a stage begins, returns the memory that the stage before has freed."""

    def begin(stage: str, done: float) -> None:
        return_freed_memory()
        progress(stage, done)

    return begin


def _texts(
    request: InspectRequest, checkpoint: Checkpoint, other: Checkpoint | None
) -> tuple[Corpus, Corpus | None]:
    """Return the text in the ids of checkpoint, and in those of other where there is one.

    Both are read in the same way: what checkpoint has replaced in its own text, since that has changed, other
    replaces as well. Raises what `corpus_of` raises.
    """
    unknown, newlines = request.unknown, request.newlines
    text = corpus_of(checkpoint, request.corpus, unknown=unknown, newlines=newlines)
    if other is None:
        return text, None
    unknown, newlines = "replace" if text.replaced else unknown, text.line_ends is not None
    return text, corpus_of(other, text.name, unknown=unknown, newlines=newlines)


def _inspection(
    request: InspectRequest, checkpoint: Checkpoint, name: str, text: Corpus, start: int
) -> InspectionRequest:
    """Return the request to inspect checkpoint, called name in the findings, on text from start on."""
    inspection = inspection_of(checkpoint, text, request.config, start=start)
    return replace(inspection, checkpoint=name, command=request.command)


def inspection_of(
    checkpoint: Checkpoint, text: Corpus, config: InspectionConfig, *, start: int = 0
) -> InspectionRequest:
    """Return the request to inspect checkpoint on text from the character at start on."""
    return InspectionRequest(
        model=checkpoint.model,
        ids=text.tokens[start:],
        vocabulary=checkpoint.config.vocabulary,
        config=replace(config, imported=checkpoint.config.source is not None),
        corpus_name=text.name,
        corpus_sha256=text.sha256,
        bits_per_character=checkpoint.validation_bits_per_character,
        checkpoint=str(checkpoint.path),
        trained_on=_trained_on(checkpoint, text, start),
    )


def _moments(checkpoint: Checkpoint) -> list[Moment]:
    """Return the snapshots of a run from before its best weights, and these weights as the last moment.

    Raises CheckpointError where the run has no snapshots.
    """

    def moment(snapshot: Snapshot) -> Moment:
        return Moment(snapshot.step, snapshot.characters, lambda: _model(checkpoint, snapshot))

    snapshots = require_snapshots(checkpoint.path, checkpoint.config.model)
    earlier = [moment(snapshot) for snapshot in snapshots if snapshot.step < checkpoint.step]
    training = checkpoint.config.training
    characters = checkpoint.step * training.streams * training.window if training else 0
    return [*earlier, Moment(checkpoint.step, characters, lambda: checkpoint.model)]


def _model(checkpoint: Checkpoint, snapshot: Snapshot) -> CharLSTM:
    """Return the model of a run with the weights of one of its snapshots, in evaluation mode."""
    model = CharLSTM(checkpoint.config.model)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in snapshot.weights().items()})
    return model.eval()


def _trained_on(checkpoint: Checkpoint, text: Corpus, start: int) -> int | None:
    """Return how many characters of text, from start on, the run was trained on; None where unknown."""
    record = checkpoint.config.corpus
    if record is None or record.sha256 != text.sha256:
        return None
    return max(0, trained_characters(record, len(text.tokens)) - start)


def other_run(checkpoint: Checkpoint, name: str, *, seed: int) -> Checkpoint:
    """Return the run in the folder name, or a twin of checkpoint when name is one of TWINS and no folder.

    seed decides the twin's random numbers. Raises CheckpointError for a folder without a run, UsageError
    for a run of another text level than checkpoint's.
    """
    if name in TWINS and not Path(name).exists():
        generator = torch.Generator().manual_seed(seed)
        return replace(
            checkpoint,
            model=TWINS[name](checkpoint.model, generator),
            validation_bits_per_character=None,
        )
    other = load(Path(name))
    level, other_level = checkpoint.config.vocabulary.level, other.config.vocabulary.level
    if level != other_level:
        raise UsageError(
            f"{name} reads {other_level} and {checkpoint.path} reads {level}",
            "compare two runs of characters, or two of bytes",
        )
    return other


def _start(request: InspectRequest, checkpoint: Checkpoint, characters: int) -> int:
    """Return where the inspected part of a text of that many characters begins."""
    return 0 if request.corpus is not None else start_in_own_text(checkpoint, characters)


def start_in_own_text(checkpoint: Checkpoint, characters: int) -> int:
    """Return where an inspection begins in the run's own text of that many characters.

    Only what the run was not trained on is read, if that is enough for an inspection; else all of it.
    """
    record = checkpoint.config.corpus
    if record is None:
        return 0
    unseen = unseen_from(record, characters)
    too_little = characters - unseen < LEAST_INSPECTED_CHARACTERS <= characters
    return 0 if too_little else unseen


def notes_on(checkpoint: Checkpoint, text: Corpus, start: int, *, named: bool) -> tuple[str, ...]:
    """Return what a user should know about a text that an inspection of checkpoint reads from start on.

    That is how it was read, whether the run was trained on it, and whether it has changed since. named says
    that the user named the text, or gave it; without a name the run's own is read.
    """
    changed = (CHANGED,) if has_changed(checkpoint, text) else ()
    return (*text.notes, *_training_note(checkpoint, text, start, named=named), *changed)


def _training_note(checkpoint: Checkpoint, text: Corpus, start: int, *, named: bool) -> tuple[str, ...]:
    """Return a note where the text, read from start on, has something that the run was trained on."""
    trained_on = _trained_on(checkpoint, text, start)
    if not trained_on:
        return ()
    by_heart = "what is found may be what the model knows by heart"
    if named:
        read = f"{text.name} is read from its beginning"
        return (f"{read}; the run was trained on its first {trained_on:,} characters: {by_heart}",)
    unseen = len(text.tokens) - trained_on
    if unseen == 0:
        return (f"the run was trained on all of its text, and {by_heart}",)
    return (f"only {unseen:,} characters were not trained on: all of the text is read, and {by_heart}",)
