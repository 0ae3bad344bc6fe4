"""Say when the cells of several trainings appeared, by kind, from findings that were made with --over-time.

    python tests/benchmarks/appearing.py RUN...

For each kind of cell: how many were found and how many are needed at the end; the median step from which on
they follow their feature, have two levels, and are needed; and the smallest and the largest of these steps.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from statistics import median

from charlstm.findings import Findings
from charlstm.report.words.network.appearances import Appearance, appearances

KINDS = {
    "toggle": "switches",
    "latch": "switches",
    "graded": "graded cells",
    "counter": "counters",
    "depth_counter": "depth counters",
}


def by_kind(runs: list[Path]) -> dict[str, list[Appearance]]:
    """Return the appearances of the found cells of all runs, by what the table calls their kinds."""
    found: dict[str, list[Appearance]] = defaultdict(list)
    for run in runs:
        document = Findings.load_from(run).to_json()
        kinds = {f"{one['layer']}:{one['cell']}": one["kind"] for one in document["findings"]}
        for one in appearances(document):
            found[KINDS[kinds[one.cell]]].append(one)
    return dict(found)


def told(steps: list[int | None]) -> str:
    """Return the median of the known steps with the smallest and the largest, and how many are known."""
    known = [step for step in steps if step is not None]
    if not known:
        return "none"
    return f"{median(known):,.0f} ({min(known):,} to {max(known):,}), {len(known)} cells"


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    print("| cells | found | follow their feature from | two levels from | needed from |")
    print("|---|---|---|---|---|")
    for kind, cells in sorted(by_kind(parser.parse_args().runs).items()):
        columns = (
            [one.follows for one in cells],
            [one.two_levels for one in cells],
            [one.needed for one in cells],
        )
        print(f"| {kind} | {len(cells)} | {' | '.join(map(told, columns))} |")


if __name__ == "__main__":
    main()
