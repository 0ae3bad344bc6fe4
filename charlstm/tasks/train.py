"""What `charlstm train` does: a training planned or resumed, measured, saved, and reported as events.

Nothing here prints, parses or exits.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from charlstm.checkpoint.record import RunConfig, load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.checkpoint.weights import load_weights
from charlstm.config import SamplingConfig
from charlstm.errors import CheckpointError, UsageError, cannot_be_written
from charlstm.machine.devices import choose_device, keep_freed_memory
from charlstm.machine.launch import SINGLE, Launch
from charlstm.machine.own_runs import record_own
from charlstm.machine.processes import ProcessGroup, joined, own_device
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.training_backend import trains_in_bfloat16
from charlstm.sampling.sampler import sample
from charlstm.tasks.snapshots import SnapshotKeeper
from charlstm.tasks.training_plan import Plan, TrainRequest, plan_new_run, plan_resumed_run
from charlstm.text.vocabulary import Ids
from charlstm.training import loop
from charlstm.training.evaluation import evaluate
from charlstm.training.trainer import Trainer

_SAMPLE_CHARACTERS = 400
_SAMPLE_TEMPERATURE = 0.7
# The folder in a run's folder that TensorBoard reads.
_TENSORBOARD = "tensorboard"


@dataclass(frozen=True)
class Prepared:
    """The text is read and the model is made; training starts after step, which is 0 for a new run.

    bfloat16 says whether products are computed in bfloat16. left_out are files of the text's folder that
    are not text; notes are about how the text was read, a run that changed its device, and why steps take
    longer than they could. finished says that the run was finished before and has nothing more to do.
    """

    config: RunConfig
    train_characters: int
    validation_characters: int
    parameters: int
    device: str
    bfloat16: bool
    step: int
    left_out: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    finished: bool = False


@dataclass(frozen=True)
class Sampled:
    """A text that the model writes after step."""

    step: int
    text: str


@dataclass(frozen=True)
class Interrupted:
    """The training stopped after step and is saved; a last evaluation follows."""

    step: int


@dataclass(frozen=True)
class Trained:
    """The training ended and is saved; the weights in model.safetensors are those of best_step.

    The losses are None where nothing was measured.
    """

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
    """Train a model as request says and save it in a folder of its own, yielding an event for each step.

    should_stop is asked before each step. Processes that were launched together train one model: all of
    them call this, and the first one writes. Raises CorpusError, UsageError, CheckpointError, DeviceError,
    DivergedError or ProcessError; what was saved before that stays.
    """
    _refuse_contradictions(request)
    device = own_device(launch, choose_device(request.device))
    keep_freed_memory()
    with joined(launch, device) as processes:
        yield from _trained_by(processes, request, device, should_stop)


def _refuse_contradictions(request: TrainRequest) -> None:
    """Raise UsageError where request has two settings of which one would have no effect."""
    if request.resume and request.overwrite:
        raise UsageError(
            f"the run in {request.out} cannot be both gone on with and replaced",
            "leave `overwrite` out to go on with it, or `resume` to begin anew",
        )
    validated = request.validation is not None or request.validation_text is not None
    if request.split is not None and validated:
        raise UsageError(
            f"the split {request.split!r} has no part to validate on beside another text",
            "leave `validation` out to validate on a part of the text, or `split` to train on all of it",
        )


def _trained_by(
    processes: ProcessGroup, request: TrainRequest, device: torch.device, should_stop: Callable[[], bool]
) -> Iterator[RunEvent]:
    """Yield the events of a training by this process of the group."""
    writer_class = _tensorboard_writer() if request.tensorboard and processes.leads else None
    folder = RunFolder(request.out)
    plan = processes.in_turn(lambda: plan_resumed_run(request) if request.resume else plan_new_run(request))
    model = _model(request, plan).to(device)
    trainer = Trainer(model, plan.train, plan.training, processes=processes)
    with ExitStack() as stack:
        processes.in_turn(lambda: _open(stack, folder, request, plan, trainer) if processes.leads else None)
        trainer.copy_first_process()
        prepared = _prepared(plan, trainer)
        if not prepared.finished:
            notes = (*prepared.notes, *_changed_device(trainer), *_captured(trainer))
            prepared = replace(prepared, notes=notes)
        yield prepared
        tensorboard = None
        if writer_class is not None:
            tensorboard = stack.enter_context(_tensorboard(writer_class, request.out, trainer.progress.step))
        run = _Run(trainer, folder, plan.config, tensorboard)
        if prepared.finished:
            reason: loop.Reason = "done" if trainer.fraction >= 1 else "early"
            yield _summary(run, loop.Finished(trainer.progress.step, reason))
        else:
            yield from _trained(run, plan.validation, should_stop)


def _model(request: TrainRequest, plan: Plan) -> CharLSTM:
    """Return the model before its first step, with the weights of the run to begin from where there is one.

    These are read and checked before a model of their size is made. Raises CheckpointError.
    """
    begun = load_weights(request.begin_from, plan.config.model) if request.begin_from else None
    generator = torch.Generator().manual_seed(plan.training.seed)
    model = CharLSTM(plan.config.model, generator=generator)
    if begun is not None:
        model.load_state_dict({name: torch.from_numpy(array) for name, array in begun.tensors.items()})
    return model


def _open(stack: ExitStack, folder: RunFolder, request: TrainRequest, plan: Plan, trainer: Trainer) -> None:
    """Lock the run's folder while stack is open, and create it or restore trainer from it.

    The run is then recorded as this user's own.
    """
    stack.enter_context(folder.held())
    if request.resume:
        folder.restore(trainer, begun_from_random=plan.config.begun_from is None)
        if load_config(folder.path) != plan.config:
            folder.change_config(plan.config)
        record_own(folder.path)
    else:
        folder.create(plan.config, overwrite=request.overwrite)
        _remove_events(folder.path)
        record_own(folder.path)
        folder.save_resume(trainer)  # before any weights: a folder with weights only cannot be resumed


def _prepared(plan: Plan, trainer: Trainer) -> Prepared:
    """Return the event that describes the training that is about to start."""
    device, progress = trainer.model.device, trainer.progress
    evaluated = progress.evaluated_step == progress.step or len(plan.validation) < 2
    return Prepared(
        config=plan.config,
        train_characters=len(plan.train),
        validation_characters=len(plan.validation),
        parameters=trainer.model.parameter_count(),
        device=device.type,
        bfloat16=trains_in_bfloat16(plan.training.precision, device),
        step=progress.step,
        left_out=plan.left_out,
        notes=plan.notes,
        finished=trainer.is_over and evaluated,
    )


def _changed_device(trainer: Trainer) -> tuple[str, ...]:
    """Return a note where trainer goes on with a run that was saved on another kind of device."""
    if not trainer.changed_device:
        return ()
    return ("the run was saved on another kind of device: it does not end bit for bit as it would there",)


def _captured(trainer: Trainer) -> tuple[str, ...]:
    """Have trainer take its steps as a CUDA graph on a GPU; return a note where that is not possible."""
    if trainer.model.device.type != "cuda":
        return ()
    problem = trainer.capture()
    if problem is None:
        return ()
    return (f"training is slower: the step could not be captured as a CUDA graph: {problem}",)


@dataclass
class _Run:
    """A run in training: its trainer, the folder it is saved in, and the last training loss.

    tensorboard is a SummaryWriter or None. Of several processes the first one alone saves and logs.
    """

    trainer: Trainer
    folder: RunFolder
    config: RunConfig
    tensorboard: Any
    train_bits: float | None = None

    def __post_init__(self) -> None:
        self._snapshots = SnapshotKeeper(self.trainer, self.folder) if self.leads else None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.trainer.processes.leads

    def save(self) -> None:
        """Save all that resuming needs, and the mean weights too while no evaluation has chosen any.

        All processes must call this. Raises DivergedError, and saves nothing, where weights are not finite.
        """
        self.trainer.check_finite()
        progress = self.trainer.progress
        if math.isinf(progress.best_bits):
            progress.best_step = progress.step
            self.save_model(None)
        self.trainer.gather_state()
        if self.leads:
            self.folder.save_resume(self.trainer)

    def save_model(self, bits: float | None) -> None:
        """Save the mean weights as the best ones, with their validation loss in bits per character."""
        if self.leads:
            model, step = self.trainer.average, self.trainer.progress.step
            self.folder.save_model(model, step=step, validation_bits_per_character=bits)

    def take_snapshot(self, *, last: bool = False) -> None:
        """Keep a copy of the mean weights where one is due, and at the last step of the run."""
        if self._snapshots is not None and last:
            self._snapshots.take_last()
        elif self._snapshots is not None:
            self._snapshots.take_if_due()

    def log(self, measurement: dict[str, Any]) -> None:
        """Write a measurement, its numbers by name, to metrics.jsonl and to TensorBoard."""
        if self.leads:
            self.folder.log(measurement)
        if self.tensorboard is not None:
            for name, value in measurement.items():
                if name != "step":
                    self.tensorboard.add_scalar(name, value, measurement["step"])


def _trained(run: _Run, validation: Ids, should_stop: Callable[[], bool]) -> Iterator[RunEvent]:
    """Yield the events of the training loop and of what is done about them: logging, saving, sampling."""
    trainer, save_every = run.trainer, run.trainer.config.save_every
    run.take_snapshot()
    for event in loop.train(trainer, validation, should_stop=should_stop):
        yield event
        match event:
            case loop.Logged():
                run.train_bits = event.train_bits_per_character
                run.log(asdict(event))
            case loop.Stepped():
                run.take_snapshot()
                if save_every and event.step % save_every == 0:
                    run.save()
            case loop.Evaluated():
                run.log({name: value for name, value in asdict(event).items() if name != "best"})
                if event.best:
                    run.save_model(event.validation_bits_per_character)
                run.save()
                if run.leads:
                    yield Sampled(event.step, _sample_text(trainer.average, run.config, event.step))
            case loop.Finished():
                run.save()
                run.take_snapshot(last=event.reason != "interrupted")
                if event.reason == "interrupted":
                    yield Interrupted(event.step)
                    yield from _evaluated_after_interruption(run, validation)
                yield _summary(run, event)


def _evaluated_after_interruption(run: _Run, validation: Ids) -> Iterator[RunEvent]:
    """Evaluate an interrupted run, so that its last weights become model.safetensors where they are the best.

    What resuming needs stays as it was saved, and so do the best weights of the last scheduled evaluation: a
    resumed run goes on as if it had not been interrupted.
    """
    trainer, progress = run.trainer, run.trainer.progress
    if len(validation) > 1 and progress.evaluated_step < progress.step:
        bits = evaluate(trainer.average, validation, processes=trainer.processes).bits_per_character
        if not math.isfinite(bits):
            return
        best = bits < progress.best_bits
        if best:
            if run.leads:
                run.folder.keep_evaluated()
            progress.best_bits, progress.best_step = bits, progress.step
            run.save_model(bits)
        yield loop.Evaluated(progress.step, progress.characters, progress.elapsed_seconds, bits, best)


def _summary(run: _Run, event: loop.Finished) -> Trained:
    """Return the last event of a run."""
    progress = run.trainer.progress
    return Trained(
        path=run.folder.path,
        reason=event.reason,
        step=event.step,
        characters=progress.characters,
        elapsed_seconds=progress.elapsed_seconds,
        parameters=run.trainer.model.parameter_count(),
        train_bits_per_character=run.train_bits,
        validation_bits_per_character=progress.best_bits if math.isfinite(progress.best_bits) else None,
        best_step=progress.best_step,
    )


def _sample_text(model: CharLSTM, config: RunConfig, seed: int) -> str:
    """Return a few lines that model writes with its present weights, drawn on the CPU."""
    cpu_model = copy.deepcopy(model).cpu()  # a new network would take longer: its weights are drawn at first
    settings = SamplingConfig(length=_SAMPLE_CHARACTERS, temperature=_SAMPLE_TEMPERATURE)
    generator = torch.Generator().manual_seed(seed)
    drawn = sample(cpu_model, config.vocabulary, config=settings, generator=generator)
    return "".join(pieces[0] for pieces in drawn)


def _tensorboard(writer_class: Any, run: Path, step: int) -> AbstractContextManager[Any]:
    """Return a context that gives a writer for TensorBoard in the folder run, and closes it.

    Of what was logged before, TensorBoard shows no more than the measurements up to step, at which a resumed
    run was saved. Raises UsageError when a link stands in the place of its folder: it may lead anywhere.
    """
    place = run / _TENSORBOARD
    if place.is_symlink():
        raise UsageError(f"{place} is a symbolic link", "remove it, or leave `tensorboard` out")
    return closing(writer_class(str(place), purge_step=step + 1))


def _remove_events(run: Path) -> None:
    """Remove what a run that was in the folder logged for TensorBoard, but nothing that a link leads to.

    Raises CheckpointError where that cannot be removed.
    """
    place = run / _TENSORBOARD
    if place.is_symlink():
        return
    try:
        for events in place.glob("events.out.tfevents.*"):
            events.unlink()
    except OSError as error:
        raise cannot_be_written(CheckpointError, place, error, "name another `out`") from error


def _tensorboard_writer() -> Any:
    """Return TensorBoard's SummaryWriter class. Raises UsageError when the extra is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            "TensorBoard is not installed",
            "run `pip install 'charlstm[tensorboard]'`, or leave `tensorboard` out",
        ) from error
    return SummaryWriter
