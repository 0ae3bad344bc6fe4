"""A whole training step as one CUDA graph: the GPU is told once what to do, and then does it again and again.

Started kernel by kernel, a step of a few hundred cells takes several times as long as the GPU computes. What
a graph reads must lie at a fixed place on the device, so whatever changes from step to step is a scalar
there: the window's position, the rates, the share of the new weights in their mean. On other devices the
same step runs as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from charlstm.training.optimizers import Rates
from charlstm.training.text_windows import DeviceText

# Steps before the capture, in which the libraries choose their kernels and allocate what they keep.
_WARM_UP_STEPS = 3

# A whole step on (inputs, targets), with rates and the share of the new weights in the mean of the weights.
TakeStep = Callable[[tuple[Tensor, Tensor], Rates, Tensor], None]


class CapturedStep:
    """A training step that reads and writes nothing but memory of its device; on a GPU, a CUDA graph."""

    def __init__(self, take_step: TakeStep, text: DeviceText, device: torch.device) -> None:
        """Prepare take_step on the windows of text, which is on device.

        take_step must update all that it keeps in place.
        """
        self._take_step, self._text = take_step, text
        self._position = torch.zeros((), dtype=torch.long, device=device)
        self._share, self._averaging = (torch.zeros((), device=device) for _ in range(2))
        self._limit = torch.ones((), device=device)
        self._graph: torch.cuda.CUDAGraph | None = None

    def record(self, generator: torch.Generator) -> None:
        """Take a few steps at a rate of 0 on the first window and then, on a GPU, capture one.

        generator draws the dropout masks. The steps change state, moments and sums, which the caller puts
        back. Raises RuntimeError where the step cannot be captured.
        """
        device = self._position.device
        with _own_stream(device) as stream:
            for _ in range(_WARM_UP_STEPS):
                self._body()
        if device.type == "cuda":
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(generator)
            with torch.cuda.graph(graph, stream=stream):
                self._body()
            self._graph = graph

    def take(self, position: int, rates: Rates, averaging: float) -> None:
        """Take the step at position, in characters of every stream, with rates in plain numbers.

        averaging is the share of the new weights in the mean of the weights. On a GPU this returns before
        the step is done.
        """
        self._position.fill_(position)
        scalars = (self._share, self._limit, self._averaging)
        for scalar, number in zip(scalars, (*rates, averaging), strict=True):
            scalar.fill_(number)
        if self._graph is None:
            self._body()
        else:
            self._graph.replay()

    def _body(self) -> None:
        """Take a step with the numbers that are on the device."""
        window = self._text.window(self._position)
        self._take_step(window, Rates(self._share, self._limit), self._averaging)


@contextmanager
def _own_stream(device: torch.device) -> Iterator["torch.cuda.Stream | None"]:
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


def set_gradients(loss: Tensor, parameters: Sequence[nn.Parameter]) -> None:
    """Set the gradients of loss, a scalar, as `backward` would, which a CUDA graph cannot capture.

    `backward` adds gradients up in the stream in which the parameters were made. Each gradient has memory of
    its own, in the order of its parameter's.
    """
    taken: set[int] = set()
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        shared = gradient.data_ptr() in taken  # both biases of a layer may be given the same tensor
        parameter.grad = gradient.clone() if shared else gradient.contiguous()
        taken.add(parameter.grad.data_ptr())
