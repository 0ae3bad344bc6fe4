"""`charlstm export` in a terminal: what it prints, and where the file is."""

import json

from command_line import run
from exported_run import run_of
from tiny_run import TEXT


def test_the_file_is_named_after_the_run_where_no_name_is_given(tmp_path, monkeypatch, capsys):
    run_of(tmp_path / "fox")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "export", tmp_path / "fox") == 0
    assert capsys.readouterr().out.startswith("fox.safetensors  ")
    assert (tmp_path / "fox.safetensors").exists()
    assert run(monkeypatch, "export", tmp_path / "fox") == 2, "nothing is replaced unless it is asked for"


def test_json_has_the_path_and_the_size(tmp_path, monkeypatch, capsys):
    place = tmp_path / "fox.onnx"
    assert run(monkeypatch, "export", run_of(tmp_path / "fox"), "--out", place, "--json") == 0
    written = json.loads(capsys.readouterr().out)
    assert written["path"] == str(place)
    assert written["bytes"] == place.stat().st_size


def test_a_folder_is_a_run_that_can_be_scored(tmp_path, monkeypatch, capsys):
    run_of(tmp_path / "fox")
    (tmp_path / "fox.txt").write_text(TEXT)
    half = tmp_path / "half"
    assert run(monkeypatch, "export", tmp_path / "fox", "--out", half) == 0
    assert capsys.readouterr().out.startswith(f"{half}  ")
    bits = []
    for place in (tmp_path / "fox", half):
        assert run(monkeypatch, "score", place, tmp_path / "fox.txt", "--json") == 0
        bits.append(json.loads(capsys.readouterr().out)["bits_per_character"])
    assert abs(bits[0] - bits[1]) < 1e-3
