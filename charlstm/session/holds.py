"""Cells to hold, as a Python session spells them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from charlstm.config import Hold, ModelConfig
from charlstm.errors import UsageError
from charlstm.findings import Findings
from charlstm.tasks.sample import holds_in, level_in, level_in_run

# Cells to hold: "LAYER:CELL" -> "on", "off" or a cell state; or as the command line spells them, one or more.
Holds = Mapping[str, str | float] | Sequence[str] | str


def holds_of(
    hold: Holds, model: ModelConfig, *, run: Path | None, findings: Findings | None = None
) -> tuple[Hold, ...]:
    """Return the holds that hold spells, for a model of this shape.

    The cell states of "on" and "off" are those in findings, or else those in the folder of run. Raises
    UsageError for a hold that cannot be read or of a cell that the model does not have, and where neither
    says what on and off are.
    """

    def level(layer: int, cell: int, name: str) -> float:
        if findings is not None:
            return level_in(findings, layer, cell, name, source="the findings say")
        if run is not None:
            return level_in_run(run, layer, cell, name)
        raise UsageError(
            f"what {name} is for cell {layer}:{cell} of a live nn.LSTM is not known",
            f'give a cell state, as hold={{"{layer}:{cell}": 1.5}} does',
        )

    return holds_in(_specs(hold), model, level)


def _specs(hold: Holds) -> list[str]:
    """Return holds as the command line spells them, each LAYER:CELL=VALUE[@FROM]."""
    if isinstance(hold, str):
        return [hold]
    if isinstance(hold, Mapping):
        return [f"{cell}={value}" for cell, value in hold.items()]
    return list(hold)
