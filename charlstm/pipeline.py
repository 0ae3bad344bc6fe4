"""Puts the stages together for the commands: each takes a request and yields events or gives a result.

Nothing here prints, parses or exits.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm import training
from charlstm.checkpoint import Checkpoint, CorpusRecord, RunConfig, RunFolder, load, load_config
from charlstm.config import InspectionConfig, ModelConfig, SamplingConfig, TrainingConfig
from charlstm.corpus import CachedCorpus, Corpus, default_data_folder, list_corpora, load_corpus, split_bounds
from charlstm.devices import choose_device, keep_freed_memory
from charlstm.errors import CheckpointError, UsageError
from charlstm.evaluation import character_losses
from charlstm.inspection import inspect as inspection
from charlstm.inspection.findings import Findings
from charlstm.model import CharLSTM
from charlstm.report.render import write_report
from charlstm.sampling import sample
from charlstm.training import Trainer, stream_length
from charlstm.vocabulary import Level, Unknown

Ids = NDArray[np.unsignedinteger]

_FINDINGS, _REPORT = "findings.json", "report.html"


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What `charlstm train` was asked for; model and training hold only the settings that were given."""

    corpus: str | None
    out: Path
    model: dict[str, Any]
    training: dict[str, Any]
    validation: str | None = None
    split: str = "90/5/5"
    level: Level = "characters"
    device: str = "auto"
    resume: bool = False
    overwrite: bool = False
    tensorboard: bool = False


@dataclass(frozen=True)
class Prepared:
    """The text is read and the model stands; training begins, or goes on from a step."""

    config: RunConfig
    train_characters: int
    validation_characters: int
    parameters: int
    device: str
    bfloat16: bool
    step: int


@dataclass(frozen=True)
class Sampled:
    """What the model writes at this step."""

    step: int
    text: str


@dataclass(frozen=True)
class Trained:
    """The run is over and saved; best_step is where model.safetensors comes from."""

    path: Path
    reason: str
    step: int
    characters: int
    elapsed_seconds: float
    parameters: int
    train_bits_per_character: float | None
    validation_bits_per_character: float | None
    best_step: int


RunEvent = training.Event | Prepared | Sampled | Trained


def train(request: TrainRequest, *, should_stop: Callable[[], bool] = lambda: False) -> Iterator[RunEvent]:
    """Train a model on a text in a folder of its own, yielding what happens.

    Raises CorpusError, UsageError, CheckpointError, DeviceError or DivergedError; what was saved
    before that stays.
    """
    device = choose_device(request.device)
    keep_freed_memory()
    folder = RunFolder(request.out)
    config, train_ids, validation_ids = _resumed(request) if request.resume else _planned(request)
    generator = torch.Generator().manual_seed(config.training.seed)
    model = CharLSTM(config.model, generator=generator).to(device)
    trainer = Trainer(model, train_ids, config.training)
    if request.resume:
        folder.restore(trainer)
    else:
        folder.create(config, overwrite=request.overwrite)
    bfloat16 = training.use_bfloat16(config.training.precision, device)
    yield Prepared(
        config,
        len(train_ids),
        len(validation_ids),
        model.parameter_count(),
        device.type,
        bfloat16,
        trainer.step,
    )
    writer = _tensorboard(request.out) if request.tensorboard else None
    yield from _trained(_Run(trainer, folder, config, writer), validation_ids, should_stop)


@dataclass
class _Run:
    """A run under way: its trainer, where it is saved, and what it measured last."""

    trainer: Trainer
    folder: RunFolder
    config: RunConfig
    tensorboard: Any
    train_bits: float | None = None
    best_step: int = 0

    def save(self) -> None:
        """The last state, and the weights too while no validation value has chosen any."""
        self.trainer.check_finite()
        if self.trainer.best_bits == float("inf"):
            self.best_step = self.trainer.step
            self.folder.save_model(self.trainer, validation_bits_per_character=None)
        self.folder.save_resume(self.trainer)

    def measured(self, measurement: dict[str, Any]) -> None:
        """Write a measurement where its readers look for it."""
        self.folder.log(measurement)
        if self.tensorboard is not None:
            for name, value in measurement.items():
                if name != "step":
                    self.tensorboard.add_scalar(name, value, measurement["step"])


