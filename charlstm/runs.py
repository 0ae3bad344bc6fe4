"""A training as `charlstm train` runs it: planned or resumed, measured, saved, and told as events.

Nothing here prints, parses or exits.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from charlstm import training
from charlstm.checkpoint import CorpusRecord, RunConfig, load_config
from charlstm.config import DEFAULT_SPLIT, Level, ModelConfig, SamplingConfig, TrainingConfig
from charlstm.corpus import Corpus, load_corpus, split_bounds
from charlstm.devices import choose_device, keep_freed_memory
from charlstm.errors import CheckpointError, UnknownCharacterError, UsageError
from charlstm.evaluation import evaluate
from charlstm.launch import SINGLE, Launch
from charlstm.model import CharLSTM
from charlstm.parallel import Group, joined, own_device
from charlstm.runfolder import RunFolder
from charlstm.sampling import sample
from charlstm.suggestions import suggested
from charlstm.trainer import Trainer, stream_length, use_bfloat16
from charlstm.vocabulary import Ids


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What `charlstm train` was asked for; model and training hold only the settings that were given."""

    corpus: str | None
    out: Path
    model: dict[str, Any]
    training: dict[str, Any]
    validation: str | None = None
    split: str = DEFAULT_SPLIT
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
    left_out: tuple[Path, ...]


@dataclass(frozen=True)
class Sampled:
    """What the model writes at this step."""

    step: int
    text: str


@dataclass(frozen=True)
class Interrupted:
    """All that going on needs is saved at this step; what is left is to see how good the model is."""

    step: int


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


RunEvent = training.Event | Prepared | Sampled | Interrupted | Trained


def train(
    request: TrainRequest, *, should_stop: Callable[[], bool] = lambda: False, launch: Launch = SINGLE
) -> Iterator[RunEvent]:
    """Train a model on a text in a folder of its own, yielding what happens.

    Processes that were launched together train it together; all of them call this. The first one writes.
    Raises CorpusError, UsageError, CheckpointError, DeviceError, DivergedError or ProcessError; what was
    saved before that stays.
    """
    device = own_device(launch, choose_device(request.device))
    keep_freed_memory()
    with joined(launch, device) as group:
        yield from _trained_by(group, request, device, should_stop)


def _trained_by(
    group: Group, request: TrainRequest, device: torch.device, should_stop: Callable[[], bool]
) -> Iterator[RunEvent]:
    writer = _tensorboard_writer() if request.tensorboard and group.leads else None
    folder = RunFolder(request.out)
    plan = group.in_turn(lambda: _resumed(request) if request.resume else _planned(request))
    generator = torch.Generator().manual_seed(plan.training.seed)
    model = CharLSTM(plan.config.model, generator=generator).to(device)
    trainer = Trainer(model, plan.train, plan.training, group=group)
    with ExitStack() as stack:
        group.in_turn(lambda: _opened(stack, folder, request, plan, trainer) if group.leads else None)
        trainer.follow_first()
        yield _prepared(plan, trainer)
        place = str(request.out / "tensorboard")
        tensorboard = stack.enter_context(closing(writer(place))) if writer else None
        yield from _trained(_Run(trainer, folder, plan.config, tensorboard), plan.validation, should_stop)


def _opened(
    stack: ExitStack, folder: RunFolder, request: TrainRequest, plan: "_Plan", trainer: Trainer
) -> None:
    """Hold the run's folder while stack is open, and make it or put the trainer to where it was."""
    stack.enter_context(folder.held())
    if request.resume:
        folder.restore(trainer)
    else:
        folder.create(plan.config, overwrite=request.overwrite)
        folder.save_resume(trainer)  # before any weights: those without it could not go on


def _prepared(plan: "_Plan", trainer: Trainer) -> Prepared:
    device = trainer.model.device
    return Prepared(
        config=plan.config,
        train_characters=len(plan.train),
        validation_characters=len(plan.validation),
        parameters=trainer.model.parameter_count(),
        device=device.type,
        bfloat16=use_bfloat16(plan.training.precision, device),
        step=trainer.step,
        left_out=plan.left_out,
    )


@dataclass
class _Run:
    """A run under way: its trainer, where it is saved, and what it measured last.

    Of several processes that train it the first one saves and measures.
    """

    trainer: Trainer
    folder: RunFolder
    config: RunConfig
    tensorboard: Any
    train_bits: float | None = None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.trainer.group.leads

    def save(self) -> None:
        """The last state, and the weights too while no validation value has chosen any."""
        self.trainer.check_finite()
        if self.trainer.best_bits == float("inf"):
            self.trainer.best_step = self.trainer.step
            self.save_model(None)
        self.trainer.collect()
        if self.leads:
            self.folder.save_resume(self.trainer)

    def save_model(self, bits: float | None) -> None:
        """The weights as they are now, with their validation bits per character, as the best."""
        if self.leads:
            model, step = self.trainer.average, self.trainer.step
            self.folder.save_model(model, step=step, validation_bits_per_character=bits)

    def measured(self, measurement: dict[str, Any]) -> None:
        """Write a measurement where its readers look for it."""
        if self.leads:
            self.folder.log(measurement)
        if self.tensorboard is not None:
            for name, value in measurement.items():
                if name != "step":
                    self.tensorboard.add_scalar(name, value, measurement["step"])


