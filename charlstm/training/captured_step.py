"""A whole training step as one CUDA graph: the GPU is told once what to do, and then does it again and again.

Started kernel by kernel, a step of a few hundred cells takes several times as long as the GPU computes. What
a graph reads must lie at a fixed place on the device, so whatever changes from step to step is a scalar
there: the window's position, the rates, the share of the new weights in their mean. On other devices the
same step runs as it is.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from charlstm.machine.cuda_graphs import as_graph
from charlstm.training.optimizers import Rates
from charlstm.training.text_windows import DeviceText

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
        self._run = self._body

    def record(self, generator: torch.Generator) -> None:
        """Take a few steps at a rate of 0 on the first window and then, on a GPU, capture one.

        generator draws the dropout masks. The steps change state, moments and sums, which the caller puts
        back. Raises one of CAPTURE_ERRORS where the step cannot be captured.
        """
        self._run = as_graph(self._body, self._position.device, generator)

    def take(self, position: int, rates: Rates, averaging: float) -> None:
        """Take the step at position, in characters of every stream, with rates in plain numbers.

        averaging is the share of the new weights in the mean of the weights. On a GPU this returns before
        the step is done.
        """
        self._position.fill_(position)
        scalars = (self._share, self._limit, self._averaging)
        for scalar, number in zip(scalars, (*rates, averaging), strict=True):
            scalar.fill_(number)
        self._run()

    def _body(self) -> None:
        """Take a step with the numbers that are on the device."""
        window = self._text.window(self._position)
        self._take_step(window, Rates(self._share, self._limit), self._averaging)


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
