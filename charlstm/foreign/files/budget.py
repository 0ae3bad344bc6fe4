"""Bound what reading one file may take: memory, nodes and time, each asked for before anything is made.

Whoever wrote a file decides what is read from it, and a few hundred bytes can describe values that fill all
memory or take years. So every reader of this folder, the walk through what was read and the search for a
model in it take what they need from one Budget.
"""

import time

# What is read may take this number of bytes of memory, whatever the size of its file,
_BYTES_OF_ANY_FILE = 48 << 20
# and this number of bytes more for each byte of the file: half precision becomes float32, and that is copied.
_BYTES_PER_FILE_BYTE = 8
# A node is an instruction of a pickle, a value that is visited, or a tensor that is tried in a place.
_NODES_OF_ANY_FILE = 1_600_000
# The nodes bound the time on a usual machine; this bound holds on any machine.
_CPU_SECONDS = 30.0
_NODES_BETWEEN_LOOKS_AT_THE_CLOCK = 10_000


class OverBudgetError(Exception):
    """Reading a file would take more than its budget; the message is the predicate of a sentence about it."""


class Budget:
    """A Budget holds the memory, the nodes and the time that are left for reading one file."""

    def __init__(self, file_bytes: int) -> None:
        """Begin the time for a file of file_bytes bytes."""
        self._bytes_left = _BYTES_OF_ANY_FILE + _BYTES_PER_FILE_BYTE * file_bytes
        self._nodes_left = _NODES_OF_ANY_FILE
        self._next_look = self._nodes_left
        self._deadline = time.thread_time() + _CPU_SECONDS

    @property
    def bytes_left(self) -> int:
        """The number of bytes of memory that are left."""
        return self._bytes_left

    def take_bytes(self, count: int) -> None:
        """Take count bytes of memory. Raises OverBudgetError when fewer are left."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise OverBudgetError("would become many times as large as it is")

    def take_instruction(self, count: int) -> None:
        """Take a node and count bytes, as `take_nodes` and `take_bytes` do, in half of the time."""
        self._nodes_left -= 1
        self._bytes_left -= count
        if self._bytes_left < 0 or self._nodes_left <= self._next_look:
            self.take_bytes(0)
            self.take_nodes(0)

    def take_nodes(self, count: int = 1) -> None:
        """Take count nodes. Raises OverBudgetError when fewer are left, or when the time is over."""
        self._nodes_left -= count
        if self._nodes_left < 0:
            raise OverBudgetError("would take very many steps to read")
        if self._nodes_left <= self._next_look:
            self._next_look = max(-1, self._nodes_left - _NODES_BETWEEN_LOOKS_AT_THE_CLOCK)
            if time.thread_time() > self._deadline:
                raise OverBudgetError(f"takes more than {_CPU_SECONDS:.0f} seconds to read")
