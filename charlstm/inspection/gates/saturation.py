"""How hard the gates of a network are, and whether they act apart, beside an untrained one.

The claims: trained gates become switches that are nearly always open or shut, and since every gate has
weight rows of its own, g and i in the product g * i are free of each other. Hardness is the share of
positions with a gate below .1 and above .9 (Karpathy, Johnson and Fei-Fei 2015). Separateness is the
cosine of a cell's weight rows, and the correlation of what they make of the text. An untrained network
has some of both: its forget biases put the mean forget gate near .83.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from charlstm.config import GATES

# PyTorch's order of the weights' rows, and the order in which pages have always shown the gates.
from charlstm.findings import Json
from charlstm.inspection.reading.accumulators import Saturation
from charlstm.inspection.reading.trace import WARMUP, Cut, LayerTrace, trace
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import Gates, LayerWeights

_SHOWN = ("input", "forget", "output", "candidate")
_PAIRS = tuple(combinations(range(len(GATES)), 2))
# Positions in a block: enough for full-speed matrix products, few enough to stay small.
_BLOCK = 2048
# What moves by less than this share of its mean is constant: float32 resolves no less.
_CONSTANT = 1e-6


class Hardness:
    """Sums of one gate of each cell: how often it is low and high, and its mean."""

    def __init__(self, cells: int) -> None:
        self.saturation = Saturation(cells)
        self.sums = torch.zeros(cells, dtype=torch.float64)

    def update(self, gate: Tensor) -> None:
        """Add a block: gate (positions, cells) float32."""
        self.saturation.update(gate)
        self.sums += gate.sum(0)

    def merge(self, other: "Hardness") -> None:
        """Add what another accumulator has seen."""
        self.saturation.merge(other.saturation)
        self.sums += other.sums

    def result(self) -> Json:
        """Shares of positions in [0, 1] and the mean, of all cells; the shares of each cell, too."""
        low, high = self.saturation.shares()
        return {
            "below_0.1": float(low.mean()),
            "above_0.9": float(high.mean()),
            "mean": number(self.sums.mean() / max(1, self.saturation.count)),
            "cells": {"below_0.1": _rounded(low), "above_0.9": _rounded(high)},
        }


class PreactivationMoments:
    """Means and centred products of every cell's four pre-activations, merged after Chan et al. 1979."""

    def __init__(self, cells: int) -> None:
        self.count = 0
        self.means = torch.zeros(len(GATES), cells, dtype=torch.float64)
        self.products = torch.zeros(len(GATES), len(GATES), cells, dtype=torch.float64)

    def update(self, preactivations: Tensor) -> None:
        """Add a block: preactivations (positions, 4, cells) float32, gates in PyTorch's order."""
        block = PreactivationMoments(preactivations.shape[2])
        block.count = len(preactivations)
        # Within a block float32 is enough, being centred, and several times as fast.
        means = preactivations.mean(0)
        block.means = means.double()
        centred = (preactivations - means).unbind(1)
        for one, left in enumerate(centred):
            for other in range(one, len(GATES)):
                product = (left * centred[other]).sum(0).double()
                block.products[one, other] = block.products[other, one] = product
        self.merge(block)

    def merge(self, other: "PreactivationMoments") -> None:
        """Add what another accumulator has seen."""
        if other.count == 0:
            return
        total = self.count + other.count
        apart = other.means - self.means
        weight = self.count * other.count / total
        self.products += other.products + weight * apart[:, None] * apart[None, :]
        self.means += apart * (other.count / total)
        self.count = total

    def result(self) -> Tensor:
        """(4, 4, cells) float64 correlations in [-1, 1]; NaN where one of the two is constant."""
        squares = self.products.diagonal().t()
        still = squares <= self.count * (_CONSTANT * self.means).square()
        norms = squares.masked_fill(still, torch.nan).sqrt()
        return (self.products / (norms[:, None] * norms[None, :])).clamp(-1, 1)


class LayerGates:
    """All sums over one layer's gates; activation names the function of candidate and cell state."""

    def __init__(self, cells: int, activation: str) -> None:
        self.activation = equations.activation_function(activation)
        self.hardness = {name: Hardness(cells) for name in (*_SHOWN, "output_saturation")}
        self.moments = PreactivationMoments(cells)

    def update(self, gates: Gates, c: Tensor, preactivations: Tensor) -> None:
        """Add a block: gates and c, each (positions, cells), and preactivations (positions, 4, cells)."""
        moved = (gates.i, gates.f, gates.o, gates.g.abs(), self.activation(c).abs())
        for hardness, values in zip(self.hardness.values(), moved, strict=True):
            hardness.update(values)
        self.moments.update(preactivations)

    def merge(self, other: "LayerGates") -> None:
        """Add what another accumulator has seen."""
        for name, hardness in self.hardness.items():
            hardness.merge(other.hardness[name])
        self.moments.merge(other.moments)

    def result(self) -> Json:
        """The hardness of every gate, by name."""
        return {name: hardness.result() for name, hardness in self.hardness.items()}


