"""Files of the user's stay as they are unless --overwrite says otherwise, and then only those of a run go."""

import json
import os
import shutil
import threading
from pathlib import Path

import pytest
from command_line import run as run_command
from processes import PROCESSES
from small_run import digest, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.errors import CharLSTMError, CheckpointError, UsageError
from charlstm.run_files import CONFIG, METRICS, MODEL, RESUME, RUN_FILES
from charlstm.tasks import train
from charlstm.tasks.import_weights import ImportRequest, import_model
from charlstm.tasks.training_plan import TrainRequest


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("name", [name for name in RUN_FILES if name != CONFIG])
def test_a_folder_with_somebodys_file_of_a_runs_name_is_refused(tmp_path, name, overwrite):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text("mine")
    wanted = TrainRequest(**{**vars(request(out)), "overwrite": overwrite})
    with pytest.raises(CheckpointError, match=f"holds files that are no run's, such as {name}"):
        train_small(wanted)
    assert contents(out) == {name: b"mine"}


def test_overwriting_removes_all_that_the_old_run_left_and_nothing_else(tmp_path):
    out = tmp_path / "run"
    train_small(request(out), stop_after=3)
    for name in RUN_FILES:
        if not (out / name).exists():
            (out / name).write_text("of the old run")
    (out / "notes.txt").write_text("mine")
    wanted = TrainRequest(**{**vars(request(out)), "overwrite": True})
    training = train.train_run(wanted)
    next(training)
    training.close()
    assert {path.name for path in out.iterdir()} == {CONFIG, METRICS, RESUME, "notes.txt"}
    assert (out / METRICS).read_bytes() == b""
    assert (out / "notes.txt").read_text() == "mine"


