"""Exported runs: they can be imported again, and what cannot be exported is refused."""

import numpy as np
import onnx
import pytest
from exported_run import probabilities, run_of
from tiny_run import TEXT

from charlstm.checkpoint.record import load_config
from charlstm.errors import CheckpointError, UsageError
from charlstm.tasks.import_weights import ImportRequest, import_model
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.tasks.sharing.export import export_run


@pytest.mark.parametrize("level", ["characters", "bytes"])
@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors"])
def test_an_exported_model_can_be_imported_again(tmp_path, name, level):
    (tmp_path / "text.txt").write_text(text := TEXT + "\u201cna\xefve\u201d \U0001f98a", "utf-8")
    run = run_of(tmp_path / "run", text=text, level=level, layers=2)
    place = export_run(run, tmp_path / name).path
    back = import_model(ImportRequest(weights=place, out=tmp_path / "back")).path
    np.testing.assert_allclose(probabilities(back), probabilities(run), atol=1e-6)
    assert load_config(back).vocabulary == load_config(run).vocabulary
    scored, own = (
        score_run(ScoreRequest(run=place, corpus=str(tmp_path / "text.txt"))) for place in (back, run)
    )
    assert len(scored.ids) == len(text if level == "characters" else text.encode())
    np.testing.assert_allclose(scored.nats, own.nats, atol=1e-5)


def test_what_cannot_be_exported_is_refused_and_nothing_is_replaced(tmp_path):
    run = run_of(tmp_path / "run")
    with pytest.raises(UsageError, match="no ending"):
        export_run(run, tmp_path / "model.bin")
    taken = tmp_path / "model.onnx"
    taken.write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        export_run(run, taken)
    assert taken.read_text() == "mine"
    onnx.checker.check_model(str(export_run(run, taken, overwrite=True).path))
    relu = run_of(tmp_path / "relu", activation="relu")
    for name in ("relu.onnx", "relu.safetensors"):
        with pytest.raises(UsageError):
            export_run(relu, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_a_name_without_an_ending_and_a_folder_become_a_run(tmp_path):
    run = run_of(tmp_path / "run")
    (tmp_path / "there.v2").mkdir()
    for out in (tmp_path / "half", tmp_path / "there.v2"):
        exported = export_run(run, out)
        assert exported.path == out
        assert exported.bytes < (run / "model.safetensors").stat().st_size
        np.testing.assert_allclose(probabilities(out), probabilities(run), atol=1e-3)
        with pytest.raises(CheckpointError, match="holds a run already"):
            export_run(run, out)
    with pytest.raises(UsageError, match="would be overwritten"):
        export_run(run, run, overwrite=True)
    assert (run / "metrics.jsonl").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    run = run_of(tmp_path / "run")
    with pytest.raises(UsageError, match="cannot be written"):
        export_run(run, run / "config.json" / "model.onnx")


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("name", ["model.safetensors", "resume.safetensors"])
def test_a_file_of_a_run_is_never_replaced_be_it_there_or_not(tmp_path, name, overwrite):
    run = run_of(tmp_path / "run")
    (tmp_path / "link.safetensors").symlink_to(run / name)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    for out in (run / name, tmp_path / "link.safetensors"):
        with pytest.raises(UsageError, match="which would be lost") as refused:
            export_run(run, out, overwrite=overwrite)
        assert "overwrite" not in refused.value.advice
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert export_run(run, run / "plain.safetensors").path.exists()
