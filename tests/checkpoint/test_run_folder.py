"""A run's folder for writing: what it holds, who may write it, and that resuming goes on bit for bit."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_run import config_of, new_run

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.errors import CheckpointError
from charlstm.text.vocabulary import Vocabulary
from charlstm.training.loop import train
from charlstm.training.trainer import Trainer

NO_VALIDATION = np.zeros(0, np.uint8)


def names_in(folder: RunFolder) -> set[str]:
    return {path.name for path in folder.path.iterdir()}


def interrupted_at(trainer: Trainer, step: int) -> None:
    list(train(trainer, NO_VALIDATION, should_stop=lambda: trainer.progress.step == step))


def test_a_resumed_training_goes_on_bit_for_bit_and_cuts_the_metrics(tmp_path):
    _, whole = new_run(tmp_path / "whole")
    list(train(whole, NO_VALIDATION))
    folder, first = new_run(tmp_path / "run")
    interrupted_at(first, 3)
    folder.log({"step": 3})
    folder.save_resume(first)
    folder.log({"step": 4})
    _, second = new_run(tmp_path / "other")
    folder.restore(second)
    assert (folder.path / "metrics.jsonl").read_text() == '{"step": 3}\n'
    assert second.progress == first.progress
    list(train(second, NO_VALIDATION))
    for name, value in whole.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], value), name


def test_the_folder_holds_the_files_of_a_run_and_nothing_else(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    trainer.advance()
    folder.save_model(trainer.model, validation_bits_per_character=None)
    folder.save_resume(trainer)
    assert names_in(folder) == {"config.json", "model.safetensors", "resume.safetensors", "metrics.jsonl"}
    assert load_file(folder.path / "model.safetensors").keys() == trainer.model.state_dict().keys()
    assert load_file(folder.path / "resume.safetensors").keys() == trainer.tensors().keys()


def test_config_json_can_be_read_by_people(tmp_path):
    folder, _ = new_run(tmp_path / "run")
    text = (folder.path / "config.json").read_text()
    assert text.isascii()
    assert len(text.splitlines()) > 20
    assert json.loads(text)["model"]["cells"] == 8


def test_a_run_is_overwritten_only_when_asked_and_then_wholly(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, validation_bits_per_character=None)
    folder.keep_evaluated()
    folder.save_resume(trainer)
    folder.log({"step": 1})
    with pytest.raises(CheckpointError, match="holds a run already") as raised:
        new_run(tmp_path / "run")
    assert "--resume" in raised.value.advice
    folder.create(load_config(tmp_path / "run"), overwrite=True)
    assert names_in(folder) == {"config.json", "metrics.jsonl"}
    assert (folder.path / "metrics.jsonl").read_text() == ""


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["letter.txt", "config.json"])
def test_a_folder_of_other_files_is_refused(tmp_path, name, overwrite):
    (tmp_path / name).write_text('{"of": "another program"}')
    with pytest.raises(CheckpointError, match=f"no run's, such as {name}"):
        RunFolder(tmp_path).refuse_if_taken(overwrite=overwrite)


def test_an_absent_or_empty_folder_and_half_written_files_are_free(tmp_path):
    RunFolder(tmp_path / "absent").refuse_if_taken()
    (tmp_path / "model.safetensors.123.partial").touch()
    RunFolder(tmp_path).refuse_if_taken()


def test_one_training_at_a_time_holds_the_folder(tmp_path):
    with RunFolder(tmp_path / "new" / "run").held():
        assert (tmp_path / "new" / "run").is_dir()
        with pytest.raises(CheckpointError, match="another process is training"):
            RunFolder(tmp_path / "new" / "run").held().__enter__()
    with RunFolder(tmp_path / "new" / "run").held():
        pass


def test_a_vocabulary_that_config_json_has_no_room_for_is_refused(tmp_path):
    config = config_of()
    symbols = tuple(chr(number) for number in range(0x10000, 0x10000 + 300_000))
    large = replace(
        config,
        model=replace(config.model, vocabulary_size=len(symbols)),
        vocabulary=Vocabulary("characters", symbols),
    )
    with pytest.raises(CheckpointError, match="300,000 symbols") as raised:
        RunFolder(tmp_path / "run").create(large)
    assert '`level="bytes"`' in raised.value.advice


def test_the_weights_of_the_last_evaluation_come_back_when_a_run_is_resumed(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.average, step=1, validation_bits_per_character=2.0)
    folder.save_resume(trainer)
    folder.keep_evaluated()
    trainer.advance()
    folder.save_model(trainer.average, step=2, validation_bits_per_character=1.0)
    assert load(folder.path).step == 2
    folder.restore(trainer)
    assert load(folder.path).step == 1
    assert "evaluated.safetensors" not in names_in(folder)


def test_a_run_that_ended_before_its_first_save_starts_at_the_beginning(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.log({"step": 1})
    folder.restore(trainer)
    assert trainer.progress.step == 0
    assert (folder.path / "metrics.jsonl").read_text() == ""


def test_a_run_with_weights_that_cannot_go_on_says_so(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, validation_bits_per_character=None)
    with pytest.raises(CheckpointError, match=r"has no resume\.safetensors"):
        folder.restore(trainer)


def test_a_save_of_another_run_is_refused(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_resume(trainer)
    bigger = Trainer(
        type(trainer.model)(replace(trainer.model.config, cells=9)), trainer._ids, trainer.config
    )
    with pytest.raises(CheckpointError, match="do not fit"):
        folder.restore(bigger)


def test_measurements_must_be_numbers_that_json_has(tmp_path):
    folder, _ = new_run(tmp_path / "run")
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.log({"loss": float("nan")})


SAVES: dict[str, Callable[[RunFolder, Trainer], object]] = {
    "model.safetensors": lambda folder, trainer: folder.save_model(
        trainer.model, validation_bits_per_character=None
    ),
    "resume.safetensors": lambda folder, trainer: folder.save_resume(trainer),
    "metrics.jsonl": lambda folder, trainer: folder.log({"step": 1}),
}


@pytest.mark.parametrize("name", SAVES)
def test_a_file_that_cannot_be_written_is_one_clear_error_and_leaves_nothing(tmp_path, name):
    folder, trainer = new_run(tmp_path / "run")
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).mkdir()
    with pytest.raises(CheckpointError, match="cannot be written"):
        SAVES[name](folder, trainer)
    assert not list(folder.path.glob("*.partial"))


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        new_run(tmp_path / "file" / "run")
    with pytest.raises(CheckpointError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run").held().__enter__()
