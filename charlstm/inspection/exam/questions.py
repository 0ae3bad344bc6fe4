"""The finder's own exam: networks with known switches, counters, decoys and twins, mixed at random.

Each network has characters, signs, sizes, softness and noise of its own, and reads a text of words in which
quotes, pairs, nested brackets and line ends come and go independently. What must be found, with which drivers
and which verdict, is known; anything else that is found is a mistake.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from charlstm.findings import Kind, Verdict
from charlstm.inspection.exam import planted_cells
from charlstm.inspection.exam.planted_cells import Drive, PlantedCell
from charlstm.inspection.features.feature import ANY_CHARACTER, Drivers
from charlstm.model.char_lstm import CharLSTM

LETTERS = "abcdefghijklmnop"
_MARKS = "\"'()[]{}<>|/;:.!?#@*~^"
_SEPARATORS = " ,\n"
CHARACTERS = 60_000
# A cell of this drive or more is hard; softer ones are scored apart.
_HARD = 8.0
_DRIVES = (2.0, 4.0, 8.0, 15.0)
_NOISES = (0.0, 0.1, 0.25)
_PRESENT = 0.8
# A toggle that misses flips misses those behind so many of the letters.
_MISSED = 5


@dataclass(frozen=True, kw_only=True)
class Question:
    """A planted cell: what it is (None for a decoy), its drivers, and whether the head reads it.

    A tolerated cell is a true one of a kind that the exam does not ask for: it may be found, under its name.
    """

    cell: PlantedCell
    kind: Kind | None = None
    drivers: Drivers = field(default_factory=dict)
    verdict: Verdict = "correlate"
    tolerated: bool = False
    label: str = ""


@dataclass(frozen=True, eq=False)
class Paper:
    """One network of the exam with its text and its planted cells, which are its first ones in order."""

    model: CharLSTM
    text: str
    symbols: str
    questions: tuple[Question, ...]
    drive: float

    @property
    def hard(self) -> bool:
        return self.drive >= _HARD


class _Roles:
    """Marks dealt out to the parts that the text plays."""

    def __init__(self, random: np.random.Generator) -> None:
        marks = [str(mark) for mark in random.permutation(list(_MARKS))]
        self.quote, self.other_quote, self.line, self.other_line = marks[:4]
        self.setter, self.resetter, self.opener, self.closer = marks[4:8]
        self.pair = (marks[8], marks[9])
        self.symbols = "".join(sorted({*LETTERS, *_SEPARATORS, *marks[:10]}))


def write_text(roles: _Roles, random: np.random.Generator, characters: int) -> str:
    """Words in which every role comes and goes on its own."""
    pieces: list[str] = []
    size = depth = 0
    on = {roles.quote: False, roles.other_quote: False, roles.setter: False, roles.pair[0]: False}
    left = {roles.line: 40, roles.other_line: 60}
    ends = {roles.setter: roles.resetter, roles.pair[0]: roles.pair[1]}
    while size < characters:
        word = "".join(random.choice(list(LETTERS), random.integers(1, 9)))
        for mark, inside in on.items():
            if random.random() < (0.2 if inside else 0.1):
                word += ends.get(mark, mark) if inside else mark
                on[mark] = not inside
        chance = random.random()
        if chance < 0.12 and depth < 4:
            word, depth = word + roles.opener, depth + 1
        elif chance > 0.78 and depth:
            word, depth = word + roles.closer, depth - 1
        word += str(random.choice([" ", " ", " ", ", ", "\n"], p=[0.3, 0.3, 0.25, 0.1, 0.05]))
        for mark in left:
            left[mark] -= len(word)
            if left[mark] <= 0:
                word, left[mark] = word + mark, int(random.integers(25, 70))
        pieces.append(word)
        size += len(word)
    return "".join(pieces)[:characters]


def _both(character: str) -> Drivers:
    return {"set": [character], "reset": [character]}


def _questions(roles: _Roles, drive: Drive, random: np.random.Generator) -> Iterator[Question]:
    """All that a network may hold, before some of it is left out."""
    weight = float(random.uniform(2, 4))
    level = float(random.uniform(0.4, 1.0))
    step = float(random.uniform(0.3, 0.6))
    used: Verdict = "verified"
    yield Question(
        label="toggle",
        cell=planted_cells.toggle(roles.quote, drive).read(roles.quote, weight),
        kind="toggle",
        drivers=_both(roles.quote),
        verdict=used,
    )
    yield Question(
        label="latch",
        cell=planted_cells.latch(roles.setter, roles.resetter, drive, level=level).read(
            roles.resetter, weight / level
        ),
        kind="latch",
        drivers={"set": [roles.setter], "reset": [roles.resetter]},
        verdict=used,
    )
    counting: Drivers = {"step": ANY_CHARACTER, "reset": [roles.line]}
    yield Question(
        label="line counter",
        cell=planted_cells.line_counter(roles.line, drive, step=float(random.uniform(1 / 120, 1 / 40))).read(
            roles.line, 2 * weight
        ),
        kind="counter",
        drivers=counting,
        verdict=used,
    )
    yield Question(
        label="saturating counter",
        cell=planted_cells.saturating_counter(roles.other_line, drive).read(roles.other_line, 2 * weight),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [roles.other_line]},
        verdict=used,
    )
    yield Question(
        label="depth counter",
        cell=planted_cells.depth_counter(roles.opener, roles.closer, drive, step=step).read(
            roles.closer, weight
        ),
        kind="depth_counter",
        drivers={"step": [roles.opener], "unstep": [roles.closer]},
        verdict=used,
    )
    yield Question(
        label="saturated counter",
        cell=planted_cells.line_counter(roles.line, drive, step=0.6),
        kind="counter",
        drivers=counting,
    )
    yield Question(
        label="space toggle", cell=planted_cells.toggle(" ", drive), kind="toggle", drivers=_both(" ")
    )


def _decoys(roles: _Roles, generator: torch.Generator) -> Iterator[Question]:
    """Cells that are no switch and no counter; a counter of the word's length is one, under its name."""
    for character in (roles.quote, roles.resetter, "\n"):
        yield Question(label="detector", cell=planted_cells.character_detector(character))
    for kept, character in ((0.7, roles.quote), (0.9, roles.line), (0.95, ",")):
        yield Question(label="trace", cell=planted_cells.fading_trace(character, kept=kept))
    yield Question(label="drift", cell=planted_cells.drifting(LETTERS, generator))
    yield Question(label="endless counter", cell=planted_cells.endless_counter())
    yield Question(label="short latch", cell=planted_cells.short_latch(*roles.pair))
    yield Question(
        label="word counter",
        cell=planted_cells.line_counter(" ", step=0.1),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [" "]},
        tolerated=True,
    )


