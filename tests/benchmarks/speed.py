"""Training, sampling and tracing against what a user would otherwise run, and against the machine's limit.

    python tests/benchmarks/speed.py [training] [sampling] [streams] [tracing] [start] [--json]

Every ratio comes from pairs: ours and the reference run in turn, and the median of the rounds' ratios is
given. The reference is timed on one thread too, and the faster of both counts. The limits are measured before
and after, and the better of both counts: matrix products in float32 and bfloat16, and reading memory. Under
OMP_NUM_THREADS=1 the process's own seconds are counted, for a machine that others use.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import references
import torch
from references import SYMBOLS, seconds

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import ModelConfig, SamplingConfig, StepPrecision, TrainingConfig
from charlstm.inspection.reading.trace import trace
from charlstm.machine.devices import keep_freed_memory
from charlstm.model import bfloat16_layer
from charlstm.model.char_lstm import CharLSTM
from charlstm.sampling.sampler import draw
from charlstm.text.vocabulary import Vocabulary
from charlstm.training.trainer import Trainer

STREAMS, WINDOW = 64, 128
ROUNDS = 5
Run = Callable[[], object]


@dataclass(frozen=True)
class Limits:
    """What the machine does at most: operations per second by type, bytes per second."""

    float32: float
    bfloat16: float
    bandwidth: float


@dataclass(frozen=True)
class Row:
    """One comparison: characters per second of both, their median ratio, and what ours takes of a limit."""

    what: str
    shape: str
    reference: str
    ours: float
    theirs: float
    ratio: float
    limit: str = ""  # a field of Limits
    used: float = 0.0  # of it, in its unit

    def share(self, limits: Limits) -> float | None:
        """Of the limit, 0 to 1."""
        return self.used / getattr(limits, self.limit) if self.limit else None


def measure_limits() -> Limits:
    rates = [references.product_rate(dtype) for dtype in (torch.float32, torch.bfloat16)]
    return Limits(*rates, references.bandwidth())


def compare(ours: Run, theirs: Run) -> tuple[float, float, float]:
    """Median seconds of ours, of theirs at its better number of threads, and their median ratio."""
    threads = torch.get_num_threads()
    rounds = []
    for number in range(ROUNDS + 1):
        mine, other = seconds(ours), seconds(theirs)
        if threads > 1:
            torch.set_num_threads(1)
            other = min(other, wall_seconds(theirs))
            torch.set_num_threads(threads)
        if number:  # the first round warms both up
            rounds.append((mine, other, other / mine))
    return tuple(statistics.median(column) for column in zip(*rounds, strict=True))


def row(what: str, shape: str, reference: str, characters: int, ours: Run, theirs: Run) -> Row:
    mine, other, ratio = compare(ours, theirs)
    return Row(what, shape, reference, characters / mine, characters / other, ratio)


def limited(found: Row, limit: str, used: float) -> Row:
    return replace(found, limit=limit, used=used)


def new_model(cells: int, layers: int) -> CharLSTM:
    config = ModelConfig(vocabulary_size=SYMBOLS, cells=cells, layers=layers)
    return CharLSTM(config, generator=torch.Generator().manual_seed(0)).eval()


def products(cells: int, layers: int) -> int:
    """Multiplications and additions that a character needs forward: the first input projection is a table."""
    return 2 * (4 * cells * cells * (2 * layers - 1) + SYMBOLS * cells)


def training(cells: int, layers: int) -> list[Row]:
    ids = np.random.default_rng(0).integers(0, SYMBOLS, 1_000_000).astype(np.uint8)
    config = TrainingConfig(streams=STREAMS, window=WINDOW, steps=10_000, minutes=None)
    trainer, other = (Trainer(new_model(cells, layers), ids, config) for _ in range(2))
    loop = references.TrainingLoop(cells, layers)
    batch = torch.randint(0, SYMBOLS, (STREAMS, WINDOW + 1))
    steps = max(1, 256 // cells)

    def by_library() -> None:
        """The same training with torch's layer, which autocast lowers."""
        fast, bfloat16_layer.IS_FAST = bfloat16_layer.IS_FAST, False
        for _ in range(steps):
            other.advance()
        bfloat16_layer.IS_FAST = fast

    found = []
    for name, theirs in (
        ("nn.LSTM, float32, Adam", lambda: [loop.step(batch[:, :-1], batch[:, 1:]) for _ in range(steps)]),
        ("the same, torch's layer", by_library),
    ):
        characters = steps * STREAMS * WINDOW
        each = row(
            "training",
            f"{cells} x {layers}",
            name,
            characters,
            lambda: [trainer.advance() for _ in range(steps)],
            theirs,
        )
        found.append(limited(each, "bfloat16", 3 * products(cells, layers) * each.ours))
    return found


def sampling(cells: int, layers: int, precision: StepPrecision = "float32") -> list[Row]:
    model, plain = new_model(cells, layers), references.PlainLSTM(cells, layers)
    cell_loop = references.CellLSTM(cells, layers)
    length = 120 if cells < 512 else 40
    # Thirty times as many characters, so that what starting costs is as small a share.
    config = SamplingConfig(length=30 * length, temperature=1.0, precision=precision)

    def ours() -> None:
        for _ in draw(model, torch.zeros(1, dtype=torch.long), config=config, generator=torch.Generator()):
            pass

    bytes_each = 4 if precision == "float32" else 2
    weight_bytes = products(cells, layers) // 2 * bytes_each  # two operations for each weight
    found = []
    for name, theirs in (
        ("nn.LSTM stepped", lambda: references.step_lstm(plain, length)),
        ("nn.LSTMCell stepped", lambda: cell_loop.draw(length)),
    ):
        mine, other, ratio = compare(ours, theirs)
        rate = 30 * length / mine
        each = Row(f"one in {precision}", f"{cells} x {layers}", name, rate, length / other, 30 * ratio)
        found.append(limited(each, "bandwidth", weight_bytes * rate))
    return found


