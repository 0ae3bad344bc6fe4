"""Prove by interventions whether the model uses the cells that follow a feature, and give each a verdict.

`prove` goes through these steps; none of them depends on the seed of the inspection:

1. behaviours: for each feature the character that ends it, the sites before it, and a donor for each site
   (behaviours.py).
2. census: every cell of a layer alone, for what one cell of this layer does to these closers, and the
   candidates at the closers of other features (census.py).
3. necessity: what closers lose by two interventions that give the cell values of the feature's other state
   (necessity.py).
4. sufficiency: what the cell alone is enough for (sufficiency.py).
5. joint effect: the candidates of one feature that are not verified alone are changed together
   (joint_effect.py).

`judgement` says how the verdict follows from these numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from torch import Tensor

from charlstm.findings import Json, Verdict
from charlstm.inspection.intervening.behaviours import behaviour_of
from charlstm.inspection.intervening.census import (
    CellRoles,
    Census,
    bystanders,
    compared,
    specificity_of,
    take_census,
)
from charlstm.inspection.intervening.doses import DosedCell
from charlstm.inspection.intervening.experiment import Candidate, InterventionContext
from charlstm.inspection.intervening.joint_effect import JointEffect, joint_effect
from charlstm.inspection.intervening.judgement import Measured
from charlstm.inspection.intervening.necessity import effects_by_lag, necessity_of
from charlstm.inspection.intervening.proof_data import Grade, causal_of, evidence_of, grade_of
from charlstm.inspection.intervening.sufficiency import Baselines, baselines_of, sufficiency_of
from charlstm.inspection.intervening.survey import similar_cells
from charlstm.inspection.reading.passage import passage_of
from charlstm.inspection.reading.splits import Split
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

Job = TypeVar("Job")
Result = TypeVar("Result")

# The closers of this many features that a candidate follows next best are tested besides its own.
_RUNNERS_UP = 2
# The proof of a candidate names at most this many similar cells without a role.
_NAMED_CONTROLS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class ProofRequest:
    """A ProofRequest asks for a proof that the model uses the candidates in a split of the text.

    roles says which features every cell follows. thresholds (layers, cells) float64 lie between the two
    levels of each cell. significance in (0, 1) is the chance that any candidate is verified wrongly. All
    features of the candidates are in the split's table.
    """

    model: CharLSTM
    split: Split
    candidates: Sequence[Candidate]
    roles: CellRoles
    thresholds: Tensor
    significance: float


@dataclass(frozen=True, eq=False)
class Proof:
    """A Proof has what interventions say of one candidate.

    causal and evidence hold the numbers, as findings.json has them, and grade the share of the behaviour that
    the cell carries; these and verdict are None where the text has too few closers. controls are similar
    cells of the candidate's layer that follow no feature, the most similar one first.
    """

    causal: Json | None = None
    evidence: Json | None = None
    grade: Grade | None = None
    verdict: Verdict | None = None
    controls: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Proven:
    """Proven has the proofs of all candidates, in their order, and what they were made from.

    context has the behaviours of the candidates' features and of their runners-up, and the states at their
    sites; censuses are the effects of single cells on them.
    """

    proofs: list[Proof]
    context: InterventionContext
    censuses: list[Census]


def prove(request: ProofRequest, *, processes: ProcessGroup = ALONE) -> Proven:
    """Intervene on every candidate of request, and return one proof for each.

    All processes of a group call this with the same request and get the same proofs.
    """
    context = _context(request)
    tested = _tested(request, context)
    censuses = _censuses(request, context, tested, processes)
    baselines = _baselines(request, context, tested, processes)
    measured = _deal(
        tested,
        lambda candidate: _measured(
            request, context, candidate, censuses, baselines[candidate.feature.name, candidate.layer]
        ),
        processes,
    )
    judged = _with_joint_effects(context, measured, processes)
    proofs = iter(_deal(judged, lambda one: _proof(request, context, one), processes))
    in_order = [
        next(proofs) if candidate.feature.name in context.behaviours else Proof()
        for candidate in request.candidates
    ]
    return Proven(in_order, context, censuses)


def _deal(jobs: Sequence[Job], do: Callable[[Job], Result], processes: ProcessGroup) -> list[Result]:
    """Return the result of `do` for each of jobs, in their order; the processes take the jobs in turn."""
    return list(processes.dealt(lambda number: do(jobs[number]), range(len(jobs))))


def _context(request: ProofRequest) -> InterventionContext:
    """Return the context with the behaviours of all candidates' features and of their runners-up."""
    names = [candidate.feature.name for candidate in request.candidates]
    for candidate in request.candidates:
        names += request.roles.runners_up(candidate, _RUNNERS_UP)
    passage = passage_of(request.split, names)
    behaviours = [behaviour_of(name, passage) for name in dict.fromkeys(names)]
    usable = [behaviour for behaviour in behaviours if behaviour is not None]
    return InterventionContext(request.model, passage, usable, request.thresholds)


