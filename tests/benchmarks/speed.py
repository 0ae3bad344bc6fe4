"""Compare the speed of training, sampling and tracing with plain PyTorch code, and with the machine's limits.

    python tests/benchmarks/speed.py [training] [sampling] [streams] [tracing] [start] [--json]

charlstm and the reference run in turn for several rounds. The ratio is the median of the rounds' ratios, and
is above 1 where charlstm is faster. The reference also runs on one thread, and its faster time counts. The
limits are the speed of matrix products in float32 and bfloat16 and of reading memory; they are measured
before and after, and the higher value counts. With OMP_NUM_THREADS=1 the process's own seconds are counted,
which suits a machine that others use too.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, astuple
from pathlib import Path
from typing import get_args

import numpy as np
import references
import torch
from comparisons import ROUNDS, Limits, Row, compare, limited, line, measure_limits, table, wall_seconds
from references import SYMBOLS

from charlstm.checkpoint.record import RunConfig
from charlstm.checkpoint.run_folder import RunFolder
from charlstm.config import ModelConfig, SamplingConfig, StepPrecision, TracePrecision, TrainingConfig
from charlstm.inspection.reading.trace import trace
from charlstm.machine.devices import keep_freed_memory
from charlstm.model import char_lstm
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.training_backend import number_format
from charlstm.sampling.sampler import draw
from charlstm.text.vocabulary import Vocabulary
from charlstm.training.trainer import Trainer

STREAMS, WINDOW = 64, 128
PARTS = ("training", "sampling", "streams", "tracing", "start")


def new_model(cells: int, layers: int) -> CharLSTM:
    config = ModelConfig(vocabulary_size=SYMBOLS, cells=cells, layers=layers)
    return CharLSTM(config, generator=torch.Generator().manual_seed(0)).eval()


def operations(cells: int, layers: int) -> int:
    """Return the multiplications and additions of a forward step for one character.

    The products of the first layer with its input do not count, since they are looked up in a table.
    """
    return 2 * (4 * cells * cells * (2 * layers - 1) + SYMBOLS * cells)


def training(cells: int, layers: int) -> list[Row]:
    """Compare a training with the plain loop, and with the same trainer on torch's own layer.

    It multiplies in the number format that is faster here.
    """
    ids = np.random.default_rng(0).integers(0, SYMBOLS, 1_000_000).astype(np.uint8)
    config = TrainingConfig(streams=STREAMS, window=WINDOW, steps=10_000, minutes=None)
    trainer, other = (Trainer(new_model(cells, layers), ids, config) for _ in range(2))
    loop = references.TrainingLoop(cells, layers)
    batch = torch.randint(0, SYMBOLS, (STREAMS, WINDOW + 1))
    steps = max(1, 256 // cells)

    def our_layer() -> None:
        for _ in range(steps):
            trainer.advance()

    def plain_loop() -> None:
        for _ in range(steps):
            loop.step(batch[:, :-1], batch[:, 1:])

    def torch_layer() -> None:
        by_default, char_lstm.trains_compiled = char_lstm.trains_compiled, lambda: False
        for _ in range(steps):
            other.advance()
        char_lstm.trains_compiled = by_default

    characters = steps * STREAMS * WINDOW
    rows = []
    for name, theirs in (
        ("nn.LSTM, float32, Adam", plain_loop),
        ("charlstm with torch's layer", torch_layer),
    ):
        our_seconds, their_seconds, ratio = compare(our_layer, theirs)
        rate = characters / our_seconds
        row = Row("training", f"{cells} x {layers}", name, rate, characters / their_seconds, ratio)
        rows.append(limited(row, number_format().backend, 3 * operations(cells, layers) * rate))
    return rows


def sampling(cells: int, layers: int, precision: StepPrecision = "float32") -> list[Row]:
    """Compare drawing one text with stepping `nn.LSTM` and with stepping `nn.LSTMCell`."""
    model, plain = new_model(cells, layers), references.PlainLSTM(cells, layers)
    cell_loop = references.CellLSTM(cells, layers)
    length = 120 if cells < 512 else 40
    factor = 30  # charlstm draws this many times the characters, so that starting it is a small share
    config = SamplingConfig(length=factor * length, temperature=1.0, precision=precision)

    def ours() -> None:
        for _ in draw(model, torch.zeros(1, dtype=torch.long), config=config, generator=torch.Generator()):
            pass

    weight_bytes = operations(cells, layers) // 2 * (4 if precision == "float32" else 2)
    rows = []
    for name, theirs in (
        ("nn.LSTM stepped", lambda: references.step_lstm(plain, length)),
        ("nn.LSTMCell stepped", lambda: cell_loop.draw(length)),
    ):
        our_seconds, their_seconds, ratio = compare(ours, theirs)
        rate = factor * length / our_seconds
        what = f"1 text, {precision}"
        row = Row(what, f"{cells} x {layers}", name, rate, length / their_seconds, factor * ratio)
        rows.append(limited(row, "bandwidth", weight_bytes * rate))
    return rows


def streams(cells: int, layers: int, precision: StepPrecision, count: int) -> Row:
    """Compare drawing count texts side by side with stepping `nn.LSTM` on a batch of count streams."""
    model, plain = new_model(cells, layers), references.PlainLSTM(cells, layers)
    length = 20
    factor = 25  # charlstm draws this many times the characters, so that starting it is a small share

    def ours() -> None:
        config = SamplingConfig(length=factor * length, temperature=1.0, count=count, precision=precision)
        for _ in draw(model, torch.zeros(1, dtype=torch.long), config=config, generator=torch.Generator()):
            pass

    our_seconds, their_seconds, ratio = compare(ours, lambda: references.step_lstm(plain, length, count))
    rate = factor * length * count / our_seconds
    what, shape = f"{count} texts, {precision}", f"{cells} x {layers}"
    row = Row(what, shape, "nn.LSTM stepped", rate, length * count / their_seconds, factor * ratio)
    if precision == "int8":
        return row  # no product of torch has such a limit
    return limited(row, precision, operations(cells, layers) * rate)


def tracing(cells: int, layers: int, precision: TracePrecision = "float32") -> list[Row]:
    """Compare tracing all gates and states with a forward pass that keeps none and loops that keep all."""
    model, plain = new_model(cells, layers), references.PlainLSTM(cells, layers)
    cell_loop = references.CellLSTM(cells, layers)
    ids = np.random.default_rng(0).integers(0, SYMBOLS, STREAMS * 32).astype(np.uint8)
    batch = torch.from_numpy(ids.astype(np.int64)).view(STREAMS, 32)

    def ours() -> None:
        for _ in trace(model, ids, streams=STREAMS, window=32, precision=precision):
            pass

    @torch.inference_mode()
    def forward_only() -> None:
        plain(batch, None)

    rows = []
    for name, theirs in (
        ("nn.LSTM, states not kept", forward_only),
        (f"gate by gate, {STREAMS} streams", lambda: cell_loop.gates(batch)),
        ("gate by gate, one stream", lambda: cell_loop.gates(batch.view(1, -1))),
    ):
        our_seconds, their_seconds, ratio = compare(ours, theirs)
        rate = len(ids) / our_seconds
        what = f"tracing, {precision}"
        row = Row(what, f"{cells} x {layers}", name, rate, len(ids) / their_seconds, ratio)
        rows.append(limited(row, precision, operations(cells, layers) * rate))
    return rows


def start() -> Row:
    """Compare the time from the command to the first character with the time of importing torch.

    The speeds in the row are starts per second.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        model = new_model(256, 1)
        vocabulary = Vocabulary("characters", tuple(map(chr, range(32, 32 + SYMBOLS))))
        run.create(RunConfig(model.config, None, vocabulary, None))
        run.save_model(model, validation_bits_per_character=None)
        options = ["--prompt", "a", "--length", "1"]
        command = [sys.executable, "-m", "charlstm", "sample", str(run.path), *options]
        rounds = []
        for _ in range(ROUNDS + 1):
            ours = wall_seconds(lambda: subprocess.run(command, check=True, capture_output=True))
            bare = wall_seconds(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True))
            rounds.append((ours, bare, bare / ours))
    ours, bare, ratio = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
    return Row("first character", "256 x 1", "import torch", 1 / ours, 1 / bare, ratio)


def all_rows(parts: list[str]) -> Iterator[Row]:
    """Measure the named parts, and yield each row as soon as it is there."""
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
            for precision in get_args(TracePrecision):
                yield from tracing(*shape, precision)
    if "start" in parts:
        yield start()


def shown(rows: Iterator[Row], limits: Limits) -> list[Row]:
    """Collect all rows, and print each to stderr as soon as it is there."""
    collected = []
    for row in rows:
        print(line(row, limits), file=sys.stderr, flush=True)
        collected.append(row)
    return collected


def main() -> None:
    """Measure the parts that the command line names, and print a table or one JSON document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts",
        nargs="*",
        choices=[*PARTS, []],
        metavar="PART",
        help=f"{', '.join(PARTS)} [all]",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    keep_freed_memory()
    before = measure_limits()
    rows = shown(all_rows(options.parts or PARTS), before)
    after = measure_limits()
    limits = Limits(*map(max, astuple(before), astuple(after)))
    if options.json:
        documents = [asdict(row) | {"share": row.share(limits)} for row in rows]
        print(json.dumps({"limits": asdict(limits), "rows": documents}))
    else:
        print(table(rows, limits))


if __name__ == "__main__":
    main()
