"""Arrays and numbers in one file: what is saved comes back, and what is damaged or made up is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import load_file, save_file

from charlstm.checkpoint.tensor_file import (
    HEADER_BYTES,
    check_header_length,
    finite_number,
    load_tensors,
    save_tensors,
    weights_sha256,
    whole_number,
)

TENSORS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scalar": np.array(2.5, np.float32),
    "state": np.arange(9, dtype=np.uint8),
    "empty": np.zeros((0, 4), np.float32),
}
NUMBERS = {"step": 3, "bits": 1.5, "best": float("inf"), "missing": None}


def anything(shapes) -> bool:
    return True


@pytest.fixture
def place(tmp_path: Path) -> Path:
    save_tensors(tmp_path / "some.safetensors", TENSORS, NUMBERS)
    return tmp_path / "some.safetensors"


def test_arrays_and_numbers_come_back_as_they_were(place):
    tensors, numbers = load_tensors(place, anything)
    assert numbers == NUMBERS
    assert list(numbers) == list(NUMBERS)
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(tensors[name], array)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    array=arrays(
        np.float32, array_shapes(), elements=st.floats(allow_nan=False, allow_infinity=False, width=32)
    )
)
def test_any_finite_array_comes_back_bit_for_bit(tmp_path, array):
    save_tensors(tmp_path / "one", {"a": array}, {})
    assert load_tensors(tmp_path / "one", anything)[0]["a"].tobytes() == array.tobytes()


def test_fits_is_asked_about_every_shape_before_anything_is_read(place):
    asked = []
    with pytest.raises(ValueError, match="do not fit the model"):
        load_tensors(place, lambda shapes: asked.append(dict(shapes)))
    assert asked == [{name: array.shape for name, array in TENSORS.items()}]


def test_a_changed_byte_is_noticed_by_the_checksum(place):
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    with pytest.raises(ValueError, match="checksum does not agree"):
        load_tensors(place, anything)


def test_a_changed_number_is_noticed_by_the_checksum(place):
    content = place.read_bytes()
    assert content.count(b'\\"step\\": 3') == 1
    place.write_bytes(content.replace(b'\\"step\\": 3', b'\\"step\\": 4'))
    with pytest.raises(ValueError, match="checksum does not agree"):
        load_tensors(place, anything)


def test_a_file_without_a_checksum_is_read(tmp_path):
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "plain", {"numbers": '{"step": 1}'})
    tensors, numbers = load_tensors(tmp_path / "plain", anything)
    assert numbers == {"step": 1}
    assert tensors["a"].tolist() == [1, 1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    save_tensors(tmp_path / "bad", {"a": np.array([1, value], np.float32)}, {})
    with pytest.raises(ValueError, match="NaN or infinite"):
        load_tensors(tmp_path / "bad", anything)


def test_another_type_of_number_is_refused(tmp_path):
    save_tensors(tmp_path / "double", {"a": np.ones(2)}, {})
    with pytest.raises(ValueError, match="do not fit"):
        load_tensors(tmp_path / "double", anything)


@pytest.mark.parametrize("numbers", ["[]", "3", '"step"'])
def test_numbers_that_are_no_object_are_refused(tmp_path, numbers):
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "plain", {"numbers": numbers})
    with pytest.raises(ValueError, match="no JSON object"):
        load_tensors(tmp_path / "plain", anything)


def test_a_header_that_claims_to_be_longer_than_allowed_is_refused(tmp_path):
    place = tmp_path / "long"
    place.write_bytes(HEADER_BYTES.to_bytes(8, "little"))
    os.truncate(place, 8 + HEADER_BYTES)
    check_header_length(place)
    place.write_bytes((HEADER_BYTES + 1).to_bytes(8, "little"))
    with pytest.raises(ValueError, match=r"its header would have 16,777,217 bytes"):
        check_header_length(place)


def test_the_file_can_be_read_by_others_and_by_safetensors_itself(place):
    assert place.stat().st_mode & 0o044 == 0o044
    assert load_file(place).keys() == TENSORS.keys()


def test_a_place_that_cannot_be_written_raises_and_leaves_nothing(tmp_path):
    (tmp_path / "some").mkdir()
    with pytest.raises(OSError, match="directory"):
        save_tensors(tmp_path / "some", TENSORS, NUMBERS)
    assert [path.name for path in tmp_path.iterdir()] == ["some"]


def test_the_hash_of_weights_depends_on_names_and_values_and_not_on_their_order():
    weights = {"a": np.ones(3, np.float32), "b": np.zeros((2, 2), np.float32)}
    other_order = dict(reversed(weights.items()))
    assert weights_sha256(weights) == weights_sha256(other_order)
    assert weights_sha256(weights) == weights_sha256({name: w.astype(">f8") for name, w in weights.items()})
    assert weights_sha256(weights) != weights_sha256({"a": weights["a"], "c": weights["b"]})
    assert weights_sha256(weights) != weights_sha256(weights | {"a": weights["a"] * 2})
    assert len(weights_sha256({})) == 64


@pytest.mark.parametrize("value", [0, 5, 2**63 - 1])
def test_a_count_is_read(value):
    assert whole_number(json.loads(json.dumps({"step": value})), "step") == value


@pytest.mark.parametrize("value", [-1, 2**63, 1.0, True, "1", None])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(ValueError, match="its step is"):
        whole_number({"step": value}, "step")


def test_a_finite_number_is_read():
    assert finite_number({"bits": 2}, "bits") == 2.0
    assert finite_number({"bits": -0.5}, "bits") == -0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1", None, [1]])
def test_what_is_no_finite_number_is_refused(value):
    with pytest.raises(ValueError, match="its bits is"):
        finite_number({"bits": value}, "bits")
