"""A reading has the cell states of an exam network and the features of its text, position by position."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charlstm.inspection.exam.answers import STREAMS, ids_of
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.inspection.exam.rivals.mark_features import mark_features
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.reading.trace import WARMUP, trace

# Rivals look at one of this many positions: neighbours say nearly the same.
_STRIDE = 3

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reading:
    """A Reading has c of all cells and all features at some positions of a text.

    network: the network that read the text.
    features: the features; those of a text that are constant are left out.
    c: (positions, cells) float64, standardised within stretches; cells go on from layer to layer.
    values: (positions, features) float64, standardised within stretches.
    states, counts: c, float64, and the values of the features, uint8, as they are.
    spread: (cells,) float64, the standard deviations of c within stretches.
    widths: (features,) float64, the standard deviations of the features within stretches.
    """

    network: ExamNetwork
    features: tuple[Feature, ...]
    c: Matrix
    values: Matrix
    states: Matrix
    counts: NDArray[np.uint8]
    spread: Matrix
    widths: Matrix

    @property
    def correlations(self) -> Matrix:
        """Return (cells, features): the correlation of each cell with each feature, in [-1, 1]."""
        return np.asarray(self.c.T @ self.values / len(self.c))


def read_network(network: ExamNetwork) -> Reading:
    """Return the reading of all counted positions of the text of network, thinned out."""
    length = len(network.text) // STREAMS
    (block,) = trace(network.model, ids_of(network), streams=STREAMS, window=length)
    chosen = np.arange(WARMUP, length, _STRIDE)
    positions = (np.arange(STREAMS)[:, None] * length + chosen).ravel()
    layers = [layer.c[:, torch.from_numpy(chosen)].flatten(0, 1) for layer in block.layers]
    states = torch.cat(layers, dim=1).double().numpy()
    c, spread = _standardised(states)
    signals = list(mark_features(network.text, STREAMS))
    counts = np.stack([signal.values[positions] for signal in signals], axis=1)
    values, widths = _standardised(counts.astype(np.float64))
    varies = widths > 0
    features = tuple(signal.feature for signal, kept in zip(signals, varies, strict=True) if kept)
    return Reading(network, features, c, values[:, varies], states, counts[:, varies], spread, widths[varies])


def _standardised(columns: Matrix) -> tuple[Matrix, Matrix]:
    """Return columns (n, m) with mean 0 in each stretch and deviation 1, and their old deviations, (m,).

    The rows are those of one stretch after the other; a cell's level may differ between stretches, because
    each begins with a state of zeros wherever it is in the text. A column that is constant in each stretch
    becomes 0, and its deviation is 0.
    """
    by_stretch = columns.reshape(STREAMS, -1, columns.shape[1])
    centred = (by_stretch - by_stretch.mean(axis=1, keepdims=True)).reshape(columns.shape)
    deviations = centred.std(axis=0)
    return centred / np.where(deviations > 0, deviations, 1), deviations
