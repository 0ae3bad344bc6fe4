"""A study of one model on one text detects, names and tests the cells that follow a feature."""

from dataclasses import dataclass

from charlstm.config import InspectionConfig
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.detecting.naming import Name, name_of, partners_of
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.intervening.census import CellRoles
from charlstm.inspection.intervening.experiment import Candidate
from charlstm.inspection.intervening.verdict import Proof, ProofRequest, Proven, prove
from charlstm.inspection.progress import Progress, ignore_progress
from charlstm.inspection.reading.inspected_text import InspectedText
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM


@dataclass(frozen=True, eq=False)
class ConfirmedPair:
    """A ConfirmedPair is a cell and the feature that it follows; the pair passed every rule of detection.

    index is the index of the pair in Detected.pairs. cell counts over all layers. name is the kind of the
    cell and its drivers, and proof is what the interventions say. partners are the cells of its layer, by
    their numbers in the layer, that share its depth with it, see `naming.partners_of`.
    """

    index: int
    cell: int
    feature: Feature
    name: Name
    proof: Proof
    partners: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Study:
    """A Study has what was detected in one model, the confirmed pairs, the best held-out score first, and
    what the interventions on them were made from. roles says which features every cell follows.
    """

    found: Detected
    confirmed_pairs: list[ConfirmedPair]
    proven: Proven
    roles: CellRoles


def study(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    progress: Progress = ignore_progress,
    processes: ProcessGroup = ALONE,
) -> Study:
    """Detect the cells of model that follow a feature of text, name them, and intervene on the best of them.

    progress is called before each stage.
    """
    found = detect(model, text, config, progress=progress, processes=processes)
    progress("interventions", 0.6)
    pairs, scores = found.pairs, found.confirmation.correlation.abs()
    indices = sorted(found.is_finding.nonzero().flatten().tolist(), key=lambda index: -float(scores[index]))
    features = [found.text.table.features[int(pairs.features[index])] for index in indices]
    roles, chosen = _roles(model, found), list(zip(indices, features, strict=True))
    proven = prove(_proof_request(model, config, found, roles, chosen), processes=processes)
    proofs = proven.proofs + [Proof()] * (len(indices) - len(proven.proofs))
    values_told_apart = found.confirmation.staircases.values_told_apart()
    two_levels = found.two_levels.tolist()
    cells = pairs.cells[indices].tolist()
    partners = partners_of([cell // model.config.cells for cell in cells], features)
    confirmed_pairs = []
    for index, cell, feature, proof, shared in zip(indices, cells, features, proofs, partners, strict=True):
        sign = int(pairs.signs[index])
        name = name_of(
            feature,
            cell,
            sign,
            int(values_told_apart[index]),
            found.movements,
            two_levels=two_levels[index],
            has_partners=bool(shared),
        )
        sharing = tuple(cells[place] % model.config.cells for place in shared)
        confirmed_pairs.append(ConfirmedPair(index, cell, feature, name, proof, sharing))
    return Study(found, confirmed_pairs, proven, roles)


def _roles(model: CharLSTM, found: Detected) -> CellRoles:
    """Return how strongly every cell follows every feature, on the split "discover"."""
    columns = enumerate(found.text.table.features)
    return CellRoles(
        found.discovery.scores.correlation.abs(),
        {feature.name: column for column, feature in columns if not feature.pseudo},
        model.config.layers,
    )


def _proof_request(
    model: CharLSTM,
    config: InspectionConfig,
    found: Detected,
    roles: CellRoles,
    chosen: list[tuple[int, Feature]],
) -> ProofRequest:
    """Return the request for proofs of the first config.interventions of the chosen pairs, in their order.

    chosen holds (index into all pairs, feature), the best first.
    """
    cells = model.config.cells
    candidates = [
        Candidate(
            *divmod(int(found.pairs.cells[index]), cells), feature, float(found.confirmation.slopes[index])
        )
        for index, feature in chosen[: config.interventions]
    ]
    return ProofRequest(
        model=model,
        split=found.text.splits["intervene"],
        candidates=candidates,
        roles=roles,
        thresholds=found.calibration.thresholds.view(-1, cells),
        significance=config.significance,
    )
