"""The answers of a method are compared with the questions here, and right and wrong ones are counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from charlstm.inspection.exam.answers import Answers, CellAnswer
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.inspection.exam.questions import Question
from charlstm.inspection.features.feature import Drivers

# A share is right within this distance of the true one.
_MOST_FROM_SHARE = 0.15
# No cell of a feature that is spread over four may be said to carry more than this share.
_MOST_OF_A_DISTRIBUTED = 0.25 + _MOST_FROM_SHARE
UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An Answer is what a method said about one planted cell, or about a cell where nothing is planted.

    label: name of the planted cell's design, or "nothing" where no cell is planted.
    wanted: the right kind; None where the cell must not be found.
    found: the kind that was found; None where the cell was not found.
    drivers_right: whether the cell was found with the right drivers.
    wanted_verdicts: the right verdicts; empty where the cell must not be found or no verdict is asked for.
    verdict: the verdict that was given; None where there was none.
    tolerated: whether the cell may also be missed.
    hard: whether the drive of the network is hard and the cell carries all of its behaviour or nothing.
    wanted_share, share: the part of the behaviour that the cell carries, and what was said of it, in [0, 1];
        None where it is not asked for, or was not said.
    distributed: whether the cell is one of several over which a feature is spread.
    """

    label: str
    wanted: str | None
    found: str | None
    drivers_right: bool
    wanted_verdicts: tuple[str, ...]
    verdict: str | None
    tolerated: bool
    hard: bool
    wanted_share: float | None = None
    share: float | None = None
    distributed: bool = False

    @property
    def kind_right(self) -> bool:
        """Return whether the found kind is the right one, or the cell was rightly not found.

        A cell over which a feature is spread may be found where it is called graded, or where it is said to
        carry a small share.
        """
        if self.distributed and self.found is not None:
            return self.found == "graded" or (self.share is not None and self.share <= _MOST_OF_A_DISTRIBUTED)
        return self.found == self.wanted

    @property
    def asked(self) -> bool:
        """Return whether the cell must be found, or be told as one of several."""
        return (self.wanted is not None and not self.tolerated) or self.distributed

    @property
    def verdict_right(self) -> bool | None:
        """Return whether the verdict is right; None where none is asked for, and where it is undecided."""
        if not self.wanted_verdicts or self.verdict == UNDECIDED:
            return None
        return self.verdict in self.wanted_verdicts

    @property
    def share_right(self) -> bool | None:
        """Return whether the share is right; None where none is asked for or none was said."""
        if self.wanted_share is None or self.share is None:
            return None
        return abs(self.share - self.wanted_share) <= _MOST_FROM_SHARE


def mark(network: ExamNetwork, answers: Answers) -> list[Answer]:
    """Return the answers of one method about network: to its questions in order, then about other cells.

    A cell for which nothing was planted gets an answer only if it was found.
    """
    left = dict(answers)
    marked = [
        _answer(question, left.pop(cell, None), network.drive.is_hard)
        for question, cell in zip(network.questions, network.cells, strict=True)
    ]
    return marked + [
        _answer_where_nothing_is_planted(found, network.drive.is_hard) for found in left.values()
    ]


def _answer(question: Question, found: CellAnswer | None, hard: bool) -> Answer:
    """Return the answer to question; found is what was said about its cell, None where it was not found.

    hard says whether the drive of the network is hard.
    """
    right = (question.verdict, *question.also_right) if question.verdict and question.kind else ()
    return Answer(
        label=question.label,
        wanted=question.kind,
        found=found.kind if found else None,
        drivers_right=found is not None and _drivers_right(question, found.drivers),
        wanted_verdicts=right,
        verdict=found.verdict if found else None,
        tolerated=question.tolerated,
        hard=hard and not question.is_partial,
        wanted_share=question.share,
        share=found.share if found else None,
        distributed=question.distributed,
    )


def _answer_where_nothing_is_planted(found: CellAnswer, hard: bool) -> Answer:
    """Return the answer, always wrong, that found a cell where no cell is planted."""
    return Answer(
        label="nothing",
        wanted=None,
        found=found.kind,
        drivers_right=False,
        wanted_verdicts=(),
        verdict=found.verdict,
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
    verdicts: share with the right verdict, of the cells that were found, without the undecided ones.
    shares: share of cells whose part of the behaviour was told within .15, of the cells that were found and
        of which it was told.
    undecided: number of cells that were found and whose verdict is "undecided".
    """

    name: str
    asked: int
    found: int
    precision: float | None
    recall: float | None
    drivers: float | None
    verdicts: float | None
    shares: float | None = None
    undecided: int = 0


def scores_by_kind_and_design(answers: Sequence[Answer]) -> list[ExamScore]:
    """Return the scores of answers by kind, then by design of the planted cells, each in order of names.

    Answers about tolerated cells do not count, unless the cell was called something wrong.
    """
    counted = _counted(answers)
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


def total_score(name: str, answers: Sequence[Answer]) -> ExamScore:
    """Return the score over all kinds, with that name, of answers."""
    counted = _counted(answers)
    asked = [answer for answer in counted if answer.wanted is not None and not answer.tolerated]
    return _score(name, asked, [answer for answer in counted if answer.found is not None])


def _counted(answers: Sequence[Answer]) -> list[Answer]:
    """Return answers without those about tolerated cells, unless the cell was called something wrong."""
    return [answer for answer in answers if not (answer.tolerated and _all_right(answer))]


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
        precision=None if called is None else share_of(answer.kind_right for answer in called),
        recall=share_of(answer.kind_right for answer in asked),
        drivers=share_of(answer.drivers_right for answer in found if answer.wanted),
        verdicts=share_of(answer.verdict_right for answer in found),
        shares=share_of(answer.share_right for answer in found),
        undecided=sum(answer.verdict == UNDECIDED for answer in found),
    )


def share_of(flags: Iterable[bool | None]) -> float | None:
    """Return the share of flags that are true, in [0, 1], without those that are None; None without flags."""
    values = [flag for flag in flags if flag is not None]
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
