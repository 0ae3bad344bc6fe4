"""How time and memory grow: with the text (encoding it, inspecting a sample of it) and with the cells.

    python tests/benchmarks/growth.py --megabytes 1 10 100 1000 --cells 64 128 256 512 1024

Texts of random ASCII are written to a temporary folder, which needs three times the room of the largest.
An inspection reads 60,000 characters of each, in a process of its own, with an untrained model of 64 cells.
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
# Runs a command and says what it took: seconds, and the peak of memory of it and its children in MB.
_MEASURED = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, capture_output=True)
unit = 1 if sys.platform == "darwin" else 1024
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6)
"""


def measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and MB at the peak of a command, its cache in a folder."""
    environment = os.environ | {"CHARLSTM_DATA": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    elapsed_seconds, peak_megabytes = map(float, done.stdout.split())
    return elapsed_seconds, peak_megabytes


def untrained_run(folder: Path) -> Path:
    """A run's folder with a model of 64 cells that knows ASCII."""
    run = RunFolder(folder / "run")
    vocabulary = Vocabulary.of_text(ASCII)
    model = CharLSTM(ModelConfig(vocabulary_size=len(vocabulary), cells=64), generator=torch.Generator())
    run.create(RunConfig(model.config, None, vocabulary, None))
    run.save_model(model, validation_bits_per_character=None)
    return run.path


def by_text(megabytes: int, folder: Path) -> dict[str, object]:
    """Encoding a text of so many MB, then inspecting a part of it that does not grow."""
    text, run = folder / "text.txt", untrained_run(folder)
    write_text(text, ASCII, megabytes)
    load = [sys.executable, str(HERE / "encoding.py"), "--load", str(text), str(folder / "data")]
    encoding = measured(load, folder)
    inspect = [sys.executable, "-m", "charlstm", "inspect", str(run), str(text), "--out", str(folder / "out")]
    inspection = measured([*inspect, "--characters", "60000", "--quiet"], folder)
    text.unlink()
    return {
        "megabytes": megabytes,
        "encoding_seconds": encoding[0],
        "encoding_peak_megabytes": encoding[1],
        "inspection_seconds": inspection[0],
        "inspection_peak_megabytes": inspection[1],
    }


def by_cells(cells: int) -> dict[str, object]:
    """Characters per second of one layer of so many cells, and what it holds."""
    return {
        "cells": cells,
        "parameters": new_model(cells, 1).parameter_count(),
        "training": training(cells, 1)[0].ours,
        "sampling": sampling(cells, 1)[0].ours,
        "tracing": tracing(cells, 1)[0].ours,
    }


def table(rows: list[dict[str, object]]) -> str:
    """One line per row, under the names of its numbers."""
    names = list(rows[0])
    lines = ["  ".join(f"{name:>25}" for name in names)]
    return "\n".join(lines + ["  ".join(f"{row[name]:>25,.4g}" for name in names) for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, nargs="*", default=[1, 10, 100, 1000], metavar="N")
    parser.add_argument("--cells", type=int, nargs="*", default=[64, 128, 256, 512, 1024], metavar="N")
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
