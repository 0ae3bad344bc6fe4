"""Scores of a run: the losses are those of its model, parts are those of the split, and the JSON says so."""

import math

import numpy as np
import pytest
from tiny_run import TEXT, saved_run

from charlstm.checkpoint.loading import load
from charlstm.errors import CheckpointError, CorpusError, UsageError
from charlstm.tasks import score
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.training.dynamic_evaluation import adapting_losses
from charlstm.training.evaluation import evaluate


@pytest.fixture
def run(tmp_path):
    return saved_run(tmp_path, split="60/20/20")


def test_the_mean_of_the_losses_is_that_of_an_evaluation(run):
    result = score_run(ScoreRequest(run=run))
    expected = evaluate(load(run).model, result.ids)
    assert result.bits_per_character == pytest.approx(expected.bits_per_character, abs=1e-6)
    assert result.nats.dtype == np.float32
    assert len(result.nats) == len(result.ids) == len(TEXT)
    assert result.nats[0] == 0 < result.nats[1:].min()


def test_a_dynamic_score_has_the_losses_of_a_model_that_learns(run):
    result = score_run(ScoreRequest(run=run, dynamic=True))
    blocks = [block.nats.numpy() for block in adapting_losses(load(run).model, result.ids)]
    np.testing.assert_array_equal(result.nats[1:], np.concatenate(blocks))


@pytest.mark.parametrize(
    ("part", "split", "span"),
    [
        ("train", None, (0, 0.6)),
        ("validation", None, (0.6, 0.8)),
        ("test", None, (0.8, 1)),
        ("validation", "50/30/20", (0.5, 0.8)),
        ("all", None, (0, 1)),
    ],
)
def test_a_part_is_that_of_the_runs_split_unless_another_is_given(run, part, split, span):
    for corpus in (None, str(run.parent / "text.txt")):
        result = score_run(ScoreRequest(run=run, corpus=corpus, part=part, split=split))
        start, stop = (int(len(TEXT) * share) for share in span)
        np.testing.assert_array_equal(result.ids, result.corpus.tokens[start:stop])


def test_a_part_of_another_text_is_that_of_the_default_split(run):
    (run.parent / "other.txt").write_text(TEXT[:1000])
    result = score_run(ScoreRequest(run=run, corpus=str(run.parent / "other.txt"), part="validation"))
    assert len(result.ids) == 50


def test_progress_rises_to_the_whole_text(run):
    fractions = []
    score_run(ScoreRequest(run=run), progress=fractions.append)
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1, abs=1e-3)


def test_the_rows_and_the_document_have_the_bits_of_every_character(run):
    result = score_run(ScoreRequest(run=run))
    rows = list(result.rows())
    assert [position for position, _, _ in rows] == list(range(1, len(TEXT)))
    assert "".join(symbol for _, symbol, _ in rows) == TEXT[1:]
    assert rows[4][2] == pytest.approx(result.nats[5] / math.log(2))
    document = result.document(per_character=True)
    assert document.keys() == {"bits_per_character", "characters", "corpus", "sha256", "per_character"}
    assert document["characters"] == len(document["per_character"]) == len(TEXT) - 1
    assert np.mean(document["per_character"]) == pytest.approx(document["bits_per_character"])
    assert "per_character" not in result.document(per_character=False)


def test_a_training_text_that_has_changed_is_noticed(run):
    assert not score_run(ScoreRequest(run=run)).changed
    (run.parent / "text.txt").write_text(TEXT + "fox")
    assert score_run(ScoreRequest(run=run)).changed


def test_losses_that_are_not_finite_are_an_error(run, monkeypatch):
    monkeypatch.setattr(
        score, "adapting_losses", lambda model, ids: adapting_losses(model, ids, rate=math.nan)
    )
    with pytest.raises(CheckpointError, match="NaN or infinity"):
        score_run(ScoreRequest(run=run, dynamic=True))


def test_what_cannot_be_scored_is_refused(run):
    with pytest.raises(UsageError, match="split"):
        score_run(ScoreRequest(run=run, part="test", split="half"))
    with pytest.raises(UsageError, match="no effect where all of a text is scored"):
        score_run(ScoreRequest(run=run, split="90/10"))
    with pytest.raises(CorpusError, match="split 90/10, has 0 characters"):
        score_run(ScoreRequest(run=run, part="test", split="90/10"))
