"""Measure how fast a text is encoded to ids, how fast cached ids are loaded, and how much memory both take.

    python tests/benchmarks/encoding.py --megabytes 2000

Each text is generated in a temporary folder, which needs twice its size, and loaded by two new processes: the
first encodes it, the second finds the ids in the token cache. Both find the files in the operating system's
memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from charlstm.text.corpus import load_corpus

_PIECE_CHARACTERS = 1 << 22
_REPEATS_OF_A_PIECE = 16
ASCII = "".join(map(chr, range(32, 127))) + "\n"
# About half of its characters are ASCII, but most of its bytes belong to characters of two to four bytes.
MIXED = ASCII * 4 + "éüñçßœ“”—…" * 10 + "дежзийклмн" * 12 + "日本語文字列検索" * 8 + "😀👩🎉" * 6


def write_text(path: Path, alphabet: str, megabytes: int) -> None:
    """Write a file of random characters from an alphabet.

    Each drawn piece, of 4 million characters, is written 16 times, since drawing is slower than writing.
    """
    generator = np.random.default_rng(0)
    codes = np.array([ord(character) for character in alphabet], "<u4")
    left = megabytes * 1_000_000
    with open(path, "wb") as file:
        while left > 0:
            piece = generator.choice(codes, _PIECE_CHARACTERS).tobytes().decode("utf-32-le").encode("utf-8")
            for _ in range(_REPEATS_OF_A_PIECE):
                written = piece[:left].decode("utf-8", "ignore").encode("utf-8")
                file.write(written)
                left -= len(piece)


def load_once(path: str, data_folder: str) -> dict[str, float]:
    """Load a text in this process, and return its size, the speed in MB/s, and the peak memory in MB.

    The peak is that of the whole process, imports included.
    """
    start = time.perf_counter()
    corpus = load_corpus(path, data_folder=Path(data_folder))
    elapsed_seconds = time.perf_counter() - start
    unit_bytes = 1 if sys.platform == "darwin" else 1024  # macOS gives ru_maxrss in bytes, others in KiB
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes
    return {
        "symbols": len(corpus.vocabulary),
        "characters": corpus.characters,
        "megabytes_per_second": corpus.bytes / elapsed_seconds / 1e6,
        "peak_megabytes": peak_bytes / 1e6,
    }


def measure(kind: str, alphabet: str, megabytes: int, folder: Path) -> list[dict[str, object]]:
    """Generate a text, load it twice, and return a row for each load: encoded, then cached."""
    path = folder / f"{kind}.txt"
    write_text(path, alphabet, megabytes)
    rows = []
    for load in ("encoded", "cached"):
        command = [sys.executable, __file__, "--load", str(path), str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append({"text": kind, "megabytes": megabytes, "load": load, **json.loads(done.stdout)})
    path.unlink()
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """Return a table with one line for each load, under a line of headings."""
    lines = ["text    load     symbols     MB/s  peak MB"]
    for row in rows:
        numbers = f"{row['symbols']:>7}{row['megabytes_per_second']:>9.0f}{row['peak_megabytes']:>9.0f}"
        lines.append(f"{row['text']:8}{row['load']:9}{numbers}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=200, metavar="N", help="size of each text [200]")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--load", nargs=2, metavar=("FILE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        print(json.dumps(load_once(*options.load)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, alphabet in (("ascii", ASCII), ("mixed", MIXED)):
            rows += measure(kind, alphabet, options.megabytes, Path(folder))
    print(json.dumps(rows) if options.json else table(rows))


if __name__ == "__main__":
    main()
