import os
import signal
import subprocess
import sys

import pytest

from charlstm.machine.interrupts import end_if_asked, stop_wish


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_first_signal_is_remembered_and_handlers_are_put_back(number, code):
    before = signal.getsignal(number)
    with stop_wish() as wish:
        assert not wish()
        os.kill(os.getpid(), number)
        assert wish()
        assert wish.exit_code == code
        assert signal.getsignal(number) is signal.SIG_DFL  # a second one ends the process at once
    assert signal.getsignal(number) is before


def test_an_ignored_hangup_stays_ignored():
    """`nohup` ignores it for the commands that it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_wish() as wish:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not wish()
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_comes_twice_at_once_is_one():
    with stop_wish(deaf_seconds=60) as wish:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert wish.signal == signal.SIGINT
        assert signal.getsignal(signal.SIGINT) is not signal.SIG_DFL


def test_a_second_signal_later_ends_the_process():
    code = (
        "import os, signal, time\nfrom charlstm.machine.interrupts import stop_wish\n"
        "with stop_wish(deaf_seconds=0.05):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(0.1)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(9)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGTERM


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_work_with_nothing_to_save_ends_once_a_signal_came(number, raised):
    end_if_asked()
    with stop_wish():
        end_if_asked()
        os.kill(os.getpid(), number)
        with pytest.raises(raised) as problem:
            end_if_asked()
        assert number == signal.SIGINT or problem.value.code == 143
    end_if_asked()


def test_a_session_remembers_ctrl_c_alone_and_outlives_a_second_one():
    before = signal.getsignal(signal.SIGTERM)
    with stop_wish(in_session=True) as wish:
        assert signal.getsignal(signal.SIGTERM) is before
        os.kill(os.getpid(), signal.SIGINT)
        assert wish()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
