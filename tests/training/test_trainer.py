"""Single training steps: the carried state, the mean of the weights, divergence, saving and restoring."""

import math

import pytest
import torch
from small_trainer import TEXT, assert_same_state, small_trainer

from charlstm.errors import CorpusError, DivergedError, UsageError
from charlstm.machine.processes import ProcessGroup
from charlstm.training.trainer import AVERAGING_POWER, LARGEST_WEIGHT


def test_a_text_too_short_for_a_window_is_refused():
    with pytest.raises(CorpusError, match="lower `streams`"):
        small_trainer(ids=TEXT[:40])


def test_more_processes_than_streams_are_refused():
    trainer = small_trainer()
    with pytest.raises(UsageError, match="4 streams are too few for 5 processes"):
        type(trainer)(trainer.model, TEXT, trainer.config, processes=ProcessGroup(0, 5))


def test_a_step_reads_the_next_window_of_every_stream():
    trainer = small_trainer()
    for _ in range(3):
        trainer.advance()
    progress = trainer.progress
    assert (progress.step, progress.characters, progress.position) == (3, 3 * 4 * 16, 3 * 16)


def test_the_state_is_carried_to_the_next_window():
    """With a learning rate of nearly 0 the state after two windows is that of reading both in one go."""
    trainer = small_trainer(model={"dropout": 0.0}, learning_rate=1e-12)
    trainer.advance()
    trainer.advance()
    model = trainer.model
    length = (len(TEXT) - 1) // 4
    read = torch.from_numpy(TEXT[: 4 * length].reshape(4, length)[:, :32].copy()).long()
    with torch.no_grad():
        _, state = model(read, model.initial_state(4))
    torch.testing.assert_close(trainer._state.h, state.h, atol=1e-5, rtol=0)
    torch.testing.assert_close(trainer._state.c, state.c, atol=1e-5, rtol=0)


def test_streams_that_end_start_again_from_a_state_of_zeros():
    trainer = small_trainer(model={"dropout": 0.0}, ids=TEXT[: 4 * 40 + 1], learning_rate=1e-12)
    trainer.advance()
    first = trainer._state.h.clone()
    trainer.advance()
    assert not torch.allclose(first, trainer._state.h, atol=1e-3)
    trainer.advance()  # the 40 characters of a stream hold two windows of 16
    assert trainer.progress.position == 16
    torch.testing.assert_close(first, trainer._state.h, atol=1e-5, rtol=0)


def test_the_averaged_weights_weigh_later_steps_by_a_power():
    trainer = small_trainer(steps=400)
    before, seen = trainer.average.head.weight.clone(), []
    for _ in range(200):
        trainer.advance()
        seen.append(trainer.model.head.weight.detach().clone())
    shares = torch.arange(1, 201.0) ** AVERAGING_POWER
    expected = torch.einsum("t,txy->xy", shares / shares.sum(), torch.stack(seen))
    distance = (trainer.average.head.weight - expected).norm()
    assert distance < 0.1 * (seen[-1] - expected).norm() < 0.1 * (seen[-1] - before).norm()
    assert not any(parameter.requires_grad for parameter in trainer.average.parameters())


def test_epochs_give_the_number_of_steps():
    assert small_trainer(steps=None, epochs=2.0).total_steps == 2 * ((len(TEXT) - 1) // 4 // 16)
    assert small_trainer(steps=None, epochs=1e-9).total_steps == 1


def test_the_fraction_of_a_run_in_steps_is_that_of_its_steps():
    trainer = small_trainer(steps=4)
    fractions = []
    for _ in range(4):
        fractions.append(trainer.fraction)
        trainer.advance()
    assert [*fractions, trainer.fraction] == [0, 0.25, 0.5, 0.75, 1]


def test_the_fraction_of_a_run_in_minutes_is_that_of_its_time():
    trainer = small_trainer(steps=None, minutes=2.0)
    assert trainer.total_steps is None
    trainer.progress.elapsed_seconds = 30.0
    assert trainer.fraction == 0.25
    trainer.progress.elapsed_seconds = 1e4
    assert trainer.fraction == 1.0


def test_the_mean_training_loss_starts_anew_each_time_it_is_taken():
    trainer = small_trainer(learning_rate=1e-12, model={"dropout": 0.0})
    trainer.advance()
    first = trainer.take_mean_bits()
    assert first == pytest.approx(math.log2(30), abs=0.5)
    trainer.advance()
    trainer.advance()
    assert trainer.progress.summed_steps == 2
    assert trainer.take_mean_bits() == pytest.approx(first, abs=0.5)
    assert trainer.progress.summed_steps == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, 2 * LARGEST_WEIGHT])
