"""Signals, output that cannot be written, and control characters that must not reach a terminal."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest
from command_line import run
from small_run import TEXT, request, train_small

from charlstm.checkpoint.loading import load
from charlstm.run_files import METRICS
from charlstm.text import grammar

CHARLSTM = [sys.executable, "-m", "charlstm"]
SMALL = ["--cells", "8", "--embedding", "4", "--streams", "4", "--window", "16", "--precision", "float32"]


def wait_for(condition: Callable[[], object]) -> None:
    """Return once condition is true; fail after a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_second_signal_ends_a_training_at_once(tmp_path):
    """After the first signal the run is saved and then evaluated, here on two million characters."""
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "long.txt").write_text(TEXT * 1_200)
    out = tmp_path / "run"
    command = ["train", tmp_path / "text.txt", "--validation", tmp_path / "long.txt", "--out", out, *SMALL]
    length = ["--steps", "1000000", "--evaluate-every", "1000000"]
    process = subprocess.Popen([*CHARLSTM, *command, *length], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (out / METRICS).exists() and (out / METRICS).stat().st_size)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    line = ""
    while "is saved; evaluating it" not in line:
        line = process.stderr.readline()
        assert line, "the training ended without saying that it is saved"
    sent = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM  # a shell shows 143
    assert time.monotonic() - sent < 1
    assert load(out).validation_bits_per_character is None


def test_a_closed_terminal_saves_and_stops(tmp_path):
    """The terminal is gone with its window: SIGHUP comes, and nothing can be written there any more."""
    (tmp_path / "text.txt").write_text(TEXT)
    out = tmp_path / "run"
    ours, theirs = pty.openpty()
    command = [*CHARLSTM, "train", tmp_path / "text.txt", "--out", out, *SMALL, "--steps", "1000000"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    wait_for(lambda: (out / METRICS).exists() and (out / METRICS).stat().st_size)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 128 + signal.SIGHUP
    assert load(out).step > 0


def test_ctrl_c_in_an_inspection_writes_nothing(tmp_path):
    train_small(request(tmp_path / "run"), stop_after=20)
    (tmp_path / "long.txt").write_text(TEXT * 2_000)
    command = [*CHARLSTM, "inspect", tmp_path / "run", tmp_path / "long.txt", "--characters", "3000000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: len(list((tmp_path / "data" / "tokens").glob("*.json"))) > 1)
    process.send_signal(signal.SIGINT)
    output, problems = process.communicate(timeout=60)
    assert process.returncode == 130, problems
    assert output == ""
    assert problems.endswith("charlstm: interrupted; no file was left half-written\n")
    assert not (tmp_path / "run" / "findings.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["quotes", "brackets", "records", "indent"])
def test_a_signal_while_a_text_is_generated_ends_the_command(tmp_path, monkeypatch, capsys, number, name):
    blocks = []

    def taken(pieces: Iterator[object], count: int) -> Iterator[object]:
        blocks.append(count)
        if len(blocks) == 2:
            os.kill(os.getpid(), number)
        return islice(pieces, count)

    monkeypatch.setattr(grammar, "islice", taken)
    text = f"grammar:{name}:5000000"
    assert run(monkeypatch, "train", text, "--out", tmp_path / "run", "--steps", 2, *SMALL) == 128 + number
    assert "Traceback" not in capsys.readouterr().err
    assert len(blocks) == 2
    assert max(blocks) < 50_000, "blocks of more take too long"
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "data" / "grammar").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("command", [["--help"], ["--version"]])
def test_a_result_that_cannot_be_written_is_an_error_in_two_lines(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*CHARLSTM, *command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "charlstm: the result cannot be written: No space left on device",
        "          free some space, or send it elsewhere",
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_training_goes_on_when_its_log_cannot_be_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "text.txt").write_text(TEXT)
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        command = ["train", tmp_path / "text.txt", "--out", tmp_path / "run", "--steps", 9, *SMALL]
        assert run(monkeypatch, *command) == 0
    assert "bits per character" in capsys.readouterr().out
    assert load(tmp_path / "run").step > 0


# Two characters that turn the direction of text, one of no width, and a letter as a tag that nobody sees.
UNSEEN = "\u202e\u2066\u200b\U000e0041"
CONTROL_CHARACTERS = f"\x1b]0;owned\x07\x1b[31m\x9b2J\x08\r{UNSEEN}"


class Terminal:
    """A pseudo-terminal that stands in for stdout and stderr and keeps all that is written there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ours, theirs = pty.openpty()
        self._stream = open(theirs, "w", encoding="utf-8", newline="")  # noqa: SIM115
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, self._stream)
        self._written = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError):  # on Linux, reading fails once the other side is closed
            while block := os.read(self._ours, 65_536):
                self._written += block

    def written(self) -> bytes:
        """Close the terminal, and return everything that was written to it."""
        self._stream.close()
        self._reader.join()
        os.close(self._ours)
        return self._written


def test_control_characters_never_reach_a_terminal(tmp_path):
    """They stand in the text, the prompt, the samples, the scores, a file's name and in error messages."""
    place = tmp_path / f"a{CONTROL_CHARACTERS}.txt"
    place.write_text((CONTROL_CHARACTERS + "\n") * 200, newline="")
    out = tmp_path / "run"
    commands = [
        ["train", place, "--out", out, "--steps", 9, *SMALL],
        ["sample", out, "--length", 200, "--prompt", CONTROL_CHARACTERS, "--temperature", 2],
        ["sample", out, "--length", 50, "--count", 2, "--json"],
        ["score", out, place, "--per-character"],
        ["score", out, f"{place}x"],
        ["sample", out, "--prompt", "\x9b!"],
        ["corpora"],
        ["train", f"--{CONTROL_CHARACTERS}"],
    ]
    raw = [b"\x1b]0", b"\x1b[31m", "\x9b".encode(), b"\x07", b"\x08", b"\r\r"]
    raw += [character.encode() for character in UNSEEN]
    for command in commands:
        with pytest.MonkeyPatch.context() as patch:
            terminal = Terminal(patch)
            run(patch, *command)
            shown = terminal.written()
        assert not [escape for escape in raw if escape in shown], (command, shown)
        assert shown.strip(), command
        if command[:1] == ["sample"] and "--count" not in command:
            assert "\u241b".encode() in shown or b"U+" in shown


def test_a_pipe_gets_the_exact_text_with_its_control_characters(tmp_path, monkeypatch, capfdbinary):
    place = tmp_path / "text.txt"
    place.write_text((CONTROL_CHARACTERS + "\n") * 200, newline="")
    out = tmp_path / "run"
    assert run(monkeypatch, "train", place, "--out", out, "--steps", 9, *SMALL) == 0
    capfdbinary.readouterr()
    assert run(monkeypatch, "sample", out, "--length", 50) == 0
    drawn = capfdbinary.readouterr().out
    assert b"\x1b" in drawn
    assert "\u202e".encode() in drawn
    assert run(monkeypatch, "sample", out, "--length", 50, "--json") == 0
    assert "\x1b" in json.loads(capfdbinary.readouterr().out)["samples"][0]
