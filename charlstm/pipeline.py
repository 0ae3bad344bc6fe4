"""What the commands do with a trained model: each function takes a request and gives a result.

Nothing here prints, parses or exits. Training has a module of its own, runs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.cell import UNBOUNDED
from charlstm.checkpoint import Checkpoint, load, load_config
from charlstm.config import Hold, InspectionConfig, SamplingConfig, Unknown, check_seed, parse_hold
from charlstm.corpus import CachedCorpus, Corpus, default_data_folder, list_corpora, load_corpus, split_bounds
from charlstm.devices import choose_device, keep_freed_memory
from charlstm.errors import CheckpointError, UsageError
from charlstm.evaluation import character_losses
from charlstm.files import COMPARED, COMPARISON, FINDINGS, REPORT
from charlstm.inspection import inspect as inspection
from charlstm.inspection.controls import shuffled
from charlstm.inspection.findings import Findings
from charlstm.inspection.passes import fresh
from charlstm.report.figures import write_figures
from charlstm.report.render import render_comparison, write_page, write_report
from charlstm.report.weights import NOT_WANTED, inside
from charlstm.sampling import check_cell, sample
from charlstm.vocabulary import Ids

# Networks that know nothing and can stand for another run: `untrained` and `shuffled`.
TWINS = {"untrained": fresh, "shuffled": shuffled}


def corpus_of(checkpoint: Checkpoint, name: str | None, *, unknown: Unknown = "error") -> Corpus:
    """A text in the ids of a checkpoint's vocabulary; the text it was trained on when name is None.

    Raises UsageError when it was imported and has no text of its own.
    """
    vocabulary, record = checkpoint.config.vocabulary, checkpoint.config.corpus
    if name is None:
        if record is None:
            raise UsageError(
                f"{checkpoint.path} was imported and has no text of its own", "name a CORPUS after it"
            )
        name = record.name
    return load_corpus(name, level=vocabulary.level, vocabulary=vocabulary, unknown=unknown)


def sample_from(
    path: Path, prompt: str, *, config: SamplingConfig, seed: int, unknown: Unknown = "error"
) -> Iterator[list[str]]:
    """What each stream adds to its text; see sampling.sample. One stream is fastest on the CPU.

    Raises CheckpointError where the model's predictions overflow.
    """
    check_seed(seed)
    checkpoint = load(path)
    generator = torch.Generator().manual_seed(seed)
    drawn = sample(
        checkpoint.model,
        checkpoint.config.vocabulary,
        prompt,
        config=config,
        generator=generator,
        unknown=unknown,
    )
    try:
        yield from drawn
    except RuntimeError as error:
        if "probability tensor" not in str(error):  # what torch.multinomial says of NaN
            raise
        raise overflowing(path) from error


def read_holds(path: Path, specs: Sequence[str]) -> tuple[Hold, ...]:
    """The holds in LAYER:CELL=VALUE[@FROM]; on and off are what the run's findings.json says they are.

    Raises UsageError for what is none, for a cell that the run's model does not have, and for on and off
    of a cell whose levels nobody found.
    """
    model = load_config(path).model

    def level(layer: int, cell: int, name: str) -> float:
        check_cell(layer, cell, model)
        return _level(path, layer, cell, name)

    holds = tuple(parse_hold(spec, level) for spec in specs)
    for hold in holds:
        check_cell(hold.layer, hold.cell, model)
    return holds


def _level(path: Path, layer: int, cell: int, name: str) -> float:
    """The cell state at which a cell is on or off. Raises UsageError when no inspection found that."""
    place = path / FINDINGS
    known = _levels(Findings.load(place), name) if place.exists() else {}
    if (layer, cell) not in known:
        listed = ", ".join(f"{layer}:{cell}" for layer, cell in known) or "no cell"
        why = f"{place} says it of {listed}" if place.exists() else f"there is no {place}"
        raise UsageError(
            f"what {name} is for cell {layer}:{cell} is not known: {why}",
            f"give a cell state such as {layer}:{cell}=1.5, or run `charlstm inspect {path}` first",
        )
    return known[layer, cell]


def _levels(findings: Findings, name: str) -> dict[tuple[int, int], float]:
    """The cell state for on or off of every (layer, cell) that has one."""
    levels = {
        (finding.layer, finding.cell): getattr(finding.detection, "levels", None) or {}
        for finding in findings.findings
    }
    return {cell: states[name] for cell, states in levels.items() if name in states}


@dataclass(frozen=True)
class Score:
    """How well a model predicts a text; nats holds each character's loss, (characters,) float32.

    The first character has none: nothing stands before it, and its entry is 0.
    """

    corpus: Corpus
    ids: Ids
    nats: NDArray[np.float32]

    @property
    def bits_per_character(self) -> float:
        """Mean over all characters but the first."""
        return float(self.nats[1:].sum(dtype=np.float64) / (len(self.nats) - 1) / np.log(2))

    def rows(self) -> Iterator[tuple[int, str, float]]:
        """(position, symbol, bits) of every character but the first."""
        symbols = self.corpus.vocabulary.symbols
        for position in range(1, len(self.ids)):
            yield position, symbols[self.ids[position]], float(self.nats[position] / np.log(2))

    def document(self, *, per_character: bool) -> dict[str, Any]:
        """What `charlstm score --json` prints."""
        shown: dict[str, Any] = {
            "bits_per_character": self.bits_per_character,
            "characters": len(self.ids) - 1,
            "corpus": self.corpus.name,
            "sha256": self.corpus.sha256,
        }
        if per_character:
            shown["per_character"] = [bits for _, _, bits in self.rows()]
        return shown


def score(
    path: Path,
    corpus_name: str | None,
    *,
    split: str = "90/5/5",
    part: str = "all",
    unknown: Unknown = "error",
    device: str = "auto",
    progress: Callable[[float], None] = lambda fraction: None,
) -> Score:
    """The loss of every character of a text, or of one part of its split, under a run's best model.

    progress is told which fraction of the characters is read. Raises CheckpointError when a loss is no
    finite number, which takes weights that overflow.
    """
    checkpoint = load(path)
    corpus = corpus_of(checkpoint, corpus_name, unknown=unknown)
    ids = corpus.tokens
    if part != "all":
        ids = ids[slice(*split_bounds(len(ids), split)[part])]
    model = checkpoint.model.to(choose_device(device))
    nats, done = np.zeros(len(ids), np.float32), 0
    for losses in character_losses(model, ids):
        nats[losses.first : losses.first + losses.nats.numel()] = losses.nats.numpy()
        done += losses.nats.numel()
        progress(done / len(ids))
    if not np.isfinite(nats).all():
        raise overflowing(path)
    return Score(corpus, ids, nats)


def overflowing(path: Path) -> CheckpointError:
    """The problem with a model whose finite weights give losses that are not."""
    return CheckpointError(
        f"{path} predicts with NaN or infinity: its weights overflow",
        "train again with a lower --learning-rate, or with --activation tanh",
    )


@dataclass(frozen=True)
class Inspected:
    """What an inspection found, and where it was written; comparison_path is None without another model."""

    findings: Findings
    findings_path: Path
    report_path: Path
    comparison_path: Path | None = None


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
) -> Inspected:
    """Find the switches and counters of a run's best model; writes findings.json and report.html in out.

    Without a text it reads what the run did not train on: the validation and test parts of its own. With
    compare, a run's folder, untrained or shuffled, that model reads the same text, too: compared.json and
    compare.html. with_model is draw_report's. progress is told what is being done and which fraction of it
    all is done.
    """
    checkpoint = load(path)
    other = other_run(checkpoint, compare, seed=config.seed) if compare else None
    keep_freed_memory()
    corpus = corpus_of(checkpoint, corpus_name, unknown=unknown)
    start = _unseen(checkpoint, corpus, corpus_name)

    def read(of: Checkpoint, text: Corpus, name: str, told: Callable[[str, float], None]) -> Findings:
        _refuse_overflow(of, text.tokens[start : start + config.characters])
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
        )

    findings = read(checkpoint, corpus, str(path), _share(progress, 0.0, 0.5 if other else 1.0))
    findings.save(out / FINDINGS)
    report = draw_report(out / FINDINGS, None, with_model=with_model)
    if other is None or compare is None:
        return Inspected(findings, out / FINDINGS, report)
    read(other, corpus_of(other, corpus.name, unknown=unknown), compare, _share(progress, 0.5, 1.0)).save(
        out / COMPARED
    )
    return Inspected(findings, out / FINDINGS, report, draw_comparison(out))


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


def draw_comparison(folder: Path) -> Path:
    """Draw compare.html from the findings.json and compared.json of a folder, in it."""
    left, right = (Findings.load(folder / name).to_json() for name in (FINDINGS, COMPARED))
    write_page(render_comparison(left, right), folder / COMPARISON)
    return folder / COMPARISON


def _refuse_overflow(checkpoint: Checkpoint, ids: Ids) -> None:
    """Raise CheckpointError where cell states that have no bounds come to NaN or infinity in a text."""
    if checkpoint.config.model.activation not in UNBOUNDED or len(ids) < 2:
        return
    if not all(losses.nats.isfinite().all() for losses in character_losses(checkpoint.model, ids)):
        raise overflowing(checkpoint.path)


def _unseen(checkpoint: Checkpoint, corpus: Corpus, corpus_name: str | None) -> int:
    """Where the part of a text begins that the run did not train on."""
    record = checkpoint.config.corpus
    if corpus_name is not None or record is None:
        return 0
    if record.validation is not None or corpus.sha256 != record.sha256:
        return 0
    return split_bounds(len(corpus.tokens), record.split)["train"][1]


def draw_report(findings: Path, out: Path | None, *, with_model: bool = True) -> Path:
    """Draw the page of a findings.json (or of the folder it is in), beside it unless out says otherwise.

    with_model puts the network in the page, from the run beside findings.json or else from where it was
    inspected; where there is none, the page says so.
    """
    place = findings / FINDINGS if findings.is_dir() else findings
    page = out or place.with_name(REPORT)
    document = Findings.load(place).to_json()
    folders = [place.parent, *map(Path, filter(None, [document["model"]["checkpoint"]]))]
    write_report(document, page, inside(document, folders) if with_model else NOT_WANTED)
    return page


def draw_figures(findings: Path, folder: Path) -> list[Path]:
    """Draw the figures of a findings.json (or of the folder it is in) as PNG and SVG; what was written."""
    place = findings / FINDINGS if findings.is_dir() else findings
    return write_figures(Findings.load(place).to_json(), folder)


def known_corpora() -> list[CachedCorpus]:
    """The texts that are built in, and those that are cached."""
    return list_corpora(default_data_folder())
