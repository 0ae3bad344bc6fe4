"""`charlstm corpora` as a person types it."""

import json

from command_line import run


def test_corpora_lists_built_in_and_cached_texts(trained, monkeypatch, capsys):
    assert run(monkeypatch, "corpora") == 0
    assert "stdlib" in capsys.readouterr().out
    assert run(monkeypatch, "corpora", "--json") == 0
    assert any(row["name"] == "stdlib" for row in json.loads(capsys.readouterr().out))


def test_corpora_says_where_the_cache_is_and_empties_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CHARLSTM_DATA", str(tmp_path))
    cached = tmp_path / "tokens" / "a.bin"
    cached.parent.mkdir()
    cached.write_bytes(b"x" * 1_500)
    kept = tmp_path / "README.md"
    kept.write_text("kept")
    (tmp_path / "tokens" / "link").symlink_to(kept)
    assert run(monkeypatch, "corpora") == 0
    assert f"cache  {tmp_path}, 1.5 kB" in capsys.readouterr().err
    assert run(monkeypatch, "corpora", "--empty") == 0
    assert f"deleted 1.5 kB of cached texts in {tmp_path}" in capsys.readouterr().err
    assert not cached.exists()
    assert kept.read_text() == "kept"
