"""The README's small results, made again: what short trainings come to, and what is found in them.

    python tests/benchmarks/results.py                       # of built-in texts, half an hour on two cores
    python tests/benchmarks/results.py --text tiny_shakespeare.txt   # and time to quality on a text of yours

Runs are written to a temporary folder. Every row is told with the command that gives it.
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
# Minutes of training that make 7 s, 8 s, 30 s, 2 minutes and 5 minutes of the whole command.
QUALITY_MINUTES = (0.06, 0.08, 0.45, 1.9, 4.88)


class Row(NamedTuple):
    """One result: the command behind it, and what came out."""

    command: str
    result: str


def documents(*command: str) -> list[Any]:
    """The JSON that a command of charlstm prints."""
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
    """A training: nats per character of validation, cells and seconds of the command."""
    started = time.monotonic()
    last = documents("train", *command, "--out", str(out))[-1]
    nats = last["validation_bits_per_character"] * math.log(2)
    elapsed = time.monotonic() - started
    result = f"{nats:.4f} nats, {last['parameters']:,} parameters, {elapsed:.1f} s"
    return Row(shlex.join(["charlstm", "train", *command]), result)


def inspected(run: Path) -> Row:
    """What is found in a run: cells, and those that are verified."""
    (found,) = documents("inspect", str(run))
    verified = [
        f"{finding['feature']} x{finding['causal']['ratio']:.0f}"
        for finding in found["findings"]
        if finding["verdict"] == "verified"
    ]
    result = f"{len(found['findings'])} cells, {len(verified)} verified: {', '.join(verified) or 'none'}"
    return Row("  and charlstm inspect", result)


def n_gram(*command: str) -> Row:
    """What the best n-gram model of a text comes to."""
    script = HERE / "ngram.py"
    done = subprocess.run(
        [sys.executable, str(script), *command, "--json"], check=True, capture_output=True, text=True
    )
    best = json.loads(done.stdout)["best"]
    told = ", ".join(f"{best[part]:.4f} nats on {part}" for part in ("validation", "test") if part in best)
    return Row(
        shlex.join(["python", "tests/benchmarks/ngram.py", *command]), f"order {best['order']}: {told}"
    )


def results(folder: Path, text: str | None, split: str) -> Iterator[Row]:
    """Every row in turn."""
    if text:
        for minutes in QUALITY_MINUTES:
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
    """Print every row as it comes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", help="a text for time to quality, such as tiny_shakespeare.txt")
    parser.add_argument("--split", default="90/10", help="of that text")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for row in results(Path(folder), told.text, told.split):
            print(f"{row.command}\n    {row.result}", flush=True)


if __name__ == "__main__":
    main()
