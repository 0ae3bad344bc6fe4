"""Measure charlstm on an NVIDIA GPU: training steps, what is learned in seconds, sampling, an inspection.

    python tests/benchmarks/gpu.py tiny_shakespeare.txt
    python tests/benchmarks/gpu.py --rehearse

The first command takes under four minutes on an H100 or H200, and ends with exit code 1 where the captured
step learns something else than the ordinary one. The second runs every part on the CPU, tiny and on a text of
its own, to show that the script runs: its numbers mean nothing.
"""

import argparse
import gc
import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from references import SYMBOLS, TrainingLoop

from charlstm.config import InspectionConfig, ModelConfig, SamplingConfig, TrainingConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.model.training_backend import torch_bfloat16_layer
from charlstm.sampling.sampler import draw
from charlstm.tasks.inspect import InspectRequest, inspect_run
from charlstm.tasks.train import train_run
from charlstm.tasks.training_plan import TrainRequest
from charlstm.text.corpus import load_corpus, split_bounds
from charlstm.training.evaluation import evaluate
from charlstm.training.trainer import Trainer

SPLIT = "90/10"
# The losses of 600 ordinary and of 600 captured steps may differ by what rounding does: the prototype's were
# 1.5587 and 1.5579 nats.
LARGEST_LOSS_DIFFERENCE = 0.02


class Shape(NamedTuple):
    """The size of a model, and the streams and the window in characters of its training."""

    cells: int
    layers: int
    streams: int
    window: int

    def __str__(self) -> str:
        return f"{self.cells} x {self.layers}, {self.streams} x {self.window}"


@dataclass(frozen=True)
class Sizes:
    """How much is measured, on which device.

    shapes are those of the training steps, steps how many of them are timed; loss_shape and loss_steps are
    of the comparison of losses; seconds are how long a training takes from its command's start on; drawing is
    the model that draws `characters` characters, and its count of streams follows; inspected is the model
    that is inspected on that number of characters.
    """

    device: str
    shapes: tuple[Shape, ...]
    steps: int
    loss_shape: Shape
    loss_steps: int
    seconds: tuple[float, ...]
    drawing: tuple[int, int]
    characters: int
    inspected: int
    inspected_characters: int


ON_A_GPU = Sizes(
    device="cuda",
    shapes=(
        Shape(384, 1, 32, 64),
        Shape(512, 1, 64, 64),
        Shape(512, 1, 64, 128),
        Shape(512, 1, 512, 128),
        Shape(1024, 2, 256, 128),
        Shape(1024, 2, 1024, 128),
        Shape(2048, 2, 256, 128),
    ),
    steps=15,
    loss_shape=Shape(384, 1, 32, 64),
    loss_steps=600,
    seconds=(10.0, 30.0),
    drawing=(512, 2),
    characters=10_000,
    inspected=1024,
    inspected_characters=1_000_000,
)
REHEARSED = Sizes(
    device="cpu",
    shapes=(Shape(12, 2, 4, 8),),
    steps=2,
    loss_shape=Shape(12, 1, 4, 8),
    loss_steps=10,
    seconds=(),
    drawing=(12, 1),
    characters=20,
    inspected=8,
    inspected_characters=20_000,
)


