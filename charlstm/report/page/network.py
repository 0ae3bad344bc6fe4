"""What the findings say of the whole network -> the page's tables of gates, gradients and controls."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.findings import Json
from charlstm.report.words.values import MISSING, finite, is_number, text, words

# The groups of cells in the findings' `credit`, in the order of the table's columns.
GROUPS = ("cells", "controls", "untrained")

# Distances, in characters before the closer, at which the table tells how much gradient is left.
_DISTANCES_CHARACTERS = (4, 8, 16, 32)
# Columns of the table of gates: an inspection writes three shares of each gate.
_MOST_COLUMNS = 20
_CARRY_MEASURES = {
    "kept": "product of the forget gates from opener to closer",
    "direct_share": "share of the gradient at the opener that comes straight along c",
    "same_sign": "share of closers whose gradient has the sign of that direct path",
    "deviation": "distance of the gradient's logarithm from the direct path's, in nats",
}
_CONTROL_MEASURES = ("candidates", "findings", "best_score")
_CONTROLS = {
    "untrained": "an untrained network of the same shape",
    "gate_shuffled": "the trained weights, with the rows of each gate permuted across cells",
    "pseudo_features": "features about letters, which no cell has a reason to follow",
    "same_text": "no control: this network on the text that the control networks read",
}


@dataclass(frozen=True)
class Control:
    """A line of the table of controls: its name, and what the search finds in it."""

    name: str
    measures: tuple[str, ...]


@dataclass(frozen=True)
class Gradient:
    """A line of the table of gradients: one measure in the finding's cells, in matched cells, and in the same
    cells of an untrained network.
    """

    name: str
    cells: str
    controls: str
    untrained: str


@dataclass(frozen=True)
class Gate:
    """A line of the table of gates: one gate of one layer.

    low and high are the shares of positions with a gate below 0.1 and above 0.9, in [0, 1], None where they
    are unknown; shares are all that the findings have, as text.
    """

    layer: int
    name: str
    low: float | None
    high: float | None
    shares: tuple[str, ...]


def gate_table(gates: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Gate, ...]]:
    """Return the names of the columns, and a line for every layer and gate, of the shares in gates."""
    found = [
        (layer.get("layer", index), name, {key: share for key, share in shares.items() if is_number(share)})
        for index, layer in enumerate(gates.get("layers") or [])
        for name, shares in layer.items()
        if isinstance(shares, Mapping)
    ]
    columns = list(dict.fromkeys(column for _, _, shares in found for column in shares))[:_MOST_COLUMNS]
    rows = tuple(
        Gate(
            layer=layer,
            name=words(name),
            low=finite(shares.get("below_0.1")),
            high=finite(shares.get("above_0.9")),
            shares=tuple(text(shares.get(column)) for column in columns),
        )
        for layer, name, shares in found
    )
    return tuple(words(column) for column in columns), rows


def gradient_table(credit: Mapping[str, Any]) -> Iterable[Gradient]:
    """Yield the main measures of how gradient reaches cells; none where credit has no cells."""
    groups = [credit.get(name) or {} for name in GROUPS]
    if not groups[0]:
        return
    yield Gradient("cells", *(text(group.get("cells")) for group in groups))
    for key, name in _CARRY_MEASURES.items():
        yield Gradient(name, *(text((group.get("carry") or {}).get(key)) for group in groups))
    for distance in _DISTANCES_CHARACTERS:
        values = [(group.get("reach_since_opener") or [])[distance : distance + 1] for group in groups]
        reached = (text(value[0]) if value else MISSING for value in values)
        yield Gradient(f"gradient {distance} characters before the closer, over the gradient at it", *reached)


def control_table(method: Mapping[str, Any]) -> Iterable[Control]:
    """Yield a line for every control in method, of the measures that it has."""
    for name, control in (method.get("controls") or {}).items():
        if isinstance(control, Mapping):
            measures = tuple(text(control.get(measure)) for measure in _CONTROL_MEASURES)
            yield Control(_CONTROLS.get(name, words(name)), measures)


def network_data(gates: Mapping[str, Any], credit: Mapping[str, Any]) -> Json:
    """Return what the script draws of the network.

    layers has, for each layer, `shares_of` its gates and of the untrained network's; reach has, for each of
    GROUPS, the gradient by distance from the closer.
    """
    untrained = (gates.get("untrained") or {}).get("layers") or []
    return {
        "layers": [
            {"layer": layer.get("layer", place), "gates": shares_of(layer), "untrained": shares_of(other)}
            for place, layer in enumerate(gates.get("layers") or [])
            for other in [untrained[place] if place < len(untrained) else {}]
        ],
        "reach": {name: (credit.get(name) or {}).get("reach_since_opener") or [] for name in GROUPS},
    }


def shares_of(layer: Mapping[str, Any]) -> Json:
    """Return, for each gate of a layer of the findings, every cell's shares of low and of high positions.

    low is below 0.1 and high above 0.9; both are lists of shares in [0, 1], one for each cell.
    """
    by_gate = {name: (layer.get(name) or {}).get("cells") or {} for name in ("input", "forget", "output")}
    return {
        name: {"low": cells["below_0.1"], "high": cells["above_0.9"]}
        for name, cells in by_gate.items()
        if "below_0.1" in cells and "above_0.9" in cells
    }
