"""The study of one model on one text: its cells are detected, named and intervened on."""

from dataclasses import dataclass

import torch

from charlstm.config import InspectionConfig
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.detecting.naming import Name, name_of
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.control_cells import CellRoles
from charlstm.inspection.intervening.experiment import Candidate
from charlstm.inspection.intervening.verdict import Proof, ProofRequest, prove
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.reading.inspected_text import InspectedText
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class Standing:
    """A cell and the feature that it follows: a pair that passed every rule of detection.

    place is its place among the candidates, cell counts over all layers, name is its kind and its drivers,
    and proof is what the interventions say.
    """

    place: int
    cell: int
    feature: Feature
    name: Name
    proof: Proof


@dataclass(frozen=True, eq=False)
class Study:
    """What was detected in one model, and the pairs that passed, the best held-out score first."""

    found: Detected
    standing: list[Standing]


def study(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    generator: torch.Generator,
    progress: Progress = ignore_progress,
    processes: ProcessGroup = ALONE,
) -> Study:
    """Detect the cells of model that follow a feature of text, name them, and intervene on the best of them.

    generator draws all random numbers. progress is called before each stage.
    """
    found = detect(model, text, config, generator=generator, progress=progress, processes=processes)
    progress("interventions", 0.6)
    pairs, scores = found.pairs, found.confirmation.correlation.abs()
    places = sorted(found.stands.nonzero().flatten().tolist(), key=lambda place: -float(scores[place]))
    features = [found.text.table.features[int(pairs.features[place])] for place in places]
    proofs = _proofs(model, config, found, list(zip(places, features, strict=True)), generator, processes)
    levels = found.confirmation.staircases.levels()
    standing = []
    for place, feature, proof in zip(places, features, proofs, strict=True):
        cell, sign = int(pairs.cells[place]), int(pairs.signs[place])
        name = name_of(feature, cell, sign, int(levels[place]), found.movements)
        standing.append(Standing(place, cell, feature, name, proof))
    return Study(found, standing)


def _proofs(
    model: CharLSTM,
    config: InspectionConfig,
    found: Detected,
    chosen: list[tuple[int, Feature]],
    generator: torch.Generator,
    processes: ProcessGroup,
) -> list[Proof]:
    """Return a proof for each of the chosen pairs, the best first: (place among all pairs, feature) each.

    Interventions are made for the first config.interventions of them; the proofs of the others are empty.
    """
    cells = model.config.cells
    candidates = [
        Candidate(
            *divmod(int(found.pairs.cells[place]), cells), feature, float(found.confirmation.slopes[place])
        )
        for place, feature in chosen[: config.interventions]
    ]
    columns = enumerate(found.text.table.features)
    request = ProofRequest(
        model=model,
        chunk=found.text.splits["intervene"].first,
        candidates=candidates,
        roles=CellRoles(
            found.discovery.scores.correlation.abs(),
            {feature.name: column for column, feature in columns if not feature.pseudo},
            model.config.layers,
        ),
        thresholds=found.calibration.thresholds.view(-1, cells),
        significance=config.significance,
    )
    proofs = prove(request, generator=generator, processes=processes)
    return proofs + [Proof()] * (len(chosen) - len(proofs))