def finish() -> None:
    """Wait until the GPU, where there is one, has done all that it was told to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds_of(run: Callable[[], object], times: int) -> float:
    """Return the median of the seconds that three rounds of `times` calls of run take for each call."""
    run()
    rounds = []
    for _ in range(3):
        finish()
        started = time.perf_counter()
        for _ in range(times):
            run()
        finish()
        rounds.append((time.perf_counter() - started) / times)
    return statistics.median(rounds)


def new_model(cells: int, layers: int, symbols: int, device: str) -> CharLSTM:
    config = ModelConfig(vocabulary_size=symbols, cells=cells, layers=layers)
    return CharLSTM(config, generator=torch.Generator().manual_seed(0)).to(device)


def captured(trainer: Trainer) -> Trainer:
    """Capture the steps of a trainer. Ends the script where that fails: nothing else is worth measuring."""
    problem = trainer.capture()
    if problem is not None:
        raise SystemExit(f"the training step cannot be captured: {problem}")
    return trainer


def training(sizes: Sizes) -> Iterator[str]:
    """Yield a line for each shape: a captured step, an ordinary one, and one of plain `nn.LSTM`."""
    device = sizes.device
    for shape in sizes.shapes:
        cells, layers, streams, window = shape
        ids = np.random.default_rng(0).integers(0, SYMBOLS, 20 * streams * window).astype(np.uint8)
        config = TrainingConfig(streams=streams, window=window, steps=100_000)
        ordinary = Trainer(new_model(cells, layers, SYMBOLS, device), ids, config)
        ours = captured(Trainer(new_model(cells, layers, SYMBOLS, device), ids, config))
        plain = TrainingLoop(cells, layers)
        plain.model.to(device)
        batch = torch.randint(0, SYMBOLS, (streams, window + 1), device=device)

        def plain_step(
            plain: TrainingLoop = plain, batch: torch.Tensor = batch, device: str = device
        ) -> None:
            with torch_bfloat16_layer(), torch.autocast(device, torch.bfloat16):
                plain.step(batch[:, :-1], batch[:, 1:])

        steps = (ours.advance, ordinary.advance, plain_step)
        graph, step, theirs = (1e3 * seconds_of(run, sizes.steps) for run in steps)
        yield (
            f"step {shape}: captured {graph:.2f} ms, ordinary {step:.2f} ms, plain nn.LSTM in bfloat16 "
            f"{theirs:.2f} ms: {theirs / graph:.2f} times as fast, "
            f"{streams * window / graph / 1e3:.2f} M characters/s"
        )
        del ordinary, ours, plain, steps
        gc.collect()  # a captured trainer and its step refer to each other, and hold gigabytes


def losses(sizes: Sizes, text: str) -> tuple[float, float]:
    """Return the validation losses in nats of a captured training of loss_steps, and of an ordinary one."""
    corpus = load_corpus(text)
    bounds = split_bounds(len(corpus.tokens), SPLIT)
    train_ids, validation_ids = (corpus.tokens[slice(*bounds[part])] for part in ("train", "validation"))
    cells, layers, streams, window = sizes.loss_shape
    config = TrainingConfig(streams=streams, window=window, steps=sizes.loss_steps, learning_rate=0.015)
    found = []
    for capture in (True, False):
        trainer = Trainer(new_model(cells, layers, len(corpus.vocabulary), sizes.device), train_ids, config)
        if capture:
            captured(trainer)
        for _ in range(sizes.loss_steps):
            trainer.advance()
        found.append(evaluate(trainer.average, validation_ids).loss_nats)
    return found[0], found[1]


def command_result(text: str, device: str, *length: str) -> tuple[float, float]:
    """Train by a command of its own, and return the seconds that it took and its validation loss in nats."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "charlstm", "train", text, "--split", SPLIT, "--device", device]
        command += [*length, "--out", f"{folder}/run", "--json", "--quiet"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        elapsed = time.monotonic() - started
    trained = json.loads(done.stdout.strip().splitlines()[-1])
    return elapsed, trained["validation_bits_per_character"] * math.log(2)


def learning(sizes: Sizes, text: str) -> Iterator[str]:
    """Yield what the command comes to in each of the lengths, its start and its end counted in."""
    start_seconds, _ = command_result(text, sizes.device, "--steps", "20", "--streams", "4", "--cells", "8")
    yield f"the command with 20 steps of a tiny model: {start_seconds:.1f} s"
    for seconds in sizes.seconds:
        minutes = max(0.01, (seconds - start_seconds) / 60)
        elapsed, nats = command_result(text, sizes.device, "--minutes", f"{minutes:.4f}")
        yield f"--minutes {minutes:.4f}: {elapsed:.1f} s from the command's start, {nats:.4f} nats"


def sampling(sizes: Sizes) -> Iterator[str]:
    """Yield the speed of one stream and of 64."""
    model = new_model(*sizes.drawing, SYMBOLS, sizes.device).eval()
    prompt = torch.zeros(1, dtype=torch.long, device=sizes.device)
    for count in (1, 64):
        config = SamplingConfig(length=sizes.characters, count=count)

        def texts(config: SamplingConfig = config) -> None:
            generator = torch.Generator(sizes.device).manual_seed(0)
            for _ in draw(model, prompt, config=config, generator=generator):
                pass

        step = seconds_of(texts, 1) / sizes.characters
        cells, layers = sizes.drawing
        yield (
            f"sampling {cells} x {layers}, {count} streams: {1e6 * step:.0f} us a character of each, "
            f"{count / step:,.0f} characters/s"
        )


def inspection(sizes: Sizes, text: str) -> Iterator[str]:
    """Yield how long an inspection takes of a run that was trained for a moment."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        length = {"steps": 20, "streams": 4, "window": 8} if sizes is REHEARSED else {"minutes": 0.1}
        shape = {"cells": sizes.inspected}
        for _ in train_run(
            TrainRequest(corpus=text, out=run, model=shape, training=length, device=sizes.device)
        ):
            pass
        less = {"interventions": 0} if sizes is REHEARSED else {}
        config = InspectionConfig(characters=sizes.inspected_characters, **less)
        request = InspectRequest(run=run, corpus=text, out=run, config=config, device=sizes.device)
        started = time.monotonic()
        findings = inspect_run(request).findings
        elapsed = time.monotonic() - started
    yield (
        f"inspection of {sizes.inspected_characters:,} characters (asked for) and {sizes.inspected} cells: "
        f"{elapsed:.1f} s, {len(findings.findings)} cells found"
    )


def main() -> None:
    """Print a line for every number; see the text at the top."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", metavar="TEXT", help="tiny_shakespeare.txt")
    parser.add_argument("--rehearse", action="store_true", help="run every part on the CPU, tiny")
    arguments = parser.parse_args()
    if not arguments.rehearse and not torch.cuda.is_available():
        parser.error("there is no NVIDIA GPU that torch can use here; --rehearse runs every part on the CPU")
    if not arguments.rehearse and arguments.text is None:
        parser.error("name the text: tiny_shakespeare.txt")
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "text.txt"
        own.write_text("'a (quick) brown fox'\njumps over\n" * 700)
        measure(
            REHEARSED if arguments.rehearse else ON_A_GPU, str(own if arguments.rehearse else arguments.text)
        )


def measure(sizes: Sizes, text: str) -> None:
    """Print all numbers, and end with exit code 1 where the captured step learns something else."""
    started = time.monotonic()
    name = torch.cuda.get_device_name() if sizes.device == "cuda" else "a CPU: a rehearsal, no result"
    print(f"{name}, torch {torch.__version__}", flush=True)
    for line in training(sizes):
        print(line, flush=True)
    graph, ordinary = losses(sizes, text)
    print(
        f"loss after {sizes.loss_steps} steps: captured {graph:.4f} nats, ordinary {ordinary:.4f}", flush=True
    )
    for line in itertools.chain(learning(sizes, text), sampling(sizes), inspection(sizes, text)):
        print(line, flush=True)
    print(f"{time.monotonic() - started:.0f} s in all", flush=True)
    if not abs(graph - ordinary) <= LARGEST_LOSS_DIFFERENCE:
        raise SystemExit("the captured step learns something else than the ordinary one")


if __name__ == "__main__":
    main()
