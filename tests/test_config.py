import time

import pytest

from charlstm.config import (
    WHOLE_SPLIT,
    Hold,
    InspectionConfig,
    ModelConfig,
    SamplingConfig,
    TrainingConfig,
    check_cell,
    check_seed,
    parse_hold,
    parse_split,
)
from charlstm.errors import UsageError
from charlstm.setting_rules import check_all


@pytest.mark.parametrize(
    ("layers", "advice"),
    [
        (1, "layer 0 is the only one; give a cell from 0 to 15"),
        (2, "give a layer from 0 to 1 and a cell from 0 to 15"),
    ],
)
def test_a_cell_of_another_layer_is_refused_with_what_there_is(layers: int, advice: str):
    model = ModelConfig(vocabulary_size=9, cells=16, layers=layers)
    with pytest.raises(UsageError) as problem:
        check_cell(layers, 3, model)
    assert problem.value.advice == advice


def test_every_bad_setting_is_named_at_once():
    with pytest.raises(UsageError) as caught:
        ModelConfig(
            vocabulary_size=5, cells=0, layers=-1, dropout=1.0, activation="sine", gate_activation="step"
        )
    for word in ("cells", "layers", "dropout", "'sine'", "'step'"):
        assert word in caught.value.problem


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"steps": 5, "minutes": 1.0},
        {"steps": 0},
        {"minutes": float("nan")},
        {"minutes": 0},
        {"minutes": True},
        {"minutes": "5"},
        {"minutes": 1e10},
        {"minutes": 10**400},
        {"steps": 10.5},
        {"steps": True},
        {"steps": 10**400},
        {"steps": 10**5_000},
        {"epochs": 1e308},
        {"epochs": 1e-323},
        {"epochs": -1.0},
        {"steps": 5, "weight_decay": 10**400},
        {"steps": 5, "seed": -(10**5_000)},
        {"steps": 5, "learning_rate": 0.0},
        {"steps": 5, "learning_rate": float("inf")},
        {"steps": 5, "warmup": 1.0},
        {"steps": 5, "weight_decay": -1.0},
        {"steps": 5, "weight_decay": float("inf")},
        {"steps": 5, "streams": 0},
        {"steps": 5, "precision": "float8"},
    ],
)
def test_training_settings_out_of_range(settings):
    with pytest.raises(UsageError) as raised:
        TrainingConfig(**settings)
    assert len(raised.value.problem) < 150


@pytest.mark.parametrize(
    ("settings", "problem", "advice"),
    [
        ({}, "the length of the training is not given", "give one of `minutes`, `steps` and `epochs`"),
        (
            {"minutes": 1, "steps": 5},
            "`minutes` and `steps` are given together",
            "give one of `minutes`, `steps` and `epochs`",
        ),
        (
            {"steps": 5, "precision": "float8"},
            "`precision` must be one of auto, float32, bfloat16, not 'float8'",
            "choose one of these",
        ),
        ({"steps": 5.5}, "`steps` must be a whole number, not 5.5", "give a whole number"),
        (
            {"steps": 5, "streams": 0, "window": 0, "seed": 0.5},
            "`streams` must be at least 1, not 0; `window` must be at least 1, not 0; "
            "`seed` must be a whole number, not 0.5",
            "give a value in that range; give a whole number",
        ),
    ],
)
def test_every_problem_has_the_advice_that_fits_it_once(settings, problem, advice):
    with pytest.raises(UsageError) as raised:
        TrainingConfig(**settings)
    assert (raised.value.problem, raised.value.advice) == (problem, advice)


@pytest.mark.parametrize(
    "settings", [{"minutes": 5}, {"minutes": 1e-9}, {"epochs": 1e9}, {"epochs": 2}, {"steps": 2**63 - 1}]
)
def test_lengths_that_a_training_may_have(settings):
    TrainingConfig(**settings)


