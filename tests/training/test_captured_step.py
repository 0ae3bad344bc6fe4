"""A captured step, whose body runs eagerly on the CPU: it trains, saves and resumes as an ordinary one."""

import pytest
import torch
from host_reads import host_reads
from small_trainer import TEXT, assert_same_state, small_trainer

from charlstm.machine.processes import ProcessGroup
from charlstm.training.captured_step import CapturedStep, set_gradients
from charlstm.training.trainer import Trainer


def captured(**settings: object) -> Trainer:
    trainer = small_trainer(**settings)
    assert trainer.capture() is None
    return trainer


def copies(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.tensors().items()}


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
def test_it_trains_as_the_ordinary_step_does(layers, optimizer):
    """The streams end within these 30 steps, in the middle of a window; all gradients are clipped."""
    settings = {"weight_decay": 0.3, "clip_norm": 0.05, "optimizer": optimizer, "warmup": 0.2}
    shape = {"layers": layers, "dropout": 0.0}
    ordinary = small_trainer(model=shape, ids=TEXT[:1400], **settings)
    trainer = captured(model=shape, ids=TEXT[:1400], **settings)
    for step in range(30):
        ordinary.advance()
        trainer.advance()
        if step == 0:
            assert ordinary._norm_sum > 0.05
    assert trainer.progress == ordinary.progress
    assert trainer.take_mean_bits() == pytest.approx(ordinary.take_mean_bits(), abs=1e-4)
    expected, actual = ordinary.tensors(), trainer.tensors()
    assert expected.keys() == actual.keys()
    for name, tensor in expected.items():
        # Products in bfloat16, which Muon's are, round as the library likes.
        torch.testing.assert_close(
            actual[name], tensor, atol=2e-3, rtol=0, msg=lambda text, at=name: at + text
        )


def test_dropout_draws_the_masks_of_the_ordinary_step():
    ordinary, trainer = small_trainer(), captured()
    for _ in range(3):
        ordinary.advance()
        trainer.advance()
    assert torch.equal(trainer.generator.get_state(), ordinary.generator.get_state())
    torch.testing.assert_close(trainer._loss_sum, ordinary._loss_sum, atol=1e-4, rtol=0)


def test_capturing_changes_nothing_that_is_saved():
    trainer = small_trainer()
    trainer.advance()
    before = copies(trainer)
    assert trainer.capture() is None
    after = trainer.tensors()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    new = captured().tensors()
    assert all(not tensor.any() for name, tensor in new.items() if name.startswith("optimizer."))


@pytest.mark.parametrize("saved_at", [0, 7])
def test_a_captured_training_that_is_saved_and_restored_goes_on_bit_for_bit(saved_at):
    whole = captured()
    for _ in range(saved_at):
        whole.advance()
    tensors, numbers = copies(whole), whole.numbers()
    restored = small_trainer()
    assert restored.fits({name: tuple(tensor.shape) for name, tensor in tensors.items()})
    restored.restore(tensors, numbers)
    assert restored.capture() is None
    for _ in range(40):  # the streams begin anew in them
        whole.advance()
        restored.advance()
    assert_same_state(restored, whole)


def test_a_restored_trainer_takes_ordinary_steps_until_it_is_captured_again():
    trainer = captured()
    trainer.restore(copies(trainer), trainer.numbers())
    assert trainer._captured is None


def test_a_step_reads_no_number_of_the_device_on_the_host():
    """A CUDA graph cannot wait for the host; ordinary steps of Muon would, with tensors as rates."""
    trainer = captured(weight_decay=0.3)
    assert host_reads(trainer.advance) == []
    assert host_reads(lambda: trainer._loss_sum.item()) == ["aten::item"]


def test_where_the_capture_fails_the_training_goes_on_as_it_was(monkeypatch):
    def failing(step: CapturedStep, generator: torch.Generator) -> None:
        step._body()
        raise RuntimeError("operation not permitted when stream is capturing\nand more lines")

    monkeypatch.setattr(CapturedStep, "record", failing)
    trainer, ordinary = small_trainer(), small_trainer()
    assert trainer.capture() == "operation not permitted when stream is capturing"
    for _ in range(3):
        trainer.advance()
        ordinary.advance()
    expected, actual = ordinary.tensors(), trainer.tensors()
    assert all(torch.equal(tensor, actual[name]) for name, tensor in expected.items())


def test_several_processes_are_not_captured():
    trainer = small_trainer()
    several = Trainer(trainer.model, TEXT, trainer.config, processes=ProcessGroup(0, 2))
    assert several.capture() == "several processes train together"


def test_a_text_too_long_for_the_gpu_is_not_captured(monkeypatch):
    monkeypatch.setattr(
        "charlstm.training.trainer.fits_in_half_of_free_memory", lambda data_bytes, device: data_bytes < 100
    )
    assert "too long" in str(small_trainer().capture())


def test_gradients_that_torch_shares_get_memory_of_their_own():
    first, second = (torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2))
    set_gradients(((first + second) * torch.arange(6.0).view(3, 2)).sum(), [first, second])
    assert first.grad is not None
    assert second.grad is not None
    first.grad.zero_()
    assert torch.equal(second.grad, torch.arange(6.0).view(3, 2))
