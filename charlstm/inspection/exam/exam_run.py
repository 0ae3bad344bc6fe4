"""The exam is run here: the inspection and other methods answer, and their answers are marked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch

from charlstm.inspection.exam.answers import Method, inspection_answers
from charlstm.inspection.exam.exam_networks import exam_network
from charlstm.inspection.exam.marking import (
    Answer,
    ExamScore,
    duplicates_told_apart,
    mark,
    scores_by_kind_and_design,
    share_of,
    total_score,
)
from charlstm.inspection.exam.planted_networks import EXAM_TEXT_CHARACTERS, make_exam_network
from charlstm.inspection.twins import untrained_twin

INSPECTION = "inspection"


def count_findings_in_untrained(seed: int, *, characters: int = EXAM_TEXT_CHARACTERS) -> int:
    """Return the number of findings in an untrained network on the clear exam text that `seed` determines.

    The network has the shape of the clear exam network of `seed`, and random weights throughout.
    """
    network = make_exam_network(seed, characters=characters)
    model = untrained_twin(network.model, torch.Generator().manual_seed(seed))
    return len(inspection_answers(replace(network, model=model), seed))


@dataclass(frozen=True)
class ExamProgress:
    """An ExamProgress says that one more network is done; fraction, in (0, 1], is the share of all."""

    fraction: float


@dataclass(frozen=True)
class MethodMarks:
    """MethodMarks are the marks of one method over all kinds.

    name: the method.
    hard, soft: its score for hard cells and for soft ones, see `ExamResult`.
    """

    name: str
    hard: ExamScore
    soft: ExamScore


@dataclass(frozen=True)
class ExamResult:
    """An ExamResult is the outcome of the whole exam.

    networks: number of exam networks.
    seed: seed of the first exam network.
    hard, soft: the inspection's scores by kind and by design. A cell is hard where its gates are nearly open
        or shut and it carries all of its behaviour or nothing of it, else soft.
    twins: share of the networks with a duplicate cell in which the inspection told it apart, in [0, 1], or
        None.
    untrained: number of the inspection's findings in each untrained network, where there should be none.
    methods: the marks of the inspection and of every other method.
    """

    networks: int
    seed: int
    hard: list[ExamScore]
    soft: list[ExamScore]
    twins: float | None
    untrained: list[int]
    methods: list[MethodMarks] = field(default_factory=list)


def run_exam(
    networks: int, untrained: int, *, seed: int, others: Mapping[str, Method]
) -> Iterator[ExamProgress | ExamResult]:
    """Yield an ExamProgress after each network that is inspected, and the ExamResult last.

    There are `networks` exam networks with the seeds `seed`, `seed` + 1 and so on, and `untrained` untrained
    networks, whose seeds begin with `seed`, too. others are the methods that answer beside the inspection, by
    their names.
    """
    methods = {INSPECTION: inspection_answers, **others}
    answers: dict[str, list[Answer]] = {name: [] for name in methods}
    told_apart: list[bool | None] = []
    total = networks + untrained
    for number in range(networks):
        network = exam_network(seed + number)
        marked = {name: mark(network, answer(network, seed + number)) for name, answer in methods.items()}
        for name in methods:
            answers[name] += marked[name]
        told_apart.append(duplicates_told_apart(marked[INSPECTION]))
        yield ExamProgress((number + 1) / total)
    untrained_findings = []
    for number in range(untrained):
        untrained_findings.append(count_findings_in_untrained(seed + number))
        yield ExamProgress((networks + number + 1) / total)
    yield ExamResult(
        networks=networks,
        seed=seed,
        hard=scores_by_kind_and_design([answer for answer in answers[INSPECTION] if answer.hard]),
        soft=scores_by_kind_and_design([answer for answer in answers[INSPECTION] if not answer.hard]),
        twins=share_of(told_apart),
        untrained=untrained_findings,
        methods=[_marks(name, of_method) for name, of_method in answers.items()],
    )


def _marks(name: str, answers: list[Answer]) -> MethodMarks:
    """Return the marks of the method called name for its answers."""
    return MethodMarks(
        name,
        total_score("hard", [answer for answer in answers if answer.hard]),
        total_score("soft", [answer for answer in answers if not answer.hard]),
    )
