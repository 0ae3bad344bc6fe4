"""`python -m charlstm` from its first moment on: Ctrl-C while it loads ends it in one line."""

import signal
import subprocess
import sys

import pytest

# A Ctrl-C comes when typer, the first library that is loaded, is looked for.
INTERRUPTED_WHILE_LOADING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.{before})
sys.meta_path.insert(0, Interrupting())
sys.argv = ["charlstm", "--version"]
from charlstm.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("before", "code", "said", "out"),
    [("default_int_handler", 130, "charlstm: interrupted\n", ""), ("SIG_IGN", 0, "", "charlstm ")],
)
def test_ctrl_c_while_the_commands_load_ends_in_one_line_unless_it_is_ignored(before, code, said, out):
    program = INTERRUPTED_WHILE_LOADING.replace("{before}", before)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (code, said)
    assert ended.stdout.startswith(out)


def test_ctrl_c_raises_keyboard_interrupt_again_when_all_is_loaded(monkeypatch):
    from charlstm import __main__
    from charlstm.commands import app

    found = []
    monkeypatch.setattr(app, "main", lambda: found.append(signal.getsignal(signal.SIGINT)))
    __main__.main()
    assert found == [signal.default_int_handler]
