"""`charlstm import` as a person types it."""

import json

import pytest
import torch
from command_line import run


@pytest.fixture
def weights(tmp_path):
    """A file with the weights of somebody's model of five characters."""
    lstm, head = torch.nn.LSTM(5, 4), torch.nn.Linear(4, 5)
    tensors = {
        f"{name}.{key}": value
        for name, module in (("rnn", lstm), ("fc", head))
        for key, value in module.state_dict().items()
    }
    place = tmp_path / "weights.pt"
    torch.save({"model": tensors, "chars": list("ab c\n")}, place)
    return place


def test_what_was_found_is_a_table_with_the_next_commands(weights, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run") == 0
    shown = capsys.readouterr()
    assert "1 of 4 cells" in shown.out
    assert f"charlstm inspect {tmp_path / 'run'} CORPUS" in shown.err


def test_the_json_holds_the_score_when_a_text_is_named(weights, tmp_path, monkeypatch, capsys):
    text = tmp_path / "text.txt"
    text.write_text("ab c\n" * 50)
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run", "--score", text, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cells"] == 4
    assert document["score"]["characters"] == 249


def test_a_run_is_not_replaced_unasked(weights, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run") == 0
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run") == 4
    assert run(monkeypatch, "import", weights, "--out", tmp_path / "run", "--overwrite") == 0
