"""Texts of a run: the same with and without torch; holds that are read from what a user types."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import Hold, ModelConfig, SamplingConfig
from charlstm.errors import CheckpointError, UnknownCharacterError, UsageError
from charlstm.model.char_lstm import CharLSTM
from charlstm.run_files import FETCHED_RUNS
from charlstm.sampling.sampler import sample
from charlstm.tasks import sample as sample_task
from charlstm.tasks.sample import read_holds, sample_run
from charlstm.text.vocabulary import Vocabulary


def saved(path, model: CharLSTM):
    folder = RunFolder(path)
    folder.create(RunConfig(model.config, None, Vocabulary("characters", tuple("abcdefghij\n")), None))
    folder.save_model(model, validation_bits_per_character=None)
    return folder.path


@pytest.fixture
def run(tmp_path, small_model):
    """The folder of a run of 2 layers of 6 tanh cells on 11 symbols."""
    return saved(tmp_path / "run", small_model)


def drawn_with_torch(run, prompt: str, config: SamplingConfig, seed: int) -> list[list[str]]:
    checkpoint, generator = load(run), torch.Generator().manual_seed(seed)
    vocabulary = checkpoint.config.vocabulary
    return list(sample(checkpoint.model, vocabulary, prompt, config=config, generator=generator))


@pytest.mark.parametrize("prompt", ["", "a", "abcj" * 3000])
def test_a_seed_draws_the_same_text_with_and_without_torch(run, prompt):
    config = SamplingConfig(length=200, hold=(Hold(0, 1, 2.0, 50),), top_k=7)
    pieces = list(sample_run(run, prompt, config=config, seed=5))
    assert pieces == drawn_with_torch(run, prompt, config, 5)


def test_cells_that_are_not_tanh_are_drawn_by_torch(tmp_path):
    config = ModelConfig(vocabulary_size=11, cells=6, embedding=4, activation="relu")
    run = saved(tmp_path / "run", CharLSTM(config, generator=torch.Generator().manual_seed(0)))
    settings = SamplingConfig(length=30, count=2)
    assert list(sample_run(run, "abc", config=settings, seed=5)) == drawn_with_torch(run, "abc", settings, 5)


def test_a_hold_of_a_cell_that_the_model_does_not_have_is_refused(run):
    with pytest.raises(UsageError, match="no cell 7:0"):
        next(sample_run(run, "a", config=SamplingConfig(hold=(Hold(7, 0, 1.0, 0),)), seed=0))


def test_what_cannot_be_drawn_is_refused(run, tmp_path):
    with pytest.raises(UsageError, match="seed"):
        next(sample_run(run, "a", config=SamplingConfig(), seed=-1))
    with pytest.raises(UnknownCharacterError):
        next(sample_run(run, "z", config=SamplingConfig(), seed=0))
    with pytest.raises(CheckpointError):
        next(sample_run(tmp_path / "nowhere", "a", config=SamplingConfig(), seed=0))


def test_holds_are_read_in_the_order_that_they_are_typed(run):
    assert read_holds(run, ["1:5=-1.5@20", "0:0=2"]) == (Hold(1, 5, -1.5, 20), Hold(0, 0, 2.0, 0))
    assert read_holds(run, []) == ()


@pytest.fixture
def levels(run, monkeypatch):
    """The folders that findings are read from; all of them know the levels of cell 0:1 only."""
    findings = [
        SimpleNamespace(layer=0, cell=1, detection=SimpleNamespace(levels={"on": 1.75, "off": -0.25})),
        SimpleNamespace(layer=1, cell=2, detection=SimpleNamespace(levels=None)),
    ]
    (run / "findings.json").touch()
    folders = []

    def load_from(folder):
        folders.append(folder)
        return SimpleNamespace(findings=findings)

    monkeypatch.setattr(sample_task.Findings, "load_from", load_from)
    return folders


@pytest.mark.usefixtures("levels")
def test_on_and_off_are_the_levels_of_the_inspection(run):
    assert read_holds(run, ["0:1=on", "0:1=off@9"]) == (Hold(0, 1, 1.75, 0), Hold(0, 1, -0.25, 9))


def test_the_levels_of_a_run_from_the_hub_are_where_its_inspection_writes(
    tmp_path, small_model, levels, monkeypatch
):
    fetched = saved(tmp_path / "cache" / FETCHED_RUNS / "me--fox", small_model)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"there is no checkpoints/me--fox/findings\.json"):
        read_holds(fetched, ["0:1=on"])
    (tmp_path / "checkpoints" / "me--fox").mkdir(parents=True)
    (tmp_path / "checkpoints" / "me--fox" / "findings.json").touch()
    assert read_holds(fetched, ["0:1=on"]) == (Hold(0, 1, 1.75, 0),)
    assert levels == [Path("checkpoints/me--fox")]


@pytest.mark.usefixtures("levels")
def test_a_cell_without_levels_is_refused_with_those_that_have_them(run):
    with pytest.raises(UsageError, match="says it of 0:1"):
        read_holds(run, ["1:2=on"])


def test_on_and_off_need_an_inspection(run):
    with pytest.raises(UsageError, match="there is no") as raised:
        read_holds(run, ["0:1=on"])
    assert "charlstm inspect" in raised.value.advice


@pytest.mark.parametrize("spec", ["9:9=1", "0:99=on", "cell 3", "0:1=inf", "0:1=1@-1"])
def test_holds_that_cannot_be_are_refused(run, spec):
    with pytest.raises(UsageError):
        read_holds(run, [spec])