def _censuses(
    request: ProofRequest,
    context: InterventionContext,
    tested: Sequence[Candidate],
    processes: ProcessGroup,
) -> list[Census]:
    """Return the censuses of every behaviour and every layer with candidates.

    All cells of a layer are changed at the closers of its candidates' features, and only the candidates at
    the closers of other features.
    """
    own = {(candidate.feature.name, candidate.layer) for candidate in tested}
    layers = sorted({candidate.layer for candidate in tested})
    jobs = [(feature, layer) for feature in context.behaviours for layer in layers]

    def take(job: tuple[str, int]) -> Census:
        feature, layer = job
        candidates = sorted({candidate.cell for candidate in tested if candidate.layer == layer})
        cells = range(request.model.config.cells) if job in own else candidates
        return take_census(context, feature, layer, cells, candidates)

    return _deal(jobs, take, processes)


def _baselines(
    request: ProofRequest,
    context: InterventionContext,
    tested: Sequence[Candidate],
    processes: ProcessGroup,
) -> dict[tuple[str, int], Baselines]:
    """Return the baselines of the candidates' features and layers."""
    jobs = sorted({(candidate.feature.name, candidate.layer) for candidate in tested})

    def measure(job: tuple[str, int]) -> Baselines:
        return baselines_of(context, *job, bystanders(*job, request.roles))

    return dict(zip(jobs, _deal(jobs, measure, processes), strict=True))


def _measured(
    request: ProofRequest,
    context: InterventionContext,
    candidate: Candidate,
    censuses: Sequence[Census],
    baselines: Baselines,
) -> Measured:
    """Return what decides the verdict of one candidate, but for joint effects."""
    feature, layer, cells = candidate.feature.name, candidate.layer, [(candidate.layer, candidate.cell)]
    closers = context.closers(feature)
    own = next(census for census in censuses if (census.feature, census.layer) == (feature, layer))
    necessity = necessity_of(closers, cells, either_way=candidate.is_counter)
    beside_others = closers.beside_others(closers.outcome(closers.donor_values(cells)).logits)
    effects = necessity.resample.effect(), beside_others
    return Measured(
        candidate=candidate,
        necessity=necessity,
        by_lag=effects_by_lag(context, closers.behaviour, cells),
        comparison=compared(candidate, own, request.roles),
        specificity=specificity_of(context, candidate, effects, censuses),
        sufficiency=sufficiency_of(closers, necessity.resample, cells, baselines),
        significance=request.significance,
        tested=len(_tested(request, context)),
    )


def _tested(request: ProofRequest, context: InterventionContext) -> list[Candidate]:
    """Return the candidates whose features have enough closers."""
    return [candidate for candidate in request.candidates if candidate.feature.name in context.behaviours]


def _with_joint_effects(
    context: InterventionContext, measured: Sequence[Measured], processes: ProcessGroup
) -> list[Measured]:
    """Return the measured candidates with the joint effects of those that are not verified alone.

    A candidate that is the only unverified one of its feature has no joint effect.
    """
    by_feature: dict[str, list[int]] = {}
    for index, one in enumerate(measured):
        if not one.is_verified:
            by_feature.setdefault(one.candidate.feature.name, []).append(index)
    groups = [indices for indices in by_feature.values() if len(indices) > 1]

    def measure_together(indices: list[int]) -> JointEffect:
        members = [measured[index] for index in indices]
        candidates, limit = [one.candidate for one in members], max(one.limit_nats for one in members)
        return joint_effect(context, candidates, limit, members[0].error)

    judged = list(measured)
    for indices, joint in zip(groups, _deal(groups, measure_together, processes), strict=True):
        for index, needed in zip(indices, joint.needed, strict=True):
            judged[index] = replace(measured[index], joint=joint, needed=needed)
    return judged


def _proof(request: ProofRequest, context: InterventionContext, one: Measured) -> Proof:
    """Return the numbers and the verdict of one candidate."""
    candidate, dosed = one.candidate, DosedCell(context, one.candidate)
    closers, moved = context.closers(candidate.feature.name), dosed.moved_closer()
    grade = grade_of(closers, one.necessity) if one.specificity.is_on_closer else None
    similar = similar_cells(context.model, context.survey, candidate.layer, candidate.cell)
    taken = request.roles.with_role(candidate.layer)
    taken = taken | request.roles.carriers(candidate.feature.name, candidate.layer)
    tested = {other.cell for other in request.candidates if other.layer == candidate.layer}
    controls = [cell for cell in similar if cell not in tested and not taken[cell]]
    return Proof(
        causal_of(one, closers, dosed, moved),
        evidence_of(one, dosed, moved),
        grade,
        one.verdict,
        tuple(controls[:_NAMED_CONTROLS]),
    )
