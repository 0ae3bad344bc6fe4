"""`charlstm train` as a person types it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from command_line import SMALL, run

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.run_folder import RunFolder


def test_train_writes_a_run_and_shows_a_table(tmp_path, prose_file, monkeypatch, capsys):
    path = tmp_path / "run"
    assert run(monkeypatch, "train", prose_file, "--out", path, "--steps", 25, "--save-every", 5, *SMALL) == 0
    shown = capsys.readouterr()
    assert "validation" in shown.out
    assert "bits per character" in shown.out
    assert f"charlstm sample {path}" in shown.err
    lines = [line for line in (shown.out + shown.err).splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
    assert {"config.json", "model.safetensors", "resume.safetensors", "metrics.jsonl"} <= {
        file.name for file in path.iterdir()
    }
    measurements = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert any("train_bits_per_character" in each for each in measurements)
    assert any("validation_bits_per_character" in each for each in measurements)


def test_train_prints_its_events_as_json_lines(tmp_path, prose_file, monkeypatch, capsys):
    arguments = ["train", prose_file, "--out", tmp_path / "run", "--steps", 25, "--json", "--quiet", *SMALL]
    assert run(monkeypatch, *arguments) == 0
    shown = capsys.readouterr()
    events = [json.loads(line) for line in shown.out.splitlines()]
    assert events[0]["event"] == "prepared"
    assert events[-1]["event"] == "trained"
    assert shown.err == ""


def test_files_that_are_not_text_are_named_in_the_json(tmp_path, prose_file, monkeypatch, capsys):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(prose_file.read_text())
    (folder / "b.bin").write_bytes(b"\x00\xff\xfe" * 50)
    arguments = ["train", folder, "--out", tmp_path / "run", "--steps", 2, "--json", "--quiet", *SMALL]
    assert run(monkeypatch, *arguments) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[0]["left_out"] == [str(folder / "b.bin")]


def test_train_refuses_a_taken_folder_and_resumes_it(trained, prose_file, monkeypatch, capsys):
    assert run(monkeypatch, "train", prose_file, "--out", trained, "--steps", 30, *SMALL) == 4
    assert "--resume" in capsys.readouterr().err
    assert run(monkeypatch, "train", "--resume") == 2
    assert "name its folder by --out" in capsys.readouterr().err
    assert run(monkeypatch, "train", "--out", trained, "--resume", "--quiet") == 0
    assert run(monkeypatch, "train", "--out", trained, "--resume", "--cells", 99) == 2
    assert "--cells" in capsys.readouterr().err
    prose_file.write_text(prose_file.read_text() + "more")
    assert run(monkeypatch, "train", "--out", trained, "--resume") == 4
    assert "another text" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--level", "bytes"],
        ["--layers", "2", "--dropout", "0.2"],
        ["--activation", "relu"],
        ["--gates", "hard_sigmoid"],
        ["--epochs", "1"],
    ],
)
def test_train_takes_every_kind_of_setting(options, tmp_path, prose_file, monkeypatch, capsys):
    path = tmp_path / "run"
    length = [] if "--epochs" in options else ["--steps", 5]
    assert run(monkeypatch, "train", prose_file, "--out", path, *length, *options, *SMALL) == 0
    assert run(monkeypatch, "sample", path, "--length", 9) == 0
    assert run(monkeypatch, "score", path) == 0


def test_a_run_keeps_its_gates_and_another_function_is_refused_by_the_name_of_the_option(
    tmp_path, prose_file, monkeypatch, capsys
):
    path = tmp_path / "run"
    arguments = ["train", prose_file, "--out", path, "--steps", 5, *SMALL]
    assert run(monkeypatch, *arguments, "--gates", "hard_sigmoid") == 0
    assert load_config(path).model.gate_activation == "hard_sigmoid"
    capsys.readouterr()
    assert run(monkeypatch, "train", "--out", path, "--resume", "--gates", "sigmoid") == 2
    assert "leave --gates out" in capsys.readouterr().err
    other = ["train", prose_file, "--out", tmp_path / "other", "--from", path, "--gates", "sigmoid"]
    assert run(monkeypatch, *other) == 2
    assert "leave --gates out" in capsys.readouterr().err


def test_train_validates_on_another_text(tmp_path, prose_file, monkeypatch, capsys):
    other = tmp_path / "other.txt"
    other.write_text("He said not at all.\n" * 20)
    arguments = [
        "train",
        prose_file,
        "--validation",
        other,
        "--out",
        tmp_path / "run",
        "--steps",
        5,
        "--json",
        *SMALL,
    ]
    assert run(monkeypatch, *arguments) == 0
    prepared = json.loads(capsys.readouterr().out.splitlines()[0])
    assert prepared["train_characters"] == len(prose_file.read_text())
    assert prepared["validation_characters"] == 400


def test_a_run_that_diverges_says_what_to_try_and_keeps_what_was_saved(
    tmp_path, prose_file, monkeypatch, capsys
):
    path = tmp_path / "run"
    arguments = ["train", prose_file, "--out", path, "--steps", 400, "--save-every", 1, *SMALL]
    assert run(monkeypatch, *arguments, "--learning-rate", 1e14) == 2
    assert "--learning-rate" in capsys.readouterr().err
    assert run(monkeypatch, "sample", path, "--length", 5) == 0


def test_train_says_how_to_install_tensorboard(tmp_path, prose_file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    arguments = ["train", prose_file, "--out", tmp_path / "run", "--steps", 5, "--tensorboard", *SMALL]
    assert run(monkeypatch, *arguments) == 2
    assert "charlstm[tensorboard]" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_train_names_the_folder_of_a_generated_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "train", "grammar:quotes:20000", "--steps", 2, *SMALL) == 0
    assert (tmp_path / "checkpoints" / "grammar-quotes-20000" / "model.safetensors").exists()
    assert run(monkeypatch, "score", "checkpoints/grammar-quotes-20000", "grammar:quotes:5000:1") == 0
    assert "4,999 characters" in capsys.readouterr().out


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_only_the_first_shows_a_problem(rank, tmp_path, monkeypatch, capsys):
    for name, value in {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")  # torchrun's
    assert run(monkeypatch, "inspect", tmp_path) == 4
    assert ("charlstm:" in capsys.readouterr().err) == (rank == 0)
    assert run(monkeypatch, "train", "stdlib", "--device", "tpu") == 5
    assert "tpu" in capsys.readouterr().err, "a device may be missing in one of them only"


def started(*arguments: object) -> subprocess.Popen[str]:
    """A `charlstm train` with those arguments, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "charlstm", "train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Other tests run beside this process, and threads that wait for each other spin.
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
    )


