"""What reference networks reach, and the margin that follows."""

import numpy as np
import pytest
import torch
from written_text import SYMBOLS, ids_of, written

from charlstm.inspection.detecting import margins as module
from charlstm.inspection.detecting.margins import REFERENCE_NETWORKS, margins, read_references
from charlstm.inspection.detecting.scores.scoring import ScoreSums, balanced_features
from charlstm.inspection.exam.planted_cells import plant, toggle
from charlstm.inspection.reading.inspected_text import InspectedText, read_text
from charlstm.inspection.twins import untrained_twin
from charlstm.model.char_lstm import CharLSTM


@pytest.fixture(scope="module")
def text() -> InspectedText:
    return read_text(ids_of(written(28_000, seed=1)), SYMBOLS, 4)


@pytest.fixture(scope="module")
def model() -> CharLSTM:
    return plant([toggle('"')], SYMBOLS, idle=9, generator=torch.Generator().manual_seed(0))


def test_best_scores_are_those_of_the_networks_with_each_feature(
    text: InspectedText, model: CharLSTM
) -> None:
    chunk = text.splits["discover"].first
    best = read_references(model, chunk, imported=False).best_scores(chunk)
    assert best.shape == (REFERENCE_NETWORKS, len(chunk.table.features))
    seeds = torch.randint(2**62, (REFERENCE_NETWORKS,), generator=torch.Generator().manual_seed(0)).tolist()
    network = untrained_twin(model, torch.Generator().manual_seed(seeds[0]))
    balanced = balanced_features(chunk.table.features)
    sums = ScoreSums(text.splits["discover"], cells=10, balanced=balanced, vocabulary=len(SYMBOLS))
    for block in chunk.blocks(network):
        sums.update(chunk, block.rows, block.c, chunk.features(block.rows))
    expected = sums.result().equal_share.abs().amax(0)
    np.testing.assert_allclose(best[0], expected, atol=1e-4)


def test_an_imported_model_is_held_against_its_own_shuffled_weights(
    text: InspectedText, model: CharLSTM, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = text.splits["discover"].first
    made = []
    for name in ("untrained_twin", "shuffled_twin"):
        original = getattr(module, name)

        def twin(model: CharLSTM, generator: torch.Generator, name=name, original=original) -> CharLSTM:
            made.append(name)
            return original(model, generator)

        monkeypatch.setattr(module, name, twin)
    read_references(model, chunk, imported=True)
    assert made == ["shuffled_twin"] * REFERENCE_NETWORKS
    read_references(model, chunk, imported=False)
    assert made[REFERENCE_NETWORKS:] == ["untrained_twin"] * REFERENCE_NETWORKS


def test_a_margin_lies_above_the_scores_and_below_1() -> None:
    scores = torch.tensor([[0.2, 0.3, 0.97], [0.25, 0.31, 0.2], [0.22, 0.29, 0.5], [0.2, 0.3, 0.999]])
    found = margins(scores.double())
    assert (found[:2] > scores[:, :2].amax(0)).all()
    assert (found < 1).all()


def test_four_equal_scores_are_not_taken_for_certain() -> None:
    """The deviation of a feature is drawn towards that of the others."""
    random = torch.Generator().manual_seed(0)
    scores = (0.3 + 0.05 * torch.randn(4, 9, generator=random)).double()
    scores[:, 0] = 0.3
    found = margins(scores)
    assert found[0] > 0.36
    assert margins(scores[:, :1]).tolist() == [pytest.approx(0.3)]


def test_a_margin_is_three_deviations_of_shared_variance_above_the_mean() -> None:
    scores = torch.tensor([[0.1, 0.2, 0.3], [0.2, 0.4, 0.3], [0.3, 0.3, 0.5], [0.2, 0.5, 0.1]]).double()
    z = np.arctanh(scores.numpy())
    variance = z.var(0, ddof=1)
    shared = (6 * np.median(variance) + 3 * variance) / 9
    np.testing.assert_allclose(margins(scores), np.tanh(z.mean(0) + 3 * np.sqrt(shared)))
