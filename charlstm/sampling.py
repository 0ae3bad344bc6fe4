"""Drawing the next characters, in one stream or many, one step of `cell` at a time."""

import codecs
from collections.abc import Iterator

import torch
from torch import Tensor

from charlstm import cell
from charlstm.config import SamplingConfig, Unknown
from charlstm.model import CharLSTM, State
from charlstm.vocabulary import Vocabulary


class Stepper:
    """A model that reads one character of every stream at a time.

    The first layer's input projection is a table with one row per character, so that no step
    multiplies by its input weights.
    """

    @torch.inference_mode()
    def __init__(self, model: CharLSTM) -> None:
        """The weights are copied: later changes of the model do not show here."""
        weights = [model.weights(layer) for layer in range(model.config.layers)]
        self._table = model.embedding.weight @ weights[0].input.t() + weights[0].bias
        self._upper = [(w.input.t().contiguous(), w.bias.clone()) for w in weights[1:]]
        self._recurrent = [w.recurrent.clone() for w in weights]
        self._head = (model.head.bias.clone(), model.head.weight.t().contiguous())
        self._activation = model.config.activation

    @torch.inference_mode()
    def __call__(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (streams, vocabulary) and the state after reading ids, (streams,) int64."""
        projected = self._table[ids]
        after = []
        for layer, recurrent in enumerate(self._recurrent):
            h, c, _ = cell.step(
                projected, state.h[layer], state.c[layer], recurrent, activation=self._activation
            )
            after.append((h, c))
            if layer < len(self._upper):
                weight, bias = self._upper[layer]
                projected = torch.addmm(bias, h, weight)
        bias, weight = self._head
        state = State(torch.stack([h for h, _ in after]), torch.stack([c for _, c in after]))
        return torch.addmm(bias, after[-1][0], weight), state


def next_probabilities(logits: Tensor, config: SamplingConfig) -> Tensor:
    """The distribution that is drawn from, (streams, vocabulary), for logits of the same shape.

    Temperature first, then the top_k likeliest, then the fewest of those that hold top_p of the
    probability (Holtzman 2020). Temperature 0 leaves the likeliest alone, the first one in a tie.
    """
    logits = logits.double()
    if config.temperature == 0:
        return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
    # The largest logit is taken off first: a temperature of 1e-9 then overflows to -inf, not to NaN.
    scaled = (logits - logits.amax(1, keepdim=True)) / config.temperature
    if 0 < config.top_k < logits.shape[1]:
        least = scaled.topk(config.top_k, dim=1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, -torch.inf)
    probabilities = scaled.softmax(1)
    if config.top_p < 1:
        ordered, order = probabilities.sort(dim=1, descending=True)
        before = ordered.cumsum(1) - ordered
        dropped = torch.zeros_like(before, dtype=torch.bool).scatter_(1, order, before >= config.top_p)
        probabilities = probabilities.masked_fill(dropped, 0.0)
    return probabilities / probabilities.sum(1, keepdim=True)


@torch.inference_mode()
def draw(
    model: CharLSTM, prompt: Tensor, *, config: SamplingConfig, generator: torch.Generator
) -> Iterator[Tensor]:
    """Yield config.length times the next id of every stream, (count,) int64.

    prompt is (characters,) int64, at least one of them; every stream reads it first.
    """
    was_training = model.training
    model.eval()
    logits, state = model(prompt.expand(config.count, -1), model.initial_state(config.count))
    model.train(was_training)
    logits, stepper = logits[:, -1], Stepper(model)
    for _ in range(config.length):
        ids = torch.multinomial(next_probabilities(logits, config), 1, generator=generator).squeeze(1)
        yield ids
        logits, state = stepper(ids, state)


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
        yield [writer.write(symbol) for writer, symbol in zip(writers, drawn.tolist(), strict=True)]
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
