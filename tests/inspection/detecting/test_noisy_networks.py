"""Planted cells are found in networks with noise on all weights, and named by their drivers."""

import numpy as np
import pytest
from noisy_network import SYMBOLS, NoisyNetwork, noisy_network

from charlstm.config import InspectionConfig
from charlstm.inspection.detecting.detect import Detected, detect
from charlstm.inspection.detecting.naming import Name, name_of
from charlstm.inspection.reading.inspected_text import read_text


@pytest.fixture(scope="module", params=[1, 2, 4])
def found(request: pytest.FixtureRequest) -> tuple[NoisyNetwork, Detected]:
    network = noisy_network(request.param)
    ids = np.array([SYMBOLS.index(character) for character in network.text], dtype=np.uint8)
    text = read_text(ids, SYMBOLS, 8)
    return network, detect(network.model, text, InspectionConfig())


def name(detected: Detected, cell: int) -> Name | None:
    """What a cell is called, or None where it is no finding."""
    told_apart = detected.confirmation.staircases.values_told_apart()
    for index in detected.is_finding.nonzero().flatten().tolist():
        if int(detected.pairs.cells[index]) == cell:
            feature = detected.text.table.features[int(detected.pairs.features[index])]
            sign, levels = int(detected.pairs.signs[index]), bool(detected.two_levels[index])
            told = int(told_apart[index])
            return name_of(feature, cell, sign, told, detected.movements, two_levels=levels)
    return None


def test_planted_cells_are_found_with_their_drivers(found: tuple[NoisyNetwork, Detected]) -> None:
    """A depth counter that drifts, a latch of two drivers each way, and a counter with one resetter."""
    network, detected = found
    for cell, (kind, drivers) in enumerate(zip(network.kinds, network.drivers, strict=True)):
        named = name(detected, cell)
        assert named is not None, f"the {kind} is missed"
        assert named.kind == kind
        sides = sorted(named.drivers.values())
        assert sides == sorted(drivers.values()), "which side of a latch is on depends on the text"
