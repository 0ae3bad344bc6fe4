"""A model in training: one step at a time over stateful streams, and all that goes on from step to step.

Truncated back-propagation through time: the text is cut into as many streams as a batch has rows, each row
reads its own stream window by window, and h and c are carried from one window to the next. When the streams
end they start again, from a state of zeros. Where several processes train together, each reads a shard of
the streams.
"""

import copy
import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from charlstm.config import TrainingConfig
from charlstm.errors import DivergedError, UsageError
from charlstm.machine.processes import ALONE, ProcessGroup, Shard
from charlstm.model import bfloat16_layer
from charlstm.model.char_lstm import CharLSTM, State, runs_compiled
from charlstm.text.vocabulary import Ids
from charlstm.training.optimizers import Optimizers
from charlstm.training.text_windows import stream_length, stream_window

# The mean of the weights goes over about this part of the steps behind: 1 in so many.
AVERAGING = 12

# The products of no two weights come near what float32 holds.
MOST_WEIGHT = 1e15

# What of `Trainer.numbers` counts something.
_STEPS = ("step", "best_step", "evaluated_step", "evaluations_since_best", "summed_steps")

_COUNTS = (*_STEPS, "characters", "position")


class Trainer:
    """A model in training: what a step needs, what it leaves, and how to save and restore it."""

    def __init__(
        self, model: CharLSTM, ids: Ids, config: TrainingConfig, *, processes: ProcessGroup = ALONE
    ) -> None:
        """ids (characters,) are the training split, the whole one in every process of the group.

        Raises CorpusError when it is too short, UsageError when the group has more processes than streams.
        """
        self.model = model
        # What is evaluated and kept: the mean of the weights over the last part of the steps behind.
        self.average = copy.deepcopy(model).requires_grad_(False)
        self.config = config
        self.processes = processes
        self.step = 0
        self.characters = 0
        self.elapsed_seconds = 0.0
        self.best_bits = math.inf
        self.best_step = 0
        self.evaluated_step = 0
        self.evaluations_since_best = 0
        self.generator = torch.Generator(model.device).manual_seed(config.seed)
        self._ids = ids
        self._length = stream_length(len(ids), streams=config.streams, window=config.window)
        self._position = 0
        self._shard = _shard(processes, config.streams)
        self._state = model.initial_state(config.streams)  # of all streams; `collect` makes all of it true
        self._optimizers = Optimizers(model, config)
        self._loss_sum = torch.zeros((), device=model.device)
        self._norm_sum = torch.zeros((), device=model.device)
        self._summed_steps = 0
        if runs_compiled(model) and use_bfloat16(config.precision, model.device) and bfloat16_layer.IS_FAST:
            bfloat16_layer.warm_up()

    @property
    def total_steps(self) -> int | None:
        """How many steps the run has; None when its length is given in minutes."""
        if self.config.epochs is not None:
            return max(1, math.ceil(self.config.epochs * (self._length // self.config.window)))
        return self.config.steps

    @property
    def fraction(self) -> float:
        """How much of the run is behind, 0 to 1."""
        if self.total_steps is not None:
            return min(1.0, self.step / self.total_steps)
        assert self.config.minutes is not None
        return min(1.0, self.elapsed_seconds / (60 * self.config.minutes))

    @property
    def learning_rate(self) -> float:
        """The rate of the LSTM's matrices now."""
        return self._optimizers.learning_rate(self.fraction)

    def advance(self) -> None:
        """One window of every stream: forward, backward, update."""
        streams, window = self.config.streams, self.config.window
        if self._position + window > self._length:
            self._position, self._state = 0, self.model.initial_state(streams)
        own = self._shard.own
        inputs, targets = stream_window(self._ids, self._position, streams=streams, window=window, own=own)
        device = self.model.device
        self.model.train()
        state = State(self._state.h[:, own], self._state.c[:, own])
        with self._autocast():
            logits, state = self.model(inputs.to(device), state, generator=self.generator, shard=self._shard)
        loss = functional.cross_entropy(logits.float().flatten(0, 1), targets.to(device).flatten())
        loss = loss * self._shard.share
        loss.backward()  # type: ignore[no-untyped-call]
        loss = self.processes.sum_gradients(self.model.parameters(), loss)
        self._norm_sum += self._optimizers.step(self.fraction)
        self._average_weights()
        self._loss_sum += loss
        self._summed_steps += 1
        self._state = State(self._placed(state.h, self._state.h), self._placed(state.c, self._state.c))
        self._position += window
        self.step += 1
        self.characters += streams * window

    @torch.no_grad()
    def _average_weights(self) -> None:
        """Take the weights into their mean: those of step t weigh t^(AVERAGING - 1) (Karras 2024)."""
        share = min(1.0, AVERAGING / (self.step + 1))
        weights = zip(self.average.parameters(), self.model.parameters(), strict=True)
        for mean, weight in weights:
            mean.lerp_(weight, share)

    def _placed(self, rows: Tensor, whole: Tensor) -> Tensor:
        """The state of all streams, float32 whatever was computed in, with the rows of the own ones anew."""
        if self._shard.share == 1:
            return rows.detach().float()
        whole[:, self._shard.own] = rows.detach().float()
        return whole

    def collect(self) -> None:
        """Let the state of every stream come from the process that reads it, before it is saved."""
        h, c = self._state
        self._state = State(self.processes.gathered(h, self._shard), self.processes.gathered(c, self._shard))

    def follow_first(self) -> None:
        """Go on from where process 0 is, with its weights."""
        if self.processes.count > 1:
            tensors = {name: value.cpu() for name, value in self.tensors().items()}
            self.restore(*self.processes.shared((tensors, self.numbers())))

    def _autocast(self) -> AbstractContextManager[Any]:
        if use_bfloat16(self.config.precision, self.model.device):
            return torch.autocast(self.model.device.type, torch.bfloat16)
        return nullcontext()

    def check_finite(self) -> None:
        """Raise DivergedError when a loss or a gradient since the last mean was NaN or infinite.

        Weights beyond MOST_WEIGHT count too: what passes this is good to save and to load.
        """
        if not math.isfinite((self._loss_sum + self._norm_sum).item()):
            raise self.diverged("the loss or its gradient")
        largest = torch.stack([weight.detach().abs().max() for weight in self.model.parameters()]).max()
        if not largest <= MOST_WEIGHT:
            raise self.diverged("a weight")

    def diverged(self, what: str) -> DivergedError:
        """The problem with a number that became NaN or infinite."""
        return DivergedError(
            f"{what} became NaN, infinite or absurd before step {self.step:,}",
            f"lower --learning-rate (it was {self.config.learning_rate}) and train again with another --out",
        )

    def mean_bits(self) -> float:
        """Mean training loss in bits since the last call. Raises DivergedError when it is not finite."""
        self.check_finite()
        bits = self._loss_sum.item() / max(1, self._summed_steps) / math.log(2)
        self._loss_sum.zero_()
        self._norm_sum.zero_()
        self._summed_steps = 0
        return bits

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that going on needs."""
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
        """All plain numbers that going on needs."""
        return {
            "step": self.step,
            "characters": self.characters,
            "elapsed_seconds": self.elapsed_seconds,
            "best_bits": self.best_bits,
            "best_step": self.best_step,
            "evaluated_step": self.evaluated_step,
            "evaluations_since_best": self.evaluations_since_best,
            "position": self._position,
            "summed_steps": self._summed_steps,
        }

    def fits(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        """Whether these are the shapes of what `tensors` gives, before the first step or after it."""
        own = {name: tuple(value.shape) for name, value in self.tensors().items()}
        began = {name: shape for name, shape in own.items() if not name.startswith("optimizer.")}
        moments = {f"optimizer.{name}": shape for name, shape in self._optimizers.shapes().items()}
        return shapes in (began, began | moments)

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, float | int]) -> None:
        """Put back what `tensors` and `numbers` gave, taken from a Trainer of the same settings.

        Raises ValueError, KeyError, TypeError, OverflowError or RuntimeError for what none can have given.
        """
        counts = {name: int(numbers[name]) for name in _COUNTS}
        if not all(0 <= count < 2**63 for count in counts.values()) or counts["position"] > self._length:
            raise ValueError(f"its counts are outside the run: {counts}")
        elapsed_seconds, best_bits = float(numbers["elapsed_seconds"]), float(numbers["best_bits"])
        if not (0 <= elapsed_seconds < math.inf and best_bits >= 0):
            raise ValueError(f"{elapsed_seconds} seconds and {best_bits} bits are no numbers of a run")
        device = self.model.device
        self.model.load_state_dict(_under("model.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        self._optimizers.load(_under("optimizer.", tensors))
        self._state = State(tensors["state.h"].to(device), tensors["state.c"].to(device))
        self.generator.set_state(tensors["generator"])
        self._loss_sum = tensors["loss_sum"].to(device)
        self._norm_sum = tensors["norm_sum"].to(device)
        self.step, self.characters = counts["step"], counts["characters"]
        self.elapsed_seconds, self.best_bits = elapsed_seconds, best_bits
        self.best_step, self.evaluated_step = counts["best_step"], counts["evaluated_step"]
        self.evaluations_since_best = counts["evaluations_since_best"]
        self._position, self._summed_steps = counts["position"], counts["summed_steps"]


def _shard(processes: ProcessGroup, streams: int) -> Shard:
    """The streams of this process. Raises UsageError when there is none for each."""
    if processes.count > streams:
        raise UsageError(
            f"{streams} streams are too few for {processes.count} processes",
            "raise --streams, or start fewer",
        )
    return processes.shard(streams)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def use_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether to train under bfloat16 autocast: only where the hardware multiplies in it."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False
