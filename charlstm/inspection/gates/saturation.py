"""Measure how often the gates of a network are nearly open or shut, and whether they act independently.

Two claims about gates are tested, each beside an untrained network of the same shape. The first is that
trained gates become switches: hardness is the share of positions at which a gate is below .1 and the share
at which it is above .9 (Karpathy, Johnson and Fei-Fei 2015). The second is that every gate has rows of
weights of its own, and so the candidate g and the input gate i of the product g * i are independent of each
other: separateness is the cosine of the weight rows of two gates of a cell, and the correlation of their
pre-activations over the text.

An untrained network is hard to some degree, too: its forget biases put the mean forget gate near .83.
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
from charlstm.findings import Json
from charlstm.inspection.reading.accumulators import Saturation
from charlstm.inspection.reading.trace import WARMUP, Cut, LayerTrace, trace
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.equations import Gates, LayerWeights

# The gates in the order of the report, which is not that of the weights' rows (GATES).
_REPORTED_GATES = ("input", "forget", "output", "candidate")
_GATE_PAIRS = tuple(combinations(range(len(GATES)), 2))
# A block has about this many positions: enough for full-speed matrix products, few enough to need little
# memory.
_BLOCK_POSITIONS = 2048
# A pre-activation whose spread is below this share of its mean is constant: float32 resolves no less.
_LEAST_RELATIVE_SPREAD = 1e-6


class Hardness:
    """Hardness sums how often one gate of each cell is below .1 and above .9, and its mean."""

    def __init__(self, cells: int) -> None:
        self.saturation = Saturation(cells)
        self.sums = torch.zeros(cells, dtype=torch.float64)

    def update(self, gate: Tensor) -> None:
        """Add a block of the gate, (positions, cells) float32 in [0, 1]."""
        self.saturation.update(gate)
        self.sums += gate.sum(0)

    def merge(self, other: "Hardness") -> None:
        """Add the sums of other, which has read other positions of the same cells."""
        self.saturation.merge(other.saturation)
        self.sums += other.sums

    def result(self) -> Json:
        """Return the shares of positions below .1 and above .9 in [0, 1] and the mean gate, over all cells.

        cells has the two shares of each cell, rounded to four decimals.
        """
        low, high = self.saturation.shares()
        return {
            "below_0.1": float(low.mean()),
            "above_0.9": float(high.mean()),
            "mean": finite_number(self.sums.mean() / max(1, self.saturation.count)),
            "cells": {"below_0.1": _rounded(low), "above_0.9": _rounded(high)},
        }


class PreactivationMoments:
    """PreactivationMoments has the means and centred products of the four pre-activations of every cell.

    They are merged by the formulas of Chan, Golub and LeVeque 1979.
    """

    def __init__(self, cells: int) -> None:
        self.count = 0
        self.means = torch.zeros(len(GATES), cells, dtype=torch.float64)
        self.products = torch.zeros(len(GATES), len(GATES), cells, dtype=torch.float64)

    def update(self, preactivations: Tensor) -> None:
        """Add a block of preactivations, (positions, 4, cells) float32, the gates in the order of GATES."""
        block = PreactivationMoments(preactivations.shape[2])
        block.count = len(preactivations)
        # A centred block needs no more than float32, which is several times as fast.
        means = preactivations.mean(0)
        block.means = means.double()
        centred = (preactivations - means).unbind(1)
        for first, values in enumerate(centred):
            for second in range(first, len(GATES)):
                product = (values * centred[second]).sum(0).double()
                block.products[first, second] = block.products[second, first] = product
        self.merge(block)

    def merge(self, other: "PreactivationMoments") -> None:
        """Add the sums of other, which has read other positions of the same cells."""
        if other.count == 0:
            return
        total = self.count + other.count
        apart = other.means - self.means
        weight = self.count * other.count / total
        self.products += other.products + weight * apart[:, None] * apart[None, :]
        self.means += apart * (other.count / total)
        self.count = total

    def result(self) -> Tensor:
        """Return the correlations of every two gates of a cell, (4, 4, cells) float64 in [-1, 1].

        A correlation is NaN where one of its two pre-activations is constant.
        """
        squares = self.products.diagonal().t()
        constant = squares <= self.count * (_LEAST_RELATIVE_SPREAD * self.means).square()
        norms = squares.masked_fill(constant, torch.nan).sqrt()
        return (self.products / (norms[:, None] * norms[None, :])).clamp(-1, 1)


class LayerGates:
    """LayerGates has all sums over the gates of one layer."""

    def __init__(self, cells: int, activation: str) -> None:
        """Begin with no positions; activation, of config.ACTIVATIONS, is the function of g and of c."""
        self.activation = equations.activation_function(activation)
        self.hardness = {name: Hardness(cells) for name in (*_REPORTED_GATES, "output_saturation")}
        self.moments = PreactivationMoments(cells)

    def update(self, gates: Gates, c: Tensor, preactivations: Tensor) -> None:
        """Add a block of gates and c, each (positions, cells), and preactivations (positions, 4, cells),
        all float32.
        """
        sizes = (gates.i, gates.f, gates.o, gates.g.abs(), self.activation(c).abs())
        for hardness, values in zip(self.hardness.values(), sizes, strict=True):
            hardness.update(values)
        self.moments.update(preactivations)

    def merge(self, other: "LayerGates") -> None:
        """Add the sums of other, which has read other positions of the same cells."""
        for name, hardness in self.hardness.items():
            hardness.merge(other.hardness[name])
        self.moments.merge(other.moments)

    def result(self) -> Json:
        """Return the hardness of every gate and of |activation(c)| ("output_saturation"), by name.

        `detecting.pair_sums.GatesByCharacter` measures |tanh c| under this name whatever the activation; they
        agree where the activation is tanh.
        """
        return {name: hardness.result() for name, hardness in self.hardness.items()}


class _Block(NamedTuple):
    """A _Block has one layer at the counted positions of a block, in the shapes of LayerGates.update."""

    gates: Gates
    c: Tensor
    preactivations: Tensor


def gate_report(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut, *, untrained: CharLSTM) -> Json:
    """Return the hardness and the separateness of all gates of model, and of the untrained network beside
    it.

    The gates are read at the counted positions of ids (characters,), divided into stretches by cut;
    untrained has the shape of model.

    `layers` has one object per layer. It has, by gate (for the candidate its size |g|) and for
    output_saturation, which is |activation(c)|, the shares of positions below .1 and above .9, the mean,
    and the shares of each cell. With the unbounded activations relu and identity the candidate and
    output_saturation tell size, not saturation.

    `separate_weights` has one object per layer: by pair of gates the mean |cosine| over cells of their
    input rows, of their recurrent rows and of both together, and the mean |correlation| of their
    pre-activations; None where no cell has one. `untrained` has `layers` and `separate_weights` of the
    untrained network.
    """
    return {
        "characters": len(cut.counted),
        **_network_report(model, ids, cut),
        "untrained": _network_report(untrained, ids, cut),
    }


def _network_report(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut) -> Json:
    """Return `layers` and `separate_weights` of one network, as gate_report describes them."""
    layers = measure_gates(model, ids, cut)
    pairs = [_separateness(model.weights(layer), sums.moments) for layer, sums in enumerate(layers)]
    return {
        "layers": [{"layer": layer, **sums.result()} for layer, sums in enumerate(layers)],
        "separate_weights": [{"layer": layer, "pairs": by_pair} for layer, by_pair in enumerate(pairs)],
    }


def measure_gates(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut) -> list[LayerGates]:
    """Return the sums over every counted position of ids (characters,), one LayerGates per layer."""
    sums = [LayerGates(model.config.cells, model.config.activation) for _ in range(model.config.layers)]
    for blocks in _blocks(model, ids, cut):
        for accumulator, block in zip(sums, blocks, strict=True):
            accumulator.update(*block)
    return sums


@torch.no_grad()
def _blocks(model: CharLSTM, ids: NDArray[np.unsignedinteger], cut: Cut) -> Iterator[list[_Block]]:
    """Yield all layers at the counted positions of ids, block by block, on the CPU."""
    text = torch.from_numpy(ids[: cut.streams * cut.length].astype(np.int64)).view(cut.streams, cut.length)
    for block in trace(model, ids, streams=cut.streams, window=max(1, _BLOCK_POSITIONS // cut.streams)):
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
    """Return the positions of a layer from `skipped` on.

    x (streams, positions, inputs) are the layer's inputs, h (streams, cells) its hidden state before the
    block. The pre-activations are computed from them: a float32 gate near 1 has too few digits left to be
    inverted.
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
    """Return by pair of gates the mean over cells of |cosine| of their weight rows, and of |correlation| of
    their pre-activations.
    """
    rows = {
        "cosine_input": weights.input,
        "cosine_recurrent": weights.recurrent,
        "cosine": torch.cat((weights.input, weights.recurrent), dim=1),
    }
    closeness = {name: _cosines(matrix) for name, matrix in rows.items()}
    closeness["correlation"] = moments.result()
    return {
        f"{GATES[first]}-{GATES[second]}": {
            name: _mean_size(values[first, second]) for name, values in closeness.items()
        }
        for first, second in _GATE_PAIRS
    }


def _cosines(matrix: Tensor) -> Tensor:
    """Return the cosines of the rows of every two gates of a cell, (4, 4, cells) float64 in [-1, 1].

    matrix is (4 cells, inputs). A cosine is NaN where one of the two rows is zero.
    """
    rows = matrix.cpu().double().view(len(GATES), -1, matrix.shape[1])
    units = rows / rows.norm(dim=2, keepdim=True)
    return torch.einsum("acw,bcw->abc", units, units)


def _mean_size(values: Tensor) -> float | None:
    """Return the mean size of the values (cells,) that are not NaN, or None where all are NaN."""
    return finite_number(values.abs().nanmean())


def finite_number(value: Tensor) -> float | None:
    """Return a scalar as a number for JSON, or None where it is not finite.

    With an unbounded activation such as relu, c may grow past float32.
    """
    return float(value) if bool(value.isfinite()) else None


def _rounded(shares: Tensor) -> list[float]:
    """Return shares (cells,) rounded to four decimals."""
    return [round(share, 4) for share in shares.tolist()]