class _Block(NamedTuple):
    """One layer at a block's counted positions, flat: see LayerGates.update."""

    gates: Gates
    c: Tensor
    preactivations: Tensor


def gate_report(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut, *, untrained: CharLSTM) -> Json:
    """Hardness and separateness of all gates over the counted positions of ids (characters,), cut so.

    `layers` has one object per layer: for input, forget and output, for the candidate's |g| and for
    output_saturation, |activation(c)|, the shares below .1 and above .9, the mean, and the shares of each
    cell. (ReLU and identity are unbounded: for them the last two tell size, not saturation.)
    `separate_weights` has one object per layer: by pair of gates the mean |cosine| over cells of
    their input rows, recurrent rows and both together, and the mean |correlation| of their
    pre-activations; None where no cell has one. `untrained` has the same of the other network, which
    has model's shape. Costs about three traces.
    """
    return {
        "characters": len(cut.counted),
        **_network_report(model, ids, cut),
        "untrained": _network_report(untrained, ids, cut),
    }


def _network_report(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut) -> Json:
    """`layers` and `separate_weights` of one network."""
    layers = measure(model, ids, cut)
    pairs = [_separateness(model.weights(number), sums.moments) for number, sums in enumerate(layers)]
    return {
        "layers": [{"layer": number, **sums.result()} for number, sums in enumerate(layers)],
        "separate_weights": [{"layer": number, "pairs": found} for number, found in enumerate(pairs)],
    }


def measure(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut) -> list[LayerGates]:
    """The sums over every counted position of ids (characters,), one accumulator per layer."""
    sums = [LayerGates(model.config.cells, model.config.activation) for _ in range(model.config.layers)]
    for blocks in _blocks(model, ids, cut):
        for accumulator, block in zip(sums, blocks, strict=True):
            accumulator.update(*block)
    return sums


@torch.no_grad()
def _blocks(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut) -> Iterator[list[_Block]]:
    """Yield all layers at the counted positions, block by block, on the CPU."""
    text = torch.from_numpy(ids[: cut.streams * cut.length].astype(np.int64)).view(cut.streams, cut.length)
    for block in trace(model, ids, streams=cut.streams, window=max(1, _BLOCK // cut.streams)):
        positions = block.layers[0].h.shape[1]
        skipped = max(0, WARMUP - block.start)
        if skipped < positions:
            x = model.embedding(text[:, block.start : block.start + positions].to(model.device))
            inputs = [x] + [layer.h for layer in block.layers[:-1]]
            yield [
                _counted(layer, model.weights(number), inputs[number], block.before.h[number], skipped)
                for number, layer in enumerate(block.layers)
            ]


def _counted(layer: LayerTrace, weights: LayerWeights, x: Tensor, h: Tensor, skipped: int) -> _Block:
    """A layer's positions from skipped on; x (streams, positions, width) goes in, h (streams, cells) before.

    The pre-activations are formed anew: a float32 gate near 1 has too few digits left to give its own back.
    """
    before = torch.cat((h.unsqueeze(1), layer.h[:, :-1]), dim=1)[:, skipped:]
    preactivations = functional.linear(x[:, skipped:], weights.input, weights.bias)
    preactivations += functional.linear(before, weights.recurrent)
    return _Block(
        Gates(*(gate[:, skipped:].flatten(0, 1).cpu() for gate in layer.gates)),
        layer.c[:, skipped:].flatten(0, 1).cpu(),
        preactivations.flatten(0, 1).view(-1, len(GATES), layer.c.shape[2]).cpu(),
    )


@torch.no_grad()
def _separateness(weights: LayerWeights, moments: PreactivationMoments) -> Json:
    """By pair of gates, the mean |cosine| of a cell's weight rows and |correlation| of what they give."""
    rows = {
        "cosine_input": weights.input,
        "cosine_recurrent": weights.recurrent,
        "cosine": torch.cat((weights.input, weights.recurrent), dim=1),
    }
    closeness = {name: _cosines(matrix) for name, matrix in rows.items()}
    closeness["correlation"] = moments.result()
    return {
        f"{GATES[one]}-{GATES[other]}": {
            name: _mean_size(values[one, other]) for name, values in closeness.items()
        }
        for one, other in _PAIRS
    }


def _cosines(matrix: Tensor) -> Tensor:
    """(4, 4, cells) float64 in [-1, 1] from (4 cells, inputs); NaN where a row is zero and points nowhere."""
    rows = matrix.cpu().double().view(len(GATES), -1, matrix.shape[1])
    units = rows / rows.norm(dim=2, keepdim=True)
    return torch.einsum("acw,bcw->abc", units, units)


def _mean_size(values: Tensor) -> float | None:
    """The mean |value| of values (cells,) that are not NaN; None when there is none."""
    return number(values.abs().nanmean())


def number(value: Tensor) -> float | None:
    """A JSON number, None for what is not finite: without bounds, as with ReLU, c may grow past float32."""
    return float(value) if bool(value.isfinite()) else None


def _rounded(shares: Tensor) -> list[float]:
    return [round(share, 4) for share in shares.tolist()]