def _trained(run: _Run, validation: Ids, should_stop: Callable[[], bool]) -> Iterator[RunEvent]:
    trainer, save_every = run.trainer, run.config.training.save_every
    for event in training.train(trainer, validation, should_stop=should_stop):
        yield event
        match event:
            case training.Logged():
                run.train_bits = event.train_bits_per_character
                run.measured(asdict(event))
            case training.Stepped():
                if save_every and event.step % save_every == 0:
                    run.save()
            case training.Evaluated():
                run.measured({name: value for name, value in asdict(event).items() if name != "best"})
                if event.best:
                    run.best_step = event.step
                    bits = event.validation_bits_per_character
                    run.folder.save_model(trainer, validation_bits_per_character=bits)
                run.save()
                yield Sampled(event.step, _sample_text(trainer.model, run.config, event.step))
            case training.Finished():
                run.save()
                yield _summary(run, event)


def _summary(run: _Run, event: training.Finished) -> Trained:
    trainer = run.trainer
    best = trainer.best_bits
    return Trained(
        path=run.folder.path,
        reason=event.reason,
        step=event.step,
        characters=trainer.characters,
        elapsed_seconds=trainer.elapsed_seconds,
        parameters=trainer.model.parameter_count(),
        train_bits_per_character=run.train_bits,
        validation_bits_per_character=best if best < float("inf") else None,
        best_step=run.best_step,
    )


def _sample_text(model: CharLSTM, config: RunConfig, seed: int, length: int = 240) -> str:
    """A few lines from the model as it is now."""
    cpu_model = CharLSTM(config.model)
    cpu_model.load_state_dict(model.state_dict())
    settings = SamplingConfig(length=length, temperature=0.7)
    generator = torch.Generator().manual_seed(seed)
    drawn = sample(cpu_model, config.vocabulary, config=settings, generator=generator)
    return "".join(pieces[0] for pieces in drawn)


def _planned(request: TrainRequest) -> tuple[RunConfig, Ids, Ids]:
    """The settings of a new run, and its splits."""
    assert request.corpus is not None
    training_config = TrainingConfig(**request.training)
    if not request.overwrite:
        RunFolder(request.out).refuse_if_taken()  # before the text is read, which may take minutes
    corpus = load_corpus(request.corpus, level=request.level)
    train_ids, validation_ids = _splits(corpus, request.split, request.validation)
    stream_length(len(train_ids), streams=training_config.streams, window=training_config.window)
    record = CorpusRecord(
        corpus.name, corpus.sha256, len(corpus.tokens), request.split, request.validation
    )
    model = ModelConfig(vocabulary_size=len(corpus.vocabulary), **request.model)
    return RunConfig(model, training_config, corpus.vocabulary, record), train_ids, validation_ids


def _resumed(request: TrainRequest) -> tuple[RunConfig, Ids, Ids]:
    """The settings of the run that is there, and its splits, of the same text as then."""
    config = load_config(request.out)
    _refuse_other_settings(request, config)
    record = config.corpus
    corpus = load_corpus(
        request.corpus or record.name, level=config.vocabulary.level, vocabulary=config.vocabulary
    )
    if corpus.sha256 != record.sha256:
        raise CheckpointError(
            f"{request.out} was trained on another text: {corpus.name} has changed since",
            "give the same text, or train anew with another --out",
        )
    return config, *_splits(corpus, record.split, record.validation)


def _refuse_other_settings(request: TrainRequest, config: RunConfig) -> None:
    """A run goes on with the settings it began with."""
    given = request.model | request.training
    began = asdict(config.model) | asdict(config.training)
    for name, value in given.items():
        if began[name] != value:
            raise UsageError(
                f"{request.out} was begun with {name} {began[name]}, not {value}",
                f"leave --{name.replace('_', '-')} out to go on with it, or train anew with another --out",
            )


def _splits(corpus: Corpus, split: str, validation: str | None) -> tuple[Ids, Ids]:
    """The training and the validation part, of one text or of two."""
    if validation is not None:
        other = load_corpus(validation, level=corpus.vocabulary.level, vocabulary=corpus.vocabulary)
        return corpus.tokens, other.tokens
    bounds = split_bounds(len(corpus.tokens), split)
    return corpus.tokens[slice(*bounds["train"])], corpus.tokens[slice(*bounds["validation"])]


