"""A model in training: takes one optimiser step at a time, and can be saved and restored between two steps.

Training is truncated back-propagation through time (Williams and Peng 1990): the text is cut into as many
streams as a batch has rows, each row reads its own stream window by window, and h and c are carried from one
window to the next. When the streams end they start again, from a state of zeros. Where several processes
train together, each reads a shard of the streams.
"""

import copy
import math
import random
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlstm.config import TrainingConfig
from charlstm.errors import DivergedError, UsageError
from charlstm.machine.cuda_graphs import CAPTURE_ERRORS
from charlstm.machine.devices import fits_in_half_of_free_memory
from charlstm.machine.processes import ALONE, ProcessGroup, Shard
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.model.training_backend import trains_in_bfloat16
from charlstm.text.vocabulary import Ids
from charlstm.training import run_length
from charlstm.training.captured_step import CapturedStep, set_gradients
from charlstm.training.optimizers import Optimizers, Rates
from charlstm.training.text_windows import DeviceText, stream_length, stream_window
from charlstm.training.training_progress import TrainingProgress

# In the mean of the weights those after step t weigh about t ** AVERAGING_POWER, and those of the first steps
# nothing: a power-function average (Karras et al. 2024), to first order in 1 / t. It is a mean over about the
# last 1 / (AVERAGING_POWER + 1) of all steps.
AVERAGING_POWER = 11

# The product of two weights up to here is far from the largest float32, 3.4e38.
LARGEST_WEIGHT = 1e15


