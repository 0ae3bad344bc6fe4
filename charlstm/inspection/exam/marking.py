"""The exam is run here: networks are inspected, and the answers are compared with the questions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from charlstm.config import InspectionConfig
from charlstm.findings import Kind, Verdict
from charlstm.inspection.exam.planted_networks import EXAM_TEXT_CHARACTERS, ExamNetwork, make_exam_network
from charlstm.inspection.exam.questions import Question
from charlstm.inspection.features.feature import Drivers
from charlstm.inspection.reading.inspected_text import read_text
from charlstm.inspection.study import ConfirmedPair, study
from charlstm.inspection.twins import untrained_twin

_STREAMS = 8
_INTERVENTIONS = 64


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An Answer is what an inspection said about one planted cell, or about a cell where nothing is planted.

    label: name of the planted cell's design, or "nothing" where no cell is planted.
    wanted: the right kind; None where the cell must not be found.
    found: the kind that was found; None where the cell was not found.
    drivers_right: whether the cell was found with the right drivers.
    wanted_verdict: the right verdict; None where the cell must not be found.
    verdict: the verdict that was given; None where there was none.
    tolerated: whether the cell may also be missed.
    hard: whether the drive of the network is hard.
    """

    label: str
    wanted: Kind | None
    found: Kind | None
    drivers_right: bool
    wanted_verdict: Verdict | None
    verdict: Verdict | None
    tolerated: bool
    hard: bool

    @property
    def kind_right(self) -> bool:
        """Return whether the found kind is the right one, or the cell was rightly not found."""
        return self.found == self.wanted

    @property
    def asked(self) -> bool:
        """Return whether the cell must be found."""
        return self.wanted is not None and not self.tolerated


def answers_to(network: ExamNetwork, *, seed: int) -> list[Answer]:
    """Return the answers of an inspection of network: to its questions in order, then about other cells.

    A cell for which nothing was planted gets an answer only if it was found. seed seeds the inspection.
    """
    ids = np.array([network.symbols.index(character) for character in network.text], np.uint8)
    config = InspectionConfig(streams=_STREAMS, seed=seed, interventions=_INTERVENTIONS)
    text = read_text(ids, network.symbols, config.streams)
    generator = torch.Generator().manual_seed(seed)
    confirmed_pairs = study(network.model, text, config, generator=generator).confirmed_pairs
    by_cell = {pair.cell: pair for pair in confirmed_pairs}
    hard = network.drive.is_hard
    answers = [
        _answer(question, by_cell.pop(number, None), hard)
        for number, question in enumerate(network.questions)
    ]
    return answers + [_answer_where_nothing_is_planted(pair, hard) for pair in by_cell.values()]


def _answer(question: Question, pair: ConfirmedPair | None, hard: bool) -> Answer:
    """Return the answer to question; pair is the cell as it was found, None where it was not found.

    hard says whether the drive of the network is hard.
    """
    return Answer(
        label=question.label,
        wanted=question.kind,
        found=pair.name.kind if pair else None,
        drivers_right=pair is not None and _drivers_right(question, pair.name.drivers),
        wanted_verdict=question.verdict if question.kind else None,
        verdict=pair.proof.verdict if pair else None,
        tolerated=question.tolerated,
        hard=hard,
    )


def _answer_where_nothing_is_planted(pair: ConfirmedPair, hard: bool) -> Answer:
    """Return the answer, always wrong, that found a cell where no cell is planted."""
    return Answer(
        label="nothing",
        wanted=None,
        found=pair.name.kind,
        drivers_right=False,
        wanted_verdict=None,
        verdict=pair.proof.verdict,
        tolerated=False,
        hard=hard,
    )


def _drivers_right(question: Question, found: Drivers) -> bool:
    """Return whether the drivers `found` are right; of a tolerated cell only their last characters must be.

    The setters and resetters of a switch may be exchanged: the sign of a planted c is drawn at random, and a
    cell that is on inside of braces follows, with the other sign, a feature that is on outside of them.
    """

    def as_sets(drivers: Drivers) -> dict[str, set[str]]:
        return {
            role: {driver[-1] if question.tolerated else driver for driver in side}
            for role, side in drivers.items()
        }

    wanted = as_sets(question.drivers)
    if set(wanted) == {"set", "reset"}:
        return as_sets(found) in (wanted, {"set": wanted["reset"], "reset": wanted["set"]})
    return as_sets(found) == wanted


@dataclass(frozen=True)
class ExamScore:
    """An ExamScore says how well cells of one kind or of one design were found.

    Shares are in [0, 1], None where they are shares of nothing.

    name: the kind or the design.
    asked: number of cells that must be found.
    found: number of cells that must be found and were found with the right kind.
    precision: share of cells that really have this kind, of all cells that were called so; None for a design.
    recall: share of cells that were found with the right kind, of the cells that must be found.
    drivers: share with the right drivers, of the cells that were found.
    verdicts: share with the right verdict, of the cells that were found.
    """

    name: str
    asked: int
    found: int
    precision: float | None
    recall: float | None
    drivers: float | None
    verdicts: float | None


