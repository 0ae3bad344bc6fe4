"""Settings that nobody gave: size, dropout and streams for the length of the text and of the training.

Measured on tiny_shakespeare (1.1 million characters, 90/10, two cores) at 8 s, 30 s, 2 and 5 minutes, and on
the standard library's source at 4 minutes.
"""

import math

from charlstm.config import ModelConfig, TrainingConfig

# Texts up to here are read often enough in minutes to be learned by heart.
_SHORT = 4_000_000
# About what two cores read with 256 cells.
_CHARACTERS_A_MINUTE = 4_000_000
# Below so many passes over the text nothing is learned by heart yet.
_FEW_PASSES = 3.5
# Cells, from so many minutes on; a text that is read few times gets no more than _CELLS.
_SIZES = ((4.0, 512), (1.5, 384), (0.2, 256), (0.0, 128))
_CELLS = ModelConfig.cells
# Minutes in which more steps are worth more than more characters.
_HURRY = 1.0


def suggested_dropout(train_characters: int, plan: TrainingConfig) -> float:
    """The share of cells to leave out: the more often a short text is read, the more."""
    passes = _passes(train_characters, plan)
    if train_characters > _SHORT or passes < _FEW_PASSES:
        return 0.0
    return round(min(0.5, 0.3 + 0.16 * math.log(passes / 8)), 2)


def suggested_cells(train_characters: int, plan: TrainingConfig) -> int:
    """Cells of a layer: fewer for seconds, more for a short text that is read many times.

    _CELLS where the training's length is told in steps or epochs.
    """
    if plan.minutes is None:
        return _CELLS
    most = math.inf if suggested_dropout(train_characters, plan) else _CELLS
    return int(min(most, next(cells for minutes, cells in _SIZES if plan.minutes >= minutes)))


def suggested_streams(train_characters: int, plan: TrainingConfig) -> int:
    """Texts read side by side: half as many, and so more steps, where time or text are short.

    As the plan has them where the training's length is told in steps or epochs.
    """
    hurried = plan.minutes is not None and (plan.minutes < _HURRY or train_characters <= _SHORT)
    return plan.streams // 2 if hurried else plan.streams


def _passes(train_characters: int, plan: TrainingConfig) -> float:
    """How often the text is read, by minutes as two cores do it."""
    if plan.epochs is not None:
        return plan.epochs
    if plan.steps is not None:
        return plan.steps * plan.streams * plan.window / train_characters
    assert plan.minutes is not None
    return plan.minutes * _CHARACTERS_A_MINUTE / train_characters
