"""What else a trial shows: dose response, holding, resampling, insertion, specificity, cost, persistence,
and by how many characters a counter's closer moves.
"""

import torch
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.features.feature import ANY_CHARACTER
from charlstm.inspection.intervening.experiment import Bench, Laboratory, Trial
from charlstm.model.char_lstm import State

_DOSES = (-0.5, 0.25, 0.5, 1.0, 1.5)
# From each site the model writes on so often, for at most so many characters, to see when a closer comes.
_WRITTEN, _LONGEST = 5, 200


def details_of(laboratory: Laboratory, trial: Trial, generator: torch.Generator) -> Json:
    """Dose response, what holding and resampling do, specificity, cost at closers and elsewhere."""
    candidate, sites, layer = trial.candidate, trial.sites, trial.candidate.layer
    bench = Bench(laboratory, sites)
    run = laboratory.rollouts.run

    def closers(shift: Tensor, *, hold: bool = False) -> Tensor:
        edit = laboratory.shifted(layer, [candidate.cell], shift[:, None])._replace(hold=hold)
        return run(bench.ids, bench.state, {layer: edit}).logits

    def effect(logits: Tensor) -> float:
        return float((bench.nats(logits) - bench.base)[:, 0].mean())

    changed = closers(trial.dose)
    return {
        "natural_nats": float(bench.base[:, 0].mean()),
        "dose_response": [
            {"dose": dose, "effect_nats": effect(closers(dose * trial.dose))} for dose in _DOSES
        ],
        "hold_nats": effect(closers(trial.dose, hold=True)),
        "resample_nats": effect(closers(_resampling(laboratory, bench, trial))),
        "insertion_nats": _insertion(laboratory, trial),
        "specificity": _specificity(bench, changed),
        "targeted_loss_ratio": _loss_ratio(laboratory, bench, trial, changed),
        "half_life": _half_life(laboratory, trial),
        "displacement": _displacement(bench, trial, generator),
    }


def _resampling(laboratory: Laboratory, bench: Bench, trial: Trial) -> Tensor:
    """(closers,) shifts of c to values that the cell really had where the feature was off; for a counter,
    to those at the other closers."""
    candidate, sites = trial.candidate, trial.sites
    here = bench.natural.track[0, candidate.layer, :, candidate.cell]
    if candidate.counts or len(sites.outside) == 0:
        return (here.roll(1) - here).double()
    away = laboratory.rollouts.run(
        laboratory.characters(sites.outside, 1), laboratory.states(sites.outside), track=True
    ).track[0, candidate.layer, :, candidate.cell]
    return (away[torch.arange(len(here)) % len(away)] - here).double()


def _insertion(laboratory: Laboratory, trial: Trial) -> float | None:
    """Mean change of the closers' log probability where a switch is off and is turned on."""
    candidate, sites = trial.candidate, trial.sites
    if candidate.counts or len(sites.outside) == 0:
        return None
    ids = laboratory.characters(sites.outside, sites.lag + 1)
    state = laboratory.states(sites.outside)
    shift = torch.full((len(ids), 1), candidate.slope)
    edit = laboratory.shifted(candidate.layer, [candidate.cell], shift)
    targets = torch.from_numpy(sites.targets)
    before, after = (
        laboratory.rollouts.run(ids, state, edits).log_probabilities[:, targets].logsumexp(1)
        for edits in ({}, {candidate.layer: edit})
    )
    return float((after - before).mean())


def _specificity(bench: Bench, changed: Tensor) -> float:
    """The closers' mean change of logit over the root mean square change of the others'."""
    moved = changed - bench.natural.logits
    moved = moved - moved.mean(1, keepdim=True)
    others = moved[:, ~bench.targets].square().mean().sqrt()
    return float(moved[:, bench.targets].mean().abs() / others.clamp(min=1e-9))


def _loss_ratio(laboratory: Laboratory, bench: Bench, trial: Trial, changed: Tensor) -> float | None:
    """Nats added at the true closers over nats added at other characters inside."""
    candidate, sites = trial.candidate, trial.sites
    if len(sites.inside) == 0:
        return None
    ids = laboratory.characters(sites.inside, sites.lag + 2)
    state, following = laboratory.states(sites.inside), ids[:, -1:]
    shift = trial.dose.mean().expand(len(ids), 1)
    edit = laboratory.shifted(candidate.layer, [candidate.cell], shift)
    natural, shifted = (
        laboratory.rollouts.run(ids[:, :-1], state, edits).log_probabilities.gather(1, following).mean()
        for edits in ({}, {candidate.layer: edit})
    )
    elsewhere = float(natural - shifted)
    added = float((bench.base - bench.nats(changed))[:, 0].mean())
    return added / max(abs(elsewhere), 1e-3)


def _half_life(laboratory: Laboratory, trial: Trial) -> int | None:
    """Characters until half of a change of c is gone, inside the feature; None where it stays longer."""
    candidate, sites = trial.candidate, trial.sites
    ids = laboratory.characters(sites.closers, sites.lag + 1)
    state = laboratory.states(sites.closers)
    edit = laboratory.shifted(candidate.layer, [candidate.cell], trial.dose[:, None])
    natural, changed = (
        laboratory.rollouts.run(ids, state, edits, track=True).track[:, candidate.layer, :, candidate.cell]
        for edits in ({}, {candidate.layer: edit})
    )
    left = (changed - natural).abs().mean(1)
    gone = (left <= left[0] / 2).nonzero()
    return int(gone[0]) if len(gone) else None


def _displacement(bench: Bench, trial: Trial, generator: torch.Generator) -> Json | None:
    """By how many characters a counter's closer comes sooner when the model writes on by itself with some
    steps more, or later with as many less: half the difference, with its 95% interval over the sites. It is
    the number of steps where the counter alone decides. None for what does not count every character.
    """
    candidate = trial.candidate
    if candidate.feature.drivers.get("step") != ANY_CHARACTER:
        return None
    rows = torch.arange(len(bench.ids)).repeat_interleave(_WRITTEN)
    state = State(bench.state.h[:, rows], bench.state.c[:, rows])
    draws = torch.rand(len(rows), _LONGEST, generator=generator)

    def waited(sign: int) -> Tensor:
        shift = sign * trial.dose[rows, None]
        edit = bench.laboratory.shifted(candidate.layer, [candidate.cell], shift)
        return bench.laboratory.rollouts.waits(
            bench.ids[rows, :1], state, {candidate.layer: edit}, draws=draws, targets=bench.targets
        )

    moved = ((waited(-1) - waited(1)) / 2).view(-1, _WRITTEN).mean(1)
    spread = 1.96 * float(moved.std()) / len(moved) ** 0.5
    mean = float(moved.mean())
    return {"steps": trial.steps, "characters": mean, "interval": [mean - spread, mean + spread]}
