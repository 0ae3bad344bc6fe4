"""What a pushed run has, and what of this machine stays here."""

from pathlib import Path

import pytest
from tiny_run import saved_run

from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.weights import load_weights
from charlstm.errors import CheckpointError, UsageError
from charlstm.tasks.sharing import push


@pytest.fixture
def sent(monkeypatch, tmp_path) -> Path:
    """The folder that holds what was sent, instead of the hub."""
    place = tmp_path / "sent"

    def keep(folder: Path, name: str, *, private: bool) -> str:
        folder.rename(place)
        folder.mkdir()
        return f"{name} {private}"

    monkeypatch.setattr(push, "publish", keep)
    return place


def test_settings_and_weights_are_sent_and_the_folder_of_the_text_is_not(tmp_path, sent):
    run = saved_run(tmp_path)
    assert push.push_run(run, "hf:me/fox", private=True) == "me/fox True"
    config, own = load_config(sent), load_config(run)
    assert config.corpus is not None
    assert own.corpus is not None
    assert own.corpus.name == str(tmp_path / "text.txt")
    assert config.corpus.name == "text.txt"
    assert (config.model, config.vocabulary) == (own.model, own.vocabulary)
    weights = load_weights(sent, config.model)
    assert weights.validation_bits_per_character == 3.25
    assert all(str(tmp_path) not in file.read_text("utf-8", "ignore") for file in sent.iterdir())


def test_a_folder_without_a_run_and_a_wrong_name_are_refused(tmp_path, sent):
    with pytest.raises(CheckpointError):
        push.push_run(tmp_path, "me/fox")
    with pytest.raises(UsageError):
        push.push_run(saved_run(tmp_path), "fox")
    assert not sent.exists()
