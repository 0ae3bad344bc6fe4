"""How well a model predicts a text: every character once, with the state carried."""

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

# Characters that every stream but the first reads, uncounted, before its own part begins, so that its
# state is carried from the text before: measured to change bits per character by less than 1e-4.
WARMUP = 512
_STREAMS = 64
_WINDOW = 256
# Logits of a window: with 60,000 symbols a whole one would take 4 GB.
_LOGITS = 1 << 26


@dataclass(frozen=True)
class Evaluation:
    """loss_nats per predicted character, and how many were predicted (all but the first)."""

    loss_nats: float
    characters: int

    @property
    def bits_per_character(self) -> float:
        """The same loss in bits."""
        return self.loss_nats / math.log(2)


class Losses(NamedTuple):
    """A block of losses in nats, (n,) float32: those of the characters at positions first..first+n-1."""

    first: int
    nats: Tensor


def evaluate(model: CharLSTM, ids: Ids, *, processes: ProcessGroup = ALONE) -> Evaluation:
    """Mean loss over a whole text, (characters,) token ids, from a state of zeros at its first character.

    The processes of a group read a part each. Raises CorpusError when there is nothing to predict.
    """
    total, count = 0.0, 0
    for losses in character_losses(model, ids, processes=processes):
        total += losses.nats.double().sum().item()
        count += losses.nats.numel()
    total, characters = processes.sums(total, count)
    return Evaluation(total / characters, int(characters))


@torch.inference_mode()
def character_losses(model: CharLSTM, ids: Ids, *, processes: ProcessGroup = ALONE) -> Iterator[Losses]:
    """Yield the loss of every character but the first, in blocks that together cover each one once.

    Long texts are read as streams side by side, each starting WARMUP characters early; the blocks of all
    processes of a group together cover the text.
    Raises CorpusError when there is nothing to predict.
    """
    predicted = len(ids) - 1
    if predicted < 1:
        raise CorpusError(f"a text of {len(ids)} characters leaves nothing to predict", "give two at least")
    streams = max(1, min(_STREAMS, predicted // WARMUP))
    length = -(-predicted // streams)
    was_training = model.training
    model.eval()
    try:
        if rows := range(streams)[processes.shard(streams).own]:
            yield from _stream_losses(model, ids, rows, length, warmed=streams > 1)
    finally:
        model.train(was_training)


def _stream_losses(model: CharLSTM, ids: Ids, rows: range, length: int, *, warmed: bool) -> Iterator[Losses]:
    """Stream k of rows predicts the characters k*length+1 .. (k+1)*length.

    Warmed, it reads from WARMUP before them.
    """
    state = model.initial_state(len(rows))
    last = len(ids) - 1
    window = _window(len(rows) * model.config.vocabulary_size)
    for offset in range(-WARMUP if warmed else 0, length, window):
        stop = min(offset + window, length if offset >= 0 else 0)
        places = np.array(rows)[:, None] * length + np.arange(offset, stop)
        inputs = torch.from_numpy(ids[places.clip(0, last)].astype(np.int64)).to(model.device)
        if offset == 0 and rows[0] == 0:
            state = _first_stream_cleared(state)
        logits, state = model(inputs, state)
        if offset >= 0:
            yield from _rows(logits, ids, places)


def _window(logits: int) -> int:
    """Characters in a window whose positions have so many logits each; it divides WARMUP."""
    window = _WINDOW
    while window > 1 and window * logits > _LOGITS:
        window //= 2
    return window


def _first_stream_cleared(state: State) -> State:
    """The state with stream 0, which has no text before it, back at zero."""
    keep = torch.ones(state.h.shape[1], 1, device=state.h.device)
    keep[0] = 0
    return State(state.h * keep, state.c * keep)


def _rows(logits: Tensor, ids: Ids, places: NDArray[np.int64]) -> Iterator[Losses]:
    """The losses of each stream's part of a window, characters past the text's end left out."""
    last = len(ids) - 1
    targets = torch.from_numpy(ids[(places + 1).clip(0, last)].astype(np.int64)).to(logits.device)
    nats = functional.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none").cpu()
    for row, first in zip(nats, places[:, 0], strict=True):
        inside = min(len(row), last - int(first))
        if inside > 0:
            yield Losses(int(first) + 1, row[:inside])