def scores_by_kind_and_design(answers: Sequence[Answer]) -> list[ExamScore]:
    """Return the scores of answers by kind, then by design of the planted cells, each in order of names.

    Answers about tolerated cells do not count, unless the cell was called something wrong.
    """
    counted = [answer for answer in answers if not (answer.tolerated and _all_right(answer))]
    kinds = sorted({answer.wanted for answer in counted if answer.wanted})
    designs = sorted({answer.label for answer in counted if answer.asked})
    by_kind = [
        _score(
            kind,
            [answer for answer in counted if answer.wanted == kind and not answer.tolerated],
            [answer for answer in counted if answer.found == kind],
        )
        for kind in kinds
    ]
    by_design = [
        _score(design, [answer for answer in counted if answer.label == design], None) for design in designs
    ]
    return by_kind + by_design


def _all_right(answer: Answer) -> bool:
    """Return whether a cell that has a kind was found with this kind and its drivers."""
    return answer.wanted is not None and answer.kind_right and answer.drivers_right


def _score(name: str, asked: Sequence[Answer], called: Sequence[Answer] | None) -> ExamScore:
    """Return the score of that name: recall over `asked`, precision over `called`, None without `called`."""
    found = [answer for answer in asked if answer.kind_right]
    return ExamScore(
        name=name,
        asked=len(asked),
        found=len(found),
        precision=None if called is None else _share(answer.kind_right for answer in called),
        recall=_share(answer.kind_right for answer in asked),
        drivers=_share(answer.drivers_right for answer in found),
        verdicts=_share(answer.verdict == answer.wanted_verdict for answer in found),
    )


def _share(flags: Iterable[bool]) -> float | None:
    """Return the share of flags that are true, in [0, 1]; None where there are no flags."""
    values = list(flags)
    return sum(values) / len(values) if values else None


def duplicates_told_apart(answers: Sequence[Answer]) -> bool | None:
    """Return whether every duplicate cell that no logit depends on was found and called "correlate".

    answers are the answers about one network; the label of a duplicate cell is "twin". The result is None
    where the network has none.
    """
    duplicates = [answer for answer in answers if answer.label == "twin"]
    if not duplicates:
        return None
    return all(answer.found is not None and answer.verdict == "correlate" for answer in duplicates)


def count_findings_in_untrained(seed: int, *, characters: int = EXAM_TEXT_CHARACTERS) -> int:
    """Return the number of findings in an untrained network on the exam text that `seed` determines.

    The network has the shape of the exam network of `seed`, and random weights throughout.
    """
    network = make_exam_network(seed, characters=characters)
    model = untrained_twin(network.model, torch.Generator().manual_seed(seed))
    return len(answers_to(replace(network, model=model, questions=()), seed=seed))


@dataclass(frozen=True)
class ExamProgress:
    """An ExamProgress says that one more network is inspected; fraction, in (0, 1], is the share of all."""

    fraction: float


@dataclass(frozen=True)
class ExamResult:
    """An ExamResult is the outcome of the whole exam.

    networks: number of exam networks.
    seed: seed of the first exam network.
    hard, soft: scores of the cells in networks with a hard drive and in the others, by kind and by design.
    twins: share of the networks with a duplicate cell in which it was told apart, in [0, 1], or None.
    untrained: number of findings in each untrained network, where there should be none.
    """

    networks: int
    seed: int
    hard: list[ExamScore]
    soft: list[ExamScore]
    twins: float | None
    untrained: list[int]


def run_exam(networks: int, untrained: int, *, seed: int) -> Iterator[ExamProgress | ExamResult]:
    """Yield an ExamProgress after each network that is inspected, and the ExamResult last.

    There are `networks` exam networks with the seeds `seed`, `seed` + 1 and so on, and `untrained` untrained
    networks, whose seeds begin with `seed`, too.
    """
    answers: list[Answer] = []
    told_apart_by_network: list[bool] = []
    total = networks + untrained
    for number in range(networks):
        answers_of_network = answers_to(make_exam_network(seed + number), seed=seed + number)
        answers += answers_of_network
        told_apart = duplicates_told_apart(answers_of_network)
        told_apart_by_network += [] if told_apart is None else [told_apart]
        yield ExamProgress((number + 1) / total)
    untrained_findings = []
    for number in range(untrained):
        untrained_findings.append(count_findings_in_untrained(seed + number))
        yield ExamProgress((networks + number + 1) / total)
    yield ExamResult(
        networks=networks,
        seed=seed,
        hard=scores_by_kind_and_design([answer for answer in answers if answer.hard]),
        soft=scores_by_kind_and_design([answer for answer in answers if not answer.hard]),
        twins=_share(told_apart_by_network),
        untrained=untrained_findings,
    )