def set_paper(seed: int, *, characters: int = CHARACTERS) -> Paper:
    """The network and the text of one seed."""
    random = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    drive = Drive(_DRIVES[seed % len(_DRIVES)])
    roles = _Roles(random)
    asked = [q for q in _questions(roles, drive, random) if random.random() < _PRESENT]
    asked = [_turned(q, random) for q in asked]
    readers = [q for q in asked if q.verdict == "verified"]
    if readers:  # a twin that nothing reads
        one = readers[int(random.integers(len(readers)))]
        asked.append(replace(one, label="twin", verdict="correlate", cell=replace(one.cell, reads={})))
    asked += _gated(roles, drive, random, len(asked))
    asked += _missing(roles)
    asked += [_turned(q, random) for q in _decoys(roles, generator) if random.random() < _PRESENT]
    text = write_text(roles, random, characters)
    counts = Counter(text)
    bias = torch.tensor([np.log(max(1, counts[symbol]) / len(text)) for symbol in roles.symbols])
    model = planted_cells.plant(
        [q.cell for q in asked],
        roles.symbols,
        idle=int(random.integers(12, 49)),
        generator=generator,
        noise=float(random.choice(_NOISES)),
        bias=bias.float(),
    )
    return Paper(model, text, roles.symbols, tuple(asked), drive.at_drivers)


def _turned(question: Question, random: np.random.Generator) -> Question:
    """The same cell with a sign drawn at random."""
    return replace(question, cell=question.cell.negated()) if random.random() < 0.5 else question


def _gated(roles: _Roles, drive: Drive, random: np.random.Generator, place: int) -> list[Question]:
    """A counter inside quotes with the toggle that it listens to, which stands at place."""
    if random.random() > _PRESENT:
        return []
    quote = roles.other_quote
    switch = Question(
        label="toggle",
        cell=planted_cells.toggle(quote, drive).read(quote, float(random.uniform(2, 4))),
        kind="toggle",
        drivers=_both(quote),
        verdict="verified",
    )
    counter = Question(
        label="gated counter",
        cell=planted_cells.gated_counter(quote, place, drive).read(quote, 12.0),
        kind="counter",
        drivers={"step": ANY_CHARACTER, "reset": [quote]},
        verdict="verified",
    )
    return [switch, counter]


def _missing(roles: _Roles) -> list[Question]:
    """A toggle that does not flip behind some letters, and the detector of these that it hears.

    It may be found as what it is: a switch on the pairs that do flip it.
    """
    at = dict.fromkeys(LETTERS[:_MISSED], 2 * planted_cells.STRENGTH)
    detector = replace(planted_cells.character_detector(LETTERS[0]), i_at=at)
    return [
        Question(label="detector", cell=detector),
        Question(
            label="missing toggle",
            cell=planted_cells.forgetful_toggle(roles.quote),
            kind="toggle",
            drivers=_both(roles.quote),
            tolerated=True,
        ),
    ]
