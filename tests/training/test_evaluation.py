"""Evaluation: cutting a text into streams changes no loss, and processes share the work without a change."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from charlstm.errors import CorpusError
from charlstm.machine.processes import ProcessGroup
from charlstm.training import evaluation
from charlstm.training.evaluation import character_losses, evaluate


def losses_of_one_stream(model, ids):
    """The reference, (characters - 1,) nats: the whole text read as one stream in one go."""
    tokens = torch.from_numpy(ids.astype(np.int64))[None]
    with torch.no_grad():
        logits, _ = model(tokens[:, :-1], model.initial_state(1))
    return functional.cross_entropy(logits[0], tokens[0, 1:], reduction="none")


@pytest.mark.parametrize("characters", [2, 3, 300, 512, 513, 2_000, 5_001])
def test_every_character_is_scored_once_with_the_loss_of_a_single_stream(small_model, characters):
    ids = np.random.default_rng(0).integers(0, 11, characters).astype(np.uint8)
    nats = np.full(characters, np.nan, np.float32)
    for losses in character_losses(small_model, ids):
        span = slice(losses.first, losses.first + losses.nats.numel())
        assert np.isnan(nats[span]).all()
        nats[span] = losses.nats
    assert np.isnan(nats[0])
    assert not np.isnan(nats[1:]).any()
    # A random network forgets within the warm-up, so that cutting the text changes nothing visible.
    np.testing.assert_allclose(nats[1:], losses_of_one_stream(small_model, ids), atol=1e-5)


@pytest.mark.parametrize("windows", [2, 3, 100])
def test_losses_that_are_read_some_windows_later_are_the_same(small_model, monkeypatch, windows):
    ids = np.random.default_rng(0).integers(0, 11, 1_500).astype(np.uint8)
    expected = list(character_losses(small_model, ids))
    monkeypatch.setitem(evaluation._WINDOWS_AT_ONCE, "cpu", windows)
    for now, then in zip(character_losses(small_model, ids), expected, strict=True):
        assert now.first == then.first
        assert torch.equal(now.nats, then.nats)


def test_evaluate_gives_the_mean_of_all_losses(small_model):
    ids = np.random.default_rng(1).integers(0, 11, 3_000).astype(np.uint8)
    result = evaluate(small_model, ids)
    assert result.characters == 2_999
    assert result.loss_nats == pytest.approx(
        losses_of_one_stream(small_model, ids).double().mean().item(), abs=1e-6
    )
    assert result.bits_per_character == pytest.approx(result.loss_nats / np.log(2))


def test_training_mode_is_restored_even_when_the_caller_stops_reading_early(small_model):
    small_model.train()
    ids = np.zeros(3_000, np.uint8)
    next(iter(character_losses(small_model, ids)))
    evaluate(small_model, ids)
    assert small_model.training


@pytest.mark.parametrize("characters", [0, 1])
def test_a_text_of_less_than_two_characters_is_refused(small_model, characters):
    with pytest.raises(CorpusError, match="nothing to predict"):
        evaluate(small_model, np.zeros(characters, np.uint8))


def test_the_warm_up_is_a_whole_number_of_windows_for_any_vocabulary():
    for logits in (1, 64 * 100, 64 * 60_000, 64 * 1_114_112):
        window = evaluation._window_characters(logits)
        assert evaluation._WARMUP_CHARACTERS % window == 0
        assert window == 1 or window * logits <= evaluation._MOST_WINDOW_LOGITS


@pytest.mark.parametrize("characters", [2, 700, 5_001])
def test_the_processes_of_a_group_score_every_character_once(small_model, characters):
    ids = np.random.default_rng(2).integers(0, 11, characters).astype(np.uint8)
    alone = {block.first: block.nats for block in character_losses(small_model, ids)}
    shared = {}
    for rank in range(3):
        for block in character_losses(small_model, ids, processes=ProcessGroup(rank, 3)):
            assert block.first not in shared
            shared[block.first] = block.nats
    assert shared.keys() == alone.keys()
    for first, losses in alone.items():
        torch.testing.assert_close(shared[first], losses, atol=1e-6, rtol=0)
