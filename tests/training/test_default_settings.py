"""Settings that are chosen by the length of text and training: how they change with each, and what stays."""

from pathlib import Path

import pytest

import charlstm
from charlstm.config import ModelConfig, TrainingConfig
from charlstm.errors import UsageError
from charlstm.training.default_settings import check_settings, rate_factor, suggested

PLAN = TrainingConfig(steps=1)


@pytest.mark.parametrize(
    ("minutes", "cells", "layers", "dropout"),
    [(0.08, 128, 1, 0), (0.45, 384, 1, 0), (1.9, 384, 1, 0.16), (4.88, 384, 2, 0.14), (60, 512, 2, 0.31)],
)
def test_a_short_text_gets_more_cells_and_dropout_for_more_minutes(minutes, cells, layers, dropout):
    settings = suggested(1_003_854, TrainingConfig(minutes=minutes))
    assert settings[:3] == (cells, layers, dropout)
    assert settings.streams == 32
    assert settings.learning_rate == ({0.08: 0.0187, 0.45: 0.016}.get(minutes, 0.015))


def test_what_is_chosen_goes_with_streams_and_a_rate_that_are_given():
    """With 256 streams a minute has an eighth of the steps: a higher rate, and a longer warm-up."""
    plan = TrainingConfig(minutes=0.45)
    few, many = (suggested(1_003_854, plan, streams=streams) for streams in (32, 256))
    assert few == suggested(1_003_854, plan)
    assert (few.streams, many.streams) == (32, 256)
    assert many.learning_rate > 1.2 * few.learning_rate
    assert many.warmup > 4 * few.warmup
    given = suggested(1_003_854, TrainingConfig(minutes=4.88), learning_rate=0.06)
    chosen = suggested(1_003_854, TrainingConfig(minutes=4.88))
    assert given.learning_rate == 0.06
    assert given.weight_decay < 0.8 * chosen.weight_decay, "what is taken off goes by rate times decay"


@pytest.mark.parametrize(("minutes", "size"), [(0.1, (384, 1)), (1 / 3, (384, 2)), (10, (512, 2))])
def test_a_short_text_gets_larger_models_on_a_gpu_in_less_time(minutes, size):
    settings = suggested(1_003_854, TrainingConfig(minutes=minutes), device="cuda")
    assert settings[:2] == size
    assert settings.streams == 32


def test_the_settings_on_a_gpu_are_those_of_the_prototype_in_20_seconds():
    settings = suggested(1_003_854, TrainingConfig(minutes=1 / 3), device="cuda")
    prototype = {"dropout": 0.15, "learning_rate": 0.015, "weight_decay": 0.3}
    assert {name: getattr(settings, name) for name in prototype} == pytest.approx(prototype, abs=0.011)
    assert suggested(10**8, TrainingConfig(minutes=1 / 3), device="cuda")[:2] == (512, 1)


def test_minutes_of_few_steps_get_a_higher_learning_rate():
    rates = [suggested(10**7, TrainingConfig(minutes=minutes)).learning_rate for minutes in (0.001, 0.2, 4)]
    assert rates == [0.03, 0.0183, 0.012]


def test_a_run_in_steps_keeps_the_learning_rate_and_warms_up_longer_when_it_is_short():
    runs = [suggested(10**7, TrainingConfig(steps=steps)) for steps in (1, 1000, 100_000)]
    assert [settings.warmup for settings in runs] == [0.3, 0.04, 0.02]
    assert {settings.learning_rate for settings in runs} == {PLAN.learning_rate}


def test_the_rate_factor_falls_to_1_as_steps_grow():
    factors = [rate_factor(steps) for steps in (1, 100, 500, 1_999, 2_000, 10**6)]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == 2.5
    assert factors[-2:] == [1.0, 1.0]


@pytest.mark.parametrize(("minutes", "cells"), [(0.08, 128), (0.5, 256), (1.9, 384), (4, 512)])
def test_a_text_that_is_read_less_than_five_times_gets_no_dropout(minutes, cells):
    settings = suggested(8_834_490, TrainingConfig(minutes=minutes))
    assert settings[:4] == (cells, 1, 0, PLAN.streams)


def test_two_layers_are_chosen_for_texts_read_ten_times_and_for_long_trainings():
    texts, lengths = (10**6, 10**7, 10**8, 10**9), (4, 20, 200)
    layers = [[suggested(n, TrainingConfig(minutes=minutes)).layers for n in texts] for minutes in lengths]
    assert layers == [[2, 1, 1, 1], [2, 1, 1, 1], [2, 2, 2, 2]]


