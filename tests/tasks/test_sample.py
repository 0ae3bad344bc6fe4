"""Texts of a run: the same whether torch draws them or not."""

import pytest
import torch

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import Hold, SamplingConfig
from charlstm.errors import UsageError
from charlstm.sampling.sampler import sample
from charlstm.tasks.sample import sample_run
from charlstm.text.vocabulary import Vocabulary


@pytest.fixture
def run(tmp_path, small_model):
    folder = RunFolder(tmp_path / "run")
    folder.create(RunConfig(small_model.config, None, Vocabulary("characters", tuple("abcdefghij\n")), None))
    folder.save_model(small_model, validation_bits_per_character=None)
    return folder.path


@pytest.mark.parametrize("prompt", ["", "a", "abcj" * 3000])
def test_the_same_seed_draws_the_same_text_without_torch(run, prompt):
    config = SamplingConfig(length=200, hold=(Hold(0, 1, 2.0, 50),), top_k=7)
    checkpoint, generator = load(run), torch.Generator().manual_seed(5)
    told = sample(checkpoint.model, checkpoint.config.vocabulary, prompt, config=config, generator=generator)
    assert list(sample_run(run, prompt, config=config, seed=5)) == list(told)


def test_a_hold_of_a_cell_that_is_not_there(run):
    with pytest.raises(UsageError, match="no cell 7:0"):
        next(sample_run(run, "a", config=SamplingConfig(hold=(Hold(7, 0, 1.0, 0),)), seed=0))
