"""Measure how long commands take beside a process that never rests, in one thread and in all that there are.

    python tests/benchmarks/busy.py [RUN] [--rounds N] [--jobs train inspect streams stream]

RUN is the released model by default. The busy process runs on the last of the processors that this process
may use. A line gives medians: milliseconds a step of a training of 15 s on `stdlib`, and seconds of the other
commands from start to end. The ratio is the median of those of pairs; beside a busy process it should be 1.5
at most.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from charlstm.machine.processors import THREADS_SETTING, permitted_processors, processor_name

RELEASED = Path(__file__).parents[2] / "checkpoints" / "stdlib"
JOBS = {
    "train": ["train", "stdlib", "--minutes", "0.25", "--out", "{folder}/run"],
    "inspect": ["inspect", "{run}", "stdlib", "--characters", "30000", "--out", "{folder}/found"],
    "streams": ["sample", "{run}", "--count", "64", "--length", "20000"],
    "stream": ["sample", "{run}", "--length", "60000"],
}


@contextmanager
def busy_process(wanted: bool) -> Iterator[None]:
    """Keep the last processor busy for as long as the context lasts, if wanted."""
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
            yield
        finally:
            process.kill()


def measured(job: str, run: Path, *, one_thread: bool) -> float:
    """Run a job; return milliseconds a step of a training, and seconds of another command."""
    environment = {name: value for name, value in os.environ.items() if name != THREADS_SETTING}
    if one_thread:
        environment[THREADS_SETTING] = "1"
    with tempfile.TemporaryDirectory() as folder:
        arguments = [argument.format(run=run, folder=folder) for argument in JOBS[job]]
        begun = time.perf_counter()
        command = [sys.executable, "-m", "charlstm", *arguments]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        seconds = time.perf_counter() - begun
        if job != "train":
            return seconds
        lines = (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
        last = [json.loads(line) for line in lines][-1]
        return 1000 * last["elapsed_seconds"] / last["step"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, default=RELEASED, metavar="RUN", help="a run's folder")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds of each [%(default)s]")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS), help="what to time [all]")
    options = parser.parse_args()
    print(f"{processor_name()}, {permitted_processors()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"{'job':10}{'beside':10}{'1 thread':>10}{'all':>10}{'ratio':>8}")
    for job in options.jobs:
        for busy in (False, True):
            pairs = []
            for _ in range(options.rounds):
                with busy_process(busy):
                    pairs.append([measured(job, options.run, one_thread=one) for one in (True, False)])
            one, many = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(many / one for one, many in pairs)
            beside = "one busy" if busy else "nothing"
            print(f"{job:10}{beside:10}{one:>10.2f}{many:>10.2f}{ratio:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
