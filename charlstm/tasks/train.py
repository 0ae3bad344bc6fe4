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

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import SamplingConfig
from charlstm.errors import UsageError
from charlstm.machine.devices import choose_device, keep_freed_memory
from charlstm.machine.launch import SINGLE, Launch
from charlstm.machine.processes import ProcessGroup, joined, own_device
from charlstm.model.char_lstm import CharLSTM
from charlstm.sampling.sampler import sample
from charlstm.tasks.training_plan import Plan, TrainRequest, plan_new_run, plan_resumed_run
from charlstm.text.vocabulary import Ids
from charlstm.training import loop
from charlstm.training.evaluation import evaluate
from charlstm.training.trainer import Trainer, use_bfloat16


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


RunEvent = loop.Event | Prepared | Sampled | Interrupted | Trained


def train_run(
    request: TrainRequest, *, should_stop: Callable[[], bool] = lambda: False, launch: Launch = SINGLE
) -> Iterator[RunEvent]:
    """Train a model on a text in a folder of its own, yielding what happens.

    Processes that were launched together train it together; all of them call this. The first one writes.
    Raises CorpusError, UsageError, CheckpointError, DeviceError, DivergedError or ProcessError; what was
    saved before that stays.
    """
    device = own_device(launch, choose_device(request.device))
    keep_freed_memory()
    with joined(launch, device) as processes:
        yield from _trained_by(processes, request, device, should_stop)


def _trained_by(
    processes: ProcessGroup, request: TrainRequest, device: torch.device, should_stop: Callable[[], bool]
) -> Iterator[RunEvent]:
    writer = _tensorboard_writer() if request.tensorboard and processes.leads else None
    folder = RunFolder(request.out)
    plan = processes.in_turn(lambda: plan_resumed_run(request) if request.resume else plan_new_run(request))
    generator = torch.Generator().manual_seed(plan.training.seed)
    model = CharLSTM(plan.config.model, generator=generator).to(device)
    trainer = Trainer(model, plan.train, plan.training, processes=processes)
    with ExitStack() as stack:
        processes.in_turn(lambda: _opened(stack, folder, request, plan, trainer) if processes.leads else None)
        trainer.follow_first()
        yield _prepared(plan, trainer)
        place = str(request.out / "tensorboard")
        tensorboard = stack.enter_context(closing(writer(place))) if writer else None
        yield from _trained(_Run(trainer, folder, plan.config, tensorboard), plan.validation, should_stop)


def _opened(
    stack: ExitStack, folder: RunFolder, request: TrainRequest, plan: "Plan", trainer: Trainer
) -> None:
    """Hold the run's folder while stack is open, and make it or put the trainer to where it was."""
    stack.enter_context(folder.held())
    if request.resume:
        folder.restore(trainer)
    else:
        folder.create(plan.config, overwrite=request.overwrite)
        folder.save_resume(trainer)  # before any weights: those without it could not go on


def _prepared(plan: "Plan", trainer: Trainer) -> Prepared:
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
        return self.trainer.processes.leads

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
    for event in loop.train(trainer, validation, should_stop=should_stop):
        yield event
        match event:
            case loop.Logged():
                run.train_bits = event.train_bits_per_character
                run.measured(asdict(event))
            case loop.Stepped():
                if save_every and event.step % save_every == 0:
                    run.save()
            case loop.Evaluated():
                run.measured({name: value for name, value in asdict(event).items() if name != "best"})
                if event.best:
                    bits = event.validation_bits_per_character
                    run.save_model(bits)
                run.save()
                if run.leads:
                    yield Sampled(event.step, _sample_text(trainer.average, run.config, event.step))
            case loop.Finished():
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
        bits = evaluate(trainer.average, validation, processes=trainer.processes).bits_per_character
        if not math.isfinite(bits):
            return
        best = bits < trainer.best_bits
        if best:
            if run.leads:
                run.folder.keep_evaluated()
            trainer.best_bits, trainer.best_step = bits, trainer.step
            run.save_model(bits)
        yield loop.Evaluated(trainer.step, trainer.characters, trainer.elapsed_seconds, bits, best)


def _summary(run: _Run, event: loop.Finished) -> Trained:
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
