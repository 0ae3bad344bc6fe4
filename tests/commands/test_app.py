"""The commands as a person types them: what comes out where, and with which exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from command_line import run

from charlstm.checkpoint.loading import load
from charlstm.commands import exits
from charlstm.errors import (
    CharLSTMError,
    CheckpointError,
    CorpusError,
    DeviceError,
    DivergedError,
    ProcessError,
    UsageError,
)
from charlstm.tasks.inspect import other_run

SMALL = ["--cells", "12", "--embedding", "6", "--streams", "4", "--window", "16", "--precision", "float32"]


@pytest.fixture
def trained(tmp_path: Path, prose_file: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Path:
    path = tmp_path / "run"
    assert (
        run(monkeypatch, "train", prose_file, "--out", path, "--steps", 30, "--split", "80/10/10", *SMALL)
        == 0
    )
    capsys.readouterr()
    return path


def test_train_writes_a_run_and_shows_a_table(tmp_path, prose_file, monkeypatch, capsys):
    path = tmp_path / "run"
    assert run(monkeypatch, "train", prose_file, "--out", path, "--steps", 25, "--save-every", 5, *SMALL) == 0
    shown = capsys.readouterr()
    assert "validation" in shown.out
    assert "bits per character" in shown.out
    assert f"charlstm sample {path}" in shown.err
    assert max(len(line) for line in (shown.out + shown.err).splitlines() if str(tmp_path) not in line) <= 80
    assert {"config.json", "model.safetensors", "resume.safetensors", "metrics.jsonl"} <= {
        file.name for file in path.iterdir()
    }
    measurements = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert any("train_bits_per_character" in each for each in measurements)
    assert any("validation_bits_per_character" in each for each in measurements)


def test_train_as_json_lines(tmp_path, prose_file, monkeypatch, capsys):
    arguments = ["train", prose_file, "--out", tmp_path / "run", "--steps", 25, "--json", "--quiet", *SMALL]
    assert run(monkeypatch, *arguments) == 0
    shown = capsys.readouterr()
    events = [json.loads(line) for line in shown.out.splitlines()]
    assert events[0]["event"] == "prepared"
    assert events[-1]["event"] == "trained"
    assert shown.err == ""


def test_train_refuses_a_taken_folder_and_resumes_it(trained, prose_file, monkeypatch, capsys):
    assert run(monkeypatch, "train", prose_file, "--out", trained, "--steps", 30, *SMALL) == 4
    assert "--resume" in capsys.readouterr().err
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
        ["--epochs", "1"],
    ],
)
def test_train_with_other_settings(options, tmp_path, prose_file, monkeypatch, capsys):
    path = tmp_path / "run"
    length = [] if "--epochs" in options else ["--steps", 5]
    assert run(monkeypatch, "train", prose_file, "--out", path, *length, *options, *SMALL) == 0
    assert run(monkeypatch, "sample", path, "--length", 9) == 0
    assert run(monkeypatch, "score", path) == 0


def test_validation_on_another_text(tmp_path, prose_file, monkeypatch, capsys):
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


def test_tensorboard_that_is_not_installed(tmp_path, prose_file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    arguments = ["train", prose_file, "--out", tmp_path / "run", "--steps", 5, "--tensorboard", *SMALL]
    assert run(monkeypatch, *arguments) == 2
    assert "charlstm[tensorboard]" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_sample_is_repeatable_and_alone_on_stdout(trained, monkeypatch, capsys):
    texts = []
    for _ in range(2):
        assert run(monkeypatch, "sample", trained, "--prompt", "He ", "--length", 50) == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        texts.append(shown.out)
    assert texts[0] == texts[1]
    assert texts[0].startswith("He ")
    assert len(texts[0]) == len("He ") + 50 + 1


def test_sample_many_and_as_json(trained, monkeypatch, capsys):
    assert run(monkeypatch, "sample", trained, "--count", 3, "--length", 20) == 0
    assert "--- 3 ---" in capsys.readouterr().out
    assert run(monkeypatch, "sample", trained, "--count", 3, "--length", 20, "--json") == 0
    assert [len(text) for text in json.loads(capsys.readouterr().out)["samples"]] == [20, 20, 20]


def test_sample_in_bfloat16(trained, monkeypatch, capsys):
    assert run(monkeypatch, "sample", trained, "--count", 2, "--length", 20, "--precision", "bfloat16") == 0
    assert "--- 2 ---" in capsys.readouterr().out
    assert run(monkeypatch, "sample", trained, "--length", 20, "--precision", "bfloat16") == 0
    assert len(capsys.readouterr().out) == 21
    assert run(monkeypatch, "sample", trained, "--precision", "int3") == 2


def test_a_held_cell(trained, monkeypatch, capsys):
    command = ["sample", trained, "--length", 60, "--count", 2, "--json"]
    assert run(monkeypatch, *command) == 0
    plain = json.loads(capsys.readouterr().out)
    assert run(monkeypatch, *command, "--hold", "0:3=9", "--hold", "0:5=-4@20") == 0
    held = json.loads(capsys.readouterr().out)
    assert plain["hold"] == []
    assert held["hold"] == [
        {"layer": 0, "cell": 3, "value": 9.0, "start": 0},
        {"layer": 0, "cell": 5, "value": -4.0, "start": 20},
    ]
    assert held["samples"] != plain["samples"]
    assert run(monkeypatch, *command, "--hold", "0:3=9@20") == 0
    later = json.loads(capsys.readouterr().out)["samples"]
    assert [text[:20] for text in later] == [text[:20] for text in plain["samples"]]
    assert later != plain["samples"]


def test_a_cell_held_at_a_level_that_an_inspection_found(trained, monkeypatch, capsys):
    levels = ({"on": 1.75, "off": -0.25}, None)
    findings = [
        SimpleNamespace(layer=0, cell=number, detection=SimpleNamespace(levels=each))
        for number, each in enumerate(levels)
    ]
    (trained / "findings.json").touch()
    monkeypatch.setattr(
        "charlstm.tasks.sample.Findings.load", lambda path: SimpleNamespace(findings=findings)
    )
    command = ["sample", trained, "--length", 9, "--json"]
    assert run(monkeypatch, *command, "--hold", "0:0=on", "--hold", "0:0=off@4") == 0
    holds = json.loads(capsys.readouterr().out)["hold"]
    assert [(hold["value"], hold["start"]) for hold in holds] == [(1.75, 0), (-0.25, 4)]
    assert run(monkeypatch, *command, "--hold", "0:1=on") == 2
    assert "says it of 0:0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("hold", "words"),
    [
        ("0:3=on", ["there is no", "charlstm inspect", "0:3=1.5"]),
        ("0:12=on", ["no cell 0:12", "layer from 0 to 0", "cell from 0 to 11"]),
        ("1:3=2", ["no cell 1:3", "layer from 0 to 0", "cell from 0 to 11"]),
        ("0:-1=off", ["no cell 0:-1", "cell from 0 to 11"]),
        ("0:3=inf", ["finite, not inf"]),
        ("0:3=1@-1", ["at least 0, not -1"]),
        ("cell 3", ["LAYER:CELL=VALUE[@FROM]"]),
    ],
)
def test_what_cannot_be_held(trained, monkeypatch, capsys, hold, words):
    assert run(monkeypatch, "sample", trained, "--hold", hold) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(word in shown.err for word in words), shown.err


def test_a_prompt_with_an_unknown_character(trained, monkeypatch, capsys):
    assert run(monkeypatch, "sample", trained, "--prompt", "é") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "U+00E9" in shown.err
    assert run(monkeypatch, "sample", trained, "--prompt", "é", "--unknown", "skip", "--length", 5) == 0


def test_score(trained, prose_file, monkeypatch, capsys):
    assert run(monkeypatch, "score", trained, prose_file) == 0
    assert "bits per character" in capsys.readouterr().out
    assert run(monkeypatch, "score", trained, "--json", "--part", "validation", "--split", "60/20/20") == 0
    assert (
        run(monkeypatch, "score", trained, "--json", "--part", "validation") == 0
    )  # the run's own, 80/10/10
    other, document = map(json.loads, capsys.readouterr().out.splitlines())
    assert other["characters"] > document["characters"]
    assert run(monkeypatch, "score", trained, prose_file, "--json", "--part", "validation") == 0
    assert json.loads(capsys.readouterr().out)["characters"] == document["characters"]  # it is the same text
    evaluations = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    best = min(
        line["validation_bits_per_character"]
        for line in evaluations
        if "validation_bits_per_character" in line
    )
    assert document["bits_per_character"] == pytest.approx(best, abs=1e-4)
    assert len(document["sha256"]) == 64


def test_a_runs_own_text_may_have_changed_since(trained, prose_file, monkeypatch, capsys):
    assert run(monkeypatch, "score", trained) == 0
    assert "has changed" not in capsys.readouterr().err
    prose_file.write_text("\N{SNOWMAN}" + prose_file.read_text())
    assert run(monkeypatch, "score", trained) == 0
    assert "the run's text has changed since it was trained" in capsys.readouterr().err
    assert run(monkeypatch, "score", trained, prose_file) == 3, "a text that was named is taken at its word"


def test_score_of_a_model_that_goes_on_learning(trained, prose_file, monkeypatch, capsys):
    bits = []
    for options in ([], ["--dynamic"]):
        assert run(monkeypatch, "score", trained, prose_file, "--json", *options) == 0
        bits.append(json.loads(capsys.readouterr().out)["bits_per_character"])
    assert bits[1] < bits[0]


def test_score_of_each_character(trained, tmp_path, monkeypatch, capsys):
    (tmp_path / "short.txt").write_text("He said\n")
    assert run(monkeypatch, "score", trained, tmp_path / "short.txt", "--per-character") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[1] for row in rows] == ["e", " ", "s", "a", "i", "d", "\\n"]
    assert run(monkeypatch, "score", trained, tmp_path / "short.txt", "--per-character", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["per_character"][0] == pytest.approx(float(rows[0][2]), abs=1e-4)
    assert sum(document["per_character"]) / 7 == pytest.approx(document["bits_per_character"])


def test_inspect_writes_findings_and_a_page(tmp_path, prose, monkeypatch, capsys):
    text = tmp_path / "long.txt"
    text.write_text(prose * 200)
    path = tmp_path / "run"
    assert run(monkeypatch, "train", text, "--out", path, "--steps", 20, "--quiet", *SMALL) == 0
    capsys.readouterr()
    assert run(monkeypatch, "inspect", path, text, "--out", tmp_path / "found", "--characters", 24_000) == 0
    shown = capsys.readouterr()
    assert "report.html" in shown.err
    assert shown.out.strip()
    document = json.loads((tmp_path / "found" / "findings.json").read_text())
    assert document["schema_version"] == 1
    assert document["model"]["cells"] == 12
    assert "inside_parentheses" in document["method"]["features"]
    page = tmp_path / "found" / "report.html"
    drawn = page.read_text()
    page.unlink()
    assert run(monkeypatch, "report", tmp_path / "found") == 0
    assert page.read_text() == drawn
    assert 'id="weights"' in drawn  # from the run's folder, which the findings name
    assert run(monkeypatch, "report", tmp_path / "found", "--no-model") == 0
    assert 'id="weights"' not in page.read_text()
    assert "--no-model" in page.read_text()
    (path / "model.safetensors").rename(path / "elsewhere.safetensors")
    assert run(monkeypatch, "report", tmp_path / "found") == 0
    assert "cannot be read" in page.read_text()
    assert run(monkeypatch, "inspect", path, "--quiet") == 4
    (path / "elsewhere.safetensors").rename(path / "model.safetensors")
    capsys.readouterr()
    assert run(monkeypatch, "inspect", path, "--quiet") == 3  # its own held-out text is too short
    assert "20,000" in capsys.readouterr().err


def test_two_models_read_the_same_text(tmp_path, prose, monkeypatch, capsys):
    text = tmp_path / "long.txt"
    text.write_text(prose * 200)
    path, found = tmp_path / "run", tmp_path / "found"
    assert run(monkeypatch, "train", text, "--out", path, "--steps", 20, "--quiet", *SMALL) == 0
    command = ["inspect", path, text, "--out", found, "--characters", 20_000, "--compare"]
    assert run(monkeypatch, *command, path, "--figures", tmp_path / "figures") == 0
    assert "compare.html" in capsys.readouterr().err
    left, right = (json.loads((found / name).read_text()) for name in ("findings.json", "compared.json"))
    assert left["excerpts"] == right["excerpts"]
    assert left["provenance"]["weights_sha256"] == right["provenance"]["weights_sha256"]
    assert "side by side" in (found / "compare.html").read_text()
    assert {one.suffix for one in (tmp_path / "figures").iterdir()} == {".png", ".svg"}
    assert run(monkeypatch, *command, tmp_path / "nowhere") == 4


@pytest.mark.parametrize("twin", ["untrained", "shuffled"])
def test_a_twin_stands_for_a_run_that_is_not_there(trained, twin):
    checkpoint = load(trained)
    other = other_run(checkpoint, twin, seed=0)
    own, drawn = (each.model.weights(0).recurrent for each in (checkpoint, other))
    assert not torch.equal(own, drawn)
    assert torch.equal(own.flatten().sort().values, drawn.flatten().sort().values) == (twin == "shuffled")
    assert other.validation_bits_per_character is None


def test_demo(tmp_path, prose, monkeypatch, capsys):
    text = tmp_path / "long.txt"
    text.write_text(prose * 2_000)
    monkeypatch.setattr("charlstm.text.sources._stdlib_files", lambda: iter([text]))
    assert run(monkeypatch, "demo", "--minutes", 0.05, "--out", tmp_path / "demo") == 0
    shown = capsys.readouterr()
    assert "validation" in shown.out
    assert "def " in shown.out
    assert "report" in shown.err
    assert (tmp_path / "demo" / "report.html").exists()


def test_a_grammar_has_a_folder_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "train", "grammar:quotes:20000", "--steps", 2, *SMALL) == 0
    assert (tmp_path / "checkpoints" / "grammar-quotes-20000" / "model.safetensors").exists()
    assert run(monkeypatch, "score", "checkpoints/grammar-quotes-20000", "grammar:quotes:5000:1") == 0
    assert "4,999 characters" in capsys.readouterr().out


def test_corpora(trained, monkeypatch, capsys):
    assert run(monkeypatch, "corpora") == 0
    assert "stdlib" in capsys.readouterr().out
    assert run(monkeypatch, "corpora", "--json") == 0
    assert any(row["name"] == "stdlib" for row in json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["train"], 2, "CORPUS"),
        (["train", "nowhere.txt", "--steps", "1"], 3, "nowhere.txt"),
        (["train", "grammar:poems", "--steps", "1"], 3, "grammar:records"),
        (["train", "grammar:quotes:many", "--steps", "1"], 3, "quotes, brackets, records, indent"),
        (["train", "stdlib", "--steps", "1", "--minutes", "1"], 2, "minutes"),
        (["train", "stdlib", "--cells", "many"], 2, "--cells"),
        (["train", "stdlib", "--split", "50/60"], 2, "50/60"),
        (["train", "stdlib", "--device", "tpu"], 5, "tpu"),
        (["sample", "nowhere"], 4, "nowhere"),
        (["sample", "nowhere", "--temperature", "-1"], 2, "temperature"),
        (["score", "nowhere"], 4, "nowhere"),
        (["inspect", "nowhere"], 4, "nowhere"),
        (["report", "nowhere.json"], 2, "nowhere.json"),
        (["dance"], 2, "dance"),
    ],
)
def test_problems_and_their_exit_codes(arguments, code, word, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert word in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (UsageError, 2),
        (DivergedError, 2),
        (CorpusError, 3),
        (CheckpointError, 4),
        (DeviceError, 5),
        (ProcessError, 6),
        (CharLSTMError, 1),
    ],
)
def test_every_kind_of_problem_has_its_exit_code(kind, code):
    assert exits.exit_code(kind("fact", "advice")) == code


@pytest.mark.parametrize("rank", [0, 1])
def test_of_several_processes_the_first_tells_what_all_know(rank, tmp_path, monkeypatch, capsys):
    for name, value in {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert run(monkeypatch, "inspect", tmp_path) == 4
    assert ("charlstm:" in capsys.readouterr().err) == (rank == 0)
    assert run(monkeypatch, "train", "stdlib", "--device", "tpu") == 5
    assert "tpu" in capsys.readouterr().err, "a device may be missing in one of them only"


def test_ctrl_c_outside_of_training(trained, monkeypatch, capsys):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("charlstm.tasks.score.score_run", interrupted)
    assert run(monkeypatch, "score", trained) == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_run_and_it_goes_on(number, code, tmp_path, prose_file):
    path = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "charlstm",
        "train",
        str(prose_file),
        "--out",
        str(path),
        "--steps",
        "100000",
        "--evaluate-every",
        "100",
    ]
    process = subprocess.Popen([*command, *SMALL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    metrics = path / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (metrics.exists() and "validation" in metrics.read_text()):
        time.sleep(0.05)
    process.send_signal(number)
    _, narration = process.communicate(timeout=60)
    assert process.returncode == code
    assert "--resume" in narration
    assert load(path).validation_bits_per_character is not None
    saved = json.loads(metrics.read_text().splitlines()[-1])["step"]
    going_on = subprocess.Popen(
        [sys.executable, "-m", "charlstm", "train", "--resume", "--out", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while time.monotonic() < deadline and json.loads(metrics.read_text().splitlines()[-1])["step"] <= saved:
        time.sleep(0.05)
    going_on.send_signal(signal.SIGINT)
    _, narration = going_on.communicate(timeout=60)
    assert going_on.returncode == 130
    assert "going on after step" in narration


def test_a_reader_that_leaves_is_no_problem(trained):
    command = f"{sys.executable} -m charlstm sample {trained} --length 100000 | head -c 20"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=os.environ
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_help_is_quick_and_fits():
    environment = os.environ | {"COLUMNS": "80"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "charlstm", "--help"],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert time.perf_counter() - started < 3  # generous: the tests of a busy machine; it takes 0.15 s
    assert max(map(len, done.stdout.splitlines())) <= 80
