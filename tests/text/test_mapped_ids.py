"""Ids in a file: checked when they are opened, copied where they are few, watched where they are mapped."""

import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from charlstm.errors import CorpusError
from charlstm.text import mapped_ids
from charlstm.text.mapped_ids import MappedIds, checked_ids


@pytest.fixture(params=[np.uint8, np.dtype("<u2"), np.dtype("<u4")])
def stored(tmp_path: Path, request) -> tuple[Path, np.ndarray]:
    """A file of ids below 90, and the ids."""
    ids = np.random.default_rng(0).integers(0, 90, 400_000).astype(request.param)
    ids.tofile(tmp_path / "ids.bin")
    return tmp_path / "ids.bin", ids


def opened(path: Path, ids: np.ndarray, **changed) -> np.ndarray:
    given = {"characters": len(ids), "symbols": 90, "crc32": (0, zlib.crc32(ids.tobytes()))} | changed
    return checked_ids(path, ids.dtype, **given)


@pytest.mark.parametrize("most", [0, 64 << 20])
def test_the_ids_come_back_and_cannot_be_changed(stored, monkeypatch, most):
    monkeypatch.setattr(mapped_ids, "MOST_COPIED_BYTES", most)
    path, ids = stored
    found = opened(path, ids)
    assert isinstance(found, MappedIds) is (most == 0)
    np.testing.assert_array_equal(found, ids)
    np.testing.assert_array_equal(found[100:200][50:], ids[150:200])
    np.testing.assert_array_equal(found[np.array([[3, 1], [2, 0]])], ids[[[3, 1], [2, 0]]])
    assert int(found[7]) == ids[7]
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


@pytest.mark.parametrize(
    "changed",
    [{"characters": 7}, {"characters": 10**12}, {"symbols": 89}, {"crc32": (0, 5)}, {"crc32": (1, 5)}],
)
def test_ids_that_are_not_what_the_record_says_are_refused(stored, changed):
    path, ids = stored
    with pytest.raises(ValueError, match=r"another|the vocabulary does not have"):
        opened(path, ids, **changed)


def test_ids_outside_the_vocabulary_are_found_with_a_valid_checksum(stored):
    path, ids = stored
    ids[399_999] = 90
    ids.tofile(path)
    with pytest.raises(ValueError, match="the vocabulary does not have"):
        opened(path, ids)


@pytest.mark.parametrize(
    "access", [lambda ids: ids[5], lambda ids: ids[300_000:], lambda ids: ids[np.array([1])]]
)
def test_a_file_that_is_cut_while_it_is_mapped_is_one_clear_error(stored, monkeypatch, access):
    monkeypatch.setattr(mapped_ids, "MOST_COPIED_BYTES", 0)
    path, ids = stored
    found = opened(path, ids)
    part = found[1_000:]
    os.truncate(path, ids.nbytes // 2)
    for mapped in (found, part, found.reshape(2, -1)):
        with pytest.raises(CorpusError, match=r"ids\.bin was cut while it was in use"):
            access(mapped)


def test_a_file_that_is_replaced_or_removed_changes_nothing_for_its_readers(stored, monkeypatch):
    monkeypatch.setattr(mapped_ids, "MOST_COPIED_BYTES", 0)
    path, ids = stored
    found = opened(path, ids)
    path.unlink()
    path.write_bytes(b"")
    np.testing.assert_array_equal(found[:], ids)
