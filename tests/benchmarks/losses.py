"""Validation loss after equal characters: the tutorials' loop at its best rate, and a training of ours.

    python tests/benchmarks/losses.py [TEXT] --split 90/5/5 --shapes 256x1 512x1 --characters 4000000

Both read the same characters in the same order, 64 streams and windows of 128, from random weights of seed 0.
The loop's rate is constant, the best of three by this very loss; ours follows its schedule, with the rate,
warm-up and decay that `charlstm train` takes for minutes of so many steps.
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

RATES = (1e-3, 2e-3, 4e-3)


def loop_loss(
    train: Ids, validation: Ids, cells: int, layers: int, symbols: int, steps: int, rate: float
) -> float:
    """Nats per character of validation after so many steps of the plain loop."""
    torch.manual_seed(0)
    loop = TrainingLoop(cells, layers, symbols)
    loop.optimizer.param_groups[0]["lr"] = rate
    length = stream_length(len(train), streams=STREAMS, window=WINDOW)
    windows = length // WINDOW
    for step in range(steps):
        if step % windows == 0:
            loop.state = None
        position = step % windows * WINDOW
        loop.step(*stream_window(train, position, streams=STREAMS, window=WINDOW))
    return loop.loss(torch.from_numpy(validation.astype("int64")))


def our_loss(train: Ids, validation: Ids, cells: int, layers: int, symbols: int, steps: int) -> float:
    """The same of ours."""
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
    """Print a line for every shape."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("text", nargs="?", default="stdlib")
    parser.add_argument("--split", default="90/5/5")
    parser.add_argument("--shapes", nargs="*", default=["256x1", "512x1", "512x2"], metavar="CELLSxLAYERS")
    parser.add_argument("--characters", type=int, default=4_000_000)
    options = parser.parse_args()
    corpus = load_corpus(options.text)
    bounds = split_bounds(len(corpus.tokens), options.split)
    train, validation = (corpus.tokens[slice(*bounds[part])] for part in ("train", "validation"))
    steps, symbols = options.characters // (STREAMS * WINDOW), len(corpus.vocabulary)
    for shape in options.shapes:
        cells, layers = map(int, shape.split("x"))
        theirs = {rate: loop_loss(train, validation, cells, layers, symbols, steps, rate) for rate in RATES}
        ours = our_loss(train, validation, cells, layers, symbols, steps)
        rate = min(theirs, key=theirs.__getitem__)
        print(
            f"{shape}: ours {ours:.4f} nats, the loop {theirs[rate]:.4f} (rate {rate:g}) "
            f"after {steps * STREAMS * WINDOW:,} characters",
            flush=True,
        )


if __name__ == "__main__":
    main()
