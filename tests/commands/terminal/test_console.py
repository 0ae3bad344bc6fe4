"""Writing to stdout and stderr, in a terminal and in a pipe."""

import io
import json
import logging
import time
from pathlib import Path

import pytest

from charlstm.commands.terminal import console
from charlstm.errors import CorpusError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_control_characters_never_reach_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    console.write("a\x1b[31mb\r\x07\x9b\x7f\tc\n")
    assert terminal.getvalue() == "a␛[31mb␍␇\ufffd␡\tc\n"


def test_a_pipe_gets_every_character_unchanged(capsys):
    console.write("a\x1b[31m")
    assert capsys.readouterr().out == "a\x1b[31m"


def test_tables_are_as_wide_as_a_terminal_and_uncut_in_a_pipe(monkeypatch):
    assert console.table_width() is None
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "132")
    assert console.table_width() == 132


def test_json_is_written_on_one_line(capsys):
    console.write_json({"text": "é\n"})
    assert json.loads(capsys.readouterr().out) == {"text": "é\n"}


@pytest.mark.parametrize(("encoding", "text"), [("ascii", "é"), ("latin-1", "—"), ("utf-8", "\udc80")])
def test_json_is_valid_in_any_encoding(monkeypatch, encoding, text):
    """A character that the encoding does not have is escaped as JSON does it."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    console.write_json({"text": text})
    assert json.loads(stream.buffer.getvalue()) == {"text": text}  # type: ignore[attr-defined]


def test_characters_that_a_stream_does_not_have_are_written_as_escapes(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    console.open_streams()
    console.write("aé—\U0001f600")
    assert stream.buffer.getvalue() == rb"a\xe9\u2014\U0001f600"  # type: ignore[attr-defined]


def test_a_problem_is_two_lines_on_stderr(capsys):
    console.show_problem(CorpusError("x.txt is \x1bempty", "give another"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["charlstm: x.txt is ␛empty", "          give another"]


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


def test_stages_are_lines_where_there_is_no_terminal_each_once():
    pipe, terminal, quiet = io.StringIO(), Terminal(), io.StringIO()
    for stream in (pipe, terminal, quiet):
        with console.Narrator(stream=stream, quiet=stream is quiet).bar() as bar:
            bar.stage("reading")
            bar.follow("scoring", 0.1)
            bar.follow("scoring", 0.9)
    assert pipe.getvalue() == "reading\nscoring\n"
    assert "scoring" in terminal.getvalue()
    assert "\nscoring\n" not in terminal.getvalue()
    assert quiet.getvalue() == ""


def test_a_link_is_absolute_and_percent_encoded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stream = io.StringIO()
    console.Narrator(stream=stream).link(Path("a b") / "é#.html")
    assert stream.getvalue() == f"open      file://{tmp_path}/a%20b/%C3%A9%23.html\n"


def test_what_the_library_logs_is_told_inside_the_context_alone():
    stream, logger = io.StringIO(), logging.getLogger("charlstm.somewhere")
    with console.Narrator(stream=stream).telling_logs():
        logger.info("compiling")
    logger.info("compiling again")
    assert stream.getvalue() == "compiling\n"
