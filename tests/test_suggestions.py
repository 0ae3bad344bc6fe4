import pytest

from charlstm.config import ModelConfig, TrainingConfig
from charlstm.errors import UsageError
from charlstm.suggestions import Settings, suggested

PLAN = TrainingConfig(steps=1)


@pytest.mark.parametrize(
    ("minutes", "cells", "layers", "dropout"),
    [(0.08, 128, 1, 0), (0.45, 256, 1, 0), (1.9, 384, 1, 0.47), (4.88, 384, 2, 0.52), (60, 512, 2, 0.6)],
)
def test_a_short_text_gets_more_cells_and_dropout_with_time(minutes, cells, layers, dropout):
    settings = suggested(1_003_854, TrainingConfig(minutes=minutes))
    assert settings == Settings(cells, layers, dropout, streams=32, learning_rate=0.015)


@pytest.mark.parametrize("minutes", [0.5, 4])
def test_a_long_text_is_not_learned_by_heart_in_minutes(minutes):
    settings = suggested(8_834_490, TrainingConfig(minutes=minutes))
    assert settings == Settings(256, 1, 0, PLAN.streams, PLAN.learning_rate)


def test_a_longer_text_takes_longer_to_need_more_cells():
    sizes = [suggested(n, TrainingConfig(minutes=20)).cells for n in (10**6, 10**7, 10**8, 10**9)]
    assert sizes == [512, 384, 256, 256]


def test_fewer_cells_need_less_dropout():
    plan = TrainingConfig(minutes=4.9)
    dropouts = [suggested(1_003_854, plan, cells=cells).dropout for cells in (32, 96, 256, 384, 1024)]
    assert dropouts == sorted(dropouts)
    assert dropouts[0] < 0.1
    assert dropouts[-1] == 0.6


def test_a_size_that_is_given_stays():
    plan = TrainingConfig(minutes=4.9)
    assert suggested(1_003_854, plan, cells=96).layers == 1
    deep = suggested(1_003_854, plan, cells=96, layers=3)
    assert (deep.cells, deep.layers) == (96, 3)


@pytest.mark.parametrize(
    ("length", "some"), [({"epochs": 12}, True), ({"epochs": 4}, False), ({"steps": 2_930}, True)]
)
def test_where_passes_are_known_only_dropout_follows_them(length, some):
    settings = suggested(1_000_000, TrainingConfig(**length))
    assert settings == Settings(ModelConfig.cells, 1, settings.dropout, PLAN.streams, PLAN.learning_rate)
    assert (settings.dropout > 0) is some


@pytest.mark.parametrize("size", [{"cells": -5}, {"cells": 0}, {"layers": -3}, {"layers": 0}])
def test_a_size_that_no_model_has_is_one_error(size):
    with pytest.raises(UsageError, match="at least 1"):
        suggested(1_000_000, TrainingConfig(minutes=2), **size)


@pytest.mark.parametrize("plan", [PLAN, TrainingConfig(minutes=1)])
def test_an_empty_text_has_settings_too(plan):
    assert suggested(0, plan).cells
