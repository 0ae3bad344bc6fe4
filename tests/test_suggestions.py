import pytest

from charlstm.config import ModelConfig, TrainingConfig
from charlstm.suggestions import suggested_cells, suggested_dropout, suggested_streams


def suggested(characters: int, **length: float) -> tuple[int, float]:
    plan = TrainingConfig(**length)
    return suggested_cells(characters, plan), suggested_dropout(characters, plan)


@pytest.mark.parametrize(
    ("minutes", "cells", "dropout"),
    [(0.08, 128, 0), (0.45, 256, 0), (1.9, 384, 0.29), (4.9, 512, 0.44), (60, 512, 0.5)],
)
def test_a_short_text_gets_more_cells_and_dropout_with_time(minutes, cells, dropout):
    assert suggested(1_003_854, minutes=minutes) == (cells, dropout)


@pytest.mark.parametrize("minutes", [0.5, 4, 60])
def test_a_long_text_is_not_learned_by_heart(minutes):
    assert suggested(8_834_490, minutes=minutes) == (256, 0)


@pytest.mark.parametrize(
    ("characters", "length", "streams"),
    [
        (1_000_000, {"minutes": 4}, 32),
        (9_000_000, {"minutes": 0.5}, 32),
        (9_000_000, {"minutes": 4}, 64),
        (1_000_000, {"steps": 100}, 64),
    ],
)
def test_fewer_streams_where_time_or_text_are_short(characters, length, streams):
    assert suggested_streams(characters, TrainingConfig(**length)) == streams


def test_passes_are_counted_where_they_are_known():
    assert suggested(1_000_000, epochs=8) == (256, 0.3)
    assert suggested(1_000_000, epochs=2) == (256, 0)
    plan = TrainingConfig(steps=1_000)
    read = 1_000 * plan.streams * plan.window
    assert suggested_dropout(read // 8, plan) == 0.3
    assert suggested_cells(read // 8, plan) == ModelConfig.cells
