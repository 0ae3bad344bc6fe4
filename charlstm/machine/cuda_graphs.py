"""A function as one CUDA graph, where there is a GPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

# Calls before a capture, in which the libraries choose their kernels and allocate what they keep.
_WARM_UP_CALLS = 3

# What torch raises where it cannot capture something; the last two where its graphs have another interface.
CAPTURE_ERRORS = (RuntimeError, TypeError, AttributeError)


def as_graph(
    body: Callable[[], None], device: torch.device, generator: torch.Generator
) -> Callable[[], None]:
    """Return a function that does what body does: on a GPU as one CUDA graph, elsewhere body itself.

    body must read and write nothing but tensors that stay at their place on device, and draw random numbers
    from generator alone. It is called a few times before, and the caller puts back what these calls change.
    Raises one of CAPTURE_ERRORS where body cannot be captured.
    """
    with _own_stream(device) as stream:
        for _ in range(_WARM_UP_CALLS):
            body()
    if stream is None:
        return body
    graph = torch.cuda.CUDAGraph()
    if hasattr(graph, "register_generator_state"):  # torch after 2.13 is to find generators by itself
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph, stream=stream):
        body()
    return graph.replay


@contextmanager
def _own_stream(device: torch.device) -> Iterator[torch.cuda.Stream | None]:
    """Compute in a stream of one's own on a GPU, in turn with the current one: a capture asks for one."""
    if device.type != "cuda":
        yield None
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    current = torch.cuda.current_stream(device)
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        yield stream
    current.wait_stream(stream)
