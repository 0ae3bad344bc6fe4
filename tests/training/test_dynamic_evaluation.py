"""Dynamic evaluation: it equals the plain loss where nothing is learned, learns, and never looks ahead."""

import copy

import numpy as np
import pytest
import torch

from charlstm.errors import CorpusError
from charlstm.model.char_lstm import CharLSTM
from charlstm.training import dynamic_evaluation
from charlstm.training.dynamic_evaluation import SEGMENT_CHARACTERS, adapting_losses
from charlstm.training.evaluation import character_losses


def nats(model: CharLSTM, ids: np.ndarray, **options: float) -> np.ndarray:
    """The losses of ids (characters,) in order, (characters - 1,); checks that blocks are whole segments."""
    blocks = list(adapting_losses(model, ids, **options))
    assert [block.first for block in blocks] == list(range(1, len(ids), SEGMENT_CHARACTERS))
    return np.concatenate([block.nats for block in blocks])


@pytest.fixture
def ids() -> np.ndarray:
    return np.tile(np.arange(11, dtype=np.uint8)[::-1], 100)


@pytest.mark.parametrize(
    "characters", [2, SEGMENT_CHARACTERS, SEGMENT_CHARACTERS + 1, SEGMENT_CHARACTERS + 2, 700]
)
def test_a_rate_of_0_gives_the_plain_losses(small_model, characters):
    ids = np.random.default_rng(0).integers(0, 11, characters).astype(np.uint8)
    plain = np.concatenate([block.nats for block in character_losses(small_model, ids)])
    np.testing.assert_allclose(nats(small_model, ids, rate=0.0), plain, atol=1e-5)


def test_the_copy_learns_a_text_that_repeats_and_the_model_stays_as_it_was(small_model, ids):
    before = copy.deepcopy(small_model.state_dict())
    small_model.train().requires_grad_(False)
    losses = nats(small_model, ids, rate=0.05)
    assert losses[-100:].mean() < 0.7 * losses[:100].mean()
    assert small_model.training
    assert all(torch.equal(before[name], weight) for name, weight in small_model.state_dict().items())


def test_a_loss_does_not_depend_on_the_text_after_its_segment(small_model, ids):
    other = np.concatenate([ids[:500], np.zeros(600, np.uint8)])
    np.testing.assert_array_equal(nats(small_model, ids)[:499], nats(small_model, other)[:499])
    assert not np.array_equal(nats(small_model, ids)[:499], nats(small_model, ids, rate=0.0)[:499])


def test_weights_return_to_their_trained_values_where_gradients_are_0():
    weights = dynamic_evaluation._AdaptingWeights([torch.nn.Parameter(torch.ones(3))], 0.1)
    weights.step([torch.ones(3)])
    moved = float((weights.parameters[0].detach() - 1).abs().max())
    for _ in range(500):
        weights.step([torch.zeros(3)])
    assert float((weights.parameters[0].detach() - 1).abs().max()) < moved / 4


def test_a_text_of_one_character_is_refused(small_model):
    with pytest.raises(CorpusError, match="nothing to predict"):
        next(adapting_losses(small_model, np.zeros(1, np.uint8)))
