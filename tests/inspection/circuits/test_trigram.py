"""A trigram predicts as often as characters followed, and gives shorter contexts some weight."""

import numpy as np
import pytest
from circuits_fixture import inspected

from charlstm.inspection.circuits.trigram import Trigram


def test_a_prediction_is_the_share_of_followers_mixed_with_shorter_contexts():
    ids = np.array([0, 1, 2, 0, 1, 2, 0, 1, 0], np.uint8)

    predicted = np.exp(Trigram(ids, 3).log_probabilities(np.array([[0, 1], [0, 1]])))

    alone = np.array([5, 4, 3]) / 12
    after_one = (np.array([1, 0, 2]) + alone) / 4
    after_two = (np.array([1, 0, 2]) + after_one) / 4
    np.testing.assert_allclose(predicted, [after_two, after_two])


def test_a_context_that_never_occurs_is_predicted_from_its_last_character():
    trigram = Trigram(np.array([0, 1, 2, 0, 1, 2, 0], np.uint8), 4)

    seen, unseen = np.exp(trigram.log_probabilities(np.array([[0, 1], [3, 1]])))

    assert seen[2] > unseen[2] > 0.6
    assert unseen.sum() == pytest.approx(1)


def test_it_predicts_a_text_better_than_single_characters_do():
    ids = inspected().ids
    trigram = Trigram(ids[:40_000], 14)
    later = ids[40_000:41_000].astype(np.int64)

    after_two = trigram.log_probabilities(np.stack([later[:-2], later[1:-1]], axis=1))

    nats = after_two[np.arange(len(after_two)), later[2:]].mean()
    shares = np.bincount(ids[:40_000], minlength=14) / 40_000
    assert nats > np.log(shares[later[2:]]).mean() + 0.05
