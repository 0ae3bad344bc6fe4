import numpy as np
import pytest
import torch
from torch.nn import functional

from charlstm.errors import CorpusError
from charlstm.training import evaluation
from charlstm.training.evaluation import character_losses, evaluate


def one_by_one(model, ids):
    """The reference: the whole text as one stream in one go."""
    tokens = torch.from_numpy(ids.astype(np.int64))[None]
    with torch.no_grad():
        logits, _ = model(tokens[:, :-1], model.initial_state(1))
    return functional.cross_entropy(logits[0], tokens[0, 1:], reduction="none")


@pytest.mark.parametrize("characters", [2, 3, 300, 512, 513, 2_000, 5_001])
def test_every_character_is_scored_once_as_if_read_in_one_stream(small_model, characters):
    ids = np.random.default_rng(0).integers(0, 11, characters).astype(np.uint8)
    nats = np.full(characters, np.nan, np.float32)
    for losses in character_losses(small_model, ids):
        place = slice(losses.first, losses.first + losses.nats.numel())
        assert np.isnan(nats[place]).all()
        nats[place] = losses.nats
    assert np.isnan(nats[0])
    assert not np.isnan(nats[1:]).any()
    # A random network forgets within the warm-up, so that cutting the text changes nothing visible.
    np.testing.assert_allclose(nats[1:], one_by_one(small_model, ids), atol=1e-5)


def test_evaluate_is_the_mean(small_model):
    ids = np.random.default_rng(1).integers(0, 11, 3_000).astype(np.uint8)
    result = evaluate(small_model, ids)
    assert result.characters == 2_999
    assert result.loss_nats == pytest.approx(one_by_one(small_model, ids).double().mean().item(), abs=1e-6)
    assert result.bits_per_character == pytest.approx(result.loss_nats / np.log(2))


def test_training_mode_is_put_back_even_when_the_reader_stops_early(small_model):
    small_model.train()
    ids = np.zeros(3_000, np.uint8)
    next(iter(character_losses(small_model, ids)))
    evaluate(small_model, ids)
    assert small_model.training


@pytest.mark.parametrize("characters", [0, 1])
def test_nothing_to_predict(small_model, characters):
    with pytest.raises(CorpusError):
        evaluate(small_model, np.zeros(characters, np.uint8))


def test_the_warmup_is_whole_windows():
    assert evaluation._WARMUP_CHARACTERS % evaluation._LONGEST_WINDOW_CHARACTERS == 0
