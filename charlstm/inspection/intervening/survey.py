"""Read a passage once and keep what interventions need of it: states, means and how cells behave."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlstm.inspection.intervening.behaviours import Behaviour
from charlstm.inspection.reading.accumulators import GroupSums
from charlstm.inspection.reading.matrix_product import product
from charlstm.inspection.reading.passage import Passage
from charlstm.inspection.reading.trace import WARMUP, TraceBlock, trace
from charlstm.model.char_lstm import CharLSTM, State

_BLOCK_POSITIONS = 2048
# A direction is fitted with this share of the mean variance of the cells added to every variance (ridge).
_RIDGE_SHARE = 1e-3


@dataclass(frozen=True, eq=False)
class Survey:
    """A Survey has statistics of every cell over a passage, and the states before chosen positions of it.

    deviation is the standard deviation of c, output_gate the mean output gate in [0, 1], and flip_rate how
    often c crosses its cell's threshold, in crossings per character; each is (layers, cells) float64.
    covariance (layers, cells, cells) float64 is that of c. positions (n,) int64, rising, are the chosen
    positions; states holds the state before the character at each position, h and c (layers, n, cells)
    float32. other_means has, by the feature of a behaviour, the mean of c in the feature's other state, by
    the current character: (vocabulary, layers, cells) float32. gaps has the mean of c in the other state
    less the mean of c elsewhere, (layers, cells) float64, by feature, too.
    """

    deviation: Tensor
    output_gate: Tensor
    flip_rate: Tensor
    covariance: Tensor
    positions: NDArray[np.int64]
    states: State
    other_means: dict[str, Tensor]
    gaps: dict[str, Tensor]

    def states_before(self, positions: NDArray[np.int64]) -> State:
        """Return the state before the character at each of positions (n,), which must be chosen positions
        of this survey; h and c are (layers, n, cells).
        """
        indices = torch.from_numpy(np.searchsorted(self.positions, positions))
        return State(self.states.h[:, indices], self.states.c[:, indices])

    def direction(self, feature: str, layer: int) -> tuple[Tensor, Tensor]:
        """Return the reader and the step of the best linear direction of a layer for a feature.

        The reader (cells,) float64 is the ridge regression of the feature's other state on c of all cells of
        the layer. The step (cells,) float64 is the difference of the mean of c between the states, scaled so
        that the reader's value moves by 1 with it.
        """
        gap, covariance = self.gaps[feature][layer], self.covariance[layer]
        ridge = _RIDGE_SHARE * covariance.diagonal().mean().clamp(min=1e-12)
        reader = torch.linalg.solve(covariance + ridge * torch.eye(len(gap), dtype=torch.float64), gap)
        return reader, gap / (reader @ gap).clamp(min=1e-12)


def survey_text(
    model: CharLSTM,
    passage: Passage,
    behaviours: Sequence[Behaviour],
    thresholds: Tensor,
    positions: NDArray[np.int64],
) -> Survey:
    """Read a passage once and return its survey, with the states before positions (n,) int64, in any order.

    None of positions is the first of its stretch. thresholds (layers, cells) lie between the two levels of
    each cell.
    """
    cut, positions = passage.cut, np.unique(positions)
    stored = StoredStates(model, positions, cut.length)
    sums = _SurveySums(model, passage, behaviours, thresholds)
    for block in trace(
        model, passage.ids, streams=cut.streams, window=max(1, _BLOCK_POSITIONS // cut.streams)
    ):
        stored.update(block)
        sums.update(block)
    mean, square, gate, flips = sums.by_cell / (cut.streams * cut.length)
    covariance = torch.stack(sums.products) / (cut.streams * cut.length)
    return Survey(
        deviation=(square - mean.square()).clamp(min=0).sqrt(),
        output_gate=gate,
        flip_rate=flips,
        covariance=covariance - mean[:, :, None] * mean[:, None, :],
        positions=positions,
        states=State(stored.h, stored.c),
        other_means={name: sums.other_means(name) for name in sums.other},
        gaps={name: sums.gap(name) for name in sums.other},
    )


class StoredStates:
    """StoredStates collects the states before chosen positions, h and c (layers, n, cells) float32."""

    def __init__(self, model: CharLSTM, positions: NDArray[np.int64], length: int) -> None:
        config = model.config
        self.h, self.c = torch.zeros(2, config.layers, len(positions), config.cells)
        self._stream, self._before = positions // length, positions % length - 1

    def update(self, block: TraceBlock) -> None:
        """Take the states that are in block."""
        stop = block.start + block.layers[0].c.shape[1]
        inside = np.flatnonzero((self._before >= block.start) & (self._before < stop))
        at = torch.from_numpy(self._stream[inside]), torch.from_numpy(self._before[inside] - block.start)
        for number, layer in enumerate(block.layers):
            self.h[number, inside], self.c[number, inside] = layer.h[at].cpu(), layer.c[at].cpu()


class _SurveySums:
    """_SurveySums has the one-pass sums of a survey.

    by_cell (4, layers, cells) float64 sums c, c^2, the output gate and the flips, and products has c c^T of
    each layer. other has, by feature, the sums of c by current character over the counted positions in the
    feature's other state; a last group has all other positions.
    """

    def __init__(
        self, model: CharLSTM, passage: Passage, behaviours: Sequence[Behaviour], thresholds: Tensor
    ) -> None:
        layers, cells = model.config.layers, model.config.cells
        self._shape, self._thresholds = (layers, cells), thresholds
        self._symbols, streams, length = len(passage.symbols), passage.cut.streams, passage.cut.length
        self._ids = torch.from_numpy(passage.ids.astype(np.int64)).view(streams, length)
        self._flags = {
            behaviour.feature.name: torch.from_numpy(behaviour.in_other_state).view(streams, length)
            for behaviour in behaviours
        }
        self.by_cell = torch.zeros(4, layers, cells, dtype=torch.float64)
        self.products = [torch.zeros(cells, cells, dtype=torch.float64) for _ in range(layers)]
        self.other = {name: GroupSums(self._symbols + 1, layers * cells) for name in self._flags}

    def update(self, block: TraceBlock) -> None:
        """Add the positions of block."""
        for number, layer in enumerate(block.layers):
            c, gates = layer.c.cpu(), layer.gates.o.cpu()
            values, on = c.flatten(0, 1), c > self._thresholds[number].float()
            flips = (on[:, 1:] != on[:, :-1]).flatten(0, 1)
            addends = (values, values.square(), gates.flatten(0, 1), flips)
            self.by_cell[:, number] += torch.stack([addend.double().sum(0) for addend in addends])
            self.products[number] += product(values.t().contiguous(), values).double()
        first = max(0, WARMUP - block.start)
        counted = [layer.c[:, first:].cpu().flatten(0, 1) for layer in block.layers]
        span = slice(block.start + first, block.start + block.layers[0].c.shape[1])
        if span.start < span.stop:
            both, ids = torch.cat(counted, dim=1), self._ids[:, span].flatten()
            for name, flags in self._flags.items():
                groups = torch.where(flags[:, span].flatten(), ids, self._symbols)
                self.other[name].update(groups, both)

    def other_means(self, name: str) -> Tensor:
        """Return the mean of c in the other state of a feature by current character, (vocabulary, layers,
        cells) float32; for a character that does not occur there, the mean over all characters.
        """
        sums = self.other[name]
        overall = sums.sums[:-1].sum(0) / sums.counts[:-1].sum().clamp(min=1)
        means = torch.where(sums.counts[:-1, None] > 0, sums.means()[:-1], overall)
        return means.float().view(-1, *self._shape)

    def gap(self, name: str) -> Tensor:
        """Return the mean of c in the other state of a feature less that elsewhere, (layers, cells)."""
        sums = self.other[name]
        other = sums.sums[:-1].sum(0) / sums.counts[:-1].sum().clamp(min=1)
        return (other - sums.means()[-1]).view(self._shape)


def similar_cells(model: CharLSTM, survey: Survey, layer: int, cell: int) -> list[int]:
    """Return the other cells of a layer, the one most similar to `cell` first.

    Similarity is measured by four numbers, each standardised over the layer: the standard deviation of c,
    the mean output gate, the norm of the outgoing weights, and how often the cell crosses its threshold.
    """
    recurrent = model.weights(layer).recurrent.detach().square().sum(0)
    is_top = layer + 1 == model.config.layers
    above = (model.head.weight if is_top else model.weights(layer + 1).input).detach()
    outgoing = (recurrent + above.square().sum(0)).sqrt().double().cpu()
    columns = (survey.deviation[layer], survey.output_gate[layer], outgoing, survey.flip_rate[layer])
    profiles = torch.stack(columns, dim=1)
    profiles = (profiles - profiles.mean(0)) / profiles.std(0).clamp(min=1e-9)
    order: list[int] = (profiles - profiles[cell]).square().sum(1).argsort().tolist()
    return [other for other in order if other != cell]
