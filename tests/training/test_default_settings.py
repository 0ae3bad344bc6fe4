import pytest

from charlstm.config import ModelConfig, TrainingConfig
from charlstm.errors import UsageError
from charlstm.training.default_settings import suggested

PLAN = TrainingConfig(steps=1)


@pytest.mark.parametrize(
    ("minutes", "cells", "layers", "dropout"),
    [(0.08, 128, 1, 0), (0.45, 384, 1, 0), (1.9, 384, 1, 0.16), (4.88, 384, 2, 0.14), (60, 512, 2, 0.31)],
)
def test_a_short_text_gets_more_cells_and_dropout_with_time(minutes, cells, layers, dropout):
    settings = suggested(1_003_854, TrainingConfig(minutes=minutes))
    assert settings[:3] == (cells, layers, dropout)
    assert settings.streams == 32
    assert settings.learning_rate == ({0.08: 0.0187, 0.45: 0.016}.get(minutes, 0.015))


def test_few_steps_in_minutes_are_made_at_a_higher_rate():
    rates = [suggested(10**7, TrainingConfig(minutes=minutes)).learning_rate for minutes in (0.001, 0.2, 4)]
    assert rates == [0.03, 0.0183, 0.012]


def test_few_steps_warm_up_longer_and_keep_the_rate_of_every_text():
    few = [suggested(10**7, TrainingConfig(steps=steps)) for steps in (1, 1000, 100_000)]
    assert [settings.warmup for settings in few] == [0.3, 0.04, 0.02]
    assert {settings.learning_rate for settings in few} == {PLAN.learning_rate}


@pytest.mark.parametrize(("minutes", "cells"), [(0.08, 128), (0.5, 256), (1.9, 384), (4, 512)])
def test_a_long_text_is_not_learned_by_heart_in_minutes(minutes, cells):
    settings = suggested(8_834_490, TrainingConfig(minutes=minutes))
    assert settings[:4] == (cells, 1, 0, PLAN.streams)


def test_a_longer_text_takes_longer_to_need_two_layers():
    texts, lengths = (10**6, 10**7, 10**8, 10**9), (4, 20, 200)
    layers = [[suggested(n, TrainingConfig(minutes=minutes)).layers for n in texts] for minutes in lengths]
    assert layers == [[2, 1, 1, 1], [2, 1, 1, 1], [2, 2, 2, 2]]


def test_fewer_cells_need_less_dropout():
    plan = TrainingConfig(minutes=4.9)
    dropouts = [suggested(1_003_854, plan, cells=cells).dropout for cells in (32, 96, 256, 384, 1024)]
    assert dropouts == sorted(dropouts)
    assert dropouts[0] < 0.05
    assert dropouts[-1] == 0.45


def test_a_very_short_text_takes_most_of_a_layer_away():
    settings = suggested(80_000, TrainingConfig(minutes=1.5))
    assert (settings.cells, settings.dropout) == (384, 0.65)


def test_what_is_read_often_by_a_model_able_to_learn_it_is_forgotten_within_half_a_pass():
    characters = 4_400_000
    many, few = (suggested(characters, TrainingConfig(epochs=epochs), cells=1024) for epochs in (26, 5))
    steps_of_a_pass = characters / (PLAN.streams * PLAN.window)
    assert 0.4 < 1 / (many.weight_decay * many.learning_rate * steps_of_a_pass) < 0.5
    assert few.weight_decay == 0
    assert suggested(characters, TrainingConfig(epochs=26), cells=32).weight_decay == 0
    assert suggested(1_000, TrainingConfig(minutes=4)).weight_decay == 0.3


def test_a_size_that_is_given_stays():
    plan = TrainingConfig(minutes=4.9)
    assert suggested(1_003_854, plan, cells=96).layers == 1
    deep = suggested(1_003_854, plan, cells=96, layers=3)
    assert (deep.cells, deep.layers) == (96, 3)


@pytest.mark.parametrize(
    ("length", "some"), [({"epochs": 12}, True), ({"epochs": 4}, False), ({"steps": 2_930}, True)]
)
def test_where_passes_are_known_dropout_follows_them_and_no_size(length, some):
    settings = suggested(1_000_000, TrainingConfig(**length))
    assert (settings.cells, settings.layers, settings.streams) == (ModelConfig.cells, 1, PLAN.streams)
    assert (settings.dropout > 0) is some


@pytest.mark.parametrize("size", [{"cells": -5}, {"cells": 0}, {"layers": -3}, {"layers": 0}])
def test_a_size_that_no_model_has_is_one_error(size):
    with pytest.raises(UsageError, match="at least 1"):
        suggested(1_000_000, TrainingConfig(minutes=2), **size)


@pytest.mark.parametrize("plan", [PLAN, TrainingConfig(minutes=1)])
def test_an_empty_text_has_settings_too(plan):
    assert suggested(0, plan).cells
