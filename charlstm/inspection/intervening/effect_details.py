"""Measure the details of an intervention that findings.json has and no verdict depends on.

The details are the effects of other doses, of holding the cell and of resampling its value, the effect of
turning a feature on where it is off, how specific the effect is to the closer, what it costs at other
characters, how long a change of c lasts, and by how many characters the closer of a counter moves.
"""

import torch
from torch import Tensor

from charlstm.findings import Json
from charlstm.inspection.features.feature import ANY_CHARACTER
from charlstm.inspection.intervening.experiment import ClosersUnderTest, Intervention, InterventionContext
from charlstm.model.char_lstm import State

# The doses of the dose response, as multiples of the intervention's own dose.
_DOSE_FACTORS = (-0.5, 0.25, 0.5, 1.0, 1.5)
# To see when a closer comes, the model continues the text this many times from each site, for at most this
# many characters.
_CONTINUATIONS_PER_SITE = 5
_LONGEST_CONTINUATION_CHARACTERS = 200


def details_of(context: InterventionContext, intervention: Intervention, generator: torch.Generator) -> Json:
    """Return the details of one candidate's intervention, by their names in findings.json.

    natural_nats is the undisturbed mean log probability of the closers. dose_response, hold_nats (the
    changed c is held up to the closer) and resample_nats (c is set to a value that the cell really had
    elsewhere) are mean changes of it. The functions below describe the other details. generator draws the
    characters that the model writes.
    """
    candidate, layer = intervention.candidate, intervention.candidate.layer
    closers = ClosersUnderTest(context, intervention.sites)

    def logits_after(dose: Tensor, *, hold: bool = False) -> Tensor:
        edit = context.edit([candidate.cell], dose[:, None])._replace(hold=hold)
        return context.rollouts.run(closers.ids, closers.state, {layer: edit}).logits

    def effect_nats(logits: Tensor) -> float:
        return float((closers.scores(logits) - closers.natural_scores)[:, 0].mean())

    changed = logits_after(intervention.dose)
    return {
        "natural_nats": float(closers.natural_scores[:, 0].mean()),
        "dose_response": [
            {"dose": factor, "effect_nats": effect_nats(logits_after(factor * intervention.dose))}
            for factor in _DOSE_FACTORS
        ],
        "hold_nats": effect_nats(logits_after(intervention.dose, hold=True)),
        "resample_nats": effect_nats(logits_after(_resampling_dose(closers, intervention))),
        "insertion_nats": _insertion_nats(context, intervention),
        "specificity": _specificity(closers, changed),
        "targeted_loss_ratio": _targeted_loss_ratio(closers, intervention, changed),
        "half_life": _half_life_characters(closers, intervention),
        "displacement": _displacement(closers, intervention, generator),
    }


def _resampling_dose(closers: ClosersUnderTest, intervention: Intervention) -> Tensor:
    """Return (sites,) float64: the doses that set c to values which the cell really had where the feature
    is off, or at the other sites for a counter and where no position is known at which the feature is off.
    """
    candidate, sites, context = intervention.candidate, intervention.sites, closers.context
    here = closers.natural_c(candidate.layer)[:, candidate.cell]
    if candidate.is_counter or len(sites.outside) == 0:
        return (here.roll(1) - here).double()
    ids, state = context.characters(sites.outside, 1), context.states(sites.outside)
    outside = context.rollouts.run(ids, state, track=True).track[0, candidate.layer, :, candidate.cell]
    return (outside[torch.arange(len(here)) % len(outside)] - here).double()


def _insertion_nats(context: InterventionContext, intervention: Intervention) -> float | None:
    """Return the mean change of the log probability of the target characters, in nats, where the feature is
    off and c is changed by the slope, its change per unit of the feature; None for a counter, and where no
    position is known at which the feature is off.
    """
    candidate, sites = intervention.candidate, intervention.sites
    if candidate.is_counter or len(sites.outside) == 0:
        return None
    ids = context.characters(sites.outside, sites.lag + 1)
    state = context.states(sites.outside)
    edit = context.edit([candidate.cell], torch.full((len(ids), 1), candidate.slope))
    targets = torch.from_numpy(sites.targets)
    before, after = (
        context.rollouts.run(ids, state, edits).log_probabilities[:, targets].logsumexp(1)
        for edits in ({}, {candidate.layer: edit})
    )
    return float((after - before).mean())


