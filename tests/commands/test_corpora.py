"""`charlstm corpora` as a person types it."""

import json

from command_line import run


def test_corpora_lists_built_in_and_cached_texts(trained, monkeypatch, capsys):
    assert run(monkeypatch, "corpora") == 0
    assert "stdlib" in capsys.readouterr().out
    assert run(monkeypatch, "corpora", "--json") == 0
    assert any(row["name"] == "stdlib" for row in json.loads(capsys.readouterr().out))
