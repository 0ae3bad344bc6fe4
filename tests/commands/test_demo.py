"""`charlstm demo` as a person types it."""

from command_line import run


def test_the_demo_trains_samples_and_inspects(tmp_path, prose, monkeypatch, capsys):
    text = tmp_path / "long.txt"
    text.write_text(prose * 1_000)
    monkeypatch.setattr("charlstm.text.sources._stdlib_files", lambda: iter([text]))
    assert run(monkeypatch, "demo", "--minutes", 0.03, "--out", tmp_path / "demo") == 0
    shown = capsys.readouterr()
    assert "validation" in shown.out
    assert "def " in shown.out
    assert "report" in shown.err
    assert "next:" not in shown.err, "the demo does it itself"
    page = tmp_path / "demo" / "report.html"
    assert page.exists()
    assert shown.err.splitlines()[-1] == f"open      {page.as_uri()}"


def test_a_text_of_ones_own_has_a_folder_of_its_own_and_plain_line_ends(tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("charlstm.commands.demo.follow", lambda request, **_: asked.append(request))
    monkeypatch.setattr(
        "charlstm.tasks.sample.sample_run", lambda run, prompt, **_: iter([("a a",), ("a b",)])
    )
    monkeypatch.setattr("charlstm.commands.demo.inspect_and_show", lambda request, **_: asked.append(request))
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "demo", "my book.txt") == 0
    trained, inspected = asked
    assert (trained.corpus, trained.newlines) == ("my book.txt", True)
    assert trained.out == inspected.run == inspected.out
    assert str(trained.out) == "checkpoints/demo-my-book"
    assert capsys.readouterr().out.strip() == "a aa b"
