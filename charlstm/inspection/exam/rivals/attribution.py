"""Gradient attribution: how much the logit of a closer depends on a cell a few characters before.

The gradient of the closer's logit with respect to the cell's c is multiplied by the difference of c between
the two states of the feature: a linear guess of what changing the cell would do.
"""

import numpy as np
import torch
from torch import Tensor

from charlstm.inspection.exam.answers import STREAMS, ids_of
from charlstm.inspection.exam.planted_networks import ExamNetwork
from charlstm.inspection.exam.rivals.readings import Matrix, Reading
from charlstm.inspection.features.feature import Feature
from charlstm.inspection.reading.trace import WARMUP, trace
from charlstm.model import equations

# The gradient is taken this many characters before a closer, at this many closers at most.
_LAG, _MOST_SITES = 4, 64


def attribution_scores(reading: Reading) -> Matrix:
    """Return (cells, features) float64: the size of each cell's attribution for each feature's closer.

    It is in units of the logit. For a counter the difference of c is that of two of its standard deviations.
    A latch may be named with either sign, so the larger attribution for one of its two drivers counts.
    """
    closers = [_closers(feature) for feature in reading.features]
    gradients = _gradients(reading.network, sorted(set().union(*closers)))
    units = np.array([1.0 if feature.kind != "counter" else 0.0 for feature in reading.features])
    units = np.where(units > 0, 1 / reading.widths, 2.0)
    differences = reading.correlations * reading.spread[:, None] * units
    steepest = [
        np.max([np.abs(gradients[closer]) for closer in of_feature], axis=0) for of_feature in closers
    ]
    return np.asarray(np.stack(steepest, axis=1) * np.abs(differences))


def _closers(feature: Feature) -> set[str]:
    """Return the characters that end the feature, or begin it where it is a switch."""
    return set(feature.closers) | set(feature.drivers.get("set", []))


def _gradients(network: ExamNetwork, closers: list[str]) -> dict[str, Matrix]:
    """Return for each of closers the mean gradient of its logit with respect to c of all cells, (cells,)."""
    length = len(network.text) // STREAMS
    ids = torch.from_numpy(ids_of(network)[: STREAMS * length].astype(np.int64)).view(STREAMS, length)
    (block,) = trace(network.model, ids_of(network), streams=STREAMS, window=length)
    c = torch.stack([layer.c for layer in block.layers])
    o = torch.stack([layer.gates.o for layer in block.layers])
    found = {}
    for closer in closers:
        number = network.symbols.index(closer)
        rows, columns = (ids == number).nonzero(as_tuple=True)
        sites = torch.stack((rows, columns - _LAG - 1))[:, columns > WARMUP + _LAG]
        sites = sites[:, :: max(1, -(-sites.shape[1] // _MOST_SITES))]
        windows = ids[sites[0][:, None], sites[1][:, None] + torch.arange(1, _LAG + 1)]
        at_sites = c[:, sites[0], sites[1]].clone().requires_grad_()
        logit = _logits(network, windows, at_sites, o[:, sites[0], sites[1]])[:, number].mean()
        (gradient,) = torch.autograd.grad(logit, at_sites)
        found[closer] = gradient.sum(dim=1).flatten().double().numpy()
    return found


def _logits(network: ExamNetwork, windows: Tensor, c: Tensor, o: Tensor) -> Tensor:
    """Return the logits (sites, vocabulary) after windows (sites, characters) int64.

    c and o, the cell states and output gates before the windows, are (layers, sites, cells).
    """
    model = network.model
    x = model.embedding(windows)
    for layer in range(model.config.layers):
        h = o[layer] * torch.tanh(c[layer])
        x, _, _ = equations.run(x, h, c[layer], model.weights(layer))
    logits: Tensor = model.head(x[:, -1])
    return logits
