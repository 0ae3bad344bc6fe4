"""Compare the validation loss of a plain PyTorch training loop with that of charlstm after equal characters.

    python tests/benchmarks/losses.py [TEXT] --split 90/5/5 --shapes 256x1 512x1 --characters 4000000

Both read the same characters in the same order, in 64 streams and windows of 128 characters, and begin with
random weights from seed 0. The plain loop has a constant learning rate: the one of three with the lowest
validation loss. charlstm has the learning rate, warm-up and decay that `charlstm train` takes when its
minutes allow the same number of steps.
"""

import argparse
import math
from dataclasses import replace

import torch
from references import TrainingLoop
from speed import STREAMS, WINDOW

from charlstm import evaluate
from charlstm.config import ModelConfig, TrainingConfig
from charlstm.model.char_lstm import CharLSTM
from charlstm.text.corpus import load_corpus, split_bounds
from charlstm.text.vocabulary import Ids
from charlstm.training.default_settings import rate_factor, suggested
from charlstm.training.text_windows import stream_length, stream_window
from charlstm.training.trainer import Trainer

LEARNING_RATES = (1e-3, 2e-3, 4e-3)


def new_loop(cells: int, layers: int, symbols: int, learning_rate: float) -> TrainingLoop:
    """Return a plain loop with random weights from seed 0."""
    torch.manual_seed(0)
    loop = TrainingLoop(cells, layers, symbols)
    loop.optimizer.param_groups[0]["lr"] = learning_rate
    return loop


def loop_loss(loop: TrainingLoop, train: Ids, validation: Ids, steps: int) -> float:
    """Train a plain loop for a number of steps, and return its validation loss in nats per character."""
    length = stream_length(len(train), streams=STREAMS, window=WINDOW)
    windows = length // WINDOW
    for step in range(steps):
        if step % windows == 0:
            loop.state = None
        position = step % windows * WINDOW
        loop.step(*stream_window(train, position, streams=STREAMS, window=WINDOW))
    return loop.loss(torch.from_numpy(validation.astype("int64")))


def our_loss(train: Ids, validation: Ids, cells: int, layers: int, symbols: int, steps: int) -> float:
    """Train with charlstm for a number of steps, and return the validation loss in nats per character."""
    shape = ModelConfig(vocabulary_size=symbols, cells=cells, layers=layers)
    model = CharLSTM(shape, generator=torch.Generator().manual_seed(0))
    plan = TrainingConfig(steps=steps, streams=STREAMS, window=WINDOW)
    pace = suggested(len(train), plan, cells=cells, layers=layers).training_settings
    plan = replace(plan, **pace | {"learning_rate": pace["learning_rate"] * rate_factor(steps)})
    trainer = Trainer(model, train, plan)
    for _ in range(steps):
        trainer.advance()
    return evaluate(trainer.average, validation).bits_per_character * math.log(2)


def main() -> None:
    """Print a line with both losses for each shape."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", default="stdlib", metavar="TEXT", help="a corpus [stdlib]")
    parser.add_argument("--split", default="90/5/5", help="train/validation/test in percent [%(default)s]")
    parser.add_argument(
        "--shapes",
        nargs="*",
        default=["256x1", "512x1", "512x2"],
        metavar="CELLSxLAYERS",
        help="the models [256x1 512x1 512x2]",
    )
    parser.add_argument(
        "--characters", type=int, default=4_000_000, metavar="N", help="how many to train on [%(default)s]"
    )
    options = parser.parse_args()
    corpus = load_corpus(options.text)
    bounds = split_bounds(len(corpus.tokens), options.split)
    train, validation = (corpus.tokens[slice(*bounds[part])] for part in ("train", "validation"))
    steps, symbols = options.characters // (STREAMS * WINDOW), len(corpus.vocabulary)
    for shape in options.shapes:
        cells, layers = map(int, shape.split("x"))
        theirs = {
            rate: loop_loss(new_loop(cells, layers, symbols, rate), train, validation, steps)
            for rate in LEARNING_RATES
        }
        ours = our_loss(train, validation, cells, layers, symbols, steps)
        rate = min(theirs, key=theirs.__getitem__)
        print(
            f"{shape}: charlstm {ours:.4f} nats per character, plain loop {theirs[rate]:.4f} "
            f"(learning rate {rate:g}), after {steps * STREAMS * WINDOW:,} characters",
            flush=True,
        )


if __name__ == "__main__":
    main()
