"""Networks of the exam whose memory is planted and whose other weights are trained by gradient.

The planted cells are held fixed. The other cells have shut forget gates and hear no cell, so that the planted
ones are the only memory beyond the current character: what the trained network knows of its past, it knows
from them. How far it relies on each is measured by ablation, and a cell that it relies on a
little is not asked about.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from charlstm.inspection.exam.exam_texts import draw_roles, write_exam_text
from charlstm.inspection.exam.hard.text_styles import TELLING
from charlstm.inspection.exam.planted_cells import STRENGTH, by_gate, plant
from charlstm.inspection.exam.planted_networks import ExamNetwork, drive_of, log_frequencies
from charlstm.inspection.exam.questions import Question, clear_questions, duplicate_question
from charlstm.model.char_lstm import CharLSTM

# In these texts spans are rare: a cell with a softer drive would lose its level between them.
_LEAST_DRIVE = 4.0
# The first questions of clear_questions, which are about used cells of each kind.
_PLANTED = 5
_FREE_CELLS = (12, 24)
_STREAMS, _WINDOW, _STEPS, _LEARNING_RATE = 32, 64, 250, 0.02
# A cell is used where its closer is this much less likely, in nats, when its h is replaced by its mean; it is
# unused below the second number. In between nothing is asked about the verdict.
_USED_NATS, _UNUSED_NATS = 0.25, 0.02
# A switch or a depth counter is on where its h is above this.
_LEAST_H_WHERE_ON = 0.05


def trained_network(seed: int, characters: int) -> ExamNetwork:
    """Return the network that seed determines, trained on its text for some seconds."""
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    drive, roles = drive_of(seed, least=_LEAST_DRIVE), draw_roles(random, TELLING)
    text = write_exam_text(roles, random, characters)
    questions = list(islice(clear_questions(roles, drive, random), _PLANTED))
    twin = duplicate_question(questions[int(random.integers(_PLANTED))])
    model = plant(
        [question.cell for question in [*questions, twin]],
        roles.symbols,
        idle=int(random.integers(*_FREE_CELLS)),
        generator=generator,
        bias=log_frequencies(text, roles.symbols),
    )
    ids = torch.tensor([roles.symbols.index(character) for character in text])
    with _one_thread():
        _train(model, ids, used=_PLANTED, planted=_PLANTED + 1, generator=generator)
        questions = _asked(model, ids, roles.symbols, questions)
    cells = tuple(range(_PLANTED + 1))
    return ExamNetwork(model, text, roles.symbols, (*questions, twin), cells, drive, "trained")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch compute in one thread: with matrices this small, more threads wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _train(model: CharLSTM, ids: Tensor, *, used: int, planted: int, generator: torch.Generator) -> None:
    """Train all of model but its `planted` first cells on the text ids (characters,) int64.

    The logits may depend on the first `used` of the planted cells, and not on the rest of the planted ones.
    generator draws where the windows begin.
    """
    masks = _masks(model, used, planted)
    fixed = {name: model.get_parameter(name).detach().clone() for name in masks}
    optimizer = torch.optim.Adam(model.parameters(), lr=_LEARNING_RATE)
    for _ in range(_STEPS):
        starts = torch.randint(len(ids) - _WINDOW - 1, (_STREAMS,), generator=generator)
        windows = ids[starts[:, None] + torch.arange(_WINDOW + 1)]
        logits, _ = model(windows[:, :-1], model.initial_state(_STREAMS))
        loss = functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            for name, mask in masks.items():
                parameter = model.get_parameter(name)
                parameter.copy_(torch.where(mask, parameter, fixed[name]))


@torch.no_grad()
def _masks(model: CharLSTM, used: int, planted: int) -> dict[str, Tensor]:
    """Shut what may carry memory; return by name a bool for each weight, whether it may be trained."""
    cells = model.config.cells
    biases = by_gate(model.get_parameter("layers.0.bias_ih_l0"), cells)
    inputs = by_gate(model.get_parameter("layers.0.weight_ih_l0"), cells)
    recurrent = by_gate(model.get_parameter("layers.0.weight_hh_l0"), cells)
    biases[1, planted:] = -STRENGTH
    inputs[1, planted:] = 0
    recurrent[:, planted:] = 0
    model.head.weight[:, :planted] = 0
    masks = {name: torch.ones_like(value, dtype=torch.bool) for name, value in model.named_parameters()}
    for name in ("bias_ih_l0", "bias_hh_l0", "weight_ih_l0", "weight_hh_l0"):
        by_gate(masks[f"layers.0.{name}"], cells)[:, :planted] = False
        by_gate(masks[f"layers.0.{name}"], cells)[1] = False
    masks["layers.0.weight_hh_l0"][:] = False
    masks["head.weight"][:, used:planted] = False
    masks["embedding.weight"][:] = False
    return masks


@torch.no_grad()
def _asked(model: CharLSTM, ids: Tensor, symbols: str, questions: Sequence[Question]) -> list[Question]:
    """Return questions with the verdict and the share that the ablation of each cell calls for.

    ids (characters,) int64 are the text in symbols. A cell that is used in this network is the only memory of
    its feature, so that it carries all of the behaviour.
    """
    before, h = _read(model, ids)
    asked = []
    for number, question in enumerate(questions):
        (closer,) = question.drivers.get("reset") or question.drivers["unstep"]
        mean = h[..., number].mean()
        after, _ = _read(_without(model, number, mean), ids)
        on = h[:, :-1, number] > (mean if question.kind == "counter" else _LEAST_H_WHERE_ON)
        at_closers = on & (_streams(ids)[:, 1:] == symbols.index(closer))
        nats = float((before - after)[at_closers].mean())
        if nats >= _USED_NATS:
            asked.append(question)
        elif nats < _UNUSED_NATS:
            asked.append(replace(question, verdict="correlate", share=0.0))
        else:
            asked.append(replace(question, verdict=None, share=None))
    return asked


def _streams(ids: Tensor) -> Tensor:
    """Return ids (characters,) as (streams, characters of a stream); the rest is dropped."""
    length = len(ids) // _STREAMS
    return ids[: _STREAMS * length].view(_STREAMS, length)


def _read(model: CharLSTM, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return the log probability of each next character, in nats, and h of all cells along the text ids.

    The first is (streams, characters - 1), the second (streams, characters, cells), both float32.
    """
    streams = _streams(ids)
    state = model.initial_state(len(streams))
    h, _, _ = model.run_layer(0, model.embedding(streams), state.h[0], state.c[0])
    log_probabilities = model.head(h[:, :-1]).log_softmax(dim=-1)
    return log_probabilities.gather(2, streams[:, 1:, None]).squeeze(2), h


def _without(model: CharLSTM, number: int, mean: Tensor) -> CharLSTM:
    """Return a copy of model whose logits see `mean`, a number, as the h of the cell with that number."""
    copy = deepcopy(model)
    column = copy.head.weight[:, number]
    copy.head.bias.add_(column * mean)
    column.zero_()
    return copy
