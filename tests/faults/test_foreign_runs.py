"""A run's folder that somebody else made: it reads, writes and shows nothing that the user did not name."""

import json
import os
import shutil
from pathlib import Path

import pytest
from command_line import problem_in
from command_line import run as run_command
from damage import refusal
from findings_document import findings_document, inspected
from small_run import outcome, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import config_checksum, load_config
from charlstm.errors import CheckpointError, UsageError
from charlstm.findings import Findings
from charlstm.machine.own_runs import is_own, record_own
from charlstm.run_files import CONFIG, EVALUATED, FINDINGS, METRICS, MODEL, REPORT, RESUME
from charlstm.tasks.report import draw_report
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.tasks.training_plan import TrainRequest

SECRET = "the password is 1234\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "run"
    train_small(request(out), stop_after=20)
    return out


@pytest.fixture
def foreign(trained, tmp_path) -> Path:
    """A run that came from elsewhere: a copy of the one that was trained here."""
    shutil.copy(trained.parent / "text.txt", tmp_path)
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def name_in_config(run: Path, **record: object) -> None:
    """Let the config.json of a run name another text, with a checksum that agrees."""
    document = json.loads((run / CONFIG).read_text())
    del document["crc32"]
    document["corpus"] |= record
    (run / CONFIG).write_text(json.dumps(document | {"crc32": config_checksum(document)}))


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of all texts that were looked for."""
    names: list[str] = []

    def find(name, **settings):
        names.append(name)
        raise AssertionError(f"{name} was looked for")

    monkeypatch.setattr("charlstm.text.corpus.find_text", find)
    return names


NAMES = ["/etc/passwd", "secret.txt", "*.txt", ".", "hf:owner/name", "hf:.", "hf:pandas"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["score", "inspect", "resume"])
def test_a_text_that_a_foreign_run_names_is_not_read_unasked(
    foreign, monkeypatch, capsys, read, name, command
):
    monkeypatch.chdir(foreign.parent)
    Path("secret.txt").write_text(SECRET)
    name_in_config(foreign, name=name)
    arguments = ["train", "--resume", "--out", foreign] if command == "resume" else [command, foreign]
    assert run_command(monkeypatch, *arguments) == 2
    first, second = problem_in(capsys.readouterr().err)
    assert f"its text was {name}, SHA-256 {load_config(foreign).corpus.sha256[:12]}" in first
    assert "CORPUS" in second
    assert read == []


@pytest.mark.parametrize("command", ["score", "inspect"])
def test_a_text_that_was_named_is_read_and_told(foreign, monkeypatch, capsys, command):
    name_in_config(foreign, name="/etc/passwd")
    text = foreign.parent / "long.txt"
    text.write_text((foreign.parent / "text.txt").read_text() * 30)
    options = ["--characters", 24_000] if command == "inspect" else []
    assert run_command(monkeypatch, command, foreign, text, *options) == 0
    shown = capsys.readouterr()
    assert "passwd" not in shown.out + shown.err
    if command == "score":
        assert f"text      {text}, SHA-256 " in shown.err


def test_the_text_of_a_run_that_was_trained_here_is_read_unasked(trained, foreign):
    assert is_own(trained)
    score_run(ScoreRequest(run=trained))
    assert not is_own(foreign)
    with pytest.raises(UsageError, match="was not trained on this machine, or was moved"):
        score_run(ScoreRequest(run=foreign))


def test_a_dataset_is_not_fetched_unasked_even_for_an_own_run(foreign, read):
    name_in_config(foreign, name="hf:owner/name")
    record_own(foreign)
    assert is_own(foreign)
    with pytest.raises(UsageError, match=r"hf:owner/name, SHA-256 .*, which is not fetched unasked"):
        score_run(ScoreRequest(run=foreign))
    assert read == []


@pytest.mark.parametrize("name", ["stdlib", "grammar:quotes"])
def test_a_built_in_text_is_read_unasked(foreign, read, name):
    name_in_config(foreign, name=name)
    with pytest.raises(AssertionError, match="was looked for"):
        score_run(ScoreRequest(run=foreign))
    assert read == [name]


def test_a_foreign_text_to_validate_on_is_not_read_unasked(foreign, tmp_path):
    (tmp_path / "secret.txt").write_text(SECRET)
    name_in_config(foreign, validation=str(tmp_path / "secret.txt"))
    with pytest.raises(UsageError, match=r"its text was .*secret\.txt") as raised:
        train_small(request(foreign, resume=True))
    assert "`validation`" in raised.value.advice


def test_a_foreign_run_that_is_resumed_on_a_named_text_becomes_own_with_that_name(foreign, tmp_path):
    name_in_config(foreign, name="/etc/passwd")
    train_small(request(foreign, resume=True))
    assert is_own(foreign)
    assert load_config(foreign).corpus.name == str(tmp_path / "text.txt")


def test_a_moved_run_says_which_text_it_was_trained_on_and_how_to_name_it(trained, tmp_path, monkeypatch):
    out = tmp_path / "run"
    train_small(request(out), stop_after=2)
    (tmp_path / "text.txt").rename(tmp_path / "moved.txt")
    sha256 = load_config(out).corpus.sha256[:12]
    for arguments in (["score", out], ["inspect", out], ["train", "--resume", "--out", out]):
        assert run_command(monkeypatch, *arguments) == 3
    shutil.move(out, tmp_path / "elsewhere")
    out = tmp_path / "elsewhere"
    with pytest.raises(UsageError, match=rf"its text was .*text\.txt, SHA-256 {sha256}"):
        score_run(ScoreRequest(run=out))
    assert score_run(ScoreRequest(run=out, corpus=str(tmp_path / "moved.txt"))).corpus.sha256[:12] == sha256


@pytest.mark.parametrize("name", [METRICS, MODEL, RESUME, EVALUATED, CONFIG])
def test_links_in_a_run_are_never_written_through(foreign, name):
    target = foreign / "target"
    if (foreign / name).exists():
        (foreign / name).rename(target)
    else:
        target.write_bytes((foreign / MODEL).read_bytes())
    was = target.read_bytes()
    (foreign / name).symlink_to("target")
    if name == METRICS:
        with pytest.raises(CheckpointError, match="it is a symbolic link, not a regular file"):
            train_small(request(foreign, resume=True))
    else:
        train_small(request(foreign, resume=True))
    assert target.read_bytes() == was


def test_links_in_the_place_of_what_an_inspection_writes_are_replaced(foreign, tmp_path, monkeypatch):
    target = tmp_path / "target"
    target.write_text("mine")
    text = tmp_path / "long.txt"
    text.write_text((tmp_path / "text.txt").read_text() * 30)
    names = [FINDINGS, REPORT, *(f"{name}.{os.getpid()}.partial" for name in (FINDINGS, REPORT))]
    for name in names:
        (foreign / name).symlink_to(target)
    assert run_command(monkeypatch, "inspect", foreign, text, "--quiet", "--characters", 24_000) == 0
    assert target.read_text() == "mine"
    assert not (foreign / FINDINGS).is_symlink()


def test_a_link_that_leads_nowhere_makes_no_file_there(foreign, tmp_path):
    (foreign / METRICS).unlink()
    (foreign / METRICS).symlink_to(tmp_path / "made")
    with pytest.raises(CheckpointError, match="it is a symbolic link"):
        train_small(request(foreign, resume=True))
    assert not (tmp_path / "made").exists()


def test_figures_are_not_written_through_links(tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    from charlstm.report.figure_files import save

    (tmp_path / "target").write_text("mine")
    for suffix in ("png", "svg"):
        (tmp_path / f"figure.{suffix}").symlink_to(tmp_path / "target")
    save(Figure(), tmp_path / "figure")
    assert (tmp_path / "target").read_text() == "mine"


def test_logs_for_tensorboard_are_not_written_through_a_link(foreign, tmp_path, monkeypatch):
    monkeypatch.setattr("charlstm.tasks.train._tensorboard_writer", lambda: pytest.fail)
    (foreign / "tensorboard").symlink_to(tmp_path / "events")
    with pytest.raises(UsageError, match="tensorboard is a symbolic link"):
        train_small(TrainRequest(**{**vars(request(foreign, resume=True)), "tensorboard": True}))
    assert not (tmp_path / "events").exists()


def resume(run: Path) -> None:
    train_small(request(run, resume=True), stop_after=0)


def read_findings(run: Path) -> None:
    try:
        Findings.load(run / FINDINGS)
    except UsageError as error:
        raise CheckpointError(error.problem, error.advice) from error


def draw(run: Path) -> None:
    """Draw the page of the run's findings, and raise what it says of the model that is not in it."""
    findings = findings_document() | {"provenance": {"weights_sha256": "0" * 64}}
    (run / FINDINGS).write_text(json.dumps(findings))
    draw_report(run, None)
    page = (run / REPORT).read_text()
    assert len(page) < 1_500_000
    raise CheckpointError(page[page.index('id="model"') :][:3_000], "")


