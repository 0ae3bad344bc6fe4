"""A run's loss with its state reset every so many characters, for parity with models that read windows.

    python tests/benchmarks/reset.py RUN TEXT [--share .1] [--every 256]

The last share of a text is read, which is the validation part of a run trained with --split 90/10. Each
window begins from a state of zeros, and every character but the first of all is predicted.
"""

import argparse
from pathlib import Path

import charlstm
from charlstm.training.evaluation import evaluate


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("text")
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--every", type=int, default=256)
    options = parser.parse_args()
    run = charlstm.load(options.run)
    corpus = charlstm.load_corpus(options.text, vocabulary=run.config.vocabulary)
    ids = corpus.tokens[int(len(corpus.tokens) * (1 - options.share)) :]
    windows = (ids[start : start + options.every + 1] for start in range(0, len(ids) - 1, options.every))
    losses = [evaluate(run.model, window) for window in windows]
    count = sum(each.characters for each in losses)
    nats = sum(each.loss_nats * each.characters for each in losses) / count
    print(f"{nats:.4f} nats, reset every {options.every} characters; {count:,} predicted")
    print(f"{evaluate(run.model, ids).loss_nats:.4f} nats, state carried")


if __name__ == "__main__":
    main()
