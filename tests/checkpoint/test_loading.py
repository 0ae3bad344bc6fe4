"""A run read back as a model: it is the one that was saved, ready for use, and damage is one clear error."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_run import new_run

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.errors import CheckpointError

NUMBERS = {"numbers": '{"step": 1, "validation_bits_per_character": null}'}


def test_the_saved_model_is_loaded(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    trainer.advance()
    folder.save_model(trainer.model, step=1, validation_bits_per_character=2.5)
    checkpoint = load(tmp_path / "run")
    assert checkpoint.path == tmp_path / "run"
    assert (checkpoint.step, checkpoint.validation_bits_per_character) == (1, 2.5)
    assert checkpoint.config == load_config(tmp_path / "run")
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(checkpoint.model.state_dict()[name], value)


def test_the_model_is_ready_for_use_and_the_path_may_be_a_string(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, validation_bits_per_character=None)
    checkpoint = load(str(tmp_path / "run"))
    assert checkpoint.path == tmp_path / "run"
    assert not checkpoint.model.training
    assert checkpoint.model.device.type == "cpu"


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def with_another_shape(path: Path) -> None:
    save_file(load_file(path) | {"head.bias": torch.zeros(3)}, path, NUMBERS)


def with_a_nan(path: Path) -> None:
    tensors = load_file(path)
    tensors["head.bias"][0] = torch.nan
    save_file(tensors, path, NUMBERS)


def without_numbers(path: Path) -> None:
    save_file(load_file(path), path)


@pytest.mark.parametrize("damage", [cut_in_half, with_another_shape, with_a_nan, without_numbers])
def test_damaged_weights_are_one_clear_error(tmp_path, damage):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, validation_bits_per_character=None)
    damage(tmp_path / "run" / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be used"):
        load(tmp_path / "run")


def test_a_folder_without_a_run_or_without_weights_is_one_clear_error(tmp_path):
    with pytest.raises(CheckpointError, match="not a run's folder"):
        load(tmp_path)
    new_run(tmp_path / "run")
    with pytest.raises(CheckpointError, match="has not saved yet"):
        load(tmp_path / "run")


def test_importing_it_does_not_import_torch():
    code = "import charlstm.checkpoint.loading, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