def streams(cells: int, layers: int, precision: StepPrecision, count: int) -> Row:
    model, plain = new_model(cells, layers), references.PlainLSTM(cells, layers)
    length, more = 20, 25  # ours draws more, so that what starting costs is a small share

    def ours() -> None:
        config = SamplingConfig(length=more * length, temperature=1.0, count=count, precision=precision)
        for _ in draw(model, torch.zeros(1, dtype=torch.long), config=config, generator=torch.Generator()):
            pass

    mine, other, ratio = compare(ours, lambda: references.step_lstm(plain, length, count))
    rate = more * length * count / mine
    shape = f"{cells} x {layers}"
    theirs = length * count / other
    found = Row(f"{count} in {precision}", shape, "nn.LSTM stepped", rate, theirs, more * ratio)
    return limited(found, precision, products(cells, layers) * rate)


def tracing(cells: int, layers: int) -> list[Row]:
    model, plain = new_model(cells, layers), references.PlainLSTM(cells, layers)
    cell_loop = references.CellLSTM(cells, layers)
    ids = np.random.default_rng(0).integers(0, SYMBOLS, STREAMS * 32).astype(np.uint8)
    batch = torch.from_numpy(ids.astype(np.int64)).view(STREAMS, 32)

    def ours() -> None:
        for _ in trace(model, ids, streams=STREAMS, window=32):
            pass

    @torch.inference_mode()
    def fused() -> None:
        plain(batch, None)

    found = []
    for name, theirs in (
        ("fused forward", fused),
        ("cell loop, as many streams", lambda: cell_loop.gates(batch)),
        ("cell loop, one stream", lambda: cell_loop.gates(batch.view(1, -1))),
    ):
        each = row("tracing", f"{cells} x {layers}", name, len(ids), ours, theirs)
        found.append(limited(each, "float32", products(cells, layers) * each.ours))
    return found


def start() -> Row:
    """From the command to the first character, beside what importing torch takes; rates are 1/s."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        model = new_model(256, 1)
        vocabulary = Vocabulary("characters", tuple(map(chr, range(32, 32 + SYMBOLS))))
        run.create(RunConfig(model.config, None, vocabulary, None))
        run.save_model(model, validation_bits_per_character=None)
        command = [
            sys.executable,
            "-m",
            "charlstm",
            "sample",
            str(run.path),
            "--prompt",
            "a",
            "--length",
            "1",
        ]
        pairs = []
        for _ in range(ROUNDS + 1):
            mine = wall_seconds(lambda: subprocess.run(command, check=True, capture_output=True))
            bare = wall_seconds(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True))
            pairs.append((mine, bare, bare / mine))
    mine, bare, ratio = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
    return Row("first character", "256 x 1", "import torch", 1 / mine, 1 / bare, ratio)


def wall_seconds(run: Run) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def all_rows(parts: list[str]) -> Iterator[Row]:
    if "training" in parts:
        for shape in ((64, 1), (128, 1), (256, 1), (512, 1), (512, 2), (512, 3)):
            yield from training(*shape)
    if "sampling" in parts:
        for shape in ((128, 2), (256, 2), (512, 2), (512, 3)):
            for precision in get_args(StepPrecision):
                yield from sampling(*shape, precision)
    if "streams" in parts:
        for shape in ((128, 2), (256, 2), (512, 2)):
            for precision, count in itertools.product(get_args(StepPrecision), (8, STREAMS)):
                yield streams(*shape, precision, count)
    if "tracing" in parts:
        for shape in ((256, 1), (512, 2)):
            yield from tracing(*shape)
    if "start" in parts:
        yield start()


def told(rows: Iterator[Row], limits: Limits) -> list[Row]:
    """All rows, each shown on stderr when it is there."""
    kept = []
    for each in rows:
        print(line(each, limits), file=sys.stderr, flush=True)
        kept.append(each)
    return kept


def table(rows: list[Row], limits: Limits) -> str:
    lines = [
        f"limits: {limits.float32 / 1e9:.0f} GFLOP/s float32, {limits.bfloat16 / 1e9:.0f} bfloat16, "
        f"{limits.bandwidth / 1e9:.0f} GB/s; {torch.get_num_threads()} threads, "
        f"load {os.getloadavg()[0]:.1f}",
        f"{'what':16}{'cells':10}{'reference':28}{'ours/s':>11}{'theirs/s':>11}{'ratio':>7}  share of limit",
    ]
    return "\n".join([*lines, *(line(each, limits) for each in rows)])


def line(found: Row, limits: Limits) -> str:
    share = found.share(limits)
    reached = "" if share is None else f"{share:.0%} of {found.limit}"
    numbers = f"{found.ours:>11,.4g}{found.theirs:>11,.4g}{found.ratio:>7.2f}"
    return f"{found.what:16}{found.shape:10}{found.reference:28}{numbers}  {reached}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["training", "sampling", "streams", "tracing", "start"]
    parser.add_argument(
        "parts", nargs="*", choices=[*names, []], metavar="PART", help="all when none is named"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    keep_freed_memory()
    before = measure_limits()
    rows = told(all_rows(options.parts or names), before)
    after = measure_limits()
    limits = Limits(*map(max, astuple(before), astuple(after)))
    if options.json:
        print(
            json.dumps(
                {
                    "limits": asdict(limits),
                    "rows": [asdict(each) | {"share": each.share(limits)} for each in rows],
                }
            )
        )
    else:
        print(table(rows, limits))


if __name__ == "__main__":
    main()
