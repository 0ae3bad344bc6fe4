"""A reading has the standardised cell states and features of a network at some positions of its text."""

import numpy as np
import pytest
from exam_reading import planted_network

from charlstm.inspection.exam.answers import STREAMS
from charlstm.inspection.exam.rivals.readings import read_network
from charlstm.inspection.reading.trace import WARMUP


def test_columns_are_standardised_and_belong_to_cells_and_features() -> None:
    network = planted_network()
    reading = read_network(network)
    positions = STREAMS * -(-(len(network.text) // STREAMS - WARMUP) // 3)
    assert reading.c.shape == (positions, network.model.config.cells)
    assert reading.values.shape == (positions, len(reading.features))
    for columns in (reading.c, reading.values):
        by_stretch = columns.reshape(STREAMS, -1, columns.shape[1])
        np.testing.assert_allclose(by_stretch.mean(axis=1), 0, atol=1e-9)
        np.testing.assert_allclose(columns.std(axis=0), 1, atol=1e-9)
    assert reading.spread.shape == (network.model.config.cells,)
    assert np.all(reading.widths > 0)


def test_a_planted_cell_correlates_with_its_own_feature() -> None:
    reading = read_network(planted_network())
    names = [feature.name for feature in reading.features]
    best = [names[place] for place in np.abs(reading.correlations).argmax(axis=1)[:3]]
    assert best == ["toggle |", "since ;", "depth ()"]
    expected = np.corrcoef(reading.c[:, 0], reading.values[:, names.index("since ;")])[0, 1]
    assert reading.correlations[0, names.index("since ;")] == pytest.approx(expected)