class Trainer:
    """A model in training: what a step reads and changes, and how to save and restore it.

    model has the weights of the last step; average, which is evaluated and saved, the mean of the weights
    over the last steps. progress counts steps, characters and seconds. generator draws the dropout masks.
    changed_device says whether it was restored from a save of another kind of device, from which it goes on
    with other dropout masks.
    """

    def __init__(
        self, model: CharLSTM, ids: Ids, config: TrainingConfig, *, processes: ProcessGroup = ALONE
    ) -> None:
        """Prepare to train model, which is on its device already, on ids (characters,), token ids.

        ids is the whole training split in every process of the group. Raises CorpusError when it has no
        whole window for each stream, UsageError when the group has more processes than there are streams.
        """
        self.model = model
        self.average = copy.deepcopy(model).requires_grad_(False)
        for lstm in self.average.layers:
            assert isinstance(lstm, nn.LSTM)
            lstm.flatten_parameters()  # cuDNN wants a layer's weights in one piece, which a copy's are not
        self.config = config
        self.processes = processes
        self.progress = TrainingProgress()
        self.generator = torch.Generator(model.device).manual_seed(config.seed)
        self.changed_device = False
        self._ids = ids
        self._stream_characters = stream_length(len(ids), streams=config.streams, window=config.window)
        self._shard = _own_shard(processes, config.streams)
        # Of all streams; the rows of other processes are up to date only after gather_state.
        self._state = model.initial_state(config.streams)
        self._optimizers = Optimizers(model, config)
        self._loss_sum = torch.zeros((), device=model.device)
        self._norm_sum = torch.zeros((), device=model.device)
        self._captured: CapturedStep | None = None

    @property
    def total_steps(self) -> int | None:
        """The number of steps that the run has; None when its length is given in minutes."""
        return run_length.total_steps(self.config, self._stream_characters)

    @property
    def fraction(self) -> float:
        """The fraction of the run's last part that is done, in [0, 1]: by steps, or by time for minutes."""
        return run_length.fraction_done(self.config, self.progress, self._stream_characters)

    @property
    def is_over(self) -> bool:
        """Whether the run has reached its length, or its patience ran out."""
        return run_length.is_over(self.config, self.progress, self._stream_characters)

    @property
    def learning_rate(self) -> float:
        """Muon's learning rate at this point of the schedule; AdamW's are fixed multiples of it."""
        return self._optimizers.learning_rate(self.fraction)

    def advance(self) -> None:
        """Take one optimiser step on the next window of every stream."""
        streams, window, progress = self.config.streams, self.config.window, self.progress
        if progress.position + window > self._stream_characters:
            progress.position = 0
            for values in self._state:
                values.zero_()
        rates, averaging = self._optimizers.rates(self.fraction), self._averaging_share()
        if self._captured is None:
            self._take_step(self._window(), rates, averaging)
        else:
            self._captured.take(progress.position, rates, averaging)
        progress.summed_steps += 1
        progress.position += window
        progress.step += 1
        progress.characters += streams * window

    def capture(self) -> str | None:
        """Take all later steps as `CapturedStep` does: on a GPU as one CUDA graph, which is faster.

        Nothing else changes: steps, saves and restored trainings are as before. Returns why the steps stay as
        they were, None where they are captured. `restore` ends it: call this after it, not before.
        """
        device, config = self.model.device, self.config
        if self.processes.count > 1:
            return "several processes train together"
        if not fits_in_half_of_free_memory(DeviceText.bytes_of(self._ids), device):
            return "the text is too long for the memory of the GPU"
        before = {name: tensor.clone() for name, tensor in self.tensors().items()}
        problem = None
        try:
            text = DeviceText(self._ids, streams=config.streams, window=config.window, device=device)
            self._captured = CapturedStep(self._take_step, text, device)
            self._captured.record(self.generator)
        except CAPTURE_ERRORS as error:
            self._captured, problem = None, str(error).partition("\n")[0]
            self.generator = torch.Generator(device)  # a capture that failed may have broken the other one
        self._put_back(before)
        return problem

    def _put_back(self, before: Mapping[str, Tensor]) -> None:
        """Give the tensors of `tensors` their values of before; moments that did not exist become zero."""
        for name, tensor in self.tensors().items():
            if name in before:
                tensor.copy_(before[name])
            else:
                tensor.zero_()
        self.generator.set_state(before["generator"])

    def _window(self) -> tuple[Tensor, Tensor]:
        """Return the inputs and targets, each (own streams, window) int64, of the step to be taken."""
        streams, window = self.config.streams, self.config.window
        position, own = self.progress.position, self._shard.own
        inputs, targets = stream_window(self._ids, position, streams=streams, window=window, rows=own)
        return inputs.to(self.model.device), targets.to(self.model.device)

    def _take_step(self, window: tuple[Tensor, Tensor], rates: Rates, averaging: float | Tensor) -> None:
        """Read window, the inputs and targets of every stream, and update weights, means, state and sums.

        averaging is the share of the new weights in the mean of the weights. Where rates and averaging are
        scalars on the device, nothing here waits for the device or depends on the host.
        """
        loss = self._backward(*window)
        self._norm_sum += self._optimizers.step(rates)
        self._average_weights(averaging)
        self._loss_sum += loss

    def _backward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Leave the gradients of one window in the parameters and the state after it in _state.

        Returns the mean loss over all streams in nats per character, a scalar.
        """
        own = self._shard.own
        self.model.train()
        state = State(self._state.h[:, own], self._state.c[:, own])
        with self._autocast():
            logits, state = self.model(inputs, state, generator=self.generator, shard=self._shard)
        loss = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        loss = loss * self._shard.share
        set_gradients(loss, list(self.model.parameters()))
        # Of all streams only those that this process reads.
        for whole, rows in zip(self._state, state, strict=True):
            whole[:, own] = rows.detach()
        return self.processes.sum_gradients(self.model.parameters(), loss)

    def _averaging_share(self) -> float:
        """Return the share of the next step's weights in the mean of the weights of the run's last part."""
        steps = self.progress.step - self.config.extended_after_step
        return min(1.0, (AVERAGING_POWER + 1) / (steps + 1))

    @torch.no_grad()
    def _average_weights(self, share: float | Tensor) -> None:
        """Take the weights into the mean of the weights, of which they become that share, in [0, 1]."""
        weights = zip(self.average.parameters(), self.model.parameters(), strict=True)
        for mean, weight in weights:
            mean.lerp_(weight, share)

    def gather_state(self) -> None:
        """Collect the state of every stream from the process that reads it; all processes must call this."""
        h, c = self._state
        self._state = State(self.processes.gathered(h, self._shard), self.processes.gathered(c, self._shard))

    def copy_first_process(self) -> None:
        """Take weights, state and progress from process 0; all processes must call this."""
        if self.processes.count > 1:
            tensors = {name: value.cpu() for name, value in self.tensors().items()}
            self.restore(*self.processes.shared((tensors, self.numbers())))

    def _autocast(self) -> AbstractContextManager[Any]:
        if trains_in_bfloat16(self.config.precision, self.model.device):
            # A CUDA graph must not read weights that were lowered outside of it.
            cached = self._captured is None
            return torch.autocast(self.model.device.type, torch.bfloat16, cache_enabled=cached)
        return nullcontext()

    def check_finite(self) -> None:
        """Raise DivergedError when a loss or gradient since take_mean_bits was NaN or infinite.

        A weight beyond LARGEST_WEIGHT raises it too, so that weights that pass can be saved and loaded.
        """
        if not math.isfinite((self._loss_sum + self._norm_sum).item()):
            raise self.diverged_error("the loss or its gradient")
        largest = torch.stack([weight.detach().abs().max() for weight in self.model.parameters()]).max()
        if not largest <= LARGEST_WEIGHT:
            raise self.diverged_error("a weight")

    def diverged_error(self, what: str) -> DivergedError:
        """Return the error for a number that became NaN or infinite; `what` is its name, like "a weight"."""
        return DivergedError(
            f"{what} became NaN, infinite or absurd before step {self.progress.step:,}",
            f"lower `learning_rate` (it was {self.config.learning_rate}) and train again with another `out`",
        )

    def take_mean_bits(self) -> float:
        """Return the mean training loss in bits per character since the last call, and start a new mean.

        Raises DivergedError when the loss is not finite.
        """
        self.check_finite()
        bits = self._loss_sum.item() / max(1, self.progress.summed_steps) / math.log(2)
        self._loss_sum.zero_()
        self._norm_sum.zero_()
        self.progress.summed_steps = 0
        return bits

    def tensors(self) -> dict[str, Tensor]:
        """Return by name every tensor that `restore` needs: weights, mean weights, moments, state."""
        own = {
            "state.h": self._state.h,
            "state.c": self._state.c,
            "generator": self.generator.get_state(),
            "loss_sum": self._loss_sum,
            "norm_sum": self._norm_sum,
        }
        model = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        average = {f"average.{name}": value for name, value in self.average.state_dict().items()}
        optimizer = {f"optimizer.{name}": value for name, value in self._optimizers.tensors().items()}
        return own | model | average | optimizer

    def numbers(self) -> dict[str, float | int]:
        """Return by name every plain number that `restore` needs."""
        return self.progress.to_json()

    def fits(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        """Return whether shapes are those of the tensors that `tensors` gives, before a step or after one.

        The size of the generator's state is left out: it differs between a CPU and a GPU.
        """
        own = {name: tuple(value.shape) for name, value in self.tensors().items()}
        if len(shapes.get("generator", ())) == 1:
            own["generator"] = shapes["generator"]
        before = {name: shape for name, shape in own.items() if not name.startswith("optimizer.")}
        moments = {f"optimizer.{name}": shape for name, shape in self._optimizers.shapes().items()}
        return shapes in (before, before | moments)

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go on from what `tensors` and `numbers` gave for a Trainer of the same settings and text.

        A generator's state of another size, which is that of another kind of device, cannot be used: the
        dropout masks to come are then drawn from the run's seed and its step, and changed_device is set.
        Raises ValueError, KeyError, TypeError or RuntimeError for values that no such Trainer can have given.
        """
        progress = TrainingProgress.from_json(numbers)
        if progress.position > self._stream_characters:
            raise ValueError(f"its position is {progress.position}, past the end of its streams")
        if progress.step < self.config.extended_after_step:
            raise ValueError(f"its step is {progress.step}, before the part that the run is in")
        if progress.step == self.config.extended_after_step:
            progress.evaluations_since_best = 0  # a run that is extended has all its patience again
        device = self.model.device
        self.model.load_state_dict(_under("model.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        self._optimizers.load(_under("optimizer.", tensors))
        self._state = State(tensors["state.h"].to(device), tensors["state.c"].to(device))
        self._restore_generator(tensors["generator"], progress.step)
        self._loss_sum = tensors["loss_sum"].to(device)
        self._norm_sum = tensors["norm_sum"].to(device)
        self._captured = None
        self.progress = progress

    def _restore_generator(self, state: Tensor, step: int) -> None:
        """Give the generator state (bytes,) uint8; one of another size is replaced by a seed made of step."""
        if state.shape == self.generator.get_state().shape:
            self.generator.set_state(state)
        else:
            self.generator.manual_seed(random.Random(f"{self.config.seed} {step}").getrandbits(63))
            self.changed_device = True


def _own_shard(processes: ProcessGroup, streams: int) -> Shard:
    """Return the streams that this process reads. Raises UsageError when some process would have none."""
    if processes.count > streams:
        raise UsageError(
            f"{streams} streams are too few for {processes.count} processes",
            "raise `streams`, or start fewer",
        )
    return processes.shard(streams)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with prefix, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
