"""What concerns all cells: how hard the gates are, how far gradient reaches, what control networks show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from charlstm.findings import Json
from charlstm.report.words.values import MISSING, finite, is_number, text, words

REACHES = (4, 8, 16, 32)
CARRY_MEASURES = {
    "kept": "product of the forget gates from opener to closer",
    "direct_share": "share of the gradient that comes straight along c",
    "same_sign": "how often it has the direct path's sign",
    "deviation": "distance from the direct path, in nats",
}
GROUPS = ("cells", "controls", "untrained")
CONTROL_MEASURES = ("candidates", "findings", "best_score")
CONTROLS = {
    "untrained": "an untrained network of the same shape",
    "gate_shuffled": "the same weights, each gate's rows dealt out to other cells",
    "pseudo_features": "features about letters that mean nothing",
}


@dataclass(frozen=True)
class Control:
    """What a control shows, where nothing should be found."""

    name: str
    measures: tuple[str, ...]


@dataclass(frozen=True)
class Gradient:
    """One measure of how gradient reaches cells: in the finding's cells, matched ones and untrained ones."""

    name: str
    cells: str
    controls: str
    untrained: str


@dataclass(frozen=True)
class Gate:
    """Saturation of one gate of one layer; `low` and `high` are shares of positions in [0, 1]."""

    layer: int
    name: str
    low: float | None
    high: float | None
    shares: tuple[str, ...]


def gate_table(gates: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Gate, ...]]:
    """(the names of the shares, one Gate per layer and gate), whatever shares the findings carry."""
    found = [
        (layer.get("layer", index), name, {key: share for key, share in shares.items() if is_number(share)})
        for index, layer in enumerate(gates.get("layers") or [])
        for name, shares in layer.items()
        if isinstance(shares, Mapping)
    ]
    columns = list(dict.fromkeys(column for _, _, shares in found for column in shares))
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
    """The main measures of the gradient claim, of three groups of cells."""
    groups = [credit.get(name) or {} for name in GROUPS]
    if not groups[0]:
        return
    yield Gradient("cells", *(text(group.get("cells")) for group in groups))
    for key, name in CARRY_MEASURES.items():
        yield Gradient(name, *(text((group.get("carry") or {}).get(key)) for group in groups))
    for distance in REACHES:
        told = ((group.get("reach_since_opener") or [])[distance : distance + 1] for group in groups)
        reached = (text(values[0]) if values else MISSING for values in told)
        yield Gradient(f"gradient {distance} characters before the closer, against at it", *reached)


def control_table(method: Mapping[str, Any]) -> Iterable[Control]:
    """One line per control, of the measures that it has."""
    for name, control in (method.get("controls") or {}).items():
        if isinstance(control, Mapping):
            measures = tuple(text(control.get(measure)) for measure in CONTROL_MEASURES)
            yield Control(CONTROLS.get(name, words(name)), measures)


def network_data(gates: Mapping[str, Any], credit: Mapping[str, Any]) -> Json:
    """What the script draws: each cell's shares of shut and open gates, and gradient by distance."""
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
    """By gate, the cells' shares of positions below .1 and above .9."""
    found = {name: (layer.get(name) or {}).get("cells") or {} for name in ("input", "forget", "output")}
    return {
        name: {"low": cells["below_0.1"], "high": cells["above_0.9"]}
        for name, cells in found.items()
        if "below_0.1" in cells and "above_0.9" in cells
    }
