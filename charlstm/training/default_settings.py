"""Chooses settings that were not given: size, streams, learning rate, warm-up, dropout, weight decay.

They follow from the length of the text and the length of the training, by rules that were fitted to
measurements of a few lengths; see README.md in this folder for the rules in words, and
tests/benchmarks/EXPERIMENTS.md for the measurements.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from charlstm.config import (
    DEFAULT_SPLIT,
    ModelConfig,
    TrainingConfig,
    parameter_shapes,
    parse_split,
)
from charlstm.setting_rules import check_all

# A short text is read in fewer streams than TrainingConfig has, which gives more steps, at a higher rate.
_SHORT_TEXT_CHARACTERS = 4_000_000
_SHORT_TEXT_STREAMS, _SHORT_TEXT_RATE = 32, 0.015

# A training of minutes that has fewer steps than this gets a higher learning rate: times
# (_STEPS_AT_BASE_RATE / steps) ** _RATE_FACTOR_EXPONENT, at most _LARGEST_RATE_FACTOR. stdlib, 512 cells,
# 122 steps: a rate of .03 gave 1.519 nats, .012 gave 1.684; see tests/benchmarks/EXPERIMENTS.md.
_STEPS_AT_BASE_RATE, _RATE_FACTOR_EXPONENT, _LARGEST_RATE_FACTOR = 2_000, 0.4, 2.5
# stdlib, 512 cells, 122 steps: 12 steps of warm-up gave 1.684 nats, 2 gave 1.759; see
# tests/benchmarks/EXPERIMENTS.md.
_LEAST_WARMUP_STEPS, _LARGEST_WARMUP_SHARE = 40, 0.3

# A model memorises nothing of its text up to the first of these numbers of passes over it, and all that its
# parameters allow from the second on. With 20 or more characters per parameter it cannot memorise at all;
# with one it can memorise everything.
_MEMORISING_STARTS_PASSES, _MEMORISING_FULL_PASSES = 5.0, 12.0
_MEMORISING_STARTS_CHARACTERS_PER_PARAMETER = 20.0

# Two layers are chosen for a text that is read this often, and for a training this long. stdlib, seven
# minutes, one core: one layer of 384 cells gave .988 nats, two 1.060; see tests/benchmarks/EXPERIMENTS.md.
_TWO_LAYER_PASSES, _TWO_LAYER_MINUTES = 10.0, 40.0

# The dropout of a model that learns its text by heart, and the share of it that each of two layers gets.
# tiny_shakespeare, 384 cells: .15 gave 1.430 nats, .3 gave 1.444; see tests/benchmarks/EXPERIMENTS.md.
_MEMORISING_DROPOUT, _TWO_LAYER_DROPOUT_SHARE = 0.18, 0.78
# Dropout that comes on top between these numbers of parameters per character. 100 KB, 384 cells, 8 per
# character: .18 in all gave 1.598 nats, .65 gave 1.454; see tests/benchmarks/EXPERIMENTS.md.
_EXTRA_DROPOUT_STARTS_PARAMETERS_PER_CHARACTER, _EXTRA_DROPOUT_FULL_PARAMETERS_PER_CHARACTER = 2.0, 8.0
_EXTRA_DROPOUT = 0.47

# The passes over the text, at the peak learning rate, in which weight decay alone would take weights to 1/e
# of what they were: the time scale that Wang and Aitchison 2024 choose decay by.
_PASSES_PER_DECAY, _LARGEST_WEIGHT_DECAY = 0.45, 0.3


@dataclass(frozen=True)
class _Size:
    """The size of a model, and the trainings it is chosen for.

    short_text_minutes and minutes are the least length of a training, for a short text and for any other.
    characters_per_minute is the speed of training it, on the machine that the table of sizes is for.
    """

    short_text_minutes: float
    minutes: float
    cells: int
    layers: int
    characters_per_minute: float


# For two cores with bfloat16 instructions, the largest size first. 384 x 1 after half a minute:
# tiny_shakespeare 1.458 to 1.467 nats, 256 x 1 1.474 to 1.483; stdlib 1.189 and 1.144; see
# tests/benchmarks/EXPERIMENTS.md.
_SIZES = (
    _Size(8.0, 8.0, 512, 2, 2.35e6),
    _Size(4.0, 4.0, 384, 2, 3.1e6),
    _Size(4.0, 4.0, 512, 1, 6.5e6),
    _Size(0.4, 1.0, 384, 1, 7.8e6),
    _Size(0.2, 0.2, 256, 1, 14.2e6),
    _Size(0.0, 0.0, 128, 1, 29.4e6),
)
# For a GPU, by the prototype of the captured step on an H200: 384 x 1 in 32 streams took 1.42 ms a step, and
# 512 x 1 in 64 took 1.68 ms; 384 x 2 had 1.359 nats on tiny_shakespeare after 20 seconds. The speeds of two
# layers were not measured: half of those of one. 512 x 2 begins where it does on two cores. See
# tests/benchmarks/EXPERIMENTS.md.
_GPU_SIZES = (
    _Size(8.0, 8.0, 512, 2, 73e6),
    _Size(0.3, 0.3, 384, 2, 43e6),
    _Size(4.0, 0.3, 512, 1, 146e6),
    _Size(0.0, 0.0, 384, 1, 86e6),
)


class Settings(NamedTuple):
    """Settings of a model and its training, named as in ModelConfig and TrainingConfig."""

    cells: int
    layers: int
    dropout: float
    streams: int
    learning_rate: float
    warmup: float
    weight_decay: float

    @property
    def model_settings(self) -> dict[str, Any]:
        """The settings that are fields of a ModelConfig, by name."""
        return {name: getattr(self, name) for name in ("cells", "layers", "dropout")}

    @property
    def training_settings(self) -> dict[str, Any]:
        """The settings that are fields of a TrainingConfig, by name."""
        return {name: getattr(self, name) for name in ("streams", "learning_rate", "warmup", "weight_decay")}


def check_settings(model: Mapping[str, Any], training: Mapping[str, Any], split: str | None) -> None:
    """Raise one UsageError for all settings that are out of range.

    model and training hold those fields of a ModelConfig and a TrainingConfig that were given, by name; split
    has the shares to train, validate and test on, None where it was not given.
    """
    length = {} if training.keys() & {"minutes", "steps", "epochs"} else {"minutes": 1.0}
    check_all(
        lambda: ModelConfig(**{"vocabulary_size": 1} | dict(model)),
        lambda: TrainingConfig(**length | dict(training)),
        lambda: parse_split(split or DEFAULT_SPLIT),
    )


def suggested(
    train_characters: int,
    plan: TrainingConfig,
    *,
    cells: int | None = None,
    layers: int | None = None,
    streams: int | None = None,
    learning_rate: float | None = None,
    device: str = "cpu",
) -> Settings:
    """Return the settings for a training text of train_characters and a training as long as plan says.

    device is the type of the device to train on: with "cuda" the sizes are those for a GPU. cells, layers,
    streams and learning_rate are those that the user gave, None for those to choose; layers are 1 where cells
    alone are given. The other settings are chosen to go with them. A plan in steps or epochs gets the default
    size, and its own streams and learning rate, whatever the text, so that such runs can be compared. Raises
    UsageError for cells or layers that no model can have.
    """
    train_characters = max(1, train_characters)  # an empty text is refused elsewhere
    size = _size_for(train_characters, plan, _GPU_SIZES if device == "cuda" else _SIZES)
    if layers is None:
        layers = size.layers if cells is None else ModelConfig.layers
    if cells is None:
        cells = size.cells
    chosen_streams, rate = _streams_and_rate(train_characters, plan)
    streams = chosen_streams if streams is None else streams
    passes = _passes(train_characters, plan, size)
    steps = max(1.0, passes * train_characters / (streams * plan.window))
    if learning_rate is not None:
        rate = learning_rate
    elif plan.minutes is not None:
        rate = round(rate * rate_factor(steps), 4)
    parameters_per_character = _parameters(cells, layers) / train_characters
    memorised = _memorised_share(passes, parameters_per_character)
    decay = _full_weight_decay(train_characters, streams * plan.window, rate)
    return Settings(
        cells,
        layers,
        dropout=round(memorised * _full_dropout(layers, parameters_per_character), 2),
        streams=streams,
        learning_rate=rate,
        warmup=round(min(_LARGEST_WARMUP_SHARE, max(plan.warmup, _LEAST_WARMUP_STEPS / steps)), 3),
        weight_decay=round(memorised * decay, 3),
    )


def rate_factor(steps: float) -> float:
    """Return the factor, at least 1, for the learning rate of a training that takes `steps` steps."""
    return min(_LARGEST_RATE_FACTOR, math.pow(max(1.0, _STEPS_AT_BASE_RATE / steps), _RATE_FACTOR_EXPONENT))


def _size_for(train_characters: int, plan: TrainingConfig, sizes: tuple[_Size, ...]) -> _Size:
    """Return the largest of sizes that plan's minutes suffice for; the default size for steps or epochs."""
    if plan.minutes is None:
        return _Size(0.0, 0.0, ModelConfig.cells, ModelConfig.layers, 0.0)
    minutes = plan.minutes

    def suffices(size: _Size) -> bool:
        least = size.short_text_minutes if train_characters <= _SHORT_TEXT_CHARACTERS else size.minutes
        often_read = size.characters_per_minute * minutes >= _TWO_LAYER_PASSES * train_characters
        return minutes >= least and (size.layers == 1 or often_read or minutes >= _TWO_LAYER_MINUTES)

    return next(size for size in sizes if suffices(size))


