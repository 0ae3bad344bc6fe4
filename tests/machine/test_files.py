"""Files that are written whole or not at all, regular files only, and locked folders."""

import os
import shutil
import socket
import stat

import pytest
from processes import PROCESSES

from charlstm.machine.files import (
    NotARegularFileError,
    clear_partials,
    flush_to_disk,
    locked,
    open_regular,
    open_to_append,
    refuse_link_outside,
    whole_file,
)


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
    named = tmp_path / f"note.txt.{process.pid}.0a1b.partial"
    for partial in (ended, named, running, other):
        partial.touch()
    clear_partials(tmp_path / "note.txt")
    assert sorted(tmp_path.iterdir()) == sorted([running, other])


def test_only_regular_files_are_cleared(tmp_path):
    process = PROCESSES.Process(target=os.getpid)
    process.start()
    process.join()
    (tmp_path / "target.txt").write_text("kept")
    link, pipe = (tmp_path / f"note.txt.{process.pid}.{name}.partial" for name in ("link", "pipe"))
    link.symlink_to(tmp_path / "target.txt")
    os.mkfifo(pipe)
    clear_partials(tmp_path / "note.txt")
    assert link.is_symlink()
    assert pipe.is_fifo()
    assert (tmp_path / "target.txt").read_text() == "kept"


def test_a_new_file_has_a_name_of_its_own_and_the_usual_permissions(tmp_path):
    place = tmp_path / "note.txt"
    before = os.umask(0o027)
    try:
        with whole_file(place) as first, whole_file(place) as second:
            assert first != second
            assert stat.S_IMODE(first.stat().st_mode) == 0o640
    finally:
        os.umask(before)


def test_a_link_in_the_place_of_the_file_is_replaced_and_its_target_stays(tmp_path):
    (tmp_path / "target.txt").write_text("kept")
    (tmp_path / "note.txt").symlink_to(tmp_path / "target.txt")
    with whole_file(tmp_path / "note.txt") as partial:
        partial.write_text("whole")
    assert (tmp_path / "target.txt").read_text() == "kept"
    assert (tmp_path / "note.txt").read_text() == "whole"
    assert not (tmp_path / "note.txt").is_symlink()


@pytest.mark.parametrize("open_file", [open_regular, open_to_append, flush_to_disk])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, open_file):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        places = {tmp_path / name: f"a {name}" for name in ("pipe", "folder", "socket")}
        for place, kind in (places | {"/dev/null": "a device"}).items():
            with pytest.raises(NotARegularFileError, match=f"^it is {kind}, not a regular file$"):
                open_file(type(tmp_path)(place))


def test_reading_follows_a_link_and_appending_does_not(tmp_path):
    (tmp_path / "target.txt").write_text("kept")
    (tmp_path / "note.txt").symlink_to(tmp_path / "target.txt")
    with open_regular(tmp_path / "note.txt") as file:
        assert file.read() == b"kept"
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for name in ("note.txt", "dangling"):
        with pytest.raises(NotARegularFileError, match="it is a symbolic link"):
            open_to_append(tmp_path / name)
    assert not (tmp_path / "nothing").exists()


def test_a_file_to_append_to_is_created_and_goes_on(tmp_path):
    for line in (b"one\n", b"two\n"):
        with open_to_append(tmp_path / "log") as file:
            file.write(line)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nothing")


def test_a_folder_is_locked_for_one_holder_at_a_time(tmp_path):
    with locked(tmp_path), pytest.raises(BlockingIOError), locked(tmp_path):
        pytest.fail("it was locked twice")
    with locked(tmp_path):
        pass


def test_a_locked_folder_that_was_replaced_or_removed_is_noticed(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with locked(folder) as still_there:
        assert still_there()
        shutil.rmtree(folder)
        assert not still_there()
        folder.mkdir()
        assert not still_there()


def test_a_link_may_lead_to_its_own_folder_and_no_further(tmp_path):
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    for place in (folder / "a", folder / "below" / "b", tmp_path / "c", tmp_path / "folder2"):
        place.write_text("text")
    (tmp_path / "other").symlink_to(folder)
    for target in ("a", "below/b", str(folder / "a"), "../folder/a", "../other/a"):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(target)
        refuse_link_outside(folder / "link")
        refuse_link_outside(tmp_path / "other" / "link")
    for target in ("../c", "..", "/dev/zero", "../folder2"):
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(target)
        with pytest.raises(NotARegularFileError, match="leads out of its folder"):
            refuse_link_outside(folder / "link")
    refuse_link_outside(folder / "nothing")
