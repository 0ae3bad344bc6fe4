"""Rollouts equal the model's own forward pass and, with cells changed, its equations stepped by hand."""

import numpy as np
import pytest
import torch

from charlstm.config import ACTIVATIONS, ModelConfig
from charlstm.inspection.intervening import rollouts
from charlstm.inspection.intervening.rollouts import Edit, Rollouts, survey_text
from charlstm.inspection.reading.trace import Cut, trace
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
            if number == layer and place == 0:
                c[number] = set_to = c[number] + edit.shift
            elif number == layer and edit.hold:
                c[number] = torch.where(edit.shift == 0, c[number], set_to)
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
    torch.testing.assert_close(outcome.log_probabilities.exp().sum(1), torch.ones(7))
    assert outcome.track.shape == (6, 2, 7, 5)


@pytest.mark.parametrize("gates", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_rollout_with_an_edit_equals_the_stepped_equations(
    layer: int, hold: bool, gates: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "_ROWS_PER_BATCH", 3)
    model, (ids, state) = network(gates=gates), ids_and_state(7)
    shift = torch.zeros(7, 5)
    shift[:, 2], shift[::2, 4] = 1.5, -0.7
    edit = Edit(shift, hold)
    found = Rollouts(model).run(ids, state, {layer: edit}, track=True)
    torch.testing.assert_close(found.logits, by_hand(model, ids, state, edit, layer), atol=1e-5, rtol=1e-5)
    natural = Rollouts(model).run(ids, state, track=True)
    torch.testing.assert_close(found.track[0, layer] - natural.track[0, layer], shift, atol=1e-6, rtol=1e-5)
    stays = torch.equal(found.track[0, layer][:, 2], found.track[-1, layer][:, 2])
    assert stays == hold
    assert not torch.allclose(found.logits, natural.logits, atol=1e-3)


def test_a_survey_gives_the_states_and_the_statistics_of_a_plain_run() -> None:
    model, cut = network(), Cut(801, 2)
    ids = np.random.default_rng(0).integers(0, 9, 801).astype(np.uint8)
    wanted = np.array([1, 127, 128, 129, 399, 401, 799, 128])
    thresholds = torch.zeros(2, 5, dtype=torch.float64)
    seen = survey_text(model, ids, cut, thresholds, wanted)
    asked = np.array([799, 1, 129])
    found = seen.states_before(asked)
    for place, position in enumerate(asked.tolist()):
        start = position // 400 * 400
        text = torch.from_numpy(ids[start:position].astype(np.int64))[None]
        _, state = model(text, model.initial_state(1))
        torch.testing.assert_close(found.h[:, place], state.h[:, 0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(found.c[:, place], state.c[:, 0], atol=1e-5, rtol=1e-5)
    (block,) = trace(model, ids, streams=2, window=400)
    for number, layer in enumerate(block.layers):
        c = layer.c.flatten(0, 1).double()
        torch.testing.assert_close(seen.deviation[number], c.std(0, correction=0), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(seen.output_gate[number], layer.gates.o.double().mean((0, 1)))
        flips = ((layer.c[:, 1:] > 0) != (layer.c[:, :-1] > 0)).double().sum((0, 1)) / 800
        assert (seen.flip_rate[number] <= flips + 1e-9).all()
        assert (seen.flip_rate[number] >= flips - 2 * 4 / 800).all(), "flips between blocks are not seen"


def test_waits_equal_those_of_a_text_drawn_one_character_at_a_time() -> None:
    model, (ids, state) = network(), ids_and_state(8)
    draws = torch.rand(8, 12, generator=torch.Generator().manual_seed(2))
    targets = torch.arange(9) == 4
    edit = Edit(torch.full((8, 5), 2.0))
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
