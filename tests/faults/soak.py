"""Train, evaluate, save, sample and score over and over in one process, and watch its memory and open files.

    python tests/faults/soak.py --minutes 30

The exit code is 1 when memory grew by more than 2% or a file stayed open. Memory is the resident set after a
cycle. It may grow while the allocator's pools fill, so the first third of the cycles does not count: the
highest value of the last third is compared with the highest of the second.
"""

import argparse
import gc
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from small_run import request

from charlstm.config import SamplingConfig
from charlstm.tasks import sample, train
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.tasks.training_plan import TrainRequest

MOST_GROWTH = 0.02


def cycle(out: Path) -> None:
    """Train a new run in out, interrupt it, resume it to its end, sample from it and score it."""
    for resume in (False, True):
        wanted = request(out, resume=resume, save_every=10)
        if not resume:
            wanted = TrainRequest(**{**vars(wanted), "overwrite": True})
        steps = 0
        for event in train.train_run(wanted, should_stop=lambda: not resume and steps >= 40):  # noqa: B023
            steps += isinstance(event, train.loop.Stepped)
    drawn = sample.sample_run(out, "He ", config=SamplingConfig(length=100, count=2), seed=1)
    assert sum(1 for _ in drawn) == 101
    assert score_run(ScoreRequest(run=out)).bits_per_character > 0


def memory_bytes() -> int:
    """Return the resident set of this process in bytes, or its peak on macOS, which tells no more."""
    statistics = Path("/proc/self/statm")
    if statistics.exists():
        return int(statistics.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def open_files() -> int:
    """Return how many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))


def soak(seconds: float, folder: Path) -> tuple[list[int], list[int]]:
    """Run cycles in folder for a number of seconds, but at least three.

    Return the memory in bytes and the number of open files after each cycle.
    """
    memory, opened = [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(memory) < 3:
        cycle(folder / "run")
        gc.collect()
        memory.append(memory_bytes())
        opened.append(open_files())
    return memory, opened


def growth(memory: list[int]) -> float:
    """Return by which share the highest memory of the last third exceeds the highest of the second third."""
    third = len(memory) // 3
    return max(memory[-third:]) / max(memory[third : 2 * third]) - 1


def main() -> int:
    """Run cycles for the time that the command line gives, print the result, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="how long to run [30]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CHARLSTM_DATA": f"{folder}/data", "XDG_STATE_HOME": f"{folder}/state"}
        memory, opened = soak(60 * options.minutes, Path(folder))
    grown = growth(memory)
    print(
        f"{len(memory)} cycles\n"
        f"memory: {memory[0] / 2**20:.1f} MB after the first cycle, {max(memory) / 2**20:.1f} MB at most, "
        f"{grown:+.2%} from the second third to the last\n"
        f"open files: {opened[0]} after the first cycle, {max(opened[1:])} at most"
    )
    return int(grown > MOST_GROWTH or max(opened[1:]) > opened[0])


if __name__ == "__main__":
    sys.exit(main())
