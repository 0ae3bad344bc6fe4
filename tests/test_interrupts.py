import os
import signal

import pytest

from charlstm.interrupts import stop_wish


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_remembered_and_handlers_are_put_back(number, code):
    before = signal.getsignal(number)
    with stop_wish() as wish:
        assert not wish()
        os.kill(os.getpid(), number)
        assert wish()
        assert wish.exit_code == code
        assert signal.getsignal(number) is signal.SIG_DFL  # a second one ends the process at once
    assert signal.getsignal(number) is before