READERS = {CONFIG: load, MODEL: load, RESUME: resume, METRICS: resume, FINDINGS: read_findings}


@pytest.mark.parametrize("name", list(READERS))
def test_pipes_and_devices_in_the_place_of_files_are_refused_at_once(foreign, name):
    (foreign / name).unlink(missing_ok=True)
    os.mkfifo(foreign / name)
    assert "it is a pipe, not a regular file" in refusal(READERS[name], foreign)
    (foreign / name).unlink()
    (foreign / name).symlink_to("/dev/zero")
    assert "not a regular file" in refusal(READERS[name], foreign)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
        b"[" + b"[]," * 20_000_000 + b"[]]",
        b'{"schema_version": NaN}',
        b'{"schema_version": 1e999}',
    ],
)
def test_findings_beyond_any_inspection_are_refused(foreign, content):
    (foreign / FINDINGS).write_bytes(content)
    assert f"{FINDINGS} is not JSON" in refusal(read_findings, foreign)


def test_findings_of_many_gigabytes_are_not_read(foreign):
    (foreign / FINDINGS).touch()
    os.truncate(foreign / FINDINGS, 8 * 10**9)
    assert "more than 67,108,864 bytes" in refusal(read_findings, foreign)


def test_levels_that_are_no_numbers_are_refused(foreign):
    document = findings_document()
    document["findings"][0]["detection"]["levels"] = {"on": float("nan"), "off": 0.0}
    (foreign / FINDINGS).write_text(json.dumps(document))
    assert "NaN or infinite" in refusal(read_findings, foreign)