def _specificity(closers: ClosersUnderTest, changed: Tensor) -> float:
    """Return the size of the mean change of the target characters' logits over the root mean square change
    of all other logits; changed (sites, vocabulary) are the logits after the intervention, and all
    changes are taken relative to the mean change at their closer.
    """
    moved = changed - closers.natural.logits
    moved = moved - moved.mean(1, keepdim=True)
    others = moved[:, ~closers.targets].square().mean().sqrt()
    return float(moved[:, closers.targets].mean().abs() / others.clamp(min=1e-9))


def _targeted_loss_ratio(
    closers: ClosersUnderTest, intervention: Intervention, changed: Tensor
) -> float | None:
    """Return the loss in nats that the intervention adds at the closers over the size of the loss that it
    adds at other characters inside the feature; None where no such character is known.

    changed (sites, vocabulary) are the logits at the closers after the intervention.
    """
    candidate, sites, context = intervention.candidate, intervention.sites, closers.context
    if len(sites.inside) == 0:
        return None
    ids = context.characters(sites.inside, sites.lag + 2)
    state, following = context.states(sites.inside), ids[:, -1:]
    edit = context.edit([candidate.cell], intervention.dose.mean().expand(len(ids), 1))
    natural, shifted = (
        context.rollouts.run(ids[:, :-1], state, edits).log_probabilities.gather(1, following).mean()
        for edits in ({}, {candidate.layer: edit})
    )
    added_elsewhere = float(natural - shifted)
    added = float((closers.natural_scores - closers.scores(changed))[:, 0].mean())
    return added / max(abs(added_elsewhere), 1e-3)


def _half_life_characters(closers: ClosersUnderTest, intervention: Intervention) -> int | None:
    """Return after how many characters no more than half of the change of c is left, on average over the
    closers; None where more is left up to the closer.
    """
    candidate = intervention.candidate
    edit = closers.context.edit([candidate.cell], intervention.dose[:, None])
    natural, changed = (
        closers.context.rollouts.run(closers.ids, closers.state, edits, track=True).track[
            :, candidate.layer, :, candidate.cell
        ]
        for edits in ({}, {candidate.layer: edit})
    )
    left = (changed - natural).abs().mean(1)
    gone = (left <= left[0] / 2).nonzero()
    return int(gone[0]) if len(gone) else None


def _displacement(
    closers: ClosersUnderTest, intervention: Intervention, generator: torch.Generator
) -> Json | None:
    """Return by how many characters the closer of a counter moves when the model continues the text by
    itself.

    The model writes once with the dose upwards and once downwards; characters is half of the difference of
    the waits for a closer, and interval is its 95% interval over the sites. characters equals steps, the dose
    in steps of the count, where the counter alone decides. The result is None for a feature that does not
    count every character.
    """
    candidate = intervention.candidate
    if candidate.feature.drivers.get("step") != ANY_CHARACTER:
        return None
    rows = torch.arange(len(closers.ids)).repeat_interleave(_CONTINUATIONS_PER_SITE)
    state = State(closers.state.h[:, rows], closers.state.c[:, rows])
    draws = torch.rand(len(rows), _LONGEST_CONTINUATION_CHARACTERS, generator=generator)

    def waits(sign: int) -> Tensor:
        edit = closers.context.edit([candidate.cell], sign * intervention.dose[rows, None])
        return closers.context.rollouts.waits(
            closers.ids[rows, :1], state, {candidate.layer: edit}, draws=draws, targets=closers.targets
        )

    moved = ((waits(-1) - waits(1)) / 2).view(-1, _CONTINUATIONS_PER_SITE).mean(1)
    half_interval = 1.96 * float(moved.std()) / len(moved) ** 0.5
    mean = float(moved.mean())
    return {
        "steps": intervention.steps,
        "characters": mean,
        "interval": [mean - half_interval, mean + half_interval],
    }
