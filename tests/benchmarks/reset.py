"""Measure a run's loss when its state is set to zero at regular intervals, and when the state is carried on.

    python tests/benchmarks/reset.py RUN TEXT [--share .1] [--every 256]

The first loss compares fairly with models that read a fixed window of characters. Only the last share of the
text is read; for a run trained with --split 90/10, a share of .1 is its validation part. Every character but
the first is predicted.
"""

import argparse
from pathlib import Path

import charlstm
from charlstm.training.evaluation import evaluate


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("text", metavar="TEXT", help="a corpus")
    parser.add_argument(
        "--share",
        type=float,
        default=0.1,
        metavar="F",
        help="which last part of the text is read [%(default)s]",
    )
    parser.add_argument(
        "--every", type=int, default=256, metavar="N", help="characters between two resets [%(default)s]"
    )
    options = parser.parse_args()
    run = charlstm.load(options.run)
    corpus = charlstm.load_corpus(options.text, vocabulary=run.config.vocabulary)
    ids = corpus.tokens[int(len(corpus.tokens) * (1 - options.share)) :]
    windows = (ids[start : start + options.every + 1] for start in range(0, len(ids) - 1, options.every))
    evaluations = [evaluate(run.model, window) for window in windows]
    count = sum(evaluation.characters for evaluation in evaluations)
    nats = sum(evaluation.loss_nats * evaluation.characters for evaluation in evaluations) / count
    print(f"{nats:.4f} nats per character, state reset every {options.every} characters")
    print(f"{evaluate(run.model, ids).loss_nats:.4f} nats per character, state carried on")
    print(f"{count:,} characters predicted")


if __name__ == "__main__":
    main()
