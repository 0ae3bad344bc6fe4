"""model.safetensors: the weights that were saved come back, and those that cannot be used are refused."""

import numpy as np
import pytest
from safetensors.numpy import load_file
from tiny_run import config_of, model_of, new_run

from charlstm.checkpoint.tensor_file import save_tensors
from charlstm.checkpoint.weights import halved, load_weights
from charlstm.config import parameter_shapes
from charlstm.errors import CheckpointError, UsageError

MODEL = config_of(layers=2).model
NUMBERS = {"step": 1, "validation_bits_per_character": 2.5}


def random_weights(**changes: np.ndarray) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(0)
    shapes = parameter_shapes(MODEL).items()
    return {name: drawn.normal(size=shape).astype(np.float32) for name, shape in shapes} | changes


def test_saved_weights_come_back_with_their_step_and_loss(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, step=3, validation_bits_per_character=2.5)
    weights = load_weights(tmp_path / "run", trainer.model.config)
    assert (weights.step, weights.validation_bits_per_character) == (3, 2.5)
    for name, value in trainer.model.state_dict().items():
        np.testing.assert_array_equal(weights.tensors[name], value.numpy())


def test_a_loss_that_was_not_measured_is_none(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, validation_bits_per_character=None)
    weights = load_weights(tmp_path / "run", trainer.model.config)
    assert (weights.step, weights.validation_bits_per_character) == (0, None)


def test_a_run_that_has_not_saved_says_so(tmp_path):
    _, trainer = new_run(tmp_path / "run")
    with pytest.raises(CheckpointError, match="has not saved yet"):
        load_weights(tmp_path / "run", trainer.model.config)


def test_weights_of_another_size_are_refused(tmp_path):
    folder, _ = new_run(tmp_path / "run")
    folder.save_model(model_of(config_of(cells=9)), validation_bits_per_character=None)
    with pytest.raises(CheckpointError, match="do not fit the model"):
        load_weights(tmp_path / "run", config_of(cells=8).model)


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"step": 1},
        {"step": -1, "validation_bits_per_character": None},
        {"step": 1, "validation_bits_per_character": float("nan")},
        {"step": 1, "validation_bits_per_character": "low"},
    ],
)
def test_numbers_that_cannot_be_are_refused(tmp_path, numbers):
    save_tensors(tmp_path / "model.safetensors", random_weights(), numbers)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be used"):
        load_weights(tmp_path, MODEL)


@pytest.mark.parametrize("name", sorted(parameter_shapes(MODEL)))
def test_any_weights_so_large_that_a_sum_overflows_are_refused(tmp_path, name):
    """All numbers of one parameter are set to what no sum overflows by, then to what every sum does."""
    shape = parameter_shapes(MODEL)[name]
    for value, refused in ((1e30, False), (3e38, True)):
        tensors = random_weights(**{name: np.full(shape, value, np.float32)})
        save_tensors(tmp_path / "model.safetensors", tensors, NUMBERS)
        if refused:
            with pytest.raises(CheckpointError, match="overflow"):
                load_weights(tmp_path, MODEL)
        else:
            assert load_weights(tmp_path, MODEL).tensors.keys() == tensors.keys()


def test_the_file_holds_the_names_of_a_char_lstm(tmp_path):
    folder, trainer = new_run(tmp_path / "run")
    folder.save_model(trainer.model, validation_bits_per_character=None)
    assert load_file(tmp_path / "run" / "model.safetensors").keys() == trainer.model.state_dict().keys()


def test_half_precision_is_read_as_float32_and_rounds_each_weight(tmp_path):
    tensors = random_weights()
    save_tensors(tmp_path / "model.safetensors", halved(tensors), NUMBERS)
    assert {values.dtype for values in load_file(tmp_path / "model.safetensors").values()} == {np.dtype("f2")}
    read = load_weights(tmp_path, MODEL).tensors
    assert {values.dtype for values in read.values()} == {np.dtype("f4")}
    for name, values in tensors.items():
        np.testing.assert_allclose(read[name], values, rtol=2**-11, atol=1e-7)


def test_half_precision_refuses_what_it_cannot_hold():
    tensors = random_weights(**{"head.bias": np.full(parameter_shapes(MODEL)["head.bias"], -65505, "f4")})
    assert np.isfinite(halved(tensors)["head.bias"]).all(), "it is rounded to 65504"
    with pytest.raises(UsageError, match=r"head\.bias has a weight of 131,010 in size, more than the 65,504"):
        halved(tensors | {"head.bias": tensors["head.bias"] * 2})


def test_whole_numbers_are_no_weights(tmp_path):
    bytes_of_weights = {name: values.astype(np.uint8) for name, values in random_weights().items()}
    save_tensors(tmp_path / "model.safetensors", bytes_of_weights, NUMBERS)
    with pytest.raises(CheckpointError, match="do not fit the model"):
        load_weights(tmp_path, MODEL)
