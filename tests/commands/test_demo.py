"""`charlstm demo` as a person types it."""

from command_line import run


def test_the_demo_trains_samples_and_inspects(tmp_path, prose, monkeypatch, capsys):
    text = tmp_path / "long.txt"
    text.write_text(prose * 2_000)
    monkeypatch.setattr("charlstm.text.sources._stdlib_files", lambda: iter([text]))
    assert run(monkeypatch, "demo", "--minutes", 0.05, "--out", tmp_path / "demo") == 0
    shown = capsys.readouterr()
    assert "validation" in shown.out
    assert "def " in shown.out
    assert "report" in shown.err
    assert (tmp_path / "demo" / "report.html").exists()
