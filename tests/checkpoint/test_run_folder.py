import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import CorpusRecord, RunConfig, load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import ModelConfig, TrainingConfig
from charlstm.errors import CheckpointError
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.vocabulary import Vocabulary
from charlstm.training.loop import train
from charlstm.training.trainer import Trainer

TEXT = "the quick brown fox. " * 40


def new_run(path: Path, *, steps: int = 6) -> tuple[RunFolder, Trainer]:
    vocabulary = Vocabulary.of_text(TEXT)
    config = RunConfig(
        ModelConfig(vocabulary_size=len(vocabulary), cells=8, embedding=4, dropout=0.1),
        TrainingConfig(steps=steps, streams=2, window=8, precision="float32"),
        vocabulary,
        CorpusRecord("fox", "00", len(TEXT), "90/5/5"),
    )
    folder = RunFolder(path)
    folder.create(config)
    model = CharLSTM(config.model, generator=torch.Generator().manual_seed(0))
    return folder, Trainer(model, vocabulary.encode(TEXT), config.training)


def test_what_is_saved_is_loaded(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    trainer.advance()
    folder.save_model(trainer.model, step=trainer.progress.step, validation_bits_per_character=2.5)
    checkpoint = load(tmp_path / "run")
    assert checkpoint.step == 1
    assert checkpoint.validation_bits_per_character == 2.5
    assert checkpoint.config.vocabulary == Vocabulary.of_text(TEXT)
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(checkpoint.model.state_dict()[name], value)
    assert load_config(tmp_path / "run") == checkpoint.config
    assert load(str(tmp_path / "run")).config == checkpoint.config


def test_resuming_goes_on_bit_for_bit_and_cuts_the_metrics(tmp_path):
    _, whole = new_run(tmp_path / "whole")
    list(train(whole, np.zeros(0, np.uint8)))
    folder, first = new_run(tmp_path / "parted")
    list(train(first, np.zeros(0, np.uint8), should_stop=lambda: first.progress.step == 3))
    folder.log({"step": 3})
    folder.save_resume(first)
    folder.log({"step": 4})
    _, second = new_run(tmp_path / "other")
    folder.restore(second)
    assert (tmp_path / "parted" / "metrics.jsonl").read_text() == '{"step": 3}\n'
    list(train(second, np.zeros(0, np.uint8)))
    for name, value in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value), name


def test_nothing_in_the_folder_is_a_pickle_or_left_half(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    trainer.advance()
    folder.save_model(trainer.model, validation_bits_per_character=None)
    folder.save_resume(trainer)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"config.json", "model.safetensors", "resume.safetensors", "metrics.jsonl"}
    json.loads((tmp_path / "run" / "config.json").read_text())
    assert load_file(tmp_path / "run" / "model.safetensors").keys() == trainer.model.state_dict().keys()
    assert load_file(tmp_path / "run" / "resume.safetensors").keys() == trainer.tensors().keys()


def test_a_folder_that_holds_a_run_is_not_overwritten_unasked(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_resume(trainer)
    with pytest.raises(CheckpointError, match="--resume"):
        new_run(tmp_path / "run")
    folder.create(load_config(tmp_path / "run"), overwrite=True)
    assert not (tmp_path / "run" / "resume.safetensors").exists()


def damaged_by_cutting(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damaged_by_shape(path: Path) -> None:
    tensors = load_file(path) | {"head.bias": torch.zeros(3)}
    save_file(tensors, path, {"numbers": '{"step": 1, "validation_bits_per_character": null}'})


def damaged_by_nan(path: Path) -> None:
    tensors = load_file(path)
    tensors["head.bias"][0] = torch.nan
    save_file(tensors, path, {"numbers": '{"step": 1, "validation_bits_per_character": null}'})


def without_numbers(path: Path) -> None:
    save_file(load_file(path), path)


@pytest.mark.parametrize("damage", [damaged_by_cutting, damaged_by_shape, damaged_by_nan, without_numbers])
def test_damaged_weights_are_one_clear_error(tmp_path, damage):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, validation_bits_per_character=None)
    damage(tmp_path / "run" / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be used"):
        load(tmp_path / "run")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("model"),
        lambda data: data.update(format=99),
        lambda data: data["model"].update(cells=0),
        lambda data: data["model"].update(colour="red"),
        lambda data: data["vocabulary"].update(symbols=["a", "a"]),
        lambda data: data["model"].update(vocabulary_size=3),
    ],
)
def test_a_damaged_config_is_one_clear_error(tmp_path, change):
    new_run(tmp_path / "run")
    place = tmp_path / "run" / "config.json"
    data = json.loads(place.read_text())
    change(data)
    place.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match=r"config\.json cannot be used"):
        load_config(tmp_path / "run")


def test_a_folder_without_a_run_or_without_a_save(tmp_path):
    with pytest.raises(CheckpointError, match="not a run's folder"):
        load(tmp_path)
    new_run(tmp_path / "run")
    with pytest.raises(CheckpointError, match="has not saved yet"):
        load(tmp_path / "run")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        new_run(tmp_path / "file" / "run")
    folder, trainer = new_run(tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").mkdir()
    with pytest.raises(CheckpointError, match="cannot be written"):
        folder.save_model(trainer.model, validation_bits_per_character=None)
    assert not list((tmp_path / "run").glob("*.partial"))