def stopped_by(number: signal.Signals, process: subprocess.Popen[str], is_time: Callable[[], bool]) -> str:
    """Send a signal to a training when it is time, and return what it has said on stderr by its end."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not is_time():
        time.sleep(0.05)
    process.send_signal(number)
    return process.communicate(timeout=60)[1]


def test_a_signal_saves_the_run_and_training_can_continue(tmp_path, prose_file):
    path = tmp_path / "run"
    metrics = path / "metrics.jsonl"

    def measured_step() -> int:
        return int(json.loads(metrics.read_text().splitlines()[-1])["step"])

    def saved_step() -> int:
        return int(RunFolder(path).saved_numbers(parameters=0)["step"])

    process = started(prose_file, "--out", path, "--steps", 100_000, "--evaluate-every", 100, *SMALL)
    narration = stopped_by(
        signal.SIGINT, process, lambda: metrics.exists() and "validation" in metrics.read_text()
    )
    assert process.returncode == 130
    assert "--resume" in narration
    assert load(path).validation_bits_per_character is not None
    saved = saved_step()

    going_on = started("--resume", "--out", path)
    narration = stopped_by(signal.SIGTERM, going_on, lambda: measured_step() > saved)
    assert going_on.returncode == 143
    assert f"continuing after step {saved:,}" in narration
    assert "--resume" in narration
    assert saved_step() > saved