def test_a_weight_that_cannot_be_saved_is_reported_with_what_to_do(value):
    trainer = small_trainer()
    trainer.check_finite()
    with torch.no_grad():
        trainer.model.head.bias[0] = value
    with pytest.raises(
        DivergedError, match="a weight became NaN, infinite or absurd before step 0"
    ) as raised:
        trainer.check_finite()
    assert "lower `learning_rate` (it was 0.012)" in raised.value.advice


def test_a_loss_that_is_not_finite_is_reported():
    trainer = small_trainer()
    with torch.no_grad():
        trainer.model.head.bias[0] = math.nan
    trainer.advance()
    with pytest.raises(DivergedError, match="the loss or its gradient"):
        trainer.take_mean_bits()


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
@pytest.mark.parametrize("saved_at", [0, 1, 9])
def test_a_restored_trainer_takes_the_same_steps_bit_for_bit(optimizer, saved_at):
    whole = small_trainer(optimizer=optimizer)
    for _ in range(saved_at):
        whole.advance()
    tensors = {name: tensor.clone() for name, tensor in whole.tensors().items()}
    restored = small_trainer(optimizer=optimizer)
    assert restored.fits({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    restored.restore(tensors, whole.numbers())
    for _ in range(12):
        whole.advance()
        restored.advance()
    assert_same_state(restored, whole)


def test_tensors_of_another_model_do_not_fit():
    shapes = {name: tuple(tensor.shape) for name, tensor in small_trainer().tensors().items()}
    trainer = small_trainer()
    assert trainer.fits(shapes)
    assert not small_trainer(model={"cells": 17}).fits(shapes)
    assert not trainer.fits(shapes | {"another": (1,)})
    assert not trainer.fits({name: shape for name, shape in shapes.items() if name != "state.h"})


def test_a_save_of_another_kind_of_device_is_gone_on_with_and_draws_other_masks():
    """The state of a generator has 16 bytes on a GPU, and thousands on a CPU."""
    whole = small_trainer()
    whole.advance()
    tensors = {name: tensor.clone() for name, tensor in whole.tensors().items()}
    tensors["generator"] = torch.zeros(16, dtype=torch.uint8)
    restored, again, later = small_trainer(), small_trainer(), small_trainer()
    assert restored.fits({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    restored.restore(tensors, whole.numbers())
    again.restore(tensors, whole.numbers())
    later.restore(tensors, whole.numbers() | {"step": 2})
    assert restored.changed_device
    assert not whole.changed_device
    assert_same_state(restored, again)
    assert not torch.equal(restored.generator.get_state(), later.generator.get_state())
    restored.advance()
    assert restored.progress.step == 2
    assert math.isfinite(restored.take_mean_bits())


@pytest.mark.parametrize("shape", [(), (4, 4)])
def test_what_is_no_state_of_any_generator_does_not_fit(shape):
    trainer = small_trainer()
    shapes = {name: tuple(tensor.shape) for name, tensor in trainer.tensors().items()}
    assert not trainer.fits(shapes | {"generator": shape})
    assert not trainer.fits({name: size for name, size in shapes.items() if name != "generator"})


def test_a_position_behind_the_end_of_the_streams_is_refused_before_anything_is_restored():
    trainer = small_trainer()
    trainer.advance()
    before = {name: tensor.clone() for name, tensor in trainer.tensors().items()}
    other = small_trainer(seed=3)
    with pytest.raises(ValueError, match="position"):
        trainer.restore(other.tensors(), other.numbers() | {"position": len(TEXT)})
    assert trainer.progress.step == 1
    assert all(torch.equal(tensor, before[name]) for name, tensor in trainer.tensors().items())


def test_training_in_bfloat16_keeps_the_state_in_float32():
    trainer = small_trainer(precision="bfloat16")
    trainer.advance()
    assert trainer._state.h.dtype == trainer._state.c.dtype == torch.float32
    assert math.isfinite(trainer.take_mean_bits())
