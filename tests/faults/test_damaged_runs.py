"""A run whose files are cut, changed or forged gives one clear error, quickly and in little memory."""

import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from command_line import problem_in
from damage import refusal, refusals
from safetensors.torch import load_file, save_file
from small_run import digest, load_to_resume, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.record import load_config
from charlstm.checkpoint.tensor_file import load_tensors
from charlstm.commands import app
from charlstm.config import SamplingConfig
from charlstm.errors import CheckpointError, UsageError
from charlstm.findings import Findings
from charlstm.run_files import CONFIG, MODEL, RESUME
from charlstm.tasks import sample


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Train a run and interrupt it, for tests to copy and damage."""
    out = tmp_path_factory.mktemp("whole") / "run"
    train_small(request(out), stop_after=20)
    return out


@pytest.fixture
def run(whole, tmp_path) -> Path:
    shutil.copy(whole.parent / "text.txt", tmp_path)
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def resume_and_stop(run: Path) -> None:
    train_small(request(run, resume=True), stop_after=0)


READERS = {CONFIG: load_config, MODEL: load, RESUME: resume_and_stop}


@pytest.mark.parametrize("name", [CONFIG, MODEL, RESUME])
def test_a_file_cut_at_any_length_is_refused(run, name, heavy):
    content = (run / name).read_bytes()
    lengths = range(len(content) - 1)  # config.json without its last line feed is still valid
    for length in lengths if heavy else sorted(random.Random(1).sample(lengths, 300)):
        (run / name).write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=f"{name} cannot be used"):
            load_to_resume(run) if name == RESUME else READERS[name](run)


@pytest.mark.parametrize("name", [CONFIG, MODEL, RESUME])
def test_a_flipped_bit_is_refused_or_changes_nothing(run, name, heavy):
    content, before = (run / name).read_bytes(), load(run)
    state = digest(run / RESUME)
    places = range(len(content)) if heavy and name != RESUME else range(0, len(content), len(content) // 300)
    drawn, refused = random.Random(2), 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << drawn.randrange(8)
        (run / name).write_bytes(damaged)
        try:
            load_to_resume(run) if name == RESUME else None
            after = load(run)
        except CheckpointError:
            refused += 1
            continue
        assert after.config == before.config, place
        for tensor, value in before.model.state_dict().items():
            assert torch.equal(after.model.state_dict()[tensor], value), place
        assert digest(run / RESUME) == state or name == RESUME
    assert refused > 0.85 * len(places)


def rewrite(place: Path, change: Callable[[dict], object], numbers: dict | None = None) -> None:
    """Apply change to the tensors of a file, replace its numbers if any are given, and drop its checksum."""
    tensors = load_file(place)
    change(tensors)
    if numbers is None:
        _, numbers = load_tensors(place, lambda shapes: True)
    save_file(tensors, place, {"numbers": json.dumps(numbers)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.update({"head.bias": torch.zeros(3)}), "do not fit the model"),
        (lambda t: t.update({"../../etc/passwd": torch.zeros(3)}), "do not fit the model"),
        (lambda t: t.pop("head.bias"), "do not fit the model"),
        (lambda t: t.update({"head.bias": t["head.bias"].double()}), "do not fit the model"),
        (lambda t: t["head.bias"].fill_(torch.nan), "NaN or infinite"),
        (lambda t: t["head.weight"].fill_(-torch.inf), "NaN or infinite"),
        (lambda t: t["head.weight"].fill_(3e38), "overflow"),
        (lambda t: [t[n].fill_(1e25) for n in ("embedding.weight", "layers.0.weight_ih_l0")], "overflow"),
    ],
)
def test_impossible_weights_are_refused(run, change, words):
    rewrite(run / MODEL, change)
    with pytest.raises(CheckpointError, match=words):
        load(run)


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        "step",
        {},
        {"step": "1", "validation_bits_per_character": None},
        {"step": -1, "validation_bits_per_character": None},
        {"step": 1e400, "validation_bits_per_character": 1.0},
        {"step": 1, "validation_bits_per_character": float("nan")},
        {"step": 1, "validation_bits_per_character": [[]]},
    ],
)
def test_impossible_numbers_beside_the_weights_are_refused(run, numbers):
    rewrite(run / MODEL, lambda tensors: None, numbers)
    with pytest.raises(CheckpointError, match="cannot be used"):
        load(run)


@pytest.mark.parametrize(
    "change",
    [
        {"step": -1},
        {"position": 10**9},
        {"position": None},
        {"elapsed_seconds": float("nan")},
        {"best_bits": "low"},
        {"metrics_bytes": -5},
        {"characters": 10**400},
    ],
)
def test_impossible_numbers_in_the_resume_state_are_refused(run, change):
    numbers = load_tensors(run / RESUME, lambda shapes: True)[1]
    rewrite(run / RESUME, lambda tensors: None, numbers | change)
    with pytest.raises(CheckpointError, match=r"resume\.safetensors cannot be used"):
        resume_and_stop(run)


@pytest.mark.parametrize("name", ["generator", "state.h", "optimizer.0.0.exp_avg", "model.head.bias"])
def test_missing_or_misshapen_tensors_in_the_resume_state_are_refused(run, name):
    good = (run / RESUME).read_bytes()
    for change in (lambda t: t.pop(name), lambda t: t.update({name: torch.zeros(2, 3)})):
        (run / RESUME).write_bytes(good)
        rewrite(run / RESUME, change)
        with pytest.raises(CheckpointError, match="do not fit the model"):
            resume_and_stop(run)


HUGE = 10**12


def header(**tensors: object) -> bytes:
    """Return the header of a safetensors file: its length as 8 bytes, then a JSON object of tensors."""
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text


FALSE_HEADERS = [
    struct.pack("<Q", 2**63) + b"{}",
    struct.pack("<Q", 90_000_000) + b"{" + bytes(1000),
    header(**{"head.bias": {"dtype": "F32", "shape": [HUGE], "data_offsets": [0, 4 * HUGE]}}),
    header(**{"head.bias": {"dtype": "F32", "shape": [2**62, 8], "data_offsets": [0, 0]}}),
    header(**{"head.bias": {"dtype": "F32", "shape": [0, HUGE], "data_offsets": [0, 0]}}),
    header(**{"head.bias": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}) + bytes(4),
    header(**{f"x{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(100_000)}),
    b"",
    b"PK\x03\x04" + bytes(100),
    bytes(10_000),
]


@pytest.mark.parametrize("name", [MODEL, RESUME])
def test_a_tensor_file_with_a_false_header_is_refused(run, name):
    runs = copies(run, len(FALSE_HEADERS))
    for copy, content in zip(runs, FALSE_HEADERS, strict=True):
        (copy / name).write_bytes(content)
    for message in refusals(load_to_resume if name == RESUME else load, runs):
        assert f"{name} cannot be used" in message


def copies(run: Path, count: int) -> list[Path]:
    """Copy the run's folder count times, and return the new folders."""
    return [Path(shutil.copytree(run, run.with_name(f"run{number}"))) for number in range(count)]


