"""Links in a run's folder: what they lead to outside of it is not read; those of the hub's cache are."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import run as run_command
from findings_document import findings_document, inspected
from small_run import TEXT, outcome, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.errors import CheckpointError, UsageError
from charlstm.machine import files
from charlstm.machine.own_runs import is_own
from charlstm.run_files import CONFIG, EVALUATED, FINDINGS, MODEL, REPORT, RESUME
from charlstm.tasks.report import draw_report
from charlstm.tasks.sample import read_holds

COMMANDS = {
    "sample": ["sample", "run", "--length", 5],
    "score": ["score", "run", "text.txt"],
    "inspect": ["inspect", "run", "text.txt"],
    "resume": ["train", "text.txt", "--resume", "--out", "run"],
    "from": [
        "train",
        "text.txt",
        "--from",
        "run",
        "--out",
        "new",
        "--steps",
        2,
        "--streams",
        4,
        "--window",
        8,
    ],
}
READ_BY = {CONFIG: list(COMMANDS), MODEL: ["sample", "score", "inspect", "from"], RESUME: ["resume"]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "run"
    train_small(request(out), stop_after=20)
    return out


@pytest.fixture
def foreign(trained, tmp_path, monkeypatch) -> Path:
    """A run that came from elsewhere, in the working folder, beside its text."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, "run")
    Path("text.txt").write_text(TEXT)
    return Path("run")


def lead_out(run: Path, name: str) -> None:
    """Put a link in the place of a run's file; it leads to that very file, outside of the run."""
    mine = Path("mine")
    mine.mkdir(exist_ok=True)
    (run / name).rename(mine / name)
    (run / name).symlink_to(f"../mine/{name}")


@pytest.mark.parametrize(("name", "command"), [(n, command) for n in READ_BY for command in READ_BY[n]])
def test_a_link_that_leads_out_of_a_run_is_refused_unread(foreign, monkeypatch, capsys, name, command):
    lead_out(foreign, name)
    assert run_command(monkeypatch, *COMMANDS[command]) == 4
    shown = capsys.readouterr()
    assert f"run/{name} cannot be used: it is a symbolic link that leads out of its folder" in shown.err
    assert shown.out == ""
    assert not Path("new").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "/dev/zero", "mine", "nothing"])
def test_nothing_of_what_a_link_leads_to_is_shown(foreign, target):
    Path("mine").write_text("the password is 1234")
    (foreign / CONFIG).unlink()
    (foreign / CONFIG).symlink_to(Path(target).absolute())
    with pytest.raises(CheckpointError) as raised:
        load(foreign)
    wanted = "has no config.json" if target == "nothing" else "a symbolic link that leads out of its folder"
    assert wanted in raised.value.problem
    assert "1234" not in str(raised.value)


def test_the_best_weights_are_not_copied_from_outside_by_a_training(foreign):
    lead_out(foreign, MODEL)
    (foreign / EVALUATED).unlink(missing_ok=True)
    with pytest.raises(CheckpointError, match="that leads out of its folder"):
        RunFolder(foreign).keep_evaluated()
    assert not (foreign / EVALUATED).exists()


def test_a_link_to_the_weights_of_another_run_is_not_put_into_a_page(foreign):
    document = findings_document() | inspected(foreign)
    document["model"] |= vars(load(foreign).config.model)
    (foreign / FINDINGS).write_text(json.dumps(document))
    draw_report(foreign, None)
    assert "cannot be read" not in (foreign / REPORT).read_text()
    lead_out(foreign, MODEL)
    draw_report(foreign, None)
    assert "a symbolic link that leads out of its folder" in (foreign / REPORT).read_text()


def test_findings_behind_a_link_are_read_only_where_they_were_named(foreign):
    (foreign / FINDINGS).write_text(json.dumps(findings_document()))
    lead_out(foreign, FINDINGS)
    for read in (lambda: draw_report(foreign, None), lambda: read_holds(foreign, ["0:1=on"])):
        with pytest.raises(UsageError, match="that leads out of its folder"):
            read()
    assert draw_report(foreign / FINDINGS, None).is_file()


def test_a_run_that_is_reached_through_a_link_and_links_within_it_are_read(foreign, monkeypatch):
    (foreign / "best").mkdir()
    (foreign / MODEL).rename(foreign / "best" / MODEL)
    (foreign / MODEL).symlink_to(f"best/{MODEL}")
    Path("link").symlink_to("run")
    assert run_command(monkeypatch, "score", "link", "text.txt") == 0


def in_the_hub_cache(run: Path, *, owner: str = "models--owner--name", inside: str = "") -> Path:
    """Lay the files of a run out as the cache of the hub does; return the run's folder there."""
    folder = Path("hub", owner, "snapshots", "0123456789abcdef", inside)
    blobs = Path("hub", owner, "blobs")
    for place in (folder, blobs):
        place.mkdir(parents=True)
    for number, file in enumerate(sorted(run.iterdir())):
        file.rename(blobs / str(number))
        up = "../" * len(folder.relative_to(blobs.parent).parts)
        (folder / file.name).symlink_to(f"{up}blobs/{number}")
    return folder


@pytest.mark.parametrize("inside", ["", "runs/book"])
def test_a_run_in_the_cache_of_the_hub_is_read(foreign, monkeypatch, inside):
    run = in_the_hub_cache(foreign, inside=inside)
    assert run_command(monkeypatch, "score", run, "text.txt") == 0
    assert run_command(monkeypatch, "sample", run, "--length", 5) == 0


def test_a_folder_that_looks_like_the_cache_of_the_hub_leads_nowhere_else(foreign):
    run = in_the_hub_cache(foreign)
    blobs = Path("hub", "models--owner--name", "blobs")
    blobs.rename("mine")
    blobs.symlink_to(Path("mine").absolute())
    with pytest.raises(CheckpointError, match="that leads out of its folder"):
        load(run)
    assert not is_own(run)


def test_another_folder_of_snapshots_is_no_cache_of_the_hub(foreign):
    with pytest.raises(CheckpointError, match="that leads out of its folder"):
        load(in_the_hub_cache(foreign, owner="mine"))


def test_a_run_with_links_within_it_resumes_as_one_without(trained, foreign):
    (foreign / RESUME).rename(foreign / "state")
    (foreign / RESUME).symlink_to("state")
    train_small(request(foreign.absolute(), resume=True))
    shutil.copytree(trained, "again")
    train_small(request(Path("again").absolute(), resume=True))
    assert outcome(foreign) == outcome(Path("again"))


def test_links_in_a_circle_are_an_error(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        files.refuse_link_outside(tmp_path / "a")
