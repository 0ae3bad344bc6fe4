"""Train, evaluate, save, sample and score in one process for as long as wanted: memory and handles stay.

    python tests/faults/soak.py --minutes 30

Memory is the resident set after a cycle. It may grow while the allocator's pools fill: the first third of the
time is left out, and the highest value of the last third is compared with the highest of the second.
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

GROWTH = 0.02


def cycle(out: Path) -> None:
    """A new run: trained, evaluated, saved, interrupted, resumed, sampled from and scored."""
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
    """The resident set now; its peak where the system does not tell (macOS)."""
    place = Path("/proc/self/statm")
    if place.exists():
        return int(place.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def handles() -> int:
    """Open file descriptors."""
    return len(os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"))


def soak(seconds: float, folder: Path) -> tuple[list[int], list[int]]:
    """Memory and handles after every cycle."""
    memory, opened = [], []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(memory) < 3:
        cycle(folder / "run")
        gc.collect()
        memory.append(memory_bytes())
        opened.append(handles())
    return memory, opened


def growth(memory: list[int]) -> float:
    """By how much the last third is above the second."""
    third = len(memory) // 3
    return max(memory[-third:]) / max(memory[third : 2 * third]) - 1


def main() -> int:
    """Soak, tell what was measured, and fail when something grew."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CHARLSTM_DATA": f"{folder}/data", "XDG_STATE_HOME": f"{folder}/state"}
        memory, opened = soak(60 * parser.parse_args().minutes, Path(folder))
    grown = growth(memory)
    print(f"{len(memory)} cycles; memory {memory[0] / 2**20:.1f} MB after the first, "
          f"{max(memory) / 2**20:.1f} MB at most, {grown:+.2%} in the last third; "
          f"handles {opened[0]} after the first cycle, {max(opened[1:])} at most")  # fmt: skip
    return int(grown > GROWTH or max(opened[1:]) > opened[0])


if __name__ == "__main__":
    sys.exit(main())
