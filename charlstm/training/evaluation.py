"""The loss of a model on a text: every character is predicted once, with h and c carried through the text."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charlstm.errors import CorpusError
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM, State
from charlstm.text.vocabulary import Ids

# What every stream but the first reads, unscored, before its own part of the text begins, so that its state
# comes from the text before. It changes the loss by less than 1e-4 bits; see tests/benchmarks/EXPERIMENTS.md.
_WARMUP_CHARACTERS = 512
_MOST_STREAMS = 64
_LONGEST_WINDOW_CHARACTERS = 256
# Windows are shorter for large vocabularies: 60,000 symbols would take 4 GB in 64 streams of 256 characters.
_MOST_WINDOW_LOGITS = 1 << 26
# A GPU stands still while losses are read from it, so it first computes this number of windows.
_WINDOWS_AT_ONCE, _WINDOWS_AT_ONCE_ELSEWHERE = {"cpu": 1}, 16


@dataclass(frozen=True)
class Evaluation:
    """The mean loss in nats per character, and the number of characters predicted: all but the first."""

    loss_nats: float
    characters: int

    @property
    def bits_per_character(self) -> float:
        """The mean loss in bits per character."""
        return self.loss_nats / math.log(2)


class Losses(NamedTuple):
    """The losses nats (n,) float32 in nats of the n characters from position first of a text on."""

    first: int
    nats: Tensor


def evaluate(model: CharLSTM, ids: Ids, *, processes: ProcessGroup = ALONE) -> Evaluation:
    """Return the mean loss of model over ids (characters,), token ids, read from a state of zeros.

    The processes of a group share the work and get the same result; all of them must call this. Raises
    CorpusError when ids has fewer than two characters.
    """
    total, count = 0.0, 0
    for losses in character_losses(model, ids, processes=processes):
        total += losses.nats.double().sum().item()
        count += losses.nats.numel()
    total, characters = processes.sums(total, count)
    return Evaluation(total / characters, int(characters))


@torch.inference_mode()
def character_losses(model: CharLSTM, ids: Ids, *, processes: ProcessGroup = ALONE) -> Iterator[Losses]:
    """Yield the losses of model on ids (characters,), token ids, in blocks that hold each one once.

    The first character has no loss. Blocks come in any order. A long text is read as several streams side by
    side, each of which starts _WARMUP_CHARACTERS early. Each process of a group reads some of the streams and
    yields their blocks only. Raises CorpusError when ids has fewer than two characters.
    """
    predicted = len(ids) - 1
    if predicted < 1:
        raise CorpusError(f"a text of {len(ids)} characters leaves nothing to predict", "give two at least")
    streams = max(1, min(_MOST_STREAMS, predicted // _WARMUP_CHARACTERS))
    length = -(-predicted // streams)
    was_training = model.training
    model.eval()
    try:
        if rows := range(streams)[processes.shard(streams).own]:
            yield from _stream_losses(model, ids, rows, length, warmed=streams > 1)
    finally:
        model.train(was_training)


def _stream_losses(model: CharLSTM, ids: Ids, rows: range, length: int, *, warmed: bool) -> Iterator[Losses]:
    """Yield the losses of the streams in rows: stream k predicts characters k*length+1 to (k+1)*length.

    A warmed stream reads from _WARMUP_CHARACTERS before its part on.
    """
    state = model.initial_state(len(rows))
    last = len(ids) - 1
    window = _window_characters(len(rows) * model.config.vocabulary_size)
    ahead = _WINDOWS_AT_ONCE.get(model.device.type, _WINDOWS_AT_ONCE_ELSEWHERE)
    computed: list[tuple[Tensor, NDArray[np.int64]]] = []
    for offset in range(-_WARMUP_CHARACTERS if warmed else 0, length, window):
        stop = min(offset + window, length if offset >= 0 else 0)
        positions = np.array(rows)[:, None] * length + np.arange(offset, stop)
        inputs = torch.from_numpy(ids[positions.clip(0, last)].astype(np.int64)).to(model.device)
        if offset == 0 and rows[0] == 0:
            state = _with_first_stream_cleared(state)
        logits, state = model(inputs, state)
        if offset >= 0:
            computed.append((_losses(logits, ids, positions), positions))
        if len(computed) == ahead or stop == length:
            for nats, read in computed:
                yield from _row_losses(nats, read, last)
            computed.clear()


def _window_characters(logits_per_position: int) -> int:
    """Return the length of a window, in characters, that divides _WARMUP_CHARACTERS and fits in memory."""
    window = _LONGEST_WINDOW_CHARACTERS
    while window > 1 and window * logits_per_position > _MOST_WINDOW_LOGITS:
        window //= 2
    return window


def _with_first_stream_cleared(state: State) -> State:
    """Return state with stream 0 set to zero: no text stands before it, so what it read did not count."""
    keep = torch.ones(state.h.shape[1], 1, device=state.h.device)
    keep[0] = 0
    return State(state.h * keep, state.c * keep)


def _losses(logits: Tensor, ids: Ids, positions: NDArray[np.int64]) -> Tensor:
    """Return the losses (streams, window), in nats, of logits (streams, window, vocabulary) on their device.

    positions (streams, window) are those of the characters that were read; each predicts the next one.
    """
    targets = ids[(positions + 1).clip(0, len(ids) - 1)].astype(np.int64)
    there = torch.from_numpy(targets).to(logits.device)
    return functional.cross_entropy(logits.float().transpose(1, 2), there, reduction="none")


def _row_losses(nats: Tensor, positions: NDArray[np.int64], last: int) -> Iterator[Losses]:
    """Yield the losses of every stream in a window: nats (streams, window), read at positions of that shape.

    Positions from last, that of the text's last character, on are left out.
    """
    for row, first in zip(nats.cpu(), positions[:, 0], strict=True):
        inside = min(len(row), last - int(first))
        if inside > 0:
            yield Losses(int(first) + 1, row[:inside])
