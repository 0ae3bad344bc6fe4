"""Say when the cells of several trainings appeared, by kind, from findings that were made with --over-time.

    python tests/benchmarks/appearing.py RUN...
    python tests/benchmarks/appearing.py RUN... --figure charlstm/inspection/when_cells_appear.svg
    python tests/benchmarks/appearing.py RUN... --cost

For each kind of cell: how many were found and how many are needed at the end; the median step from which on
they follow their feature, have two levels, and are needed; and the smallest and the largest of these steps.
The second command also draws the trainings into one figure. The third says instead what the snapshots of each
run cost: their bytes, and the seconds that this machine takes to keep and save them as a training does, each
save with all snapshots before it, beside the seconds of the training.
"""

import argparse
import json
import shutil
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from charlstm.checkpoint.loading import load
from charlstm.checkpoint.snapshots import Snapshot, load_snapshots, snapshot_arrays
from charlstm.checkpoint.tensor_file import save_tensors
from charlstm.findings import Findings
from charlstm.report.figure_files import Drawing, write_drawings
from charlstm.report.training_figure import INCHES, draw_over_time
from charlstm.report.words.network.appearances import KINDS_IN_TABLES, Appearance, appearances
from charlstm.run_files import METRICS, SNAPSHOTS


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


def cost(run: Path) -> str:
    """Return in words what the snapshots of a run cost. They are saved again in a temporary folder."""
    snapshots = load_snapshots(run, load(run).config.model)
    began = (time.perf_counter(), time.process_time())
    with TemporaryDirectory() as folder:
        kept: list[Snapshot] = []
        for one in snapshots:
            kept.append(Snapshot.of(one.weights(), step=one.step, characters=one.characters))
            save_tensors(Path(folder) / SNAPSHOTS, *snapshot_arrays(kept))
    wall, own = time.perf_counter() - began[0], time.process_time() - began[1]
    trained = json.loads((run / METRICS).read_text().splitlines()[-1])["elapsed_seconds"]
    return (
        f"{run}: {len(snapshots)} snapshots, {(run / SNAPSHOTS).stat().st_size / 1e6:.1f} MB; "
        f"{wall:.2f} s ({own:.2f} s of processor time) of {trained:,.0f} s of training: {wall / trained:.2%}"
    )


def main() -> None:
    """Print a table in Markdown, and draw a figure where one is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--figure", type=Path, metavar="SVG")
    parser.add_argument("--cost", action="store_true")
    asked = parser.parse_args()
    if asked.cost:
        print(*map(cost, asked.runs), sep="\n")
        return
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
