"""A training's plan: which text is split how, which settings are chosen, and what a resumed run refuses."""

from pathlib import Path

import pytest
import torch
from tiny_run import TEXT, imported_run, saved_run

from charlstm.config import TrainingConfig
from charlstm.errors import CheckpointError, CorpusError, UnknownCharacterError, UsageError
from charlstm.tasks.training_plan import TrainRequest, plan_new_run, plan_resumed_run
from charlstm.training.default_settings import suggested


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    return tmp_path / "text.txt"


def request(out: Path, corpus: Path | None, **changes: object) -> TrainRequest:
    wanted = {"corpus": corpus and str(corpus), "out": out, "model": {}, "training": {}} | changes
    return TrainRequest(**wanted)


def test_settings_that_are_not_given_are_chosen_for_the_text(tmp_path, text):
    plan = plan_new_run(request(tmp_path / "run", text, training={"minutes": 2.0, "window": 8}))
    chosen = suggested(int(len(TEXT) * 0.9), TrainingConfig(minutes=2.0, window=8))
    model, training = plan.config.model, plan.training
    assert (model.cells, model.layers, model.dropout) == (chosen.cells, chosen.layers, chosen.dropout)
    assert (training.streams, training.learning_rate) == (chosen.streams, chosen.learning_rate)
    assert (training.warmup, training.weight_decay) == (chosen.warmup, chosen.weight_decay)
    assert plan.config.training == training


def test_settings_that_are_given_stay(tmp_path, text):
    given = {"steps": 9, "streams": 3, "window": 8, "learning_rate": 0.5, "warmup": 0.1, "weight_decay": 0.25}
    size = {"cells": 7, "layers": 2, "embedding": 5, "dropout": 0.75, "activation": "relu"}
    plan = plan_new_run(request(tmp_path / "run", text, model=size, training=given))
    assert {name: getattr(plan.training, name) for name in given} == given
    assert {name: getattr(plan.config.model, name) for name in size} == size


