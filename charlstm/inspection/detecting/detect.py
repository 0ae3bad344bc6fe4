"""The passes of the detectors over the splits of a text, each on its own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from charlstm.config import InspectionConfig
from charlstm.inspection.detecting import confirmation, discovery, null
from charlstm.inspection.detecting.confirmation import Confirmation
from charlstm.inspection.detecting.discovery import Calibration, Discovery, Pairs
from charlstm.inspection.detecting.movements import Movements, watch
from charlstm.inspection.detecting.proposals import proposals
from charlstm.inspection.features.automata import Automaton
from charlstm.inspection.progress import Progress, untold
from charlstm.inspection.reading.inspected_text import InspectedText
from charlstm.inspection.reading.shared_work import do_jobs
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.inspection.twins import untrained_twin
from charlstm.machine.processes import ALONE, ProcessGroup
from charlstm.model.char_lstm import CharLSTM

# Untrained networks whose best cells tell what is no finding, and how much text they are read on.
_UNTRAINED = 8

_UNTRAINED_CHARACTERS = 50_000

# Features that cells may add to the listed ones.
_MOST_PROPOSED = 64

# Share of a depth's closers that may be unmatched.
_UNMATCHED = 0.05

# No finding may rest on these: their linear part is taken out.
_NUISANCES = ("column", "characters_since_space")


@dataclass(frozen=True, eq=False)
class Detected:
    """What the passes over one model gave; stands (pairs,) bool are the pairs that are findings.

    text has the features that the model's own cells proposed; pseudo_found is how many cells a feature
    about letters that mean nothing would have named.
    """

    text: InspectedText
    calibration: Calibration
    movements: Movements
    discovery: Discovery
    untrained: Tensor
    pairs: Pairs
    confirmation: Confirmation
    stands: Tensor
    shortest_shift: int
    pseudo_found: int


def detect(
    model: CharLSTM,
    text: InspectedText,
    config: InspectionConfig,
    *,
    generator: torch.Generator,
    progress: Progress = untold,
    processes: ProcessGroup = ALONE,
) -> Detected:
    """Calibrate, let the cells propose features, discover and confirm, each on its split."""
    progress("calibration", 0.0)
    calibration = discovery.calibrate(model, text.splits["calibrate"], processes)
    discovering = text.splits["discover"]
    progress("movements", 0.05)
    seen = watch(model, discovering, calibration.thresholds, calibration.means, text.symbols, processes)
    listed = len(text.table.features)
    text = text.extended(_proposed(seen, discovering.first))
    discovering, confirming = text.splits["discover"], text.splits["confirm"]
    progress("untrained scores", 0.15)
    untrained = _untrained_scores(model, discovering, generator, processes)
    progress("discovery", 0.3)
    pseudo = torch.tensor([feature.pseudo for feature in text.table.features])
    drawn = [
        null.draw_shifts(null.self_likeness(split, processes), config.shifts, generator)
        for split in (discovering, confirming)
    ]
    tested = (~pseudo).nonzero().flatten()
    discovered = discovery.discover(
        model, discovering, calibration.means, drawn[0], tested=tested, processes=processes
    )

    def chosen(eligible: Tensor) -> Pairs:
        return discovery.choose(
            discovered,
            eligible=eligible,
            proposed=torch.arange(len(eligible)) >= listed,
            untrained=untrained,
            significance=config.significance,
        )

    pairs = chosen(~pseudo)
    progress("confirmation", 0.5)
    confirmed, stands = _confirmed(model, text, pairs, calibration, drawn[1], config.significance, processes)
    return Detected(
        text,
        calibration,
        seen,
        discovered,
        untrained,
        pairs,
        confirmed,
        stands,
        int(torch.cat(drawn).min()),
        len(chosen(pseudo)),
    )


def _confirmed(
    model: CharLSTM,
    text: InspectedText,
    pairs: Pairs,
    calibration: Calibration,
    shifts: Tensor,
    significance: float,
    processes: ProcessGroup,
) -> tuple[Confirmation, Tensor]:
    """The frozen pairs on the confirm split, and which of them stand, (pairs,) bool."""
    confirmed = confirmation.confirm(
        model,
        text.splits["confirm"],
        pairs,
        calibration,
        shifts,
        nuisances=[place for place, name in enumerate(text.table.names) if name in _NUISANCES],
        processes=processes,
    )
    kinds = [text.table.features[place].kind for place in pairs.features.tolist()]
    stands = confirmed.holds(
        pairs,
        counters=torch.tensor([kind == "counter" for kind in kinds], dtype=torch.bool),
        depths=torch.tensor([kind == "depth" for kind in kinds], dtype=torch.bool),
        significance=significance,
    )
    return confirmed, stands


def _proposed(seen: Movements, part: Chunk) -> list[Automaton]:
    """What cells propose, each the way round that leaves it at 0 more often.

    A depth has to be left by hardly more than what took it up before that: the way round with fewer unmatched
    closers. A text that begins deep inside has some, and then as many the other way round.
    """

    def oddness(automaton: Automaton) -> tuple[float, int]:
        unmatched = automaton.unmatched(part.text) if automaton.kind == "depth" else 0.0
        nonzero = np.count_nonzero(automaton.signal(part.text, part.cut.starts).values)
        return max(0.0, unmatched - _UNMATCHED), int(nonzero)

    return [
        automaton if automaton.kind == "counter" else min((automaton, automaton.reversed()), key=oddness)
        for automaton in proposals(seen)[:_MOST_PROPOSED]
    ]


def _untrained_scores(
    model: CharLSTM, split: Split, generator: torch.Generator, processes: ProcessGroup
) -> Tensor:
    """(features,) float64: the |r| that hardly any untrained network of the same shape has a cell for."""
    part = split.first.beginning(_UNTRAINED_CHARACTERS)

    def score(_: int, own: torch.Generator) -> Tensor:
        return discovery.strongest(untrained_twin(model, own), part)

    best = torch.stack(do_jobs(range(_UNTRAINED), score, generator, processes))
    return best.mean(0) + discovery.UNTRAINED_DEVIATIONS * best.std(0)
