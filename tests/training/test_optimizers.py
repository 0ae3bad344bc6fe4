"""The optimisers: the schedule, who trains which rows, clipping, the L1 pull, decay, saving and loading."""

import pytest
import torch

from charlstm.config import ModelConfig, TrainingConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.training.optimizers import Optimizers, schedule


def test_schedule_rises_in_a_line_and_falls_in_a_cosine():
    assert schedule(0.0, warmup=0.1) < 0.01
    assert schedule(0.05, warmup=0.1) == pytest.approx(0.5)
    assert schedule(0.1, warmup=0.1) == pytest.approx(1.0)
    assert schedule(0.55, warmup=0.1) == pytest.approx(0.5)
    assert schedule(1.0, warmup=0.1) == pytest.approx(0.0)
    assert schedule(0.0, warmup=0.0) == 1.0


def weights_after(optimizer: str, steps: int, *, load_after: int | None = None) -> dict[str, torch.Tensor]:
    """The weights after steps steps; after load_after of them the optimisers are loaded into new ones."""
    config = TrainingConfig(steps=steps, optimizer=optimizer)
    model = CharLSTM(
        ModelConfig(vocabulary_size=7, cells=6, embedding=4), generator=torch.Generator().manual_seed(0)
    )
    optimizers = Optimizers(model, config)
    ids = torch.arange(28).view(4, 7) % 7
    for number in range(steps):
        if number == load_after:
            saved = {name: tensor.clone() for name, tensor in optimizers.tensors().items()}
            optimizers = Optimizers(model, config)
            optimizers.load(saved)
        logits, _ = model(ids, model.initial_state(4))
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids.roll(-1, 1).flatten()).backward()
        optimizers.step(optimizers.rates(number / steps))
    return model.state_dict()


def first_move(optimizer: str) -> torch.Tensor:
    """The change (4 * cells, cells) that one step, at half of the run, makes to the recurrent weights."""
    model = CharLSTM(
        ModelConfig(vocabulary_size=7, cells=6, embedding=4), generator=torch.Generator().manual_seed(0)
    )
    before = model.weights(0).recurrent.detach().clone()
    optimizers = Optimizers(model, TrainingConfig(steps=1, optimizer=optimizer, recurrent_l1=0.0))
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
    optimizers.step(optimizers.rates(0.5))
    return model.weights(0).recurrent.detach() - before


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
def test_loaded_optimisers_go_on_bit_for_bit(optimizer):
    unbroken, loaded = weights_after(optimizer, 8), weights_after(optimizer, 8, load_after=5)
    assert all(torch.equal(unbroken[name], loaded[name]) for name in unbroken)


def test_each_optimizer_gives_muon_the_gates_that_it_should():
    """AdamW moves every weight of a gate equally far in its first step, which Muon does not."""
    mixed, muon, adamw = (first_move(name).chunk(4) for name in ("mixed", "muon", "adamw"))

    def by_sign(rows):
        return torch.allclose(rows.abs(), rows.abs().mean(), rtol=1e-3)

    def same_way(rows, others):
        return torch.equal(rows.sign(), others.sign())

    assert [by_sign(rows) and same_way(rows, other) for rows, other in zip(mixed, adamw, strict=True)] == [
        True,
        True,
        False,
        True,
    ]
    assert [torch.equal(*rows) for rows in zip(mixed, muon, strict=True)] == [False, False, True, False]
    assert [by_sign(rows) for rows in adamw] == [True] * 4
    assert not any(by_sign(rows) for rows in muon)


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
def test_a_step_changes_every_parameter(optimizer):
    model = CharLSTM(ModelConfig(vocabulary_size=7, cells=6, embedding=4))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizers = Optimizers(model, TrainingConfig(steps=1, optimizer=optimizer, recurrent_l1=0.0))
    for parameter in model.parameters():
        parameter.grad = torch.rand_like(parameter) + 0.1
    optimizers.step(optimizers.rates(0.5))
    assert all((value != before[name]).all() for name, value in model.state_dict().items())


def test_step_returns_the_norm_before_clipping():
    model = CharLSTM(ModelConfig(vocabulary_size=7, cells=6, embedding=4))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizers = Optimizers(model, TrainingConfig(steps=1))
    norm = optimizers.step(optimizers.rates(0.5))
    assert norm.item() == pytest.approx(model.parameter_count() ** 0.5, rel=1e-4)


def test_gradients_are_clipped_more_tightly_during_warm_up():
    def squares(fraction: float) -> torch.Tensor:
        model = CharLSTM(ModelConfig(vocabulary_size=7, cells=6, embedding=4))
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizers = Optimizers(model, TrainingConfig(steps=1, warmup=0.1))
        optimizers.step(optimizers.rates(fraction))
        return next(value for name, value in optimizers.tensors().items() if name.endswith("exp_avg_sq"))

    torch.testing.assert_close(squares(0.05), 0.04 * squares(0.5))


def test_the_l1_pull_moves_recurrent_weights_to_0_and_no_further():
    def after(pull: float) -> CharLSTM:
        model = CharLSTM(
            ModelConfig(vocabulary_size=7, cells=6, embedding=4, layers=2),
            generator=torch.Generator().manual_seed(0),
        )
        config = TrainingConfig(steps=1, recurrent_l1=pull, learning_rate=0.01, warmup=0.0)
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizers = Optimizers(model, config)
        optimizers.step(optimizers.rates(0.0))
        return model

    free, pulled = after(0.0), after(5.0)
    for layer in range(2):
        before, shrunk = (model.weights(layer).recurrent.detach() for model in (free, pulled))
        torch.testing.assert_close(shrunk, before.sign() * (before.abs() - 0.05).clamp(min=0))
        assert 0 < (shrunk == 0).float().mean() < 1
        assert torch.equal(free.weights(layer).input, pulled.weights(layer).input)


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
def test_weight_decay_reaches_the_matrices_of_the_lstm_alone(optimizer):
    def after(decay: float) -> CharLSTM:
        model = CharLSTM(
            ModelConfig(vocabulary_size=7, cells=6, embedding=4), generator=torch.Generator().manual_seed(0)
        )
        config = TrainingConfig(
            steps=1, optimizer=optimizer, recurrent_l1=0.0, learning_rate=0.01, warmup=0.0, weight_decay=decay
        )
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizers = Optimizers(model, config)
        optimizers.step(optimizers.rates(0.0))
        return model

    free, decayed = (dict(after(decay).named_parameters()) for decay in (0.0, 20.0))
    for name, value in free.items():
        share = (decayed[name] / value)[value != 0]
        matrix = name.startswith("layers") and value.ndim == 2
        assert ((share < 0.9) if matrix else (share == 1)).all(), name


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
def test_the_shapes_after_a_step_are_known_before_it(optimizer):
    model = CharLSTM(ModelConfig(vocabulary_size=7, cells=6, embedding=4))
    optimizers = Optimizers(model, TrainingConfig(steps=1, optimizer=optimizer))
    expected = optimizers.shapes()
    assert optimizers.tensors() == {}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizers.step(optimizers.rates(0.5))
    assert {name: tuple(tensor.shape) for name, tensor in optimizers.tensors().items()} == expected


@pytest.mark.parametrize("optimizer", ["mixed", "muon", "adamw"])
def test_tensors_of_other_names_are_refused(optimizer):
    model = CharLSTM(ModelConfig(vocabulary_size=7, cells=6, embedding=4))
    with pytest.raises(ValueError, match="unpack"):
        Optimizers(model, TrainingConfig(steps=1, optimizer=optimizer)).load({"exp_avg": torch.zeros(1)})
