"""Records which operations torch carries out, to show what code does not do: ask the host for a number."""

from torch.utils._python_dispatch import TorchDispatchMode

# What makes the host wait for a GPU, and cannot be captured as a CUDA graph.
_READ_BY_THE_HOST = ("_local_scalar_dense", "nonzero", "masked_select")


class Operations(TorchDispatchMode):
    """A context in which every operation's name is kept in names."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.add(str(operation))
        return operation(*args, **(kwargs or {}))

    @property
    def read_by_the_host(self) -> list[str]:
        """The names of the operations that make the host wait."""
        return [name for name in self.names if any(read in name for read in _READ_BY_THE_HOST)]
