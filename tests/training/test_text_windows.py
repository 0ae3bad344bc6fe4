"""A text cut into streams and windows: every character is read once, and its target is the next one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charlstm.errors import CorpusError
from charlstm.training.text_windows import DeviceText, stream_length, stream_window


@given(streams=st.integers(1, 5), window=st.integers(1, 9), windows=st.integers(1, 4), rest=st.integers(0, 4))
def test_streams_cover_the_text_in_order_and_targets_are_the_next_characters(streams, window, windows, rest):
    characters = streams * window * windows + min(rest, streams - 1) + 1
    ids = np.arange(characters, dtype=np.uint8)
    length = stream_length(characters, streams=streams, window=window)
    assert length == window * windows
    read = [stream_window(ids, start, streams=streams, window=window) for start in range(0, length, window)]
    inputs, targets = (torch.cat(part, 1) for part in zip(*read, strict=True))
    assert inputs.dtype == targets.dtype == torch.int64
    assert inputs.flatten().tolist() == list(range(streams * length))
    assert torch.equal(targets, inputs + 1)


def test_a_process_reads_the_rows_of_its_own_streams():
    ids = np.arange(101, dtype=np.uint8)
    whole = stream_window(ids, 5, streams=4, window=5)
    part = stream_window(ids, 5, streams=4, window=5, rows=slice(1, 3))
    for all_rows, own_rows in zip(whole, part, strict=True):
        assert torch.equal(all_rows[1:3], own_rows)


@pytest.mark.parametrize("characters", [0, 1, 20, 64])
def test_a_text_without_a_whole_window_for_each_stream_is_refused(characters):
    with pytest.raises(CorpusError, match="lower `streams` or `window`"):
        stream_length(characters, streams=4, window=16)


def test_a_text_of_one_window_for_each_stream_and_the_last_target_is_enough():
    assert stream_length(4 * 16 + 1, streams=4, window=16) == 16


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32])
def test_a_text_on_the_device_gives_the_same_windows(kind):
    ids = (np.arange(103) * 7 % 200).astype(kind)
    text = DeviceText(ids, streams=4, window=6, device=torch.device("cpu"))
    assert DeviceText.bytes_of(ids) == (103 if kind == np.uint8 else 412)
    for position in (0, 5, 19):
        expected = stream_window(ids, position, streams=4, window=6)
        for actual, rows in zip(text.window(torch.tensor(position)), expected, strict=True):
            assert torch.equal(actual, rows)