def _trained(run: _Run, validation: Ids, should_stop: Callable[[], bool]) -> Iterator[RunEvent]:
    trainer, save_every = run.trainer, run.trainer.config.save_every
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
                    bits = event.validation_bits_per_character
                    run.save_model(bits)
                run.save()
                if run.leads:
                    yield Sampled(event.step, _sample_text(trainer.average, run.config, event.step))
            case training.Finished():
                run.save()
                if event.reason == "interrupted":
                    yield Interrupted(event.step)
                    yield from _judged(run, validation)
                yield _summary(run, event)


def _judged(run: _Run, validation: Ids) -> Iterator[RunEvent]:
    """Evaluate a run that was interrupted, so that its last weights are used where they are the best.

    What was saved for going on stays as it was, the best weights of an evaluation too: the run then continues
    as if there had been no interruption.
    """
    trainer = run.trainer
    if len(validation) > 1 and trainer.evaluated_step < trainer.step:
        bits = evaluate(trainer.average, validation, group=trainer.group).bits_per_character
        if not math.isfinite(bits):
            return
        best = bits < trainer.best_bits
        if best:
            if run.leads:
                run.folder.keep_evaluated()
            trainer.best_bits, trainer.best_step = bits, trainer.step
            run.save_model(bits)
        yield training.Evaluated(trainer.step, trainer.characters, trainer.elapsed_seconds, bits, best)


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
        best_step=trainer.best_step,
    )


def _sample_text(model: CharLSTM, config: RunConfig, seed: int, length: int = 400) -> str:
    """A few lines from the model as it is now."""
    cpu_model = CharLSTM(config.model)
    cpu_model.load_state_dict(model.state_dict())
    settings = SamplingConfig(length=length, temperature=0.7)
    generator = torch.Generator().manual_seed(seed)
    drawn = sample(cpu_model, config.vocabulary, config=settings, generator=generator)
    return "".join(pieces[0] for pieces in drawn)


@dataclass(frozen=True)
class _Plan:
    """The settings of a run and its splits; left_out are files of its text's folder that are not text."""

    config: RunConfig
    training: TrainingConfig
    train: Ids
    validation: Ids
    left_out: tuple[Path, ...]


def _planned(request: TrainRequest) -> _Plan:
    """The plan of a new run."""
    assert request.corpus is not None
    plan = TrainingConfig(**request.training)
    RunFolder(request.out).refuse_if_taken(overwrite=request.overwrite)  # before the text is read: minutes
    corpus = load_corpus(request.corpus, level=request.level)
    train_ids, validation_ids = _splits(corpus, request.split, request.validation)
    size = {name: request.model.get(name) for name in ("cells", "layers")}
    found = suggested(len(train_ids), plan, **size)
    plan = TrainingConfig(**found.pace | request.training)
    stream_length(len(train_ids), streams=plan.streams, window=plan.window)
    record = CorpusRecord(corpus.name, corpus.sha256, len(corpus.tokens), request.split, request.validation)
    model = ModelConfig(vocabulary_size=len(corpus.vocabulary), **found.shape | request.model)
    config = RunConfig(model, plan, corpus.vocabulary, record)
    return _Plan(config, plan, train_ids, validation_ids, corpus.left_out)


def _resumed(request: TrainRequest) -> _Plan:
    """The plan of the run that is there, of the same text as then."""
    config = load_config(request.out)
    record = config.corpus
    if config.training is None or record is None:
        raise CheckpointError(
            f"{request.out} was imported, not trained here: there is nothing to go on with",
            "train a model of your own with another --out",
        )
    _refuse_other_settings(request, asdict(config.model) | asdict(config.training))
    name = request.corpus or record.name
    corpus = load_corpus(name, level=config.vocabulary.level, vocabulary=config.vocabulary)
    if corpus.sha256 != record.sha256:
        raise CheckpointError(
            f"{request.out} was trained on another text: {corpus.name} has changed since",
            "give the same text, or train anew with another --out",
        )
    splits = _splits(corpus, record.split, record.validation)
    return _Plan(config, config.training, *splits, corpus.left_out)


def _refuse_other_settings(request: TrainRequest, began: dict[str, Any]) -> None:
    """A run goes on with the settings it began with."""
    for name, value in (request.model | request.training).items():
        if began[name] != value:
            raise UsageError(
                f"{request.out} was begun with {name} {began[name]}, not {value}",
                f"leave --{name.replace('_', '-')} out to go on with it, or train anew with another --out",
            )


def _splits(corpus: Corpus, split: str, validation: str | None) -> tuple[Ids, Ids]:
    """The training and the validation part, of one text or of two."""
    if validation is not None:
        try:
            other = load_corpus(validation, level=corpus.vocabulary.level, vocabulary=corpus.vocabulary)
        except UnknownCharacterError as error:
            raise UnknownCharacterError(
                f"{validation}: {error.problem}, which is that of {corpus.name}",
                "validate on a text of the same characters, or by --level bytes",
            ) from error
        return corpus.tokens, other.tokens
    bounds = split_bounds(len(corpus.tokens), split)
    return corpus.tokens[slice(*bounds["train"])], corpus.tokens[slice(*bounds["validation"])]


def _tensorboard_writer() -> Any:
    """TensorBoard's writer class. Raises UsageError when the extra is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            "TensorBoard is not installed",
            "run `pip install 'charlstm[tensorboard]'`, or leave --tensorboard out",
        ) from error
    return SummaryWriter
