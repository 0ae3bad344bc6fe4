"""Packed rows are what zlib and a running sum modulo 256 give back."""

import base64
import zlib

import numpy as np

from charlstm.inspection.describing.packing import packed, whole_127ths


def test_rows_are_packed_as_differences_modulo_256():
    rows = np.array([[0, 255, 3, 3], [200, 100, 0, 7]], np.uint8)
    steps = np.frombuffer(zlib.decompress(base64.b64decode(packed(rows))), np.uint8).reshape(2, 4)

    assert steps.tolist() == [[0, 255, 4, 0], [200, 156, 156, 7]]
    assert (np.cumsum(steps, axis=1, dtype=np.uint8) == rows).all()


def test_values_in_127ths_have_their_sign_in_the_bits_of_an_int8():
    values = whole_127ths(np.array([-1.0, -1 / 127, 0.0, 0.5, 1.0]))

    assert values.view(np.int8).tolist() == [-127, -1, 0, 64, 127]
