"""Measure how an inspection's time is shared between tracing the cells and the statistics on the traces.

    python tests/benchmarks/inspecting.py [RUN] [--characters N] [--json]

The timed part of an inspection finds and confirms cells, without the interventions. It reads the end of the
text that the run was trained on. The statistics are everything but the tracing. RUN is the released model by
default.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import torch

import charlstm
from charlstm.checkpoint.loading import Checkpoint
from charlstm.config import InspectionConfig
from charlstm.inspection.detecting import detect
from charlstm.inspection.reading import inspected_text, splits
from charlstm.inspection.reading.trace import CountedBlock, counted_blocks
from charlstm.machine.devices import keep_freed_memory

RELEASED = Path(__file__).parents[2] / "checkpoints" / "stdlib"
ROUNDS = 3


class Seconds(NamedTuple):
    """How long the two parts of an inspection took, by the wall clock."""

    trace: float
    statistics: float

    @property
    def ratio(self) -> float:
        """Time of the statistics divided by the time of the traces."""
        return self.statistics / self.trace


def measure_once(run: Checkpoint, text: inspected_text.InspectedText, config: InspectionConfig) -> Seconds:
    """Find and confirm the cells of a run in a text, and return the seconds of both parts."""
    tracing = 0.0

    def timed_blocks(*arguments: object) -> Iterator[CountedBlock]:
        nonlocal tracing
        blocks = counted_blocks(*arguments)
        while True:
            begun = time.perf_counter()
            block = next(blocks, None)
            tracing += time.perf_counter() - begun
            if block is None:
                return
            yield block

    begun = time.perf_counter()
    with patch.object(splits, "counted_blocks", timed_blocks):
        detect.detect(run.model, text, config)
    return Seconds(tracing, time.perf_counter() - begun - tracing)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, default=RELEASED, metavar="RUN", help="a run's folder")
    parser.add_argument(
        "--characters",
        type=int,
        default=InspectionConfig.characters,
        metavar="N",
        help="how many to read [%(default)s]",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    keep_freed_memory()
    run, config = charlstm.load(options.run), InspectionConfig()
    vocabulary = run.config.vocabulary
    corpus = charlstm.load_corpus(run.config.corpus.name, vocabulary=vocabulary, unknown="replace")
    text = inspected_text.read_text(corpus.tokens[-options.characters :], vocabulary.symbols, config.streams)
    rounds = [measure_once(run, text, config) for _ in range(ROUNDS + 1)][1:]  # the first one compiles
    median = Seconds(*(statistics.median(column) for column in zip(*rounds, strict=True)))
    ratio = statistics.median(seconds.ratio for seconds in rounds)
    cells = f"{run.model.config.cells} x {run.model.config.layers}"
    if options.json:
        print(json.dumps({"cells": cells, **median._asdict(), "ratio": ratio}))
    else:
        print(f"{cells} cells, {options.characters:,} characters, {torch.get_num_threads()} threads:")
        print(f"traces {median.trace:.1f} s, statistics {median.statistics:.1f} s; median ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
