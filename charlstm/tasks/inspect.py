"""An inspection as `charlstm inspect` runs it: the run and its text read, and what was found saved and drawn.

Nothing here prints, parses or exits.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from charlstm.checkpoint.loading import Checkpoint, load
from charlstm.config import InspectionConfig, Unknown
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.inspection import inspect as inspection
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


def inspect(
    path: Path,
    corpus_name: str | None,
    out: Path,
    *,
    config: InspectionConfig,
    progress: Callable[[str, float], None],
    command: str,
    unknown: Unknown = "error",
    compare: str | None = None,
    with_model: bool = True,
    launch: Launch = SINGLE,
) -> Inspected:
    """Find the switches and counters of a run's best model; writes findings.json and report.html in out.

    Without a text it reads what the run did not train on: the validation and test parts of its own. With
    compare, a run's folder, untrained or shuffled, that model reads the same text, too: compared.json and
    compare.html. with_model is draw_report's. progress is told what is being done and which fraction of it
    all is done. Processes that were launched together share the work; all of them call this, the first one
    writes.
    """
    checkpoint = load(path)
    other = other_run(checkpoint, compare, seed=config.seed) if compare else None
    keep_freed_memory()
    with joined(launch, torch.device("cpu")) as group:
        corpus = group.in_turn(lambda: corpus_of(checkpoint, corpus_name, unknown=unknown))
        start = 0 if corpus_name else _unseen(checkpoint, len(corpus.tokens))

        def read(of: Checkpoint, text: Corpus, name: str, told: Callable[[str, float], None]) -> Findings:
            return inspection.inspect(
                of.model,
                text.tokens[start:],
                of.config.vocabulary,
                config=config,
                corpus_name=text.name,
                corpus_sha256=text.sha256,
                bits_per_character=of.validation_bits_per_character,
                checkpoint=name,
                command=command,
                progress=told,
                group=group,
            )

        findings = read(checkpoint, corpus, str(path), _share(progress, 0.0, 0.5 if other else 1.0))
        if group.leads:
            findings.save(out / FINDINGS)
            draw_report(out / FINDINGS, None, with_model=with_model)
        if other is not None and compare is not None:
            text = corpus_of(other, corpus.name, unknown=unknown)
            compared = read(other, text, compare, _share(progress, 0.5, 1.0))
            if group.leads:
                compared.save(out / COMPARED)
                draw_comparison(out)
    return Inspected(
        findings,
        out / FINDINGS,
        out / REPORT,
        out / COMPARISON if other else None,
        has_changed(checkpoint, corpus),
    )


def _share(progress: Callable[[str, float], None], start: float, stop: float) -> Callable[[str, float], None]:
    """Tell the progress of a part as that of the whole."""
    return lambda stage, fraction: progress(stage, start + (stop - start) * fraction)


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