def _tensorboard(path: Path) -> Any:
    """A TensorBoard writer into the run's folder. Raises UsageError when the extra is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            "TensorBoard is not installed", "run `pip install charlstm[tensorboard]`, or leave --tensorboard out"
        ) from error
    return SummaryWriter(str(path / "tensorboard"))  # type: ignore[no-untyped-call]


def corpus_of(checkpoint: Checkpoint, name: str | None, *, unknown: Unknown = "error") -> Corpus:
    """A text in the ids of a checkpoint's vocabulary; the text it was trained on when name is None."""
    vocabulary = checkpoint.config.vocabulary
    return load_corpus(
        name or checkpoint.config.corpus.name, level=vocabulary.level, vocabulary=vocabulary, unknown=unknown
    )


def sample_from(
    path: Path, prompt: str, *, config: SamplingConfig, seed: int, unknown: Unknown = "error"
) -> Iterator[list[str]]:
    """What each stream adds to its text; see sampling.sample. One stream is fastest on the CPU."""
    checkpoint = load(path)
    generator = torch.Generator().manual_seed(seed)
    yield from sample(
        checkpoint.model,
        checkpoint.config.vocabulary,
        prompt,
        config=config,
        generator=generator,
        unknown=unknown,
    )


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
) -> Score:
    """The loss of every character of a text, or of one part of its split, under a run's best model."""
    checkpoint = load(path)
    corpus = corpus_of(checkpoint, corpus_name, unknown=unknown)
    ids = corpus.tokens
    if part != "all":
        ids = ids[slice(*split_bounds(len(ids), split)[part])]
    model = checkpoint.model.to(choose_device(device))
    nats = np.zeros(len(ids), np.float32)
    for losses in character_losses(model, ids):
        nats[losses.first : losses.first + losses.nats.numel()] = losses.nats.numpy()
    return Score(corpus, ids, nats)


@dataclass(frozen=True)
class Inspected:
    """What an inspection found, and where it was written."""

    findings: Findings
    findings_path: Path
    report_path: Path


def inspect(
    path: Path,
    corpus_name: str | None,
    out: Path,
    *,
    config: InspectionConfig,
    progress: Callable[[str, float], None],
    command: str,
) -> Inspected:
    """Find the switches and counters of a run's best model; writes findings.json and report.html in out.

    Without a text it reads what the run did not train on: the validation and test parts of its own.
    progress is told what is being done and which fraction of it all is done.
    """
    checkpoint = load(path)
    keep_freed_memory()
    corpus = corpus_of(checkpoint, corpus_name)
    findings = inspection.inspect(
        checkpoint.model,
        corpus.tokens[_unseen(checkpoint, corpus, corpus_name) :],
        checkpoint.config.vocabulary,
        config=config,
        corpus_name=corpus.name,
        corpus_sha256=corpus.sha256,
        bits_per_character=checkpoint.validation_bits_per_character,
        checkpoint=str(path),
        command=command,
        progress=progress,
    )
    findings.save(out / _FINDINGS)
    return Inspected(findings, out / _FINDINGS, draw_report(out / _FINDINGS, None))


def _unseen(checkpoint: Checkpoint, corpus: Corpus, corpus_name: str | None) -> int:
    """Where the part of a text begins that the run did not train on."""
    record = checkpoint.config.corpus
    if corpus_name is not None or record.validation is not None or corpus.sha256 != record.sha256:
        return 0
    return split_bounds(len(corpus.tokens), record.split)["train"][1]


def draw_report(findings: Path, out: Path | None) -> Path:
    """Draw the page of a findings.json (or of the folder it is in), beside it unless out says otherwise."""
    place = findings / _FINDINGS if findings.is_dir() else findings
    page = out or place.with_name(_REPORT)
    write_report(Findings.load(place).to_json(), page)
    return page


def known_corpora() -> list[CachedCorpus]:
    """The texts that are built in, and those that are cached."""
    return list_corpora(default_data_folder())
