"""Sampling from a CharLSTM: the distribution that is drawn from, and the drawing, in one stream or many.

A model of tanh cells on the CPU draws by the compiled loops, `sampling.blocks`. On a GPU, and with another
activation, it draws by `model.stepper`; on a GPU that is captured (`sampling.captured_drawing`).
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.config import SamplingConfig, Unknown, check_cell
from charlstm.machine.cuda_graphs import CAPTURE_ERRORS
from charlstm.model.char_lstm import CharLSTM, State, compiled_weights, runs_compiled
from charlstm.model.kernels.drawing import LOWEST_TEMPERATURE
from charlstm.model.stepper import Stepper
from charlstm.sampling.blocks import draw_after, further_seeds
from charlstm.sampling.captured_drawing import CapturedDrawing
from charlstm.sampling.held_cells import held_at
from charlstm.sampling.spelling import decode_streams, encode_prompt
from charlstm.text.vocabulary import Vocabulary


def next_probabilities(logits: Tensor, config: SamplingConfig) -> Tensor:
    """Return the probabilities of the next symbol, (streams, vocabulary) float64, from logits of that shape.

    The logits are divided by the temperature; then only the top_k likeliest symbols stay; then only the
    fewest of these that together hold a share top_p of the probability (nucleus sampling; Holtzman et al.,
    "The Curious Case of Neural Text Degeneration", 2020). At temperature 0 only the likeliest symbol stays,
    the first one in a tie.
    """
    logits = logits.double()
    if config.temperature < LOWEST_TEMPERATURE:
        return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
    # The largest logit is taken off first: a temperature of 1e-9 then overflows to -inf, not to NaN.
    scaled = (logits - logits.amax(1, keepdim=True)) / config.temperature
    if 0 < config.top_k < logits.shape[1]:
        least = scaled.topk(config.top_k, dim=1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, -torch.inf)
    probabilities = scaled.softmax(1)
    if config.top_p < 1:
        # Sorted by logits: two that differ very little may have equal probabilities.
        order = scaled.argsort(dim=1, descending=True, stable=True)
        ordered = probabilities.gather(1, order)
        before = ordered.cumsum(1) - ordered
        dropped = torch.zeros_like(before, dtype=torch.bool).scatter_(1, order, before >= config.top_p)
        probabilities = probabilities.masked_fill(dropped, 0.0)
    return probabilities / probabilities.sum(1, keepdim=True)


def draw(
    model: CharLSTM, prompt: Tensor, *, config: SamplingConfig, generator: torch.Generator
) -> Iterator[list[int]]:
    """Yield config.length lists of ids, the next one of each of config.count streams.

    prompt is (characters,) int64 with one character at least, and every stream reads it first. A hold that
    starts at drawn character 0 sets the cell in the state after the prompt's last character, from which
    character 0 is drawn. generator decides the draws of the first text and the seeds of the others. The first
    text equals the one drawn with count=1.
    Raises UsageError for a hold of a cell that the model does not have.
    """
    for hold in config.hold:
        check_cell(hold.layer, hold.cell, model.config)
    if runs_compiled(model, config.precision):
        yield from _draw_in_blocks(model, prompt, config, generator)
    else:
        yield from _draw_in_steps(model, prompt, config, generator)


def _draw_in_blocks(
    model: CharLSTM, prompt: Tensor, config: SamplingConfig, generator: torch.Generator
) -> Iterator[list[int]]:
    """Return the drawn ids of every stream, by the compiled loops; see draw."""

    generators = text_generators(generator, config.count)

    def uniforms(characters: int) -> NDArray[np.float64]:
        numbers = [torch.rand(characters, dtype=torch.float64, generator=each) for each in generators]
        return torch.stack(numbers, dim=1).numpy()

    weights, threads = compiled_weights(model, config.precision), torch.get_num_threads()
    return draw_after(weights, prompt.numpy(), config=config, uniforms=uniforms, threads=threads)


@torch.inference_mode()
def _draw_in_steps(
    model: CharLSTM, prompt: Tensor, config: SamplingConfig, generator: torch.Generator
) -> Iterator[list[int]]:
    """Yield the drawn ids of every stream, by one step of the model for each character; see draw."""
    stepper, state = Stepper(model, config.precision), _read(model, prompt[:-1], config.count)
    ids, generators = prompt[-1:].repeat(config.count), text_generators(generator, config.count)
    if model.device.type == "cuda" and not config.hold:
        captured = _captured(stepper, state, ids, config, generator)
        if captured is not None:
            yield from captured.draw(config.length)
            return
    for number in range(config.length):
        logits, state = stepper(ids, state, held_at(config.hold, number, model))
        ids = _drawn(next_probabilities(logits, config), generators)
        yield ids.tolist()


def _captured(
    stepper: Stepper, state: State, ids: Tensor, config: SamplingConfig, generator: torch.Generator
) -> CapturedDrawing | None:
    """Return streams that draw by a captured step, or None where torch cannot capture it."""
    try:
        return CapturedDrawing(
            stepper,
            state,
            ids,
            probabilities=lambda logits: next_probabilities(logits, config),
            generator=generator,
        )
    except CAPTURE_ERRORS:
        return None


def text_generators(generator: torch.Generator, count: int) -> list[torch.Generator]:
    """Return the generators of count texts: generator itself, and others whose seeds follow from its state.

    They give the numbers of seeded_uniforms. On a GPU all texts share generator, since a draw for each text
    by itself would take many times as long there.
    """
    if count == 1 or generator.device.type != "cpu":
        return [generator]
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    first_number = torch.rand(1, dtype=torch.float64, generator=copy).item()
    seeds = further_seeds(first_number, count)
    return [generator, *(torch.Generator().manual_seed(seed) for seed in seeds)]


def _drawn(probabilities: Tensor, generators: list[torch.Generator]) -> Tensor:
    """Return an id for each row of probabilities (streams, vocabulary): (streams,) int64.

    Each row is drawn by the generator of its stream, or all of them by the only one.
    """
    if len(generators) == 1:
        return torch.multinomial(probabilities, 1, generator=generators[0]).squeeze(1)
    rows = zip(probabilities.unsqueeze(1), generators, strict=True)
    return torch.cat([torch.multinomial(row, 1, generator=each) for row, each in rows]).squeeze(1)


@torch.inference_mode()
def _read(model: CharLSTM, ids: Tensor, streams: int) -> State:
    """Return the state after ids (characters,) int64 in that number of streams, without dropout."""
    state = model.initial_state(streams)
    if len(ids):
        was_training = model.training
        model.eval()
        _, state = model(ids.expand(streams, -1), state)
        model.train(was_training)
    return state


def sample(
    model: CharLSTM,
    vocabulary: Vocabulary,
    prompt: str = "",
    *,
    config: SamplingConfig,
    generator: torch.Generator,
    unknown: Unknown = "error",
) -> Iterator[list[str]]:
    """Yield the text that each of config.count streams adds, character by character, without the prompt.

    A stream ends with config.stop, which belongs to its text, and adds "" from then on. An empty prompt is
    read as a line break, or as the vocabulary's first symbol where it has no line break. unknown says what to
    do with characters of the prompt that the vocabulary lacks.
    Raises UnknownCharacterError for such a character with unknown="error", and UsageError for a hold of a
    cell that the model does not have.
    """
    prompt_ids = torch.tensor(encode_prompt(prompt, vocabulary, unknown), device=model.device)
    drawn = draw(model, prompt_ids, config=config, generator=generator)
    return decode_streams(drawn, vocabulary, config)
