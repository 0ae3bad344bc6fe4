"""`charlstm.train` trains on a text in hand or a named one, and returns the run."""

import os
import signal
import threading
from pathlib import Path

import pytest
from tiny_run import TEXT

import charlstm
from charlstm.checkpoint.snapshots import load_snapshots
from charlstm.errors import CheckpointError, CorpusError, UnknownCharacterError, UsageError
from charlstm.tasks import train as train_task
from charlstm.text.corpus import IN_HAND, load_corpus

SHAPE = {"cells": 8, "embedding": 4, "streams": 2, "window": 8}


@pytest.fixture(autouse=True)
def in_temporary_folders(tmp_path, monkeypatch) -> None:
    """Runs without a folder of their own lie in the test's; texts that are drawn on the way are left out."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(train_task, "_sample_text", lambda model, config, seed: "")


def test_a_text_in_hand_becomes_a_run_that_knows_its_text():
    told = []
    run = charlstm.train(TEXT, steps=20, seed=1, progress=lambda *step: told.append(step), **SHAPE)
    assert run.path.is_dir()
    assert run.corpus.vocabulary.decode(run.corpus.tokens) == TEXT
    assert (run.config.corpus.name, run.config.corpus.sha256) == (IN_HAND, run.corpus.sha256)
    assert (run.config.training.steps, run.config.training.seed, run.config.model.cells) == (20, 1, 8)
    assert told[0] == ("training", 0.05)
    assert told[-1] == ("done", 1.0)
    assert told[-2][0].startswith("training, 4.")
    assert told[-2][0].endswith(" bits per character")
    assert charlstm.load(run.path).score(TEXT).nats.tolist() == run.score(TEXT).nats.tolist()


def test_a_text_in_hand_and_its_file_give_one_run(tmp_path: Path):
    (tmp_path / "fox.txt").write_text(TEXT)
    runs = [charlstm.train(text, steps=6, **SHAPE) for text in (TEXT, tmp_path / "fox.txt")]
    assert runs[0].config.corpus.sha256 == load_corpus(str(tmp_path / "fox.txt")).sha256
    first, second = (run.model.state_dict() for run in runs)
    assert all(first[name].equal(second[name]) for name in first)
    assert runs[1].corpus is None


def test_a_short_line_is_a_name_and_settings_out_of_range_are_told(tmp_path):
    with pytest.raises(CorpusError, match="no file or folder 'the quick brown fox'"):
        charlstm.train("the quick brown fox", steps=1)
    with pytest.raises(UsageError, match="give one of `minutes`, `steps` and `epochs`"):
        charlstm.train(TEXT, steps=1, minutes=1)
    with pytest.raises(UsageError, match="`cells` must be at least 1"):
        charlstm.train(TEXT, steps=1, cells=0)
    assert not list(tmp_path.iterdir()), "no empty folder is left"


def test_a_run_is_replaced_only_where_that_is_wanted(tmp_path: Path):
    first = charlstm.train(TEXT, steps=1, out=tmp_path / "fox", **SHAPE)
    with pytest.raises(CheckpointError, match="holds a run already"):
        charlstm.train(TEXT, steps=2, out=tmp_path / "fox", **SHAPE)
    second = charlstm.train(TEXT, steps=2, out=str(tmp_path / "fox"), overwrite=True, **SHAPE)
    assert (first.path, second.config.training.steps) == (second.path, 2)


def test_ctrl_c_ends_a_training_early_and_keeps_the_run():
    def interrupt(stage: str, share: float) -> None:
        if share == 0.5:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    run = charlstm.train(TEXT, steps=20, progress=interrupt, **SHAPE)
    assert run.step == 10
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_than_the_main_one_can_train():
    runs = []
    thread = threading.Thread(target=lambda: runs.append(charlstm.train(TEXT, steps=1, **SHAPE)))
    thread.start()
    thread.join()
    assert runs[0].step == 1


def test_notes_on_the_text_are_warnings():
    with pytest.warns(UserWarning, match="byte order mark") as warned:
        charlstm.train("\ufeff" + TEXT, steps=1, **SHAPE)
    assert warned[0].filename == __file__


def test_settings_of_the_command_are_those_of_the_session(tmp_path: Path):
    settings = {"optimizer": "adamw", "recurrent_l1": 0.5, "weight_decay": 0.25, "precision": "float32"}
    counts = {"evaluate_every": 2, "save_every": 3, "patience": 4, "snapshots": 2}
    run = charlstm.train(TEXT, steps=4, activation="softsign", **settings, **counts, **SHAPE)
    assert vars(run.config.training).items() >= (settings | counts).items()
    assert run.config.model.activation == "softsign"
    assert len(load_snapshots(run.path, run.config.model)) == 2


@pytest.mark.parametrize("named", [True, False])
def test_another_text_in_hand_or_named_is_validated_on(named: bool, tmp_path: Path):
    other = "the fox\n" * 30
    (tmp_path / "other.txt").write_text(other)
    run = charlstm.train(TEXT, steps=2, validation=tmp_path / "other.txt" if named else other, **SHAPE)
    assert run.config.corpus.validation == (str(tmp_path / "other.txt") if named else IN_HAND)
    assert run.config.corpus.validation_sha256 == load_corpus(str(tmp_path / "other.txt")).sha256
    assert run.validation_bits_per_character == pytest.approx(run.score(other).bits_per_character, abs=1e-4)
    with pytest.raises(UsageError, match="trained on all of its text, and validated on"):
        run.score(part="validation")
    with pytest.raises(UnknownCharacterError):
        charlstm.train(TEXT, steps=2, validation="the FOX\n", **SHAPE)


def test_a_training_begins_from_a_run_or_its_folder():
    first = charlstm.train(TEXT, steps=6, **SHAPE)
    size = {"streams": 2, "window": 8}
    for begin_from in (first, first.path):
        run = charlstm.train("the fox\n" * 60, steps=1, learning_rate=1e-9, begin_from=begin_from, **size)
        assert run.vocabulary == first.vocabulary
        for name, value in first.model.state_dict().items():
            assert run.model.state_dict()[name].allclose(value, atol=1e-5), name
    with pytest.raises(UnknownCharacterError):
        charlstm.train("the FOX\n" * 60, steps=1, begin_from=first)
    with pytest.raises(UsageError, match="has cells 8, not 9"):
        charlstm.train(TEXT, steps=1, begin_from=first, cells=9)