@pytest.mark.parametrize(
    "settings",
    [{"temperature": -1.0}, {"top_p": 0.0}, {"top_k": -1}, {"count": 0}, {"stop": ""}, {"length": -1}],
)
def test_sampling_settings_out_of_range(settings):
    with pytest.raises(UsageError):
        SamplingConfig(**settings)


def test_inspection_settings_out_of_range():
    with pytest.raises(UsageError, match="shifts"):
        InspectionConfig(shifts=0)


@pytest.mark.parametrize(
    ("spec", "hold"),
    [
        ("0:194=on", Hold(0, 194, 1.5)),
        ("1:0=off@30", Hold(1, 0, -0.5, 30)),
        ("0:17=-2.25", Hold(0, 17, -2.25)),
        ("0:17=1e-3@2", Hold(0, 17, 0.001, 2)),
    ],
)
def test_holds(spec, hold):
    assert parse_hold(spec, lambda layer, cell, name: {"on": 1.5, "off": -0.5}[name]) == hold


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("", "'' does not say which cell to hold"),
        ("17=on", "'17=on' does not say"),
        ("0:17", "'0:17' does not say"),
        ("0:17=", "'0:17=' does not say"),
        ("0:17=high", "'0:17=high' does not say"),
        ("0:17=1@", "'0:17=1@' does not say"),
        ("0:17=1@two", "'0:17=1@two' does not say"),
        ("0:17=1@2@3", "'0:17=1@2@3' does not say"),
        ("0:" + "9" * 5_000 + "=1", "does not say"),
        ("0:17=nan", "must be finite, not nan"),
        ("0:17=1e999", "must be finite, not inf"),
        (
            "-1:-2=1@-3",
            "layer .* at least 0, not -1; .*cell must be at least 0, not -2; .* at least 0, not -3",
        ),
    ],
)
def test_what_is_no_hold(spec, problem):
    with pytest.raises(UsageError, match=problem):
        parse_hold(spec, lambda layer, cell, name: 0.0)


@pytest.mark.parametrize(
    ("spec", "percentages"),
    [
        ("90/5/5", (90, 5, 5)),
        ("80/10/10", (80, 10, 10)),
        ("90/10", (90, 10)),
        (" 90 / 10 ", (90, 10)),
        ("99.5/0.5/0", (99.5, 0.5, 0)),
        ("100.0/000", (100, 0)),
    ],
)
def test_splits_are_shares_that_sum_to_one(spec, percentages):
    shares = parse_split(spec)
    assert sum(shares) == WHOLE_SPLIT
    assert shares == tuple(WHOLE_SPLIT * percentage / 100 for percentage in percentages)


def test_shares_are_exact_to_the_ninth_decimal():
    assert parse_split("33.333333333/66.666666667") == (33_333_333_333, 66_666_666_667)


@pytest.mark.parametrize(
    "spec",
    [
        *["", "100", "90/5", "90/5/5/0", "a/b", "0/50/50", "110/-10", "nan/5/5", "90//10", "90/10/", "inf/0"],
        *["1e10000000/1", "9e1/10", "9_0/10", "90./10", "99.9999999999/0.0000000001", "\u0669\u0660/10"],
        *["9" * 5_000 + "/1", "1/" * 10**6],
    ],
    ids=lambda spec: spec[:12],
)
def test_splits_that_are_none_are_refused_at_once(spec):
    began = time.perf_counter()
    with pytest.raises(UsageError, match="percentages that sum to 100") as raised:
        parse_split(spec)
    assert time.perf_counter() - began < 1
    assert len(raised.value.problem) < 150


def test_the_problems_of_several_settings_are_one():
    with pytest.raises(UsageError) as raised:
        check_all(lambda: SamplingConfig(length=-1), lambda: None, lambda: check_seed(-1))
    assert raised.value.problem == "`length` must be at least 0, not -1; `seed` must be at least 0, not -1"