def test_a_file_of_ten_gigabytes_of_zeros_is_refused_unread(run):
    """The file is sparse, and its header is true: one tensor of 2.5 billion zeros."""
    text = header(**{"head.bias": {"dtype": "F32", "shape": [25 * 10**8], "data_offsets": [0, 10**10]}})
    with open(run / MODEL, "wb") as file:
        file.write(text)
        file.truncate(len(text) + 10**10)
    assert "it is nearly empty" in refusal(load, run)


def change_config(run: Path, change: Callable[[dict], object]) -> None:
    """Apply change to the document in config.json, and drop its checksum."""
    document = json.loads((run / CONFIG).read_text())
    document.pop("crc32")
    change(document)
    (run / CONFIG).write_text(json.dumps(document))


IMPOSSIBLE_SETTINGS = [
    lambda c: c["model"].update(cells=10**6),
    lambda c: c["model"].update(cells=10**30),
    lambda c: c["model"].update(layers=10**9),
    lambda c: c["model"].update(layers=1000),
    lambda c: c["model"].update(embedding=10**6),
    lambda c: c["model"].update(cells=8.5),
    lambda c: c["model"].update(cells="8"),
    lambda c: c["model"].update(dropout="much"),
    lambda c: c["model"].update(activation=["tanh"]),
    lambda c: c["model"].update(cells=None),
    lambda c: c.update(model=None),
    lambda c: c.update(model=[1, 2]),
    lambda c: c.update(format="1"),
    lambda c: c.update(vocabulary={"level": "characters", "symbols": ["a"] * 11}),
    lambda c: c["vocabulary"]["symbols"].__setitem__(0, "ab"),
    lambda c: c["vocabulary"]["symbols"].__setitem__(0, "\ud800"),
    lambda c: c["vocabulary"]["symbols"].__setitem__(0, c["vocabulary"]["symbols"][1]),
    lambda c: c["vocabulary"]["symbols"].__setitem__(0, 5),
    lambda c: c["vocabulary"].update(level="words"),
    lambda c: c.update(vocabulary=7),
    lambda c: c.update(training={"steps": "many"}),
    lambda c: c.update(training={"steps": 1, "seed": 2**80}),
    lambda c: c.update(corpus={"name": "x"}),
    lambda c: c.update(corpus="x"),
]


