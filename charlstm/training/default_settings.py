"""Settings that nobody gave: size, streams, rate, dropout and decay for the length of text and training.

Measured on tiny_shakespeare (1.1 million characters, 90/10) at 8 s, 30 s, 2 and 5 minutes on two cores and at
half an hour on one, on War and Peace (3.3 million bytes), and on the source of the standard library (9.8
million) at 2 and 4 minutes and half an hour; other lengths follow the same rules.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from charlstm.config import ModelConfig, TrainingConfig, parameter_shapes

# Of texts up to here half as many are read side by side: more steps, at a higher rate, are worth more there.
_SHORT = 4_000_000
_STREAMS, _RATE = 32, 0.015
# Fewer steps than these learn at a higher rate, so many times as high at most: tiny_shakespeare, 128 cells,
# 800 steps, four seeds, .02 for .015 gave 1.640 nats for 1.658; stdlib, 512 cells, 122 steps, .03 for .012
# gave 1.519 for 1.684. And at least so many steps warm up: 1.684 with 12 steps of it, 1.759 with 2. But at
# .02 two processes and one differ by 3e-3 nats after 200 steps, rounding having grown; at .012 by 4e-4.
_ENOUGH_STEPS, _STEPS_POWER, _FASTER = 2_000, 0.4, 2.5
_WARMUP_STEPS, _MOST_WARMUP = 40, 0.3
# A text that is read so often is not learned by heart yet; read so often it is, as far as the model is able
# to: with a parameter for every character wholly, with one for so many not at all.
_FEW_PASSES, _MANY_PASSES, _SCARCE_PARAMETERS = 5.0, 12.0, 20.0
# Two layers pay where a text is read so often, or there is time to read much of it: stdlib, seven minutes of
# one core, .988 nats with 512 x 1 and 384 x 1, 1.060 with 384 x 2.
_DEEP_PASSES, _DEEP_MINUTES = 10.0, 40.0
# What then is left out of a layer, and the share of it that two layers need, since it comes after each.
# Beside weight decay little is best: tiny_shakespeare, 384 cells, 11.7 passes, 1.430 nats with .15, 1.444
# with .3; without decay 1.454 with .47.
_DROPOUT, _DEEP = 0.18, 0.78
# With more than so many parameters for each character it takes more, all of it at the second number: 100 KB,
# 384 cells, 8 parameters for each, two cores for 90 s, 1.598 nats with .18, 1.472 with .45, 1.454 with .65.
_PLENTY, _TOO_MANY, _MORE_DROPOUT = 2.0, 8.0, 0.47
# And so many passes at the peak rate let weights decay to 1/e of what they were (Wang and Aitchison 2024).
_MEMORY, _MOST_DECAY = 0.45, 0.3


@dataclass(frozen=True)
class _Size:
    """What a training of so many minutes may take, of a short text and of any, and the characters a minute
    that two fast cores read.
    """

    short_minutes: float
    minutes: float
    cells: int
    layers: int
    speed: float


# 384 x 1 for half a minute: tiny_shakespeare 1.458 to 1.467 nats where 256 x 1 has 1.474 to 1.483 (512 x 1
# 1.489), but stdlib 1.189 where 256 x 1 has 1.144; after a minute both have 1.07 to 1.08 there.
_SIZES = (
    _Size(8.0, 8.0, 512, 2, 2.35e6),
    _Size(4.0, 4.0, 384, 2, 3.1e6),
    _Size(4.0, 4.0, 512, 1, 6.5e6),
    _Size(0.4, 1.0, 384, 1, 7.8e6),
    _Size(0.2, 0.2, 256, 1, 14.2e6),
    _Size(0.0, 0.0, 128, 1, 29.4e6),
)


class Settings(NamedTuple):
    """Cells of a layer, layers, share of cells left out in training, texts read side by side, Muon's rate and
    the share of the run in which it rises, and weight decay.
    """

    cells: int
    layers: int
    dropout: float
    streams: int
    learning_rate: float
    warmup: float
    weight_decay: float

    @property
    def pace(self) -> dict[str, Any]:
        """Those that are fields of a TrainingConfig."""
        return {name: getattr(self, name) for name in ("streams", "learning_rate", "warmup", "weight_decay")}

    @property
    def shape(self) -> dict[str, Any]:
        """Those that are fields of a ModelConfig."""
        return {name: getattr(self, name) for name in ("cells", "layers", "dropout")}


def suggested(
    train_characters: int, plan: TrainingConfig, *, cells: int | None = None, layers: int | None = None
) -> Settings:
    """Settings for a text of so many characters and a training of the plan's length, size if it is given.

    Where the length is told in steps or epochs, size, streams and rate are those of every text: such runs
    are there to be compared. Where cells are given, layers are one. Raises UsageError for a size that no
    model has.
    """
    train_characters = max(1, train_characters)  # an empty text is refused later
    streams, rate = plan.streams, plan.learning_rate
    size = _Size(0.0, 0.0, ModelConfig.cells, ModelConfig.layers, 0.0)
    if plan.minutes is not None:
        size = _size(train_characters, plan.minutes)
        streams, rate = (_STREAMS, _RATE) if train_characters <= _SHORT else (streams, rate)
    chosen = size.cells if cells is None else cells
    depth = (size.layers if cells is None else ModelConfig.layers) if layers is None else layers
    passes = _passes(train_characters, plan, size)
    steps = max(1.0, passes * train_characters / (streams * plan.window))
    rate *= faster(steps) if plan.minutes is not None else 1.0
    share = _parameters(chosen, depth) / train_characters
    by_heart = _learned_by_heart(passes, share)
    dropout = _DROPOUT * (_DEEP if depth > 1 else 1.0) + _MORE_DROPOUT * _between(_PLENTY, share, _TOO_MANY)
    return Settings(
        chosen,
        depth,
        dropout=round(by_heart * dropout, 2),
        streams=streams,
        learning_rate=round(rate, 4),
        warmup=round(min(_MOST_WARMUP, max(plan.warmup, _WARMUP_STEPS / steps)), 3),
        weight_decay=round(by_heart * _decay(train_characters, streams * plan.window, rate), 3),
    )


def faster(steps: float) -> float:
    """How many times as high the rate of a training of so few steps is best."""
    return min(_FASTER, math.pow(max(1.0, _ENOUGH_STEPS / steps), _STEPS_POWER))


def _size(train_characters: int, minutes: float) -> _Size:
    """The largest that so many minutes train; two layers if they read the text often, or are many."""

    def pays(size: _Size) -> bool:
        often = size.speed * minutes >= _DEEP_PASSES * train_characters
        least = size.short_minutes if train_characters <= _SHORT else size.minutes
        return minutes >= least and (size.layers == 1 or often or minutes >= _DEEP_MINUTES)

    return next(size for size in _SIZES if pays(size))


def _parameters(cells: int, layers: int) -> int:
    """Of the layers, and of a head for one symbol."""
    shapes = parameter_shapes(ModelConfig(vocabulary_size=1, cells=cells, layers=layers))
    return sum(math.prod(shape) for shape in shapes.values())


def _learned_by_heart(passes: float, share: float) -> float:
    """How far a model would learn its text by heart, 0 to 1; share is parameters for each character."""
    return _between(_FEW_PASSES, passes, _MANY_PASSES) * _between(1 / _SCARCE_PARAMETERS, share, 1.0)


def _between(least: float, value: float, most: float) -> float:
    """Where a value is between two others by its logarithm: 0 at the least, 1 at the most."""
    return min(1.0, max(0.0, math.log(value / least) / math.log(most / least)))


def _decay(train_characters: int, step_characters: int, rate: float) -> float:
    """The more characters a step reads, the fewer steps make a pass."""
    return min(_MOST_DECAY, step_characters / (_MEMORY * train_characters * rate))


def _passes(train_characters: int, plan: TrainingConfig, size: _Size) -> float:
    """How often the text is read, by minutes as two fast cores do it."""
    if plan.epochs is not None:
        return plan.epochs
    if plan.steps is not None:
        return plan.steps * plan.streams * plan.window / train_characters
    assert plan.minutes is not None
    return plan.minutes * size.speed / train_characters
