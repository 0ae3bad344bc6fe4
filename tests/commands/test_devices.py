"""`charlstm devices` as a person types it."""

import json

from command_line import run


def test_devices_tells_the_machine_in_lines_and_as_json(monkeypatch, capsys):
    assert run(monkeypatch, "devices") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("processor  ")
    assert run(monkeypatch, "devices", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert {"processor", "threads", "gpus", "float32_per_second"} <= document.keys()
    assert {"job", "backend", "seconds"} == document["choices"][0].keys()