def test_the_levels_of_an_old_run_are_not_held_in_a_new_one(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    train_small(request(out), stop_after=3)
    (out / "findings.json").write_text('{"of": "the old run"}')
    train_small(TrainRequest(**{**vars(request(out)), "overwrite": True}), stop_after=3)
    assert run_command(monkeypatch, "sample", out, "--hold", "0:1=on") == 2
    assert "there is no" in capsys.readouterr().err


@pytest.mark.parametrize("overwrite", [True, False])
def test_an_import_never_overwrites_its_own_source(tmp_path, overwrite):
    out = tmp_path / "run"
    train_small(request(out), stop_after=3)
    (tmp_path / "link").symlink_to(out)
    (tmp_path / "names.json").write_text(json.dumps(list(load_config(out).vocabulary.symbols)))
    before = contents(out)
    for source in (out / MODEL, tmp_path / "link" / MODEL):
        vocabulary = tmp_path / "names.json"
        asked = ImportRequest(weights=source, out=out, vocabulary=vocabulary, overwrite=overwrite)
        with pytest.raises(UsageError, match="which would be overwritten"):
            import_model(asked)
    assert contents(out) == before


def test_a_training_never_overwrites_what_it_reads(tmp_path):
    out = tmp_path / "run"
    train_small(request(out), stop_after=3)
    before = contents(out)
    for sources in ({"corpus": str(out / METRICS)}, {"begin_from": out, "model": {}}):
        wanted = TrainRequest(**{**vars(request(out)), "overwrite": True, **sources})
        with pytest.raises(UsageError, match="which would be overwritten"):
            train_small(wanted)
    assert contents(out) == before


@pytest.fixture
def short_stdlib(tmp_path, prose, monkeypatch) -> None:
    text = tmp_path / "long.txt"
    text.write_text(prose * 20)
    monkeypatch.setattr("charlstm.text.sources._stdlib_files", lambda: iter([text]))


def demo_replaces(out: Path, monkeypatch, *options: str) -> bool:
    """Whether a demo in the folder out would replace what is there."""
    wanted: list[TrainRequest] = []
    monkeypatch.setattr("charlstm.commands.demo.follow", lambda request, **_: wanted.append(request) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_command(monkeypatch, "demo", "--out", out, *options)
    return wanted[0].overwrite


def test_a_demo_replaces_unasked_only_what_a_demo_made(tmp_path, short_stdlib, monkeypatch):
    out = tmp_path / "demo"
    train_small(request(out), stop_after=3)
    assert not demo_replaces(out, monkeypatch), "it was trained on another text"
    assert demo_replaces(out, monkeypatch, "--overwrite")
    shutil.rmtree(out)
    train_small(TrainRequest(**{**vars(request(out)), "corpus": "stdlib"}), stop_after=3)
    assert demo_replaces(out, monkeypatch)
    shutil.copytree(out, tmp_path / "copy")
    assert not demo_replaces(tmp_path / "copy", monkeypatch), "it was trained elsewhere"
    assert not demo_replaces(tmp_path / "nothing", monkeypatch)


def test_a_demo_beside_a_run_of_another_text_says_how_to_go_on(tmp_path, short_stdlib, monkeypatch, capsys):
    out = tmp_path / "demo"
    train_small(request(out), stop_after=3)
    before = contents(out)
    assert run_command(monkeypatch, "demo", "--out", out, "--minutes", 0.01) == 4
    shown = capsys.readouterr().err
    assert "holds a run already" in shown
    assert "--overwrite" in shown
    assert "--out" in shown
    assert contents(out) == before


@pytest.mark.parametrize("again", [True, False])
def test_a_run_in_a_folder_that_was_replaced_is_not_overwritten(tmp_path, again):
    """The lock is of the folder that was removed: a second training may have begun in a new one."""
    out = tmp_path / "run"
    training = train.train_run(request(out, save_every=5))
    while not isinstance(event := next(training), train.loop.Stepped) or event.step < 3:
        pass
    shutil.rmtree(out)
    if again:
        train_small(request(out, save_every=5, seed=2), stop_after=10)
    before = {name: digest(out / name) for name in (MODEL, RESUME)} if again else {}
    with pytest.raises(CheckpointError, match="it was removed or replaced"):
        for _ in training:
            pass
    assert {name: digest(out / name) for name in before} == before
    assert out.exists() == again


def test_a_measurement_does_not_go_into_another_runs_log(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.held():
        folder.log({"step": 1})
        shutil.rmtree(folder.path)
        folder.path.mkdir()
        with pytest.raises(CheckpointError, match="removed or replaced"):
            folder.log({"step": 2})
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("name", [METRICS, RESUME, MODEL])
def test_a_pipe_in_a_running_trainings_folder_ends_it_with_one_error(tmp_path, name):
    """Opening a pipe that nobody writes to waits for ever, and nothing could stop such a training."""
    out = tmp_path / "run"
    training = train.train_run(request(out, save_every=5))
    while not isinstance(event := next(training), train.loop.Stepped) or event.step < 3:
        pass
    (out / name).unlink(missing_ok=True)
    os.mkfifo(out / name)
    ended: list[object] = []

    def go_on() -> None:
        try:
            ended.append(list(training)[-1])
        except CharLSTMError as error:
            ended.append(error)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    thread.join(30)
    assert ended, "it waits for the pipe"
    if name == METRICS:
        assert "it is a pipe, not a regular file" in str(ended[0])
    else:
        assert isinstance(ended[0], train.Trained)
        load(out)


def _save_in_little_memory(out: Path, told) -> None:
    """Train, and let memory end at the second save."""
    import resource

    import torch

    torch.set_num_threads(1)
    saves = 0
    saved = RunFolder.save_resume

    def save(folder, training):
        nonlocal saves
        saves += 1
        if saves > 2:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + (1 << 20)
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        saved(folder, training)

    RunFolder.save_resume = save  # type: ignore[method-assign]
    wanted = request(out, save_every=1)
    wanted.model.update(cells=800)
    try:
        train_small(wanted, stop_after=8)
        told.send("it ended")
    except BaseException as error:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        told.send(f"{type(error).__name__}: {error}")


def test_memory_that_ends_while_saving_leaves_the_last_save(tmp_path):
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_save_in_little_memory, args=(tmp_path / "run", theirs))
    process.start()
    theirs.close()
    try:
        told = ours.recv()
    finally:
        process.kill()
        process.join()
        ours.close()
    assert told.startswith("DeviceError: out of memory while saving"), told
    assert "train --resume" in told
    out = tmp_path / "run"
    assert not list(out.glob("*.partial"))
    assert train_small(request(out, resume=True), stop_after=0).step == 1
    load(out)
