"""An inspection as `charlstm inspect` runs it: the run and its text read, and what was found saved and drawn.

Nothing here prints, parses or exits.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from charlstm.checkpoint.loading import Checkpoint, load
from charlstm.config import InspectionConfig, Unknown
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.inspection.progress import Progress, ignore_progress, within
from charlstm.inspection.twins import shuffled_twin, untrained_twin
from charlstm.machine.devices import keep_freed_memory
from charlstm.machine.launch import SINGLE, Launch
from charlstm.machine.processes import joined
from charlstm.run_files import COMPARED, COMPARISON, FINDINGS, REPORT
from charlstm.tasks.report import draw_comparison, draw_report
from charlstm.tasks.run_text import corpus_of, has_changed
from charlstm.text.corpus import Corpus, split_bounds

# Networks that know nothing and can stand for another run: `untrained` and `shuffled`.
TWINS = {"untrained": untrained_twin, "shuffled": shuffled_twin}


@dataclass(frozen=True)
class Inspected:
    """What an inspection found, and where it was written; comparison_path is None without another model.

    changed says that the text is the run's own, and not what it was when the run was trained.
    """

    findings: Findings
    findings_path: Path
    report_path: Path
    comparison_path: Path | None = None
    changed: bool = False


@dataclass(frozen=True, kw_only=True)
class InspectRequest:
    """What `charlstm inspect` was asked for.

    run is the folder of the run to inspect, out the folder that the findings are written to. corpus is the
    text's name; without one the run's own text is read where the run did not train on it. compare names a
    second model that reads the text as well: a run's folder, untrained or shuffled. with_model puts the
    network into the page. command is the command line that was typed, as findings.json quotes it.
    """

    run: Path
    corpus: str | None = None
    out: Path
    config: InspectionConfig = field(default_factory=InspectionConfig)
    command: str | None = None
    unknown: Unknown = "error"
    compare: str | None = None
    with_model: bool = True


def inspect_run(
    request: InspectRequest, *, progress: Progress = ignore_progress, launch: Launch = SINGLE
) -> Inspected:
    """Find the switches and counters of a run's best model; write findings.json and report.html.

    A second model's findings go to compared.json, and both side by side to compare.html. Processes that were
    launched together share the work: all of them call this, and the first one writes.
    """
    checkpoint, out = load(request.run), request.out
    other = other_run(checkpoint, request.compare, seed=request.config.seed) if request.compare else None
    keep_freed_memory()
    with joined(launch, torch.device("cpu")) as processes:
        text = processes.in_turn(lambda: corpus_of(checkpoint, request.corpus, unknown=request.unknown))
        start = 0 if request.corpus else _unseen(checkpoint, len(text.tokens))
        findings = inspect_model(
            _inspection(request, checkpoint, str(request.run), text, start),
            progress=within(progress, 0.0, 0.5 if other else 1.0),
            processes=processes,
        )
        if processes.leads:
            findings.save(out / FINDINGS)
            draw_report(out / FINDINGS, None, with_model=request.with_model)
        if other is not None and request.compare is not None:
            other_text = corpus_of(other, text.name, unknown=request.unknown)
            compared = inspect_model(
                _inspection(request, other, request.compare, other_text, start),
                progress=within(progress, 0.5, 1.0),
                processes=processes,
            )
            if processes.leads:
                compared.save(out / COMPARED)
                draw_comparison(out)
    return Inspected(
        findings,
        out / FINDINGS,
        out / REPORT,
        out / COMPARISON if other else None,
        has_changed(checkpoint, text),
    )


def _inspection(
    request: InspectRequest, checkpoint: Checkpoint, name: str, text: Corpus, start: int
) -> InspectionRequest:
    """Return the inspection of a checkpoint, named name in the findings, on a text from start on."""
    return InspectionRequest(
        model=checkpoint.model,
        ids=text.tokens[start:],
        vocabulary=checkpoint.config.vocabulary,
        config=request.config,
        corpus_name=text.name,
        corpus_sha256=text.sha256,
        bits_per_character=checkpoint.validation_bits_per_character,
        checkpoint=name,
        command=request.command,
    )


def other_run(checkpoint: Checkpoint, name: str, *, seed: int) -> Checkpoint:
    """The run in a folder, or where there is none of that name, the twin of a run that knows nothing.

    Raises CheckpointError for a folder without a run, UsageError for one that reads text in other units.
    """
    if name in TWINS and not Path(name).exists():
        generator = torch.Generator().manual_seed(seed)
        return replace(
            checkpoint,
            model=TWINS[name](checkpoint.model, generator),
            validation_bits_per_character=None,
        )
    other = load(Path(name))
    level, own = other.config.vocabulary.level, checkpoint.config.vocabulary.level
    if level != own:
        raise UsageError(
            f"{name} reads {level} and {checkpoint.path} reads {own}", "compare two runs of the same --level"
        )
    return other


def _unseen(checkpoint: Checkpoint, characters: int) -> int:
    """Where the part of a run's own text begins that it did not train on."""
    record = checkpoint.config.corpus
    if record is None or record.validation is not None:
        return 0
    return split_bounds(characters, record.split)["train"][1]
