"""What an inspection's statistics cost, beside the traces that they are made of.

    python tests/benchmarks/inspecting.py [RUN] [--characters N] [--json]

Calibration, discovery and confirmation of a run, by default the released model, on the end of the text that
it was trained on. Tracing is timed inside of it; statistics are all the rest.
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
    """Of one round, wall clock."""

    trace: float
    statistics: float

    @property
    def ratio(self) -> float:
        """How many times the trace the statistics take."""
        return self.statistics / self.trace


def one_round(run: Checkpoint, text: inspected_text.InspectedText, config: InspectionConfig) -> Seconds:
    tracing = 0.0

    def timed(*of_what: object) -> Iterator[CountedBlock]:
        nonlocal tracing
        blocks = counted_blocks(*of_what)
        while True:
            begun = time.perf_counter()
            block = next(blocks, None)
            tracing += time.perf_counter() - begun
            if block is None:
                return
            yield block

    begun = time.perf_counter()
    with patch.object(splits, "counted_blocks", timed):
        detect.detect(run.model, text, config, generator=torch.Generator().manual_seed(0))
    return Seconds(tracing, time.perf_counter() - begun - tracing)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, default=RELEASED)
    parser.add_argument("--characters", type=int, default=InspectionConfig.characters)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    keep_freed_memory()
    run, config = charlstm.load(options.run), InspectionConfig()
    vocabulary = run.config.vocabulary
    corpus = charlstm.load_corpus(run.config.corpus.name, vocabulary=vocabulary, unknown="replace")
    text = inspected_text.read_text(corpus.tokens[-options.characters :], vocabulary.symbols, config.streams)
    rounds = [one_round(run, text, config) for _ in range(ROUNDS + 1)][1:]  # the first one warms up
    median = Seconds(*(statistics.median(column) for column in zip(*rounds, strict=True)))
    ratio = statistics.median(each.ratio for each in rounds)
    cells = f"{run.model.config.cells} x {run.model.config.layers}"
    if options.json:
        print(json.dumps({"cells": cells, **median._asdict(), "ratio": ratio}))
    else:
        print(f"{cells} cells, {options.characters:,} characters, {torch.get_num_threads()} threads:")
        print(f"traces {median.trace:.1f} s, statistics {median.statistics:.1f} s, {ratio:.2f} times as long")


if __name__ == "__main__":
    main()