def test_training_and_validation_are_shares_of_the_text_in_its_order(tmp_path, text):
    plan = plan_new_run(
        request(tmp_path / "run", text, training={"steps": 1, "streams": 2}, split="70/20/10")
    )
    spell = plan.config.vocabulary.decode
    length = len(TEXT)
    assert spell(plan.train) == TEXT[: length * 7 // 10]
    assert spell(plan.validation) == TEXT[length * 7 // 10 : length * 9 // 10]
    record = plan.config.corpus
    assert (record.name, record.characters, record.split) == (str(text), length, "70/20/10")


def test_a_validation_text_leaves_the_whole_text_for_training(tmp_path, text):
    (tmp_path / "other.txt").write_text("jumps over\n" * 9)
    other = str(tmp_path / "other.txt")
    plan = plan_new_run(
        request(tmp_path / "run", text, training={"steps": 1, "streams": 2}, validation=other)
    )
    assert len(plan.train) == len(TEXT)
    assert plan.config.vocabulary.decode(plan.validation) == "jumps over\n" * 9
    assert plan.config.corpus.validation == other


def test_a_validation_text_of_other_characters_is_refused_by_its_name(tmp_path, text):
    (tmp_path / "other.txt").write_text("jumps $ over")
    with pytest.raises(UnknownCharacterError, match=r"other\.txt: .*U\+0024") as raised:
        plan_new_run(
            request(tmp_path / "run", text, training={"steps": 1}, validation=str(tmp_path / "other.txt"))
        )
    assert '`level="bytes"`' in raised.value.advice


def test_bytes_have_a_vocabulary_of_bytes(tmp_path):
    (tmp_path / "text.txt").write_text("\N{SNOWMAN} quick\n" * 200, encoding="utf-8")
    plan = plan_new_run(
        request(tmp_path / "run", tmp_path / "text.txt", training={"steps": 1, "streams": 2}, level="bytes")
    )
    assert plan.config.vocabulary.level == "bytes"
    assert plan.config.corpus.characters == len("\N{SNOWMAN} quick\n".encode()) * 200


def test_files_that_are_not_text_are_left_out_and_named(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT)
    (folder / "b.bin").write_bytes(b"\x00\xff\xfe" * 50)
    plan = plan_new_run(request(tmp_path / "run", folder, training={"steps": 1, "streams": 2}))
    assert [path.name for path in plan.left_out] == ["b.bin"]
    assert plan.config.corpus.characters == len(TEXT)


def test_a_text_that_is_too_short_is_refused_before_anything_is_written(tmp_path, text):
    with pytest.raises(CorpusError, match="shorter than the window"):
        plan_new_run(request(tmp_path / "run", text, training={"steps": 1, "window": 2_000}))
    assert not (tmp_path / "run").exists()


def test_a_taken_folder_is_refused_before_the_text_is_read(tmp_path):
    run = saved_run(tmp_path)
    with pytest.raises(CheckpointError, match="holds a run already"):
        plan_new_run(request(run, tmp_path / "nowhere.txt", training={"steps": 1}))


@pytest.mark.parametrize("training", [{}, {"minutes": 1.0, "steps": 3}, {"steps": 0}])
def test_a_training_without_one_possible_length_is_refused(tmp_path, text, training):
    with pytest.raises(UsageError):
        plan_new_run(request(tmp_path / "run", text, training=training))


def test_a_resumed_run_has_the_settings_and_the_text_it_was_begun_with(tmp_path):
    run = saved_run(tmp_path, split="80/20")
    plan = plan_resumed_run(request(run, None, resume=True, split="80/20", level="characters"))
    assert plan.config.model.cells == 8
    assert plan.training == plan.config.training
    assert len(plan.train) == len(TEXT) * 8 // 10
    assert plan.config.vocabulary.decode(plan.validation) == TEXT[len(TEXT) * 8 // 10 :]


def test_the_same_text_under_another_name_can_be_given_to_a_resumed_run(tmp_path):
    run = saved_run(tmp_path)
    (tmp_path / "text.txt").rename(tmp_path / "moved.txt")
    plan = plan_resumed_run(request(run, tmp_path / "moved.txt", resume=True))
    assert plan.config.corpus.name == str(tmp_path / "moved.txt"), "it is found there from now on"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"split": "50/50"}, "begun with split 80/10/10, not 50/50"),
        ({"level": "bytes"}, "begun with level characters, not bytes"),
        ({"validation": "text.txt"}, "begun with validation of the split 80/10/10, not text.txt"),
    ],
)
def test_a_part_of_the_text_that_differs_from_the_runs_is_refused(tmp_path, given, words):
    run = saved_run(tmp_path)
    with pytest.raises(UsageError, match=words) as raised:
        plan_resumed_run(request(run, None, resume=True, **given))
    assert f"`{next(iter(given))}`" in raised.value.advice


def test_equal_shares_may_be_written_otherwise(tmp_path):
    plan_resumed_run(request(saved_run(tmp_path), None, resume=True, split="80.0/10/10"))


def test_a_setting_that_differs_from_the_runs_is_refused(tmp_path):
    run = saved_run(tmp_path)
    same = {"model": {"cells": 8}, "training": {"steps": 6}}
    plan_resumed_run(request(run, None, resume=True, **same))
    with pytest.raises(UsageError, match=r"begun with learning_rate 0\.012, not 0\.5") as raised:
        plan_resumed_run(request(run, None, resume=True, training={"learning_rate": 0.5}))
    assert "`learning_rate`" in raised.value.advice


def test_another_length_is_refused_with_the_one_that_the_run_has(tmp_path):
    run = saved_run(tmp_path)
    with pytest.raises(UsageError, match=r"begun with steps 6, not minutes 5\.0") as raised:
        plan_resumed_run(request(run, None, resume=True, training={"minutes": 5.0}))
    assert "leave `minutes` out" in raised.value.advice


def test_a_text_that_has_changed_is_refused(tmp_path):
    run = saved_run(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT + "fox")
    with pytest.raises(CheckpointError, match="trained on another text"):
        plan_resumed_run(request(run, None, resume=True))


def test_an_imported_run_has_no_training_to_go_on_with(tmp_path):
    with pytest.raises(CheckpointError, match="was imported"):
        plan_resumed_run(request(imported_run(tmp_path / "run"), None, resume=True))


def test_a_run_on_a_gpu_gets_the_sizes_for_one(tmp_path, text, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    plan = plan_new_run(
        request(tmp_path / "run", text, training={"minutes": 0.5, "window": 8}, device="cuda")
    )
    assert (plan.config.model.cells, plan.config.model.layers) == (384, 2)
