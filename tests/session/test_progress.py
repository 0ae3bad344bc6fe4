"""Progress reaches the function that was given, or a bar, and ends with all of it."""

import io
from contextlib import redirect_stderr

import pytest

from charlstm.session.progress import reporting


def test_a_function_is_told_each_stage_and_the_end():
    told = []
    with reporting(lambda stage, share: told.append((stage, share))) as report:
        report("reading", 0.25)
    assert told == [("reading", 0.25), ("done", 1.0)]


def test_work_that_fails_is_not_told_as_done():
    told = []
    with pytest.raises(ZeroDivisionError), reporting(lambda *step: told.append(step)) as report:
        report("dividing", 1 / 0)
    assert told == []


@pytest.mark.parametrize("wanted", [None, False])
def test_nothing_is_shown_unasked(wanted, capsys):
    with reporting(wanted) as report:
        report("reading", 0.5)
    assert capsys.readouterr() == ("", "")


def test_a_bar_shows_the_stage_and_ends_full():
    with redirect_stderr(io.StringIO()) as shown, reporting(True) as report:
        report("reading", 0.25)
    assert "done: 100%" in shown.getvalue()