def test_impossible_settings_in_the_config_are_refused(run):
    runs = copies(run, len(IMPOSSIBLE_SETTINGS))
    for copy, change in zip(runs, IMPOSSIBLE_SETTINGS, strict=True):
        change_config(copy, change)
    assert all("cannot be used" in message for message in refusals(load, runs))


NOT_CONFIGS = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" + b"[]," * 2_700_000 + b"[]]",
    b"[" + b"[]," * 20_000_000 + b"[]]",
    b'{"format": ' + b"9" * 1_000_000 + b"}",
    b"\xff\xfe{",
    b"null",
    b'"format"',
    b"",
]


def test_a_config_file_that_holds_something_else_is_refused(run):
    runs = copies(run, len(NOT_CONFIGS))
    for copy, content in zip(runs, NOT_CONFIGS, strict=True):
        (copy / CONFIG).write_bytes(content)
    assert all("config.json cannot be used" in message for message in refusals(load_config, runs))


@pytest.mark.parametrize("content", ["[" * 100_000, "{", "[]", '{"findings": ' + "9" * 9999 + "}", "\0"])
def test_a_findings_file_that_holds_something_else_is_a_usage_error(run, content):
    (run / "findings.json").write_text(content)
    with pytest.raises(UsageError):
        Findings.load(run / "findings.json")
    with pytest.raises(UsageError):
        sample.read_holds(run, ["0:1=on"])


@pytest.mark.parametrize(
    "damage", [lambda run: (run / MODEL).write_bytes(b"x"), lambda run: (run / CONFIG).unlink()]
)
def test_every_command_on_a_damaged_run_ends_with_exit_code_4(run, damage, monkeypatch, capsys):
    damage(run)
    text = run.parent / "text.txt"
    for command in (["sample"], ["score"], ["score", text], ["inspect"], ["sample", "--hold", "0:99=1"]):
        monkeypatch.setattr("sys.argv", ["charlstm", command[0], str(run), *map(str, command[1:])])
        if "--hold" in command and (run / CONFIG).exists():
            continue
        with pytest.raises(SystemExit) as exit_raised:
            app.main()
        assert exit_raised.value.code == 4, command
        shown = capsys.readouterr()
        assert shown.out == ""
        assert len(problem_in(shown.err)) == 2


def test_a_folder_in_place_of_a_file_is_refused(run):
    for name in (MODEL, CONFIG):
        (run / name).unlink()
        (run / name).mkdir()
        with pytest.raises(CheckpointError):
            load(run)
        with pytest.raises(CheckpointError):
            next(sample.sample_run(run, "He", config=SamplingConfig(length=1), seed=0))
