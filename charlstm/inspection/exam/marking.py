"""Sitting the exam: what was found in each network against what was planted, and the marks for it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from charlstm.config import InspectionConfig
from charlstm.findings import Kind, Verdict
from charlstm.inspection.exam.questions import CHARACTERS, Paper, Question, set_paper
from charlstm.inspection.features.feature import Drivers
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.study import Standing, study
from charlstm.inspection.twins import untrained_twin


@dataclass(frozen=True)
class Answer:
    """What became of one planted cell, or of a finding where nothing was planted."""

    label: str
    wanted: Kind | None
    found: Kind | None
    drivers_right: bool
    wanted_verdict: Verdict | None
    verdict: Verdict | None
    tolerated: bool
    hard: bool


def mark(paper: Paper, *, seed: int) -> list[Answer]:
    """Inspect one network and compare what is found with what was planted."""
    ids = np.array([paper.symbols.index(character) for character in paper.text], np.uint8)
    config = InspectionConfig(streams=8, seed=seed, interventions=64)
    text = read_text(ids, paper.symbols, config.streams)
    found = study(paper.model, text, config, generator=torch.Generator().manual_seed(seed)).standing
    by_cell = {standing.cell: standing for standing in found}
    answers = [
        _answer(question, by_cell.get(place), paper.hard) for place, question in enumerate(paper.questions)
    ]
    others = [standing for cell, standing in by_cell.items() if cell >= len(paper.questions)]
    return answers + [
        Answer("nothing", None, s.name.kind, False, None, s.proof.verdict, False, paper.hard) for s in others
    ]


def _answer(question: Question, found: Standing | None, hard: bool) -> Answer:
    return Answer(
        label=question.label,
        wanted=question.kind,
        found=found.name.kind if found else None,
        drivers_right=found is not None and _drivers_right(question, found.name.drivers),
        wanted_verdict=question.verdict if question.kind else None,
        verdict=found.proof.verdict if found else None,
        tolerated=question.tolerated,
        hard=hard,
    )


def _drivers_right(question: Question, found: Drivers) -> bool:
    """The same drivers; of a tolerated cell the same last characters of them.

    A latch's may change sides: the sign of its c is drawn at random, and set against it a cell that is on
    between `}` and `{` is off inside braces.
    """

    def plain(drivers: Drivers) -> dict[str, set[str]]:
        return {
            role: {driver[-1] if question.tolerated else driver for driver in side}
            for role, side in drivers.items()
        }

    wanted = plain(question.drivers)
    if set(wanted) == {"set", "reset"}:
        return plain(found) in (wanted, {"set": wanted["reset"], "reset": wanted["set"]})
    return plain(found) == wanted


@dataclass(frozen=True)
class Mark:
    """The marks for one kind or design: counts, and shares in [0, 1], None where there was nothing.

    precision is the share of right ones among what was called so; drivers and verdicts are shares of what
    was rightly found.
    """

    name: str
    asked: int
    found: int
    precision: float | None
    recall: float | None
    drivers: float | None
    verdicts: float | None


def marks(answers: Sequence[Answer]) -> list[Mark]:
    """The marks of many answers: by kind, then by planted design."""
    counted = [answer for answer in answers if not (answer.tolerated and _right(answer))]
    kinds = sorted({answer.wanted for answer in counted if answer.wanted})
    designs = sorted({answer.label for answer in counted if answer.wanted and not answer.tolerated})
    by_kind = [
        _mark(
            kind,
            [a for a in counted if a.wanted == kind and not a.tolerated],
            [a for a in counted if a.found == kind],
        )
        for kind in kinds
    ]
    by_design = [_mark(design, [a for a in counted if a.label == design], None) for design in designs]
    return by_kind + by_design


def _right(answer: Answer) -> bool:
    """Whether a planted cell was found as what it is."""
    return answer.wanted is not None and answer.found == answer.wanted and answer.drivers_right


def _mark(name: str, asked: Sequence[Answer], called: Sequence[Answer] | None) -> Mark:
    found = [answer for answer in asked if answer.found == answer.wanted]
    return Mark(
        name=name,
        asked=len(asked),
        found=len(found),
        precision=None if called is None else _share(answer.wanted == answer.found for answer in called),
        recall=_share(answer.found == answer.wanted for answer in asked),
        drivers=_share(answer.drivers_right for answer in found),
        verdicts=_share(answer.verdict == answer.wanted_verdict for answer in found),
    )


def _share(flags: Iterable[bool]) -> float | None:
    seen = list(flags)
    return sum(seen) / len(seen) if seen else None


def twins_apart(answers: Sequence[Answer]) -> bool | None:
    """Whether a network's twins were told apart: the read one verified, the other not; None without twins."""
    twins = [answer for answer in answers if answer.label == "twin"]
    if not twins:
        return None
    return all(answer.found is not None and answer.verdict == "correlate" for answer in twins)


def untrained_findings(seed: int, *, characters: int = CHARACTERS) -> int:
    """How many findings an untrained network gives on a text of the exam."""
    paper = set_paper(seed, characters=characters)
    model = untrained_twin(paper.model, torch.Generator().manual_seed(seed))
    return len(mark(replace(paper, model=model, questions=()), seed=seed))


@dataclass(frozen=True)
class ExamProgress:
    """A network is marked; fraction of all are behind."""

    fraction: float


@dataclass(frozen=True)
class Result:
    """The marks of hard (K >= 8) and of soft cells by kind and design; twins are the shares of networks whose
    twins were told apart; untrained counts the findings in each untrained network.
    """

    networks: int
    seed: int
    hard: list[Mark]
    soft: list[Mark]
    twins: float | None
    untrained: list[int]


def sit(networks: int, untrained: int, *, seed: int) -> Iterator[ExamProgress | Result]:
    """Put the finder to its exam on networks of seeds seed, seed + 1, ...; the result comes last.

    As many untrained networks, of the same seeds, must give no finding.
    """
    answers: list[Answer] = []
    twins: list[bool] = []
    total = networks + untrained
    for number in range(networks):
        marked = mark(set_paper(seed + number), seed=seed + number)
        answers += marked
        apart = twins_apart(marked)
        twins += [] if apart is None else [apart]
        yield ExamProgress((number + 1) / total)
    empty = []
    for number in range(untrained):
        empty.append(untrained_findings(seed + number))
        yield ExamProgress((networks + number + 1) / total)
    hard, soft = (marks([a for a in answers if a.hard == wanted]) for wanted in (True, False))
    yield Result(networks, seed, hard, soft, sum(twins) / len(twins) if twins else None, empty)
