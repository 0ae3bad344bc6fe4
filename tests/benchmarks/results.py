"""Repeat the small published results: losses of short trainings, and the cells that are found in them.

    python tests/benchmarks/results.py
    python tests/benchmarks/results.py --text tiny_shakespeare.txt

The first command trains on built-in texts and takes half an hour on two cores. With --text it also measures
how the loss on that text falls with the training time. Runs are written to a temporary folder. Each result is
printed below the command that gives it.
"""

import argparse
import json
import math
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
GRAMMARS = ("quotes", "brackets", "records")
ACTIVATIONS = ("tanh", "softsign", "hardtanh", "relu", "identity")
# With these, the whole command takes 7 s, 8 s, 30 s, 2 minutes and 5 minutes on two cores.
TRAINING_MINUTES = (0.06, 0.08, 0.45, 1.9, 4.88)


class Row(NamedTuple):
    """One result: the command that gives it, and the numbers in words."""

    command: str
    result: str


def documents(*command: str) -> list[Any]:
    """Run a command of charlstm with --json, and return the documents that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "charlstm", *command, "--json", "--quiet"],
        check=True,
        capture_output=True,
        text=True,
    )
    decoder, documents, rest = json.JSONDecoder(), [], done.stdout.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        documents.append(document)
        rest = rest[end:].lstrip()
    return documents


def trained(out: Path, *command: str) -> Row:
    """Train a run in the folder out, and return its validation loss, parameters and the command's seconds."""
    started = time.monotonic()
    last = documents("train", *command, "--out", str(out))[-1]
    nats = last["validation_bits_per_character"] * math.log(2)
    elapsed = time.monotonic() - started
    result = f"{nats:.4f} nats per character, {last['parameters']:,} parameters, {elapsed:.1f} s"
    return Row(shlex.join(["charlstm", "train", *command]), result)


def inspected(run: Path) -> Row:
    """Inspect a run, and return how many cells are found and which of them are verified."""
    (document,) = documents("inspect", str(run))
    verified = [
        f"{finding['feature']} x{finding['causal']['ratio']:.0f}"
        for finding in document["findings"]
        if finding["verdict"] == "verified"
    ]
    result = f"{len(document['findings'])} cells, {len(verified)} verified: {', '.join(verified) or 'none'}"
    return Row("  and charlstm inspect", result)


def n_gram(*command: str) -> Row:
    """Return the losses of the best n-gram model of a text."""
    script = HERE / "ngram.py"
    done = subprocess.run(
        [sys.executable, str(script), *command, "--json"], check=True, capture_output=True, text=True
    )
    best = json.loads(done.stdout)["best"]
    losses = ", ".join(f"{best[part]:.4f} nats on {part}" for part in ("validation", "test") if part in best)
    return Row(
        shlex.join(["python", "tests/benchmarks/ngram.py", *command]), f"order {best['order']}: {losses}"
    )


def results(folder: Path, text: str | None, split: str) -> Iterator[Row]:
    """Yield all results, each as soon as it is there."""
    if text:
        for minutes in TRAINING_MINUTES:
            yield trained(folder / f"quality-{minutes}", text, "--split", split, "--minutes", str(minutes))
        yield n_gram(text, "--split", split)
    yield n_gram("stdlib")
    for name in GRAMMARS:
        run = folder / name
        yield trained(run, f"grammar:{name}", "--cells", "64", "--minutes", "1")
        yield inspected(run)
    for name in ACTIVATIONS:
        run = folder / name
        yield trained(run, "stdlib", "--cells", "128", "--minutes", "1", "--activation", name)
        yield inspected(run)


def main() -> None:
    """Print each result with its command as soon as it is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", metavar="TEXT", help="a text to train on for 7 s to 5 minutes")
    parser.add_argument(
        "--split", default="90/10", help="train/validation of that text in percent [%(default)s]"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for row in results(Path(folder), options.text, options.split):
            print(f"{row.command}\n    {row.result}", flush=True)


if __name__ == "__main__":
    main()
