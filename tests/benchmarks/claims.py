"""Print what inspections of several runs say of the claims about gated memory.

    python tests/benchmarks/claims.py RUN...

Each RUN is a folder with findings.json, as `charlstm inspect` leaves it. Each number is the median over the
runs, with the smallest and the largest; gates are those of all layers together. What the numbers mean is in
charlstm/report/README.md, under `gates` and `credit`.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from charlstm.findings import Findings

_GATES = ("input", "forget", "output")
# How far in front of the closer the gradient is read, in characters.
_BEFORE = 16

# The name of a number, and its values over the runs in the model and in its untrained twin.
Row = tuple[str, list[float], list[float]]


def gate_rows(gates: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield how often gates are nearly shut and open, and how alike the gates of a cell are."""
    for gate in _GATES:
        for end in ("below_0.1", "above_0.9"):
            yield (
                f"{gate} gate {end}",
                *(_of_layers(gates, part, gate, end) for part in (None, "untrained")),
            )
    for name in ("cosine", "correlation"):
        for choose in (min, max):
            both = [
                [
                    choose(
                        pair[name]
                        for layer in _part(one, part)["separate_weights"]
                        for pair in layer["pairs"].values()
                    )
                    for one in gates
                ]
                for part in (None, "untrained")
            ]
            yield (f"{choose.__name__} {name} over pairs of gates", *both)


def _part(gates: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """Return a report on gates, or a part of it."""
    return gates if name is None else gates[name]


def _of_layers(gates: Sequence[Mapping[str, Any]], part: str | None, gate: str, end: str) -> list[float]:
    """Return for each run the mean over layers of a share of positions."""
    return [mean(layer[gate][end] for layer in _part(one, part)["layers"]) for one in gates]


def credit_rows(credits: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Yield how gradient reaches the cells that follow a feature, their controls and untrained cells."""
    groups = ("cells", "controls", "untrained")

    def of(read: Any) -> dict[str, list[float]]:
        return {group: [float(read(credit[group])) for credit in credits] for group in groups}

    yield f"gradient {_BEFORE} characters before the closer", of(lambda group: group["reach"][_BEFORE])
    yield "share straight along c", of(lambda group: group["carry"]["direct_share"])
    yield "product of the forget gates", of(lambda group: group["carry"]["kept"])
    for gate in ("input", "candidate", "output", "forget"):
        yield (
            f"share of the input weights at the opener, {gate}",
            of(lambda group, gate=gate: group["decision"][gate]["drive_from_input"]),
        )
    for place in ("at_opener", "between"):
        yield (
            f"derivative of the candidate {place}",
            of(lambda group, place=place: group["decision"]["candidate"][f"derivative_{place}"]),
        )


def told(values: Sequence[float]) -> str:
    """Return the median of values with the smallest and the largest."""
    return f"{median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a folder with findings.json")
    options = parser.parse_args()
    inspections = [Findings.load(folder / "findings.json") for folder in options.runs]
    for name, trained, untrained in gate_rows([findings.gates for findings in inspections]):
        print(f"{name}: {told(trained)}; untrained {told(untrained)}")
    credits = [findings.credit for findings in inspections if findings.credit]
    print(f"gradients of {len(credits)} runs: {', '.join(credit['feature'] for credit in credits)}")
    for name, groups in credit_rows(credits) if credits else ():
        print(f"{name}: " + "; ".join(f"{group} {told(values)}" for group, values in groups.items()))


if __name__ == "__main__":
    main()
