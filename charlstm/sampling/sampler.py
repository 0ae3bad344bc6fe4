"""Drawing the next characters, in one stream or many.

Tanh cells on the CPU go the way of `stream`; a GPU or another activation goes by the steps of `stepper`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.config import Hold, SamplingConfig, Unknown, check_cell
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM, State, compiled_weights, runs_compiled
from charlstm.model.kernels.drawing import COLDEST
from charlstm.model.stepper import Stepper
from charlstm.sampling.blocks import draw_after
from charlstm.sampling.spelling import read_prompt, written
from charlstm.text.vocabulary import Vocabulary


def next_probabilities(logits: Tensor, config: SamplingConfig) -> Tensor:
    """The distribution that is drawn from, (streams, vocabulary), for logits of the same shape.

    Temperature first, then the top_k likeliest, then the fewest of those that hold top_p of the
    probability (Holtzman 2020). Temperature 0 leaves the likeliest alone, the first one in a tie.
    """
    logits = logits.double()
    if config.temperature < COLDEST:
        return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
    # The largest logit is taken off first: a temperature of 1e-9 then overflows to -inf, not to NaN.
    scaled = (logits - logits.amax(1, keepdim=True)) / config.temperature
    if 0 < config.top_k < logits.shape[1]:
        least = scaled.topk(config.top_k, dim=1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, -torch.inf)
    probabilities = scaled.softmax(1)
    if config.top_p < 1:
        # By logits: two of them may differ so little that their probabilities are one.
        order = scaled.argsort(dim=1, descending=True, stable=True)
        ordered = probabilities.gather(1, order)
        before = ordered.cumsum(1) - ordered
        dropped = torch.zeros_like(before, dtype=torch.bool).scatter_(1, order, before >= config.top_p)
        probabilities = probabilities.masked_fill(dropped, 0.0)
    return probabilities / probabilities.sum(1, keepdim=True)


def draw(
    model: CharLSTM, prompt: Tensor, *, config: SamplingConfig, generator: torch.Generator
) -> Iterator[list[int]]:
    """Yield config.length times the next id of every stream, config.count of them.

    prompt is (characters,) int64, at least one of them; every stream reads it first. What a hold is to
    change in the first drawn character, it changes in the state after the prompt's last.
    Raises UsageError for a hold of a cell that the model does not have.
    """
    for hold in config.hold:
        check_cell(hold.layer, hold.cell, model.config)
    if runs_compiled(model):
        yield from _draw_in_blocks(model, prompt, config, generator)
    else:
        yield from _draw_in_steps(model, prompt, config, generator)


def _draw_in_blocks(
    model: CharLSTM, prompt: Tensor, config: SamplingConfig, generator: torch.Generator
) -> Iterator[list[int]]:
    """The ids of every stream, from `stream`."""

    def uniforms(count: int) -> NDArray[np.float64]:
        return torch.rand(count, dtype=torch.float64, generator=generator).numpy()

    weights, threads = compiled_weights(model, config.precision), torch.get_num_threads()
    return draw_after(weights, prompt.numpy(), config=config, uniforms=uniforms, threads=threads)


@torch.inference_mode()
def _draw_in_steps(
    model: CharLSTM, prompt: Tensor, config: SamplingConfig, generator: torch.Generator
) -> Iterator[list[int]]:
    """The ids of every stream, a step of all at a time."""
    stepper, state = Stepper(model, config.precision), _read(model, prompt[:-1], config.count)
    ids = prompt[-1:].repeat(config.count)
    for number in range(config.length):
        logits, state = stepper(ids, state, _held(config.hold, number, model))
        ids = torch.multinomial(next_probabilities(logits, config), 1, generator=generator).squeeze(1)
        yield ids.tolist()


@torch.inference_mode()
def _read(model: CharLSTM, ids: Tensor, streams: int) -> State:
    """The state of every stream after ids (characters,) int64, dropout left aside."""
    state = model.initial_state(streams)
    if len(ids):
        was_training = model.training
        model.eval()
        _, state = model(ids.expand(streams, -1), state)
        model.train(was_training)
    return state


def _held(holds: Sequence[Hold], number: int, model: CharLSTM) -> list[equations.Held | None] | None:
    """For each layer the cells that are held when the character of this number is drawn."""
    begun = sorted((hold for hold in holds if hold.start <= number), key=lambda hold: hold.start)
    return [_held_in(layer, begun, model) for layer in range(model.config.layers)] if begun else None


def _held_in(layer: int, holds: Sequence[Hold], model: CharLSTM) -> equations.Held | None:
    """The held cells of one layer; of two holds of one cell the later in the list counts."""
    values = {hold.cell: hold.value for hold in holds if hold.layer == layer}
    if not values:
        return None
    cells = torch.tensor(list(values), device=model.device)
    return equations.Held(cells, torch.tensor(list(values.values()), device=model.device))


def sample(
    model: CharLSTM,
    vocabulary: Vocabulary,
    prompt: str = "",
    *,
    config: SamplingConfig,
    generator: torch.Generator,
    unknown: Unknown = "error",
) -> Iterator[list[str]]:
    """Yield what each of config.count streams adds to its text, without the prompt.

    A stream ends with config.stop, which it includes, and adds "" from then on. An empty prompt
    starts as after a line break (or after the vocabulary's first symbol, where it has no line break).
    Raises UnknownCharacterError for a prompt that the vocabulary cannot spell.
    """
    prompt_ids = torch.tensor(read_prompt(prompt, vocabulary, unknown), device=model.device)
    drawn = draw(model, prompt_ids, config=config, generator=generator)
    return written(drawn, vocabulary, config)