def test_fewer_cells_get_less_dropout():
    plan = TrainingConfig(minutes=4.9)
    dropouts = [suggested(1_003_854, plan, cells=cells).dropout for cells in (32, 96, 256, 384, 1024)]
    assert dropouts == sorted(dropouts)
    assert dropouts[0] < 0.05
    assert dropouts[-1] == 0.45


def test_a_text_of_fewer_characters_than_parameters_gets_much_dropout():
    settings = suggested(80_000, TrainingConfig(minutes=1.5))
    assert (settings.cells, settings.dropout) == (384, 0.65)


def test_weight_decay_takes_about_half_a_pass_where_a_text_can_be_learned_by_heart():
    characters = 4_400_000
    often, seldom = (suggested(characters, TrainingConfig(epochs=epochs), cells=1024) for epochs in (26, 5))
    steps_of_a_pass = characters / (PLAN.streams * PLAN.window)
    assert 0.4 < 1 / (often.weight_decay * often.learning_rate * steps_of_a_pass) < 0.5
    assert seldom.weight_decay == 0
    assert suggested(characters, TrainingConfig(epochs=26), cells=32).weight_decay == 0
    assert suggested(1_000, TrainingConfig(minutes=4)).weight_decay == 0.3


def test_a_size_that_is_given_is_kept_and_cells_alone_mean_one_layer():
    plan = TrainingConfig(minutes=4.9)
    assert suggested(1_003_854, plan, cells=96).layers == 1
    deep = suggested(1_003_854, plan, cells=96, layers=3)
    assert (deep.cells, deep.layers) == (96, 3)


@pytest.mark.parametrize(
    ("length", "has_dropout"), [({"epochs": 12}, True), ({"epochs": 4}, False), ({"steps": 2_930}, True)]
)
def test_epochs_and_steps_set_dropout_but_neither_size_nor_streams(length, has_dropout):
    settings = suggested(1_000_000, TrainingConfig(**length))
    assert (settings.cells, settings.layers, settings.streams) == (ModelConfig.cells, 1, PLAN.streams)
    assert (settings.dropout > 0) is has_dropout


@pytest.mark.parametrize("size", [{"cells": -5}, {"cells": 0}, {"layers": -3}, {"layers": 0}])
def test_a_size_that_no_model_has_is_refused(size):
    with pytest.raises(UsageError, match="at least 1"):
        suggested(1_000_000, TrainingConfig(minutes=2), **size)


@pytest.mark.parametrize("plan", [PLAN, TrainingConfig(minutes=1)])
def test_an_empty_text_has_settings_too(plan):
    assert suggested(0, plan) == suggested(1, plan)


def test_all_settings_are_fields_of_a_model_or_a_training():
    settings = suggested(10**6, TrainingConfig(minutes=5))
    assert settings.model_settings | settings.training_settings == settings._asdict()
    ModelConfig(vocabulary_size=9, **settings.model_settings)
    TrainingConfig(minutes=5, **settings.training_settings)


def test_the_table_of_the_readme_is_what_is_chosen():
    readme = (Path(charlstm.__file__).parent / "training" / "README.md").read_text(encoding="utf-8")
    characters = {"100 KB": 90_000, "1 MB": 900_000, "10 MB": 9_000_000, "100 MB": 90_000_000}
    minutes = (8 / 60, 0.5, 2, 5, 20, 200)
    rows = [
        line.strip("| ").split(" | ")
        for line in readme.splitlines()
        if line.startswith("| 1") and "B |" in line
    ]
    assert [name for name, *_ in rows] == list(characters)
    for name, *cells in rows:
        settings = [suggested(characters[name], TrainingConfig(minutes=length)) for length in minutes]
        assert cells == [
            f"{s.cells} x {s.layers}, {s.dropout:g}, {round(s.weight_decay, 2):g}" for s in settings
        ]


def test_all_settings_of_a_training_that_are_out_of_range_are_named_at_once():
    with pytest.raises(UsageError) as raised:
        check_settings({"cells": 0, "dropout": 2.0}, {"steps": 0, "window": -1}, "50/60")
    for words in ("`cells` must", "`dropout` must", "`steps` must", "`window` must", "the split '50/60'"):
        assert words in raised.value.problem
    check_settings({}, {}, None)
