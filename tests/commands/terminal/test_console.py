import io
import json
import time

import pytest

from charlstm.commands.terminal import console, formatting
from charlstm.errors import CorpusError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_control_characters_never_reach_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    console.write("a\x1b[31mb\r\x07\x9b\x7f\tc\n")
    assert terminal.getvalue() == "a␛[31mb␍␇\ufffd␡\tc\n"


def test_a_pipe_gets_every_character_as_it_is(capsys):
    console.write("a\x1b[31m")
    assert capsys.readouterr().out == "a\x1b[31m"


def test_json_is_one_line(capsys):
    console.write_json({"text": "é\n"})
    assert json.loads(capsys.readouterr().out) == {"text": "é\n"}


def test_a_problem_is_two_lines_on_stderr(capsys):
    console.show_problem(CorpusError("x.txt is \x1bempty", "give another"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["charlstm: x.txt is ␛empty", "          give another"]


def test_tables_line_up_and_keep_to_80_columns():
    shown = formatting.table([("a", 1), ("bcd", 1_000)], header=("name", "n"))
    assert shown.splitlines() == ["name  n", "a        1", "bcd   1000"]
    assert max(map(len, formatting.table([("x" * 200, 1)]).splitlines())) == 80
    assert formatting.table([]) == ""


@pytest.mark.parametrize(("seconds", "shown"), [(4.4, "4s"), (200, "3m 20s"), (7_500, "2h 05m")])
def test_durations(seconds, shown):
    assert formatting.duration(seconds) == shown


def test_a_quiet_narrator_says_nothing():
    stream = io.StringIO()
    narrator = console.Narrator(quiet=True, stream=stream)
    narrator.say("hello")
    narrator.excerpt("hello")
    with narrator.bar() as bar:
        bar.move_to(0.5)
    assert stream.getvalue() == ""


def test_the_bar_shows_only_in_a_terminal():
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        with console.Narrator(stream=stream).bar() as bar:
            bar.figures("2.5 bits/character")
            time.sleep(0.25)  # the bar is drawn five times a second
            bar.move_to(1.0)
    assert pipe.getvalue() == ""
    assert "2.5 bits/character" in terminal.getvalue()
