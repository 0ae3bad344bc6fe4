"""Processes that join one group and each do what they are given: for tests of work that is shared."""

import json
import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from unittest.mock import patch

import torch
from processes import PROCESSES
from written_text import SYMBOLS, ids_of, written

from charlstm.config import InspectionConfig
from charlstm.errors import CharLSTMError, UsageError
from charlstm.inspection.exam.planted_cells import depth_counter, latch, line_counter, plant, toggle
from charlstm.inspection.inspect import InspectionRequest, inspect_model
from charlstm.inspection.reading import splits
from charlstm.machine.launch import Launch
from charlstm.machine.processes import ProcessGroup, joined


class Vocabulary:
    symbols = SYMBOLS


def found(processes: ProcessGroup) -> str:
    """The findings of a planted network, read in several parts, but for when and how they were made."""
    random = torch.Generator().manual_seed(0)
    cells = [toggle('"'), latch("(", ")"), depth_counter("(", ")"), line_counter("\n")]
    model = plant(cells, SYMBOLS, idle=10, generator=random).requires_grad_(False)
    with patch.object(splits, "MOST", 9_000):
        request = InspectionRequest(
            model=model,
            ids=ids_of(written(40_000, seed=1)),
            vocabulary=Vocabulary(),
            config=InspectionConfig(streams=4),
            corpus_name="written",
            corpus_sha256="",
        )
        findings = inspect_model(request, processes=processes)
    document = findings.to_json()
    del document["provenance"]
    return json.dumps(document)


def third_fails(processes: ProcessGroup) -> str:
    def do(item: int) -> int:
        if item == 2:
            raise UsageError("the third", "is missing")
        return item

    return str(list(processes.dealt(do, range(5))))


def doubled(processes: ProcessGroup) -> str:
    return str(list(processes.dealt(lambda item: 2 * item, range(5))))


def _process(launch: Launch, port: int, do: Callable[[ProcessGroup], str], told: Connection) -> None:
    torch.set_num_threads(1)
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    try:
        with joined(launch, torch.device("cpu")) as processes:
            told.send(do(processes))
    except CharLSTMError as problem:
        told.send(type(problem).__name__)


def together(do: Callable[[ProcessGroup], str], count: int) -> list[str]:
    """What do gave in each of so many processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    heard, processes = [], []
    for rank in range(count):
        ours, theirs = PROCESSES.Pipe(duplex=False)
        processes.append(
            PROCESSES.Process(target=_process, args=(Launch(rank, count, rank), port, do, theirs))
        )
        processes[-1].start()
        theirs.close()
        heard.append(ours)
    given = [told.recv() for told in heard]
    for process in processes:
        process.join(20)
        assert process.exitcode == 0
    return given
