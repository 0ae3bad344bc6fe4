"""A run's folder for others: half of the size, nothing of this machine, and the same model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_run import new_run, saved_run

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.weights import Weights, load_weights
from charlstm.errors import CheckpointError, UsageError
from charlstm.inspection.describing.findings_data import provenance_of
from charlstm.report.page.packed_model import inside
from charlstm.sharing.run_for_others import bare_name, write_half_run
from charlstm.tasks.score import ScoreRequest, score_run


def best_of(run: Path) -> Weights:
    return load_weights(run, load_config(run).model)


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """The half run of the run in tmp_path/run."""
    run = saved_run(tmp_path)
    write_half_run(tmp_path / "half", load_config(run), best_of(run))
    return tmp_path / "half"


def test_a_half_run_scores_as_the_run_does_and_has_its_step_and_loss(tmp_path, half):
    text = str(tmp_path / "text.txt")
    run, other = (score_run(ScoreRequest(run=place, corpus=text)) for place in (tmp_path / "run", half))
    assert 0 < abs(run.bits_per_character - other.bits_per_character) < 1e-3
    own, rounded = load(tmp_path / "run"), load(half)
    assert (rounded.step, rounded.validation_bits_per_character) == (5, 3.25)
    assert rounded.config.vocabulary == own.config.vocabulary
    assert rounded.config.training == own.config.training


def test_a_half_run_has_two_files_and_nothing_of_this_machine(tmp_path, half):
    assert {file.name for file in half.iterdir()} == {"config.json", "model.safetensors"}
    assert all(str(tmp_path) not in file.read_text("utf-8", "ignore") for file in half.iterdir())
    assert (bare_name("/home/me/book.txt"), bare_name("hf:a/b")) == ("book.txt", "hf:a/b")


def test_the_size_that_is_told_is_that_of_the_files(tmp_path):
    run = saved_run(tmp_path)
    size = write_half_run(tmp_path / "half", load_config(run), best_of(run))
    assert size == sum(file.stat().st_size for file in (tmp_path / "half").iterdir())


def test_findings_of_a_half_run_go_into_a_page_with_its_model_and_not_with_the_runs(tmp_path, half):
    findings = {"provenance": provenance_of(load(half).model, None)}
    assert inside(findings, half).header is not None
    assert "has changed" in inside(findings, tmp_path / "run").absent


def test_what_is_there_is_replaced_only_where_it_is_a_run_and_that_is_asked_for(tmp_path, half):
    config, weights = load_config(half), best_of(half)
    with pytest.raises(CheckpointError, match="holds a run already"):
        write_half_run(half, config, weights)
    other = replace(config, begun_from="before")
    write_half_run(half, other, weights, overwrite=True)
    assert load_config(half) == other
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(CheckpointError, match=r"no run's, such as letter\.txt"):
        write_half_run(tmp_path / "mine", config, weights, overwrite=True)


def test_a_run_that_trains_is_not_replaced(tmp_path, half):
    folder, _ = new_run(tmp_path / "training")
    with folder.held(), pytest.raises(CheckpointError, match="another process is training"):
        write_half_run(folder.path, load_config(half), best_of(half), overwrite=True)


def test_weights_that_float16_cannot_hold_are_refused_before_anything_is_written(tmp_path, half):
    weights = best_of(half)
    large = weights._replace(tensors=weights.tensors | {"head.bias": np.full(5, 7e4, np.float32)})
    with pytest.raises(UsageError, match="half precision"):
        write_half_run(tmp_path / "new", load_config(half), large)
    assert not (tmp_path / "new").exists()