def sparse_model(run: Path, shape: dict[str, int]) -> None:
    """Let a run's config.json and its weights, a hole in a file, describe a model of this shape."""
    from charlstm.config import ModelConfig, parameter_shapes

    document = json.loads((run / CONFIG).read_text())
    del document["crc32"]
    document["model"] |= shape
    (run / CONFIG).write_text(json.dumps(document))
    header, end = {"__metadata__": {"numbers": "{}"}}, 0
    for name, size in parameter_shapes(ModelConfig(**document["model"])).items():
        begin, end = end, end + 4 * size[0] * (size[1] if len(size) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": list(size), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(run / MODEL, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)


def test_a_hole_of_gigabytes_that_fits_the_model_is_neither_loaded_nor_drawn(foreign):
    sparse_model(foreign, {"cells": 15_000, "layers": 2})
    assert (foreign / MODEL).stat().st_size > 8 * 10**9
    assert "empty" in refusal(load, foreign)
    assert "5,500,000 at most" in refusal(draw, foreign)
    (foreign / RESUME).unlink()
    (foreign / RESUME).write_bytes(b"\2\0\0\0\0\0\0\0{}")
    assert "do not fit the model" in refusal(resume, foreign)


@pytest.mark.parametrize("layers", [1_000, 10**9])
def test_a_page_of_absurdly_many_layers_is_drawn_without_the_model(foreign, layers):
    document = json.loads((foreign / CONFIG).read_text())
    del document["crc32"]
    document["model"]["layers"] = layers
    (foreign / CONFIG).write_text(json.dumps(document))
    assert "cannot be read" in refusal(draw, foreign)


@pytest.mark.parametrize("name", [CONFIG, MODEL])
def test_a_pipe_in_the_place_of_what_a_page_carries_does_not_stop_it(foreign, name):
    (foreign / name).unlink()
    os.mkfifo(foreign / name)
    assert "There is no run in" in refusal(draw, foreign) or name == MODEL


def test_a_page_takes_the_model_only_from_where_the_user_says(foreign, tmp_path):
    document = findings_document(checkpoint=str(foreign)) | inspected(foreign)
    document["model"] |= vars(load_config(foreign).model)
    other = tmp_path / "other"
    other.mkdir()
    (other / FINDINGS).write_text(json.dumps(document))
    draw_report(other, None)
    assert "There is no run in" in (other / REPORT).read_text()
    draw_report(other, None, run=foreign)
    assert "There is no run in" not in (other / REPORT).read_text()
    del document["provenance"]
    (foreign / FINDINGS).write_text(json.dumps(document))
    draw_report(foreign, None)
    assert "do not say which weights they are about" in (foreign / REPORT).read_text()


def test_weights_of_another_run_cannot_be_begun_from_where_they_do_not_fit(foreign, tmp_path):
    sparse_model(foreign, {"cells": 15_000, "layers": 2})
    wanted = TrainRequest(**{**vars(request(tmp_path / "new")), "begin_from": foreign, "model": {}})
    with pytest.raises(CheckpointError, match="cannot be used"):
        train_small(wanted)
    assert not (tmp_path / "new").exists()


def test_a_resumed_copy_ends_as_the_run_it_was_copied_from(trained, foreign):
    train_small(request(foreign, resume=True))
    shutil.copytree(trained, foreign.parent / "again")
    train_small(request(foreign.parent / "again", resume=True))
    assert outcome(foreign) == outcome(foreign.parent / "again")
