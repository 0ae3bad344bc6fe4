"""An inspection around the finder: which text and model are inspected, and which files are written."""

from pathlib import Path

import pytest
import torch
from findings_document import findings_document
from tiny_run import TEXT, imported_run, saved_run

from charlstm.checkpoint.loading import load
from charlstm.config import InspectionConfig
from charlstm.errors import CheckpointError, DeviceError, UnknownCharacterError, UsageError
from charlstm.findings import Findings
from charlstm.inspection.inspect import InspectionRequest
from charlstm.tasks import inspect
from charlstm.tasks.inspect import InspectRequest, inspect_run, other_run


@pytest.fixture
def inspected(monkeypatch) -> list[InspectionRequest]:
    """The requests that reach the finder, which is replaced: it finds what findings_document has."""
    requests = []

    def record(request, *, progress, processes) -> Findings:
        requests.append(request)
        progress("reading", 1.0)
        return Findings.from_json(findings_document())

    monkeypatch.setattr(inspect, "inspect_model", record)
    return requests


def spelled(request: InspectionRequest) -> str:
    return request.vocabulary.decode(request.ids)


def test_without_a_text_the_part_is_read_that_the_run_was_not_trained_on(tmp_path, inspected):
    run = saved_run(tmp_path, split="80/10/10")
    result = inspect_run(InspectRequest(run=run, out=tmp_path / "found", command="charlstm inspect run"))
    (request,) = inspected
    assert spelled(request) == TEXT[len(TEXT) * 8 // 10 :]
    assert request.corpus_name == str(tmp_path / "text.txt")
    assert (request.checkpoint, request.command) == (str(run), "charlstm inspect run")
    assert request.bits_per_character == 3.25
    assert request.trained_on == 0
    assert result.findings_path == tmp_path / "found" / "findings.json"
    assert Findings.load(result.findings_path) == result.findings
    assert result.report_path.is_file()
    assert result.comparison_path is None
    assert result.notes == ()


def test_the_text_is_read_on_the_device_that_was_asked_for(tmp_path, inspected):
    run = saved_run(tmp_path)
    inspect_run(InspectRequest(run=run, out=run, device="cpu"))
    assert inspected[0].device == torch.device("cpu")
    with pytest.raises(DeviceError, match="there is no device 'tpu' here"):
        inspect_run(InspectRequest(run=tmp_path / "none", out=run, device="tpu"))


def test_a_named_text_is_read_as_a_whole(tmp_path, inspected):
    run = saved_run(tmp_path)
    result = inspect_run(InspectRequest(run=run, out=run, corpus=str(tmp_path / "text.txt")))
    assert spelled(inspected[0]) == TEXT
    seen = len(TEXT) * 8 // 10
    assert inspected[0].trained_on == seen
    assert result.notes == (
        f"{tmp_path / 'text.txt'} is read from its beginning; the run was trained on its first "
        f"{seen:,} characters: what is found may be what the model knows by heart",
    )


def test_a_text_that_the_run_was_not_trained_on_has_no_such_note(tmp_path, inspected):
    run = saved_run(tmp_path)
    (tmp_path / "other.txt").write_text(TEXT[1:])
    assert inspect_run(InspectRequest(run=run, out=run, corpus=str(tmp_path / "other.txt"))).notes == ()
    assert inspected[0].trained_on is None
    assert inspect_run(InspectRequest(run=run, out=run)).notes == ()


def test_a_run_validated_on_another_text_is_inspected_on_its_whole_training_text(tmp_path, inspected):
    run = saved_run(tmp_path, validation="other.txt")
    (note,) = inspect_run(InspectRequest(run=run, out=run)).notes
    assert spelled(inspected[0]) == TEXT
    assert inspected[0].trained_on == len(TEXT)
    assert note.startswith("the run was trained on all of its text, and what is found may be")


def test_all_of_the_text_is_read_where_too_little_was_held_out(tmp_path, inspected):
    text = TEXT * (30_000 // len(TEXT) + 1)
    run = saved_run(tmp_path, text=text)
    (note,) = inspect_run(InspectRequest(run=run, out=run)).notes
    assert spelled(inspected[0]) == text
    held_out = len(text) - len(text) * 8 // 10
    assert note.startswith(f"only {held_out:,} characters were not trained on: all of the text is read")


def test_a_training_text_that_has_changed_is_noticed(tmp_path, inspected):
    run = saved_run(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT + "fox")
    notes = inspect_run(InspectRequest(run=run, out=run)).notes
    assert notes == ("the run's text has changed since it was trained; new characters are replaced",)


def test_memory_that_a_stage_has_freed_is_returned_before_the_next_one(tmp_path, inspected, monkeypatch):
    done = []
    monkeypatch.setattr(inspect, "return_freed_memory", lambda: done.append("returned"))
    inspect_run(
        InspectRequest(run=saved_run(tmp_path), out=tmp_path / "found"),
        progress=lambda stage, _: done.append(stage),
    )
    assert done == ["returned", "reading"]


def test_a_second_model_reads_the_same_text_and_is_compared(tmp_path, inspected):
    run = saved_run(tmp_path)
    fractions = []
    result = inspect_run(
        InspectRequest(run=run, out=tmp_path / "found", compare="untrained"),
        progress=lambda stage, done: fractions.append(done),
    )
    first, second = inspected
    assert spelled(first) == spelled(second)
    assert (second.checkpoint, second.bits_per_character) == ("untrained", None)
    assert fractions == [0.5, 1.0]
    assert (tmp_path / "found" / "compared.json").is_file()
    assert result.comparison_path == tmp_path / "found" / "compare.html"
    assert result.comparison_path.is_file()


def test_a_second_run_that_cannot_spell_the_text_is_refused_before_anything_is_inspected(tmp_path, inspected):
    run = saved_run(tmp_path)
    (tmp_path / "other").mkdir()
    other = saved_run(tmp_path / "other", text="fox\n" * 200)
    with pytest.raises(UnknownCharacterError):
        inspect_run(InspectRequest(run=run, out=run, compare=str(other)))
    assert not inspected
    inspect_run(InspectRequest(run=run, out=run, compare=str(other), unknown="replace"))
    assert len(inspected) == 2


def test_a_second_run_replaces_what_is_new_in_a_text_that_has_changed(tmp_path, inspected):
    run = saved_run(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT + "FOX")
    inspect_run(InspectRequest(run=run, out=run, compare="shuffled"))
    first, second = inspected
    assert spelled(first) == spelled(second)
    assert len(spelled(first)) == len(TEXT) + 3 - (len(TEXT) + 3) * 8 // 10


def test_the_settings_reach_the_finder(tmp_path, inspected):
    config = InspectionConfig(characters=1234, seed=5)
    run = saved_run(tmp_path)
    inspect_run(InspectRequest(run=run, out=run, config=config))
    assert inspected[0].config == config


def test_an_imported_run_needs_a_text(tmp_path, inspected):
    run = imported_run(tmp_path / "run")
    with pytest.raises(UsageError, match="no text of its own"):
        inspect_run(InspectRequest(run=run, out=run))
    assert not inspected


@pytest.mark.parametrize("twin", ["untrained", "shuffled"])
def test_a_twin_has_the_runs_shape_and_text_but_other_weights(tmp_path, twin):
    checkpoint = load(saved_run(tmp_path))
    other = other_run(checkpoint, twin, seed=3)
    assert other.config == checkpoint.config
    assert other.validation_bits_per_character is None
    weights, twins = (each.model.weights(0).recurrent for each in (checkpoint, other))
    assert not torch.equal(weights, twins)
    same_numbers = torch.equal(weights.flatten().sort().values, twins.flatten().sort().values)
    assert same_numbers == (twin == "shuffled")
    again = other_run(checkpoint, twin, seed=3).model.weights(0).recurrent
    assert torch.equal(twins, again)


def test_a_folder_called_like_a_twin_is_a_run(tmp_path, monkeypatch):
    checkpoint = load(saved_run(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").rename("untrained")
    assert other_run(checkpoint, "untrained", seed=0).path == Path("untrained")


def test_a_second_run_must_be_there_and_read_the_same_units(tmp_path):
    checkpoint = load(saved_run(tmp_path))
    with pytest.raises(CheckpointError, match="not a run's folder"):
        other_run(checkpoint, str(tmp_path / "nowhere"), seed=0)
    (tmp_path / "bytes").mkdir()
    of_bytes = saved_run(tmp_path / "bytes", level="bytes")
    with pytest.raises(UsageError, match=r"reads bytes and .* reads characters"):
        other_run(checkpoint, str(of_bytes), seed=0)
