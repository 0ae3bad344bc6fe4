"""List the weights into and out of a cell: from its drivers over its gates to the logits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from charlstm.config import GATES
from charlstm.findings import Json
from charlstm.model.char_lstm import CharLSTM

# A list of weights has this many entries, or this many at each end.
_LISTED_WEIGHTS = 5


@torch.no_grad()
def weights_of(
    model: CharLSTM, layer: int, cell: int, drivers: Sequence[str], symbols: Sequence[str]
) -> Json:
    """Return the weights into and out of one cell, rounded to three decimals, as plain data.

    drivers are the characters or sequences of characters that move the cell, symbols (vocabulary,) the
    characters by id.

    from_self has, by gate, the recurrent weight of the cell's own h. from_cells has, by gate, the cells of
    the same layer with the largest recurrent weights. from_driver (first layer only) has, for the last
    character of each driver, what it adds to the pre-activation of every gate over what the mean character
    adds. to_logits (last layer only) has the characters whose logit h raises and lowers most; to_cells
    (other layers) has the cells of the layer above with the largest input weights from this cell, as the
    norm over their four gates.
    """
    weights = model.weights(layer)
    rows = [gate * model.config.cells + cell for gate in range(len(GATES))]
    recurrent = weights.recurrent[rows]
    wiring: Json = {
        "from_self": dict(zip(GATES, _rounded(recurrent[:, cell]), strict=True)),
        "from_cells": {
            gate: _largest(row, [f"{layer}:{other}" for other in range(len(row))])
            for gate, row in zip(GATES, recurrent, strict=True)
        },
    }
    if layer == 0:
        wiring["from_driver"] = _from_drivers(model, weights.input[rows], drivers, symbols)
    if layer + 1 == model.config.layers:
        column = model.head.weight[:, cell] - model.head.weight[:, cell].mean()
        wiring["to_logits"] = _highest_and_lowest(column, symbols)
    else:
        norms = model.weights(layer + 1).input[:, cell].view(4, -1).norm(dim=0)
        wiring["to_cells"] = _largest(norms, [f"{layer + 1}:{other}" for other in range(len(norms))])
    return wiring


def _from_drivers(
    model: CharLSTM, rows: Tensor, drivers: Sequence[str], symbols: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return what the last character of each driver adds to the pre-activations of a cell, by gate, over
    what the mean character adds; rows (4, embedding) are the input weights of the cell's gates.
    """
    added = model.embedding.weight @ rows.t()
    added = added - added.mean(0)
    last_characters = dict.fromkeys(driver[-1] for driver in drivers)
    return {
        character: dict(zip(GATES, _rounded(added[symbols.index(character)]), strict=True))
        for character in last_characters
        if character in symbols
    }


def _largest(values: Tensor, names: Sequence[str]) -> dict[str, float]:
    """Return the _LISTED_WEIGHTS of values (n,) that are largest in size, by name, the largest first."""
    indices = values.abs().topk(min(_LISTED_WEIGHTS, len(values))).indices.tolist()
    return {names[index]: round(float(values[index]), 3) for index in indices}


def _highest_and_lowest(values: Tensor, names: Sequence[str]) -> dict[str, float]:
    """Return the _LISTED_WEIGHTS highest of values (n,) and then the lowest, by name, in falling order."""
    order = values.argsort(descending=True).tolist()
    chosen = dict.fromkeys([*order[:_LISTED_WEIGHTS], *order[-_LISTED_WEIGHTS:]])
    return {names[index]: round(float(values[index]), 3) for index in chosen}


def _rounded(values: Tensor) -> list[float]:
    """Return values (n,) rounded to three decimals."""
    return [round(value, 3) for value in values.tolist()]
