import pytest

from charlstm.config import InspectionConfig, ModelConfig, SamplingConfig, TrainingConfig
from charlstm.errors import UsageError


def test_every_bad_setting_is_named_at_once():
    with pytest.raises(UsageError) as caught:
        ModelConfig(vocabulary_size=5, cells=0, layers=-1, dropout=1.0, activation="sine")
    for word in ("cells", "layers", "dropout", "'sine'"):
        assert word in caught.value.problem


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"steps": 5, "minutes": 1.0},
        {"steps": 0},
        {"minutes": float("nan")},
        {"steps": 5, "learning_rate": 0.0},
        {"steps": 5, "learning_rate": float("inf")},
        {"steps": 5, "warmup": 1.0},
        {"steps": 5, "streams": 0},
        {"steps": 5, "precision": "float8"},
    ],
)
def test_training_settings_out_of_range(settings):
    with pytest.raises(UsageError):
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
