"""How a command ends when the machine has had enough."""

import errno

import pytest
import torch
import typer

from charlstm.commands import exits
from charlstm.commands.exits import computing
from charlstm.commands.terminal import console
from charlstm.errors import DeviceError


def test_running_out_of_memory():
    with pytest.raises(DeviceError, match="lower --cells"), computing():
        torch.empty(2**62, dtype=torch.int8)
    with pytest.raises(DeviceError), computing():
        raise MemoryError("no more")
    with pytest.raises(DeviceError), computing():
        raise RuntimeError("could not create a primitive")  # oneDNN's words


@pytest.mark.parametrize(
    "message", ["something else", "could not create a primitive descriptor for the LSTM"]
)
def test_other_problems_pass_through(message):
    with pytest.raises(RuntimeError, match=message), computing():
        raise RuntimeError(message)


def end_of(monkeypatch, error: OSError) -> int:
    """Return the exit code of a command that raises error."""
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr("sys.argv", ["charlstm"])
    # A stdout that cannot be written to is abandoned: that of the test run is still needed.
    monkeypatch.setattr(console, "_abandon", lambda stream: None)
    with pytest.raises(SystemExit) as left:
        exits.run(app)
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), "a/b cannot be used: Permission denied"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 300), f"{'x' * 199}… cannot be used"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "the working folder has been deleted"),
        (OSError(errno.ENOSPC, "No space left on device"), "the result cannot be written: No space left"),
    ],
)
def test_a_file_or_a_stream_that_cannot_be_used_is_two_lines_and_exit_code_2(monkeypatch, capfd, error, said):
    assert end_of(monkeypatch, error) == 2
    shown = capfd.readouterr().err.splitlines()
    assert len(shown) == 2
    assert shown[0].startswith(f"charlstm: {said}")


def test_an_error_of_the_system_that_says_nothing_of_a_file_is_a_bug(monkeypatch):
    with pytest.raises(OSError, match="odd"):
        end_of(monkeypatch, OSError(errno.EINVAL, "odd"))


def test_ctrl_c_before_typer_heeds_it_is_one_line_and_exit_code_130(capfd):
    def interrupted(**options: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as left:
        exits.run(interrupted)
    assert left.value.code == 130
    assert capfd.readouterr().err == "charlstm: interrupted; no file was left half-written\n"
