"""Say when the cells of several trainings appeared, by kind, from findings that were made with --over-time.

    python tests/benchmarks/appearing.py RUN...
    python tests/benchmarks/appearing.py RUN... --figure charlstm/inspection/when_cells_appear.svg

For each kind of cell: how many were found and how many are needed at the end; the median step from which on
they follow their feature, have two levels, and are needed; and the smallest and the largest of these steps.
The second command also draws the trainings into one figure.
"""

import argparse
import shutil
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from charlstm.findings import Findings
from charlstm.report.figure_files import Drawing, write_drawings
from charlstm.report.training_figure import INCHES, draw_over_time
from charlstm.report.words.network.appearances import KINDS_IN_TABLES, Appearance, appearances


def by_kind(runs: list[Path]) -> dict[str, list[Appearance]]:
    """Return the appearances of the found cells of all runs, by what the table calls their kinds."""
    found: dict[str, list[Appearance]] = defaultdict(list)
    for run in runs:
        document = Findings.load_from(run).to_json()
        kinds = {f"{one['layer']}:{one['cell']}": one["kind"] for one in document["findings"]}
        for one in appearances(document):
            found[KINDS_IN_TABLES[kinds[one.cell]]].append(one)
    return dict(found)


def told(steps: list[int | None]) -> str:
    """Return the median of the known steps with the smallest and the largest, and how many are known."""
    known = [step for step in steps if step is not None]
    if not known:
        return "none"
    return f"{median(known):,.0f} ({min(known):,} to {max(known):,}), {len(known)} cells"


def draw(runs: list[Path], path: Path) -> None:
    """Draw the trainings of all runs into one SVG in the file path."""
    documents = [Findings.load_from(run).to_json() for run in runs]
    drawing = Drawing("trainings", INCHES, lambda figure: draw_over_time(figure, documents))
    with TemporaryDirectory() as folder:
        written = write_drawings([drawing], Path(folder))
        shutil.copyfile(next(file for file in written if file.suffix == ".svg"), path)


def main() -> None:
    """Print a table in Markdown, and draw a figure where one is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--figure", type=Path, metavar="SVG")
    asked = parser.parse_args()
    print("| cells | found | follow their feature from | two levels from | needed from |")
    print("|---|---|---|---|---|")
    for kind, cells in sorted(by_kind(asked.runs).items()):
        columns = (
            [one.follows for one in cells],
            [one.two_levels for one in cells],
            [one.needed for one in cells],
        )
        print(f"| {kind} | {len(cells)} | {' | '.join(map(told, columns))} |")
    if asked.figure:
        draw(asked.runs, asked.figure)


if __name__ == "__main__":
    main()
