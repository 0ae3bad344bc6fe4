"""Processes that are forked off from one that has loaded the library already, in some milliseconds."""

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
# torch._dynamo is what torch loads at the first step of an optimiser.
PROCESSES.set_forkserver_preload(
    ["charlstm.foreign", "charlstm.tasks.score", "charlstm.tasks.train", "torch._dynamo"]
)
