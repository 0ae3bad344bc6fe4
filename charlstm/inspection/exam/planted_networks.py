"""An exam network is a network of planted and idle cells, with the text that it reads and its questions.

The clear networks are made here; hard/ makes the others. Each network has marks, signs, levels, steps,
hardness and noise of its own, drawn from its seed. A finding in it that none of its questions asks for is a
mistake of the inspection.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from charlstm.inspection.exam.exam_texts import draw_roles, write_exam_text
from charlstm.inspection.exam.planted_cells import Drive, plant
from charlstm.inspection.exam.questions import (
    Question,
    clear_questions,
    decoy_questions,
    duplicate_question,
    flip_missing_toggle_questions,
    gated_counter_questions,
    turned_question,
)
from charlstm.model.char_lstm import CharLSTM

EXAM_TEXT_CHARACTERS = 60_000
# The size of the pre-activations at drivers is one of these; network after network takes the next one.
_DRIVE_STRENGTHS = (2.0, 4.0, 8.0, 15.0)
# The noise in the candidate gates is drawn from these, as a share of the largest candidate without noise.
_NOISE_SHARES = (0.0, 0.1, 0.25)
# The number of idle cells is at least the first of these and below the second.
_IDLE_CELLS = (12, 49)
_CHANCE_OF_A_QUESTION = 0.8


@dataclass(frozen=True, eq=False)
class ExamNetwork:
    """An ExamNetwork is a network with a text and with questions about its planted cells.

    model: the network.
    text: the text that the network reads.
    symbols: the characters of its vocabulary, in the order of their ids.
    questions: the questions about its cells.
    cells: the number of each question's cell; the numbers go on from layer to layer.
    drive: how far the gates of the planted switches and counters open and shut.
    sort: what sort of network it is, such as "clear".
    """

    model: CharLSTM
    text: str
    symbols: str
    questions: tuple[Question, ...]
    cells: tuple[int, ...]
    drive: Drive
    sort: str = "clear"


def make_exam_network(seed: int, *, characters: int = EXAM_TEXT_CHARACTERS) -> ExamNetwork:
    """Return the clear network that `seed`, at least 0, determines, with a text of `characters` characters.

    Its first cells are the cells of the questions, in order.
    """
    random = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    drive = drive_of(seed)
    roles = draw_roles(random)
    questions = list(_drawn(clear_questions(roles, drive, random), random))
    questions = [turned_question(question, random) for question in questions]
    read_by_logits = [question for question in questions if question.verdict == "verified"]
    if read_by_logits:
        questions.append(duplicate_question(read_by_logits[int(random.integers(len(read_by_logits)))]))
    if random.random() <= _CHANCE_OF_A_QUESTION:
        questions += gated_counter_questions(roles.other_quote, drive, random, len(questions))
    questions += flip_missing_toggle_questions(roles.quote)
    decoys = _drawn(decoy_questions(roles, generator), random)
    questions += [turned_question(question, random) for question in decoys]
    text = write_exam_text(roles, random, characters)
    model = plant(
        [question.cell for question in questions],
        roles.symbols,
        idle=int(random.integers(*_IDLE_CELLS)),
        generator=generator,
        noise=float(random.choice(_NOISE_SHARES)),
        bias=log_frequencies(text, roles.symbols),
    )
    cells = tuple(range(len(questions)))
    return ExamNetwork(model, text, roles.symbols, tuple(questions), cells, drive)


def drive_of(seed: int, *, least: float = 0.0) -> Drive:
    """Return the drive, of at least the strength `least`, of the network that `seed` determines."""
    return Drive(max(least, _DRIVE_STRENGTHS[seed % len(_DRIVE_STRENGTHS)]))


def _drawn(questions: Iterable[Question], random: np.random.Generator) -> Iterator[Question]:
    """Yield the questions that `random` draws, each with the chance _CHANCE_OF_A_QUESTION."""
    return (question for question in questions if random.random() < _CHANCE_OF_A_QUESTION)


def log_frequencies(text: str, symbols: str) -> torch.Tensor:
    """Return (symbols,) float32: the natural logarithm of the share of each symbol in text.

    A symbol that does not occur counts as if it occurred once.
    """
    counts = Counter(text)
    logarithms = [np.log(max(1, counts[symbol]) / len(text)) for symbol in symbols]
    return torch.tensor(logarithms).float()
