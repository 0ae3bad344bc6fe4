"""The cells that are held at a character, from the holds of a user."""

from collections.abc import Sequence

import torch

from charlstm.config import Hold
from charlstm.model import equations
from charlstm.model.char_lstm import CharLSTM


def held_at(holds: Sequence[Hold], number: int, model: CharLSTM) -> list[equations.Held | None] | None:
    """Return each layer's cells held at character `number`, or None where no hold has begun.

    They are sorted by start, so that of two holds of one cell the later one counts.
    """
    begun = sorted((hold for hold in holds if hold.start <= number), key=lambda hold: hold.start)
    return [_held_in(layer, begun, model) for layer in range(model.config.layers)] if begun else None


def _held_in(layer: int, holds: Sequence[Hold], model: CharLSTM) -> equations.Held | None:
    """Return the held cells of one layer, or None; of two holds of one cell the later in the list counts."""
    values = {hold.cell: hold.value for hold in holds if hold.layer == layer}
    if not values:
        return None
    cells = torch.tensor(list(values), device=model.device)
    return equations.Held(cells, torch.tensor(list(values.values()), device=model.device))
