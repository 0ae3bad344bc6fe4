"""Rollouts equal the model's own forward pass and, with cells changed, its equations stepped by hand."""

import pytest
import torch

from charlstm.config import ACTIVATIONS, ModelConfig
from charlstm.inspection.intervening import rollouts
from charlstm.inspection.intervening.rollouts import Edit, Rollouts
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State


def network(activation: str = "tanh", gates: str = "sigmoid") -> CharLSTM:
    config = ModelConfig(
        vocabulary_size=9, cells=5, layers=2, embedding=4, activation=activation, gate_activation=gates
    )
    return CharLSTM(config, generator=torch.Generator().manual_seed(0)).requires_grad_(False).eval()


def ids_and_state(rows: int) -> tuple[torch.Tensor, State]:
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(0, 9, (rows, 6), generator=random)
    return ids, State(torch.randn(2, rows, 5, generator=random), torch.randn(2, rows, 5, generator=random))


def by_hand(model: CharLSTM, ids: torch.Tensor, state: State, edit: Edit, layer: int) -> torch.Tensor:
    """Logits (rows, vocabulary) after the last character, with c of one layer edited."""
    h, c = list(state.h), list(state.c)
    function = equations.activation_function(model.config.activation)
    for place, x in enumerate(model.embedding(ids).unbind(1)):
        for number in range(2):
            weights = model.weights(number)
            projected = x @ weights.input.t() + weights.bias
            h[number], c[number], gates = equations.step(
                projected, h[number], c[number], weights.recurrent, functions=model.config.functions
            )
            if number == layer and (place == 0 or edit.hold):
                for row, (cells, values) in enumerate(zip(edit.cells, edit.values, strict=True)):
                    for cell, value in zip(cells.tolist(), values.tolist(), strict=True):
                        c[number][row, cell] = value
            h[number] = gates.o * function(c[number])
            x = h[number]
    return model.head(x)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_rollout_without_edits_equals_the_model(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollouts, "_ROWS_PER_BATCH", 3)  # several batches
    model, (ids, state) = network(activation), ids_and_state(7)
    outcome = Rollouts(model).run(ids, state, track=True)
    logits, after = model(ids, state)
    torch.testing.assert_close(outcome.logits, logits[:, -1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(outcome.track[-1], after.c, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(outcome.logits.softmax(1).sum(1), torch.ones(7))
    assert outcome.track.shape == (6, 2, 7, 5)


@pytest.mark.parametrize("gates", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_rollout_with_an_edit_equals_the_stepped_equations(
    layer: int, hold: bool, gates: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "_ROWS_PER_BATCH", 3)
    model, (ids, state) = network(gates=gates), ids_and_state(7)
    # Each row has two cells of its own that are set.
    cells = torch.tensor([[2, 4], [0, 1], [3, 2], [4, 0], [1, 3], [2, 0], [4, 1]])
    edit = Edit(cells, torch.randn(7, 2, generator=torch.Generator().manual_seed(5)), hold)
    found = Rollouts(model).run(ids, state, {layer: edit}, track=True)
    torch.testing.assert_close(found.logits, by_hand(model, ids, state, edit, layer), atol=1e-5, rtol=1e-5)
    natural = Rollouts(model).run(ids, state, track=True)
    untouched = torch.ones(7, 5, dtype=torch.bool).scatter_(1, cells, False)
    assert torch.equal(found.track[0, layer].gather(1, cells), edit.values)
    assert torch.equal(found.track[0, layer][untouched], natural.track[0, layer][untouched])
    assert torch.equal(found.track[-1, layer].gather(1, cells), edit.values) == hold
    assert not torch.allclose(found.logits, natural.logits, atol=1e-3)


@pytest.mark.parametrize("layer", [0, 1])
def test_edits_for_several_times_the_rows_run_every_row_that_often(
    layer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "_ROWS_PER_BATCH", 9)  # two repetitions of four rows at once
    model, (ids, state) = network(), ids_and_state(4)
    values = torch.randn(12, 1, generator=torch.Generator().manual_seed(6))
    edit = Edit(torch.arange(12)[:, None] % 5, values, hold=layer == 0)
    found = Rollouts(model).run(ids, state, {layer: edit}, track=True)
    repeated = State(*(both.repeat(1, 3, 1) for both in state))
    expected = Rollouts(model).run(ids.repeat(3, 1), repeated, {layer: edit}, track=True)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_edits_of_several_layers_act_together_and_leave_the_start_as_it_was() -> None:
    model, (ids, state) = network(), ids_and_state(4)
    kept = State(state.h.clone(), state.c.clone())
    lower = Edit(torch.full((4, 1), 1), torch.full((4, 1), 2.0))
    upper = Edit(torch.full((4, 1), 3), torch.full((4, 1), -2.0))
    both = Rollouts(model).run(ids, state, {0: lower, 1: upper}, track=True)
    assert (both.track[0, 0, :, 1] == 2).all()
    assert (both.track[0, 1, :, 3] == -2).all()
    only_lower = Rollouts(model).run(ids, state, {0: lower}, track=True)
    assert torch.equal(both.track[:, 0], only_lower.track[:, 0]), "nothing flows from above to below"
    assert not torch.equal(both.logits, only_lower.logits)
    assert torch.equal(state.h, kept.h)
    assert torch.equal(state.c, kept.c)


def test_waits_equal_those_of_a_text_drawn_one_character_at_a_time() -> None:
    model, (ids, state) = network(), ids_and_state(8)
    draws = torch.rand(8, 12, generator=torch.Generator().manual_seed(2))
    targets = torch.arange(9) == 4
    edit = Edit(torch.arange(5).expand(8, -1), torch.full((8, 5), 2.0))
    waited = Rollouts(model).waits(ids, state, {1: edit}, draws=draws, targets=targets)
    outcome = Rollouts(model).run(ids, state, {1: edit})
    for row in range(8):
        logits, after = outcome.logits[row], State(outcome.state.h[:, [row]], outcome.state.c[:, [row]])
        for place in range(12):
            chosen = int((logits.softmax(0).cumsum(0) < draws[row, place]).sum())
            if chosen == 4:
                break
            step, after = model(torch.tensor([[chosen]]), after)
            logits = step[0, -1]
        else:
            place = 12
        assert int(waited[row]) == place
    assert 0 < waited.min() + 1 <= waited.max() + 1 <= 13
    assert len(waited.unique()) > 3


def test_a_draw_above_all_rounded_probabilities_is_the_last_character() -> None:
    model, (ids, state) = network(), ids_and_state(3)
    for target, waited in ((8, 0), (4, 5)):
        targets = torch.arange(9) == target
        found = Rollouts(model).waits(ids, state, {}, draws=torch.full((3, 5), 1.01), targets=targets)
        assert found.tolist() == [waited] * 3


def test_rows_run_in_batches_of_a_bounded_size() -> None:
    for rows, edited in ((3, 3), (2_500, 2_500), (10, 5_120), (300, 3_000)):
        batches = list(rollouts._batches(rows, edited))
        sizes = [min(of_edits.stop, edited) - of_edits.start for _, of_edits in batches]
        assert sum(sizes) == edited
        assert max(sizes) <= 1024
        assert sum(sizes[:-1]) == (len(sizes) - 1) * sizes[0], "all but the last are full"
        assert len(batches) == -(-edited // sizes[0])
        assert sizes[0] > 1024 - rows or len(batches) == 1
