"""How well cells follow features, by four measures that look at the cell states alone.

Each function takes a reading and returns (cells, features) float64, not below 0: larger says that the cell
follows the feature more.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlstm.inspection.exam.rivals.readings import Matrix, Reading

# The ridge of the probe is this share of the variance of a cell, which is 1.
_RIDGE = 0.01
# c is cut into this many bins with equally many positions, a feature into at most the second number of bins.
_CELL_BINS, _FEATURE_BINS = 16, 8
# Principal components with less than this share of one cell's variance are noise.
_LEAST_VARIANCE = 0.01


def correlation_scores(reading: Reading) -> Matrix:
    """Return |r|, the absolute correlation of each cell with each feature, in [0, 1]."""
    return np.abs(reading.correlations)


def probe_scores(reading: Reading) -> Matrix:
    """Return the size of each cell's weight in a linear probe of each feature, times the probe's correlation.

    The probe is a ridge regression of the feature on all cells. Weights are those of standardised cells, as
    shares of the largest weight of the feature's probe.
    """
    correlations = reading.correlations
    among_cells = reading.c.T @ reading.c / len(reading.c)
    weights = np.linalg.solve(among_cells + _RIDGE * np.eye(len(among_cells)), correlations)
    explained = np.sqrt((weights * correlations).sum(axis=0).clip(0, 1))
    return np.asarray(share_of_largest(np.abs(weights)) * explained)


def information_scores(reading: Reading) -> Matrix:
    """Return the mutual information of binned c with each binned feature, over the feature's entropy.

    c and the features are taken as they are: bins would blur where a stretch's mean was taken out.
    """
    cells, _ = _one_hot(reading.states, _CELL_BINS)
    features, owners = _one_hot(reading.counts, _FEATURE_BINS)
    joint = (cells.T @ features).astype(np.float64) / len(cells)
    by_cell = joint.reshape(reading.states.shape[1], _CELL_BINS, -1)
    of_bin, of_cell_bin = features.mean(axis=0, dtype=np.float64), cells.mean(axis=0, dtype=np.float64)
    expected = of_cell_bin.reshape(*by_cell.shape[:2], 1) * of_bin
    ratio = np.divide(by_cell, expected, out=np.ones_like(by_cell), where=by_cell > 0)
    by_bin = (by_cell * np.log(ratio)).sum(axis=1)
    count = reading.counts.shape[1]
    information = np.stack([np.bincount(owners, row, count) for row in by_bin])
    logarithms = np.log(np.where(of_bin > 0, of_bin, 1))
    entropy = np.bincount(owners, -of_bin * logarithms, count)
    return np.asarray(information / np.where(entropy > 0, entropy, 1)).clip(0)


def component_scores(reading: Reading) -> Matrix:
    """Return by cell and feature the largest product of a loading and of a component's correlation.

    A component is a principal component of the standardised cells; a cell's loading in it is a share of the
    largest loading, in [0, 1].
    """
    among_cells = reading.c.T @ reading.c / len(reading.c)
    variances, loadings = np.linalg.eigh(among_cells)
    kept = variances > _LEAST_VARIANCE
    variances, loadings = variances[kept], loadings[:, kept]
    followed = np.abs(loadings.T @ reading.correlations) / np.sqrt(variances)[:, None]
    shares = share_of_largest(np.abs(loadings))
    return np.stack([(shares[cell][:, None] * followed).max(axis=0) for cell in range(len(shares))])


def share_of_largest(scores: Matrix) -> Matrix:
    """Return scores (cells, n), not below 0, as shares of the largest score in their column."""
    return np.asarray(scores / np.maximum(scores.max(axis=0), 1e-12))


def _one_hot(columns: NDArray[Any], bins: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return (n, m * bins) float32, 1 where a value of columns (n, m) lies in a bin, and each bin's column.

    The bins of a column have equally many values, unless many values are equal.
    """
    blocks = []
    for column in columns.T:
        edges = np.unique(np.quantile(column, np.arange(1, bins) / bins))
        if len(edges) + 1 < bins and len(values := np.unique(column)) <= bins:
            edges = values[1:]
        numbers = np.searchsorted(edges, column, side="right")
        blocks.append(np.eye(bins, dtype=np.float32)[numbers])
    return np.concatenate(blocks, axis=1), np.repeat(np.arange(columns.shape[1]), bins)