def _streams_and_rate(train_characters: int, plan: TrainingConfig) -> tuple[int, float]:
    """Return the number of streams and the learning rate before rate_factor."""
    if plan.minutes is not None and train_characters <= _SHORT_TEXT_CHARACTERS:
        return _SHORT_TEXT_STREAMS, _SHORT_TEXT_RATE
    return plan.streams, plan.learning_rate


def _parameters(cells: int, layers: int) -> int:
    """Return the number of parameters of a model with a vocabulary of one symbol."""
    shapes = parameter_shapes(ModelConfig(vocabulary_size=1, cells=cells, layers=layers))
    return sum(math.prod(shape) for shape in shapes.values())


def _memorised_share(passes: float, parameters_per_character: float) -> float:
    """Return how far a model would learn its text by heart, from 0, not at all, to 1, wholly."""
    by_passes = _logarithmic_share(_MEMORISING_STARTS_PASSES, passes, _MEMORISING_FULL_PASSES)
    first_parameters = 1 / _MEMORISING_STARTS_CHARACTERS_PER_PARAMETER
    return by_passes * _logarithmic_share(first_parameters, parameters_per_character, 1.0)


def _full_dropout(layers: int, parameters_per_character: float) -> float:
    """Return the dropout of a model that learns its whole text by heart."""
    share = _TWO_LAYER_DROPOUT_SHARE if layers > 1 else 1.0
    extra = _logarithmic_share(
        _EXTRA_DROPOUT_STARTS_PARAMETERS_PER_CHARACTER,
        parameters_per_character,
        _EXTRA_DROPOUT_FULL_PARAMETERS_PER_CHARACTER,
    )
    return _MEMORISING_DROPOUT * share + _EXTRA_DROPOUT * extra


def _full_weight_decay(train_characters: int, step_characters: int, rate: float) -> float:
    """Return the weight decay of a model that learns its whole text by heart.

    step_characters, read in each step at the learning rate, decide how many steps a pass over the text has.
    """
    return min(_LARGEST_WEIGHT_DECAY, step_characters / (_PASSES_PER_DECAY * train_characters * rate))


def _logarithmic_share(least: float, value: float, most: float) -> float:
    """Return where value lies on a logarithmic scale: 0 up to least, 1 from most on."""
    return min(1.0, max(0.0, math.log(value / least) / math.log(most / least)))


def _passes(train_characters: int, plan: TrainingConfig, size: _Size) -> float:
    """Return how often plan reads the text; from minutes by the speed of a model of this size."""
    if plan.epochs is not None:
        return plan.epochs
    if plan.steps is not None:
        return plan.steps * plan.streams * plan.window / train_characters
    assert plan.minutes is not None
    return plan.minutes * size.characters_per_minute / train_characters
