"""Drawing the next characters, in one stream or many.

One stream of tanh cells on the CPU goes the way of `stream`; many, or a GPU, or another activation, go by
steps of matrix products.
"""

import codecs
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm import cell
from charlstm.compiled import COLDEST, pick_rows
from charlstm.config import Hold, ModelConfig, SamplingConfig, Unknown
from charlstm.errors import UsageError
from charlstm.model import CharLSTM, State, runs_compiled
from charlstm.stepper import Stepper
from charlstm.stream import Stream, draw_rules, draw_stream, stream_weights
from charlstm.vocabulary import Vocabulary


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
    if config.count == 1 and runs_compiled(model):
        yield from ([symbol] for symbol in _draw_one(model, prompt, config, generator))
    else:
        yield from _draw_many(model, prompt, config, generator)


def _draw_one(
    model: CharLSTM, prompt: Tensor, config: SamplingConfig, generator: torch.Generator
) -> Iterator[int]:
    """The ids of one stream, from `stream`."""
    state = _read(model, prompt[:-1], 1)
    tensors = {name: tensor.float().numpy() for name, tensor in model.state_dict().items()}
    stream = Stream(
        stream_weights(tensors), config.hold, state=(state.h[:, 0].numpy(), state.c[:, 0].numpy())
    )

    def uniforms(count: int) -> NDArray[np.float64]:
        return torch.rand(count, dtype=torch.float64, generator=generator).numpy()

    return draw_stream(stream, int(prompt[-1]), config=config, uniforms=uniforms)


@torch.inference_mode()
def _draw_many(
    model: CharLSTM, prompt: Tensor, config: SamplingConfig, generator: torch.Generator
) -> Iterator[list[int]]:
    """The ids of every stream, a step of all at a time."""
    stepper, state = Stepper(model, config.precision), _read(model, prompt[:-1], config.count)
    ids = prompt[-1:].repeat(config.count)
    rules = draw_rules(config)
    for number in range(config.length):
        logits, state = stepper(ids, state, _held(config.hold, number, model))
        if runs_compiled(model):
            uniforms = torch.rand(config.count, dtype=torch.float64, generator=generator)
            ids = torch.from_numpy(pick_rows(logits.numpy(), rules, uniforms.numpy()))
        else:
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


def check_cell(layer: int, number: int, model: ModelConfig) -> None:
    """Raise UsageError when a model of this shape does not have the cell."""
    if not (0 <= layer < model.layers and 0 <= number < model.cells):
        raise UsageError(
            f"the model has no cell {layer}:{number}",
            f"give a layer from 0 to {model.layers - 1} and a cell from 0 to {model.cells - 1}",
        )


def _held(holds: Sequence[Hold], number: int, model: CharLSTM) -> list[cell.Held | None] | None:
    """For each layer the cells that are held when the character of this number is drawn."""
    begun = sorted((hold for hold in holds if hold.start <= number), key=lambda hold: hold.start)
    return [_held_in(layer, begun, model) for layer in range(model.config.layers)] if begun else None


def _held_in(layer: int, holds: Sequence[Hold], model: CharLSTM) -> cell.Held | None:
    """The held cells of one layer; of two holds of one cell the later in the list counts."""
    values = {hold.cell: hold.value for hold in holds if hold.layer == layer}
    if not values:
        return None
    cells = torch.tensor(list(values), device=model.device)
    return cell.Held(cells, torch.tensor(list(values.values()), device=model.device))


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
    ids = vocabulary.encode(prompt, unknown=unknown).tolist()
    if not ids:
        ids = [vocabulary.symbols.index("\n") if "\n" in vocabulary.symbols else 0]
    prompt_ids = torch.tensor(ids, device=model.device)
    writers = [_Writer(vocabulary, config.stop) for _ in range(config.count)]
    for drawn in draw(model, prompt_ids, config=config, generator=generator):
        yield [writer.write(symbol) for writer, symbol in zip(writers, drawn, strict=True)]
        if all(writer.stopped for writer in writers):
            return
    yield [writer.finish() for writer in writers]


class _Writer:
    """One stream's ids to text: characters split over several bytes wait until they are whole."""

    def __init__(self, vocabulary: Vocabulary, stop: str | None) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = stop
        self._tail = ""
        self.stopped = False

    def write(self, symbol: int) -> str:
        if self.stopped:
            return ""
        if self._vocabulary.level == "bytes":
            text = self._decoder.decode(self._vocabulary.decode_bytes([symbol]))
        else:
            text = self._vocabulary.symbols[symbol]
        if self._stop is not None:
            self._tail = (self._tail + text)[-len(self._stop) :]
            self.stopped = self._tail == self._stop
        return text

    def finish(self) -> str:
        return "" if self.stopped else self._decoder.decode(b"", final=True)
