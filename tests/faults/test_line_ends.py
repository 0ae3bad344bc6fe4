r"""A text with line ends of \r\n, and a model that knows \n alone: said so, and read as it was meant."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from command_line import SMALL, problem_in
from command_line import run as run_command
from small_run import TEXT

from charlstm.checkpoint.record import load_config
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.run_files import FINDINGS
from charlstm.tasks.inspect import InspectRequest, inspect_run
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.tasks.training_plan import TrainRequest, plan_resumed_run

TRAIN = ["train", "text.txt", "--out", "run", "--steps", 4, *SMALL]
CONVERTED_SHA256 = sha256((TEXT * 20).encode()).hexdigest()


@pytest.fixture
def texts(tmp_path, monkeypatch) -> Path:
    """The working folder: text.txt has line ends of one character, dos.txt the same text with \r\n."""
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_bytes((TEXT * 20).encode())
    Path("dos.txt").write_bytes((TEXT * 20).replace("\n", "\r\n").encode())
    return tmp_path


def imported_weights() -> None:
    """Write weights.pt, whose vocabulary has the characters of TEXT."""
    chars = sorted(set(TEXT))
    lstm, head = torch.nn.LSTM(len(chars), 4), torch.nn.Linear(4, len(chars))
    tensors = {
        f"{name}.{key}": value
        for name, module in (("rnn", lstm), ("fc", head))
        for key, value in module.state_dict().items()
    }
    torch.save({"model": tensors, "chars": chars}, "weights.pt")


COMMANDS = {
    "score": ["score", "run", "dos.txt"],
    "inspect": ["inspect", "run", "dos.txt", "--characters", 24_000],
    "from": ["train", "dos.txt", "--from", "run", "--out", "new", "--steps", 2, "--precision", "float32"],
    "validation": [*TRAIN[:3], "new", *TRAIN[4:], "--validation", "dos.txt"],
    "import": ["import", "weights.pt", "--out", "theirs", "--overwrite", "--score", "dos.txt"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_error_names_the_line_ends_and_the_option_which_then_helps(texts, monkeypatch, capsys, command):
    imported_weights()
    assert run_command(monkeypatch, *TRAIN) == 0
    capsys.readouterr()
    assert run_command(monkeypatch, *COMMANDS[command]) == 3
    first, second = capsys.readouterr().err.splitlines()[-2:]
    position = TEXT.index("\n")
    assert rf"dos.txt has line ends of \r\n, the first at position {position}, and the model knows" in first
    assert "--newlines" in second
    assert run_command(monkeypatch, *COMMANDS[command], "--newlines") == 0
    lines = TEXT.count("\n") * 20
    assert rf"dos.txt: {lines} line ends of \r\n or \r are read as \n" in capsys.readouterr().err


def test_a_prompt_has_the_same_error_and_the_same_option(texts, monkeypatch, capsys):
    assert run_command(monkeypatch, *TRAIN) == 0
    capsys.readouterr()
    sample = ["sample", "run", "--length", 5, "--prompt"]
    assert run_command(monkeypatch, *sample, TEXT.replace("\n", "\r\n")) == 3
    first, second = problem_in(capsys.readouterr().err)
    position = TEXT.index("\n")
    assert rf"the prompt has line ends of \r\n, the first at position {position}, and the model" in first
    assert "--newlines" in second
    shown = []
    for prompt in (TEXT.replace("\n", "\r\n"), TEXT):
        assert run_command(monkeypatch, *sample, prompt, "--newlines") == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


def test_scores_and_findings_are_those_of_the_converted_text(texts, monkeypatch, capsys):
    assert run_command(monkeypatch, *TRAIN) == 0
    plain = score_run(ScoreRequest(run=Path("run"), corpus="text.txt"))
    dos = score_run(ScoreRequest(run=Path("run"), corpus="dos.txt", newlines=True))
    assert dos.bits_per_character == plain.bits_per_character
    assert dos.document(per_character=False)["sha256"] == CONVERTED_SHA256
    findings = []
    for name, newlines in (("text.txt", False), ("dos.txt", True)):
        request = InspectRequest(run=Path("run"), corpus=name, out=Path(f"of {name}"), newlines=newlines)
        inspect_run(request)
        document = Findings.load(Path(f"of {name}") / FINDINGS)
        findings.append(document.to_json())
    assert findings[0]["corpus"] | {"name": ""} == findings[1]["corpus"] | {"name": ""}
    assert findings[0]["excerpts"] == findings[1]["excerpts"]


def test_a_run_that_was_trained_on_converted_texts_reads_its_own_so(texts, monkeypatch, capsys):
    train = ["train", "dos.txt", *TRAIN[2:], "--validation", "dos.txt", "--newlines"]
    assert run_command(monkeypatch, *train) == 0
    record = load_config(Path("run")).corpus
    assert (record.sha256, record.validation_sha256, record.newlines) == (*[CONVERTED_SHA256] * 2, True)
    assert "\r" not in load_config(Path("run")).vocabulary.symbols
    capsys.readouterr()
    assert run_command(monkeypatch, "score", "run", "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["sha256"] == CONVERTED_SHA256
    assert "has changed" not in shown.err
    assert run_command(monkeypatch, "train", "--resume", "--out", "run", "--steps", 6) == 0
    assert load_config(Path("run")).corpus == record


def test_a_resumed_run_is_not_converted_where_it_was_not_before(texts, monkeypatch):
    assert run_command(monkeypatch, *TRAIN) == 0
    wanted = TrainRequest(corpus=None, out=Path("run"), model={}, training={}, resume=True, newlines=True)
    with pytest.raises(UsageError, match="was begun with newlines False, not True"):
        plan_resumed_run(wanted)


def test_a_text_whose_line_ends_alone_have_changed_is_no_other_text(texts, monkeypatch, capsys):
    """Its carriage returns are not replaced by question marks, as new characters of a changed text are."""
    assert run_command(monkeypatch, *TRAIN) == 0
    Path("dos.txt").replace("text.txt")
    capsys.readouterr()
    assert run_command(monkeypatch, "score", "run") == 3
    assert "--newlines" in capsys.readouterr().err
    assert run_command(monkeypatch, "score", "run", "--newlines") == 0
    assert "has changed" not in capsys.readouterr().err


def test_a_second_model_reads_the_text_with_the_same_line_ends(texts, monkeypatch):
    assert run_command(monkeypatch, "train", "dos.txt", *TRAIN[2:], "--newlines") == 0
    options = ["--characters", 24_000, "--compare", "untrained", "--out", "found"]
    assert run_command(monkeypatch, "inspect", "run", "dos.txt", "--newlines", *options) == 0
    left, right = (Findings.load(Path("found") / name) for name in ("findings.json", "compared.json"))
    assert left.corpus == right.corpus
