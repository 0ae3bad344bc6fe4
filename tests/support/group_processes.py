"""Several processes join one group and each run the same function, for tests of work that is dealt out."""

import json
import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import SimpleNamespace
from unittest.mock import patch

import torch
from processes import PROCESSES
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.errors import CharLSTMError, UsageError
from charlstm.inspection import control_networks
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, plant, toggle
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.inspection.reading import splits
from charlstm.inspection.reading.shared_work import do_jobs, read_chunks
from charlstm.inspection.reading.splits import Chunk, Split
from charlstm.machine.launch import Launch
from charlstm.machine.processes import ProcessGroup, joined

# What each process runs: it gives a text from the group that the process has joined.
InProcess = Callable[[ProcessGroup], str]


def inspect_planted_network(processes: ProcessGroup) -> str:
    """Return as JSON what is found in a planted network whose text is read in several chunks."""
    random = torch.Generator().manual_seed(0)
    cells = [toggle('"'), latch("(", ")"), depth_counter("(", ")"), line_counter("\n")]
    model = plant(cells, SYMBOLS, idle=10, generator=random).requires_grad_(False)
    request = InspectionRequest(
        model=model,
        ids=ids_of(written(40_000, seed=1)),
        vocabulary=SimpleNamespace(symbols=SYMBOLS),
        config=InspectionConfig(streams=4),
        corpus_name="written",
        corpus_sha256="",
    )
    few = patch.object(control_networks, "NETWORKS_OF_A_KIND", 1)  # as in all tests, see conftest.py
    with few, patch.object(splits, "LONGEST_CHUNK_CHARACTERS", 9_000):
        document = inspect_model(request, processes=processes).to_json()
    del document["provenance"]  # it has the time and the machine
    return json.dumps(document)


class ChunkStarts:
    """Sums that record in which order chunks are merged."""

    def __init__(self, start: int) -> None:
        self.starts = [start]

    def merge(self, other: "ChunkStarts") -> None:
        self.starts += other.starts


def read_five_chunks(processes: ProcessGroup) -> str:
    """Return as JSON the starts of the five chunks of a split, in the order in which they are merged."""

    def read(chunk: Chunk) -> tuple[ChunkStarts]:
        return (ChunkStarts(chunk.start),)

    with patch.object(splits, "LONGEST_CHUNK_CHARACTERS", 3_000):
        split = Split(ids_of(written(15_000, seed=1)), SYMBOLS, 100, 1)
        (merged,) = read_chunks(split, read, processes)
    return json.dumps(merged.starts)


def draw_for_five_jobs(processes: ProcessGroup) -> str:
    """Return as JSON for each of five jobs its number and two random numbers from its own generator."""

    def draw(job: int, generator: torch.Generator) -> tuple[int, list[float]]:
        return job, torch.rand(2, generator=generator).tolist()

    return json.dumps(do_jobs(range(5), draw, torch.Generator().manual_seed(0), processes))


def fail_at_the_third_job(processes: ProcessGroup) -> str:
    """Raise UsageError in the process that has the third of five jobs."""

    def fail(job: int, generator: torch.Generator) -> int:
        if job == 2:
            raise UsageError("the third", "is missing")
        return job

    return json.dumps(do_jobs(range(5), fail, torch.Generator().manual_seed(0), processes))


def _run_process(launch: Launch, port: int, run: InProcess, results: Connection) -> None:
    """Join the group at port of this machine, and send what run gives, or the name of its CharLSTMError."""
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        with joined(launch, torch.device("cpu")) as processes:
            results.send(run(processes))
    except CharLSTMError as problem:
        results.send(type(problem).__name__)


def results_of_processes(run: InProcess, count: int) -> list[str]:
    """Return what run gives in each of count processes that form one group, or the name of its error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    receivers, processes = [], []
    for rank in range(count):
        receiver, sender = PROCESSES.Pipe(duplex=False)
        launch = Launch(rank, count, rank)
        processes.append(PROCESSES.Process(target=_run_process, args=(launch, port, run, sender)))
        processes[-1].start()
        sender.close()
        receivers.append(receiver)
    results = [receiver.recv() for receiver in receivers]
    for process in processes:
        process.join(20)
        assert process.exitcode == 0
    return results
