"""Files that are written whole or not at all, and locked folders."""

import os

import pytest
from processes import PROCESSES

from charlstm.machine.files import clear_partials, locked, whole_file


@pytest.mark.parametrize("flush", [True, False])
def test_a_file_is_there_when_the_context_ends(tmp_path, flush):
    place = tmp_path / "folder" / "note.txt"
    with whole_file(place, flush=flush) as partial:
        partial.write_text("whole")
        assert not place.exists()
    assert place.read_text() == "whole"
    assert list(place.parent.iterdir()) == [place]


def test_an_error_leaves_the_file_as_it_was(tmp_path):
    place = tmp_path / "note.txt"
    place.write_text("before")

    def write_half() -> None:
        with whole_file(place) as partial:
            partial.write_text("half")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        write_half()
    assert place.read_text() == "before"
    assert list(tmp_path.iterdir()) == [place]


def test_what_an_ended_process_left_half_written_is_removed(tmp_path):
    process = PROCESSES.Process(target=os.getpid)
    process.start()
    process.join()
    ended = tmp_path / f"note.txt.{process.pid}.partial"
    running = tmp_path / f"note.txt.{os.getpid()}.partial"
    other = tmp_path / "note.txt.old.partial"
    for partial in (ended, running, other):
        partial.touch()
    clear_partials(tmp_path / "note.txt")
    assert sorted(tmp_path.iterdir()) == sorted([running, other])


def test_a_folder_is_locked_for_one_holder_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(BlockingIOError), locked(tmp_path):
        pytest.fail("it was locked twice")
    with locked(tmp_path):
        pass
