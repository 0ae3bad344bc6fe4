"""Settings that nobody gave: size, dropout, streams and rate for the length of the text and of the training.

Measured on tiny_shakespeare (1.1 million characters, 90/10, two cores) at 8 s, 30 s, 2 and 5 minutes, and on
the standard library's source at 30 s and 4 minutes.
"""

import math
from dataclasses import dataclass

from charlstm.config import ModelConfig, TrainingConfig

# Texts up to here are read often enough in minutes to be learned by heart.
_SHORT = 4_000_000
# What two fast cores read with 384 cells. Too little dropout for the passes costs more than too much.
_CHARACTERS_A_MINUTE = 6_000_000
# Below so many passes over the text nothing is learned by heart yet.
_FEW_PASSES = 3.5
# Cells and layers, from so many minutes on; a text that is read few times gets no more than ModelConfig has.
_SIZES = ((8.0, 512, 2), (4.0, 384, 2), (1.5, 384, 1), (0.2, 256, 1), (0.0, 128, 1))
# Of a short text half as many are read side by side: more steps, at a higher rate, are worth more there.
_STREAMS, _RATE = 32, 0.015


@dataclass(frozen=True)
class Settings:
    """Cells of a layer, layers, share of cells left out in training, texts read side by side, Muon's peak
    rate.
    """

    cells: int
    layers: int
    dropout: float
    streams: int
    learning_rate: float


def suggested(train_characters: int, plan: TrainingConfig, *, cells: int | None = None) -> Settings:
    """Settings for a text of so many characters and a training of the plan's length, cells if they are given.

    The more often a short text is read, the more cells and the more dropout; fewer cells need less of it.
    Where cells are given there is one layer; where the length is told in steps or epochs, streams and rate
    are those of every text, too, and size that of ModelConfig.
    """
    short, passes = train_characters <= _SHORT, _passes(train_characters, plan)
    by_heart = short and passes >= _FEW_PASSES
    usual, layers, streams, rate = ModelConfig.cells, ModelConfig.layers, plan.streams, plan.learning_rate
    if plan.minutes is not None:
        usual, deep = next(size for minutes, *size in _SIZES if plan.minutes >= minutes)
        usual, layers = (usual, deep) if by_heart else (min(usual, ModelConfig.cells), layers)
        streams, rate = (_STREAMS, _RATE) if short else (streams, rate)
    dropout = min(0.6, 0.3 + 0.16 * math.log(passes / 8)) if by_heart else 0.0
    chosen = cells or usual
    dropout = round(dropout * min(1.0, chosen / usual), 2)
    return Settings(chosen, 1 if cells else layers, dropout, streams, rate)


def _passes(train_characters: int, plan: TrainingConfig) -> float:
    """How often the text is read, by minutes as two cores do it; an empty text is refused later."""
    train_characters = max(1, train_characters)
    if plan.epochs is not None:
        return plan.epochs
    if plan.steps is not None:
        return plan.steps * plan.streams * plan.window / train_characters
    assert plan.minutes is not None
    return plan.minutes * _CHARACTERS_A_MINUTE / train_characters
