"""Which weights make a cell what it is: the driver's embedding -> its gates -> the cell -> the logits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from charlstm.config import GATES
from charlstm.findings import Json
from charlstm.model.char_lstm import CharLSTM

_MOST = 5


@torch.no_grad()
def weights_of(
    model: CharLSTM, layer: int, cell: int, drivers: Sequence[str], symbols: Sequence[str]
) -> Json:
    """The weights into and out of one cell.

    from_driver has, for the last character of each driver, what it adds to the pre-activation of every gate
    over what the mean character adds (first layer only); from_self the recurrent weight of the cell's own
    h; from_cells the cells of its layer with the largest recurrent weights, by gate; to_logits the
    characters whose logit h raises and lowers most (last layer only), else to_cells the cells above
    that hear it most.
    """
    weights = model.weights(layer)
    rows = {gate: place * model.config.cells + cell for place, gate in enumerate(GATES)}
    recurrent = weights.recurrent[list(rows.values())]
    found: Json = {
        "from_self": dict(zip(GATES, _rounded(recurrent[:, cell]), strict=True)),
        "from_cells": {
            gate: _largest(row, [f"{layer}:{k}" for k in range(len(row))])
            for gate, row in zip(GATES, recurrent, strict=True)
        },
    }
    if layer == 0:
        added = model.embedding.weight @ weights.input[list(rows.values())].t()
        added = added - added.mean(0)
        last = dict.fromkeys(driver[-1] for driver in drivers)
        found["from_driver"] = {
            driver: dict(zip(GATES, _rounded(added[symbols.index(driver)]), strict=True))
            for driver in last
            if driver in symbols
        }
    if layer + 1 == model.config.layers:
        column = model.head.weight[:, cell] - model.head.weight[:, cell].mean()
        found["to_logits"] = _extremes(column, symbols)
    else:
        norms = model.weights(layer + 1).input[:, cell].view(4, -1).norm(dim=0)
        found["to_cells"] = _largest(norms, [f"{layer + 1}:{k}" for k in range(len(norms))])
    return found


def _largest(values: Tensor, names: Sequence[str]) -> dict[str, float]:
    """The largest in size, by name."""
    places = values.abs().topk(min(_MOST, len(values))).indices.tolist()
    return {names[place]: round(float(values[place]), 3) for place in places}


def _extremes(values: Tensor, names: Sequence[str]) -> dict[str, float]:
    """The highest, then the lowest, by name."""
    order = values.argsort(descending=True).tolist()
    chosen = dict.fromkeys([*order[:_MOST], *order[-_MOST:]])
    return {names[place]: round(float(values[place]), 3) for place in chosen}


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 3) for value in values.tolist()]
