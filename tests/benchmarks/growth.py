"""Measure how time and memory grow with the size of the text, and how speed falls with the number of cells.

    python tests/benchmarks/growth.py --megabytes 1 10 100 1000 --cells 64 128 256 512 1024

For each size, a text of random ASCII is encoded by one process, and 60,000 of its characters are inspected by
another, with an untrained model of 64 cells. Texts are written to a temporary folder, which needs three times
the size of the largest.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from encoding import ASCII, write_text
from references import SYMBOLS
from speed import new_model, sampling, tracing, training

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import ModelConfig
from charlstm.machine.devices import keep_freed_memory
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.vocabulary import Vocabulary

HERE = Path(__file__).parent
# Runs a command, and prints its seconds and the peak memory of its processes in MB.
_MEASURING_SCRIPT = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, capture_output=True)
unit = 1 if sys.platform == "darwin" else 1024
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6)
"""


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command with its token cache in folder, and return its seconds and its peak memory in MB."""
    environment = os.environ | {"CHARLSTM_DATA": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURING_SCRIPT, *command],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    elapsed_seconds, peak_megabytes = map(float, done.stdout.split())
    return elapsed_seconds, peak_megabytes


def untrained_run(folder: Path) -> Path:
    """Write a run of an untrained model with 64 cells that knows ASCII, and return its folder."""
    run = RunFolder(folder / "run")
    vocabulary = Vocabulary.of_text(ASCII)
    model = CharLSTM(ModelConfig(vocabulary_size=len(vocabulary), cells=64), generator=torch.Generator())
    run.create(RunConfig(model.config, None, vocabulary, None))
    run.save_model(model, validation_bits_per_character=None)
    return run.path


def by_text(megabytes: int, folder: Path) -> dict[str, object]:
    """Encode a text of a size in MB, inspect 60,000 of its characters, and return a row for the table."""
    text, run = folder / "text.txt", untrained_run(folder)
    write_text(text, ASCII, megabytes)
    load = [sys.executable, str(HERE / "encoding.py"), "--load", str(text), str(folder / "data")]
    encoding = measure(load, folder)
    inspect = [sys.executable, "-m", "charlstm", "inspect", str(run), str(text), "--out", str(folder / "out")]
    inspection = measure([*inspect, "--characters", "60000", "--quiet"], folder)
    text.unlink()
    return {
        "megabytes": megabytes,
        "encoding_seconds": encoding[0],
        "encoding_peak_megabytes": encoding[1],
        "inspection_seconds": inspection[0],
        "inspection_peak_megabytes": inspection[1],
    }


def by_cells(cells: int) -> dict[str, object]:
    """Measure a model of one layer, and return its parameters and its characters per second by task."""
    return {
        "cells": cells,
        "parameters": new_model(cells, 1).parameter_count(),
        "training": training(cells, 1)[0].ours,
        "sampling": sampling(cells, 1)[0].ours,
        "tracing": tracing(cells, 1)[0].ours,
    }


def table(rows: list[dict[str, object]]) -> str:
    """Return a table with one line for each row, under the names of the columns."""
    names = list(rows[0])
    lines = ["  ".join(f"{name:>25}" for name in names)]
    return "\n".join(lines + ["  ".join(f"{row[name]:>25,.4g}" for name in names) for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--megabytes",
        type=int,
        nargs="*",
        default=[1, 10, 100, 1000],
        metavar="N",
        help="sizes of the texts [1 10 100 1000]",
    )
    parser.add_argument(
        "--cells",
        type=int,
        nargs="*",
        default=[64, 128, 256, 512, 1024],
        metavar="N",
        help="cells of the models, each of one layer [64 128 256 512 1024]",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    keep_freed_memory()
    texts = []
    for megabytes in options.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            texts.append(by_text(megabytes, Path(folder)))
    models = [by_cells(cells) for cells in options.cells]
    if options.json:
        print(json.dumps({"symbols": SYMBOLS, "texts": texts, "cells": models}))
    else:
        print("\n\n".join(table(rows) for rows in (texts, models) if rows))


if __name__ == "__main__":
    main()
