import pytest

from charlstm.config import ModelConfig, TrainingConfig
from charlstm.suggestions import Settings, suggested

PLAN = TrainingConfig(steps=1)


@pytest.mark.parametrize(
    ("minutes", "cells", "layers", "dropout"),
    [(0.08, 128, 1, 0), (0.45, 256, 1, 0), (1.9, 384, 1, 0.36), (4.9, 384, 2, 0.51), (60, 512, 2, 0.6)],
)
def test_a_short_text_gets_more_cells_and_dropout_with_time(minutes, cells, layers, dropout):
    settings = suggested(1_003_854, TrainingConfig(minutes=minutes))
    assert settings == Settings(cells, layers, dropout, streams=32, learning_rate=0.015)


def test_fewer_cells_need_less_dropout():
    plan = TrainingConfig(minutes=4.9)
    assert suggested(1_003_854, plan, cells=96) == Settings(96, 1, 0.13, streams=32, learning_rate=0.015)
    assert suggested(1_003_854, plan, cells=1024).dropout == 0.51


@pytest.mark.parametrize("minutes", [0.5, 4, 60])
def test_a_long_text_is_not_learned_by_heart(minutes):
    settings = suggested(8_834_490, TrainingConfig(minutes=minutes))
    assert settings == Settings(256, 1, 0, PLAN.streams, PLAN.learning_rate)


@pytest.mark.parametrize(
    ("length", "dropout"), [({"epochs": 8}, 0.3), ({"epochs": 2}, 0), ({"steps": 1_953}, 0.3)]
)
def test_where_passes_are_known_only_dropout_follows_them(length, dropout):
    settings = suggested(1_000_000, TrainingConfig(**length))
    assert settings == Settings(ModelConfig.cells, 1, dropout, PLAN.streams, PLAN.learning_rate)


@pytest.mark.parametrize("plan", [PLAN, TrainingConfig(minutes=1)])
def test_an_empty_text_has_settings_too(plan):
    assert suggested(0, plan).cells
