"""The names that `import charlstm` offers."""

import pytest

import charlstm

# What users may rely on: a name leaves this list only with a new version that says so.
PUBLIC_NAMES = [
    "CharLSTM",
    "CharLSTMError",
    "Checkpoint",
    "Corpus",
    "Evaluation",
    "Findings",
    "InspectionConfig",
    "ModelConfig",
    "Run",
    "SamplingConfig",
    "Score",
    "State",
    "Trace",
    "Trainer",
    "TrainingConfig",
    "Vocabulary",
    "__version__",
    "evaluate",
    "inspect",
    "load",
    "load_corpus",
    "sample",
    "trace",
    "train",
]


def test_these_names_are_public_and_no_others():
    assert charlstm.__all__ == PUBLIC_NAMES


def test_every_public_name_can_be_loaded():
    for name in charlstm.__all__:
        assert getattr(charlstm, name) is not None, name


def test_dir_lists_the_public_names():
    assert dir(charlstm) == sorted(charlstm.__all__)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = charlstm.nothing
