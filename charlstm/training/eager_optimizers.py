"""torch's AdamW and Muon as they are without torch.compile, so that a training begins a second earlier.

torch wraps some methods of its optimisers for torch.compile. The first call of one loads torch's compiler,
which takes a second of processor time and is used for nothing here. Their arithmetic is not wrapped.

Both also take a scalar tensor as their learning rate, as a CUDA graph needs it. torch's AdamW does so by
itself; torch's Muon would read the scalar on the host. torch's Muon multiplies in bfloat16 wherever it runs,
which takes some processors a hundred times as long as float32; ours has a choice.
"""

import inspect
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

# The polynomial of Muon's Newton-Schulz iteration: Jordan et al. 2024, and torch's default.
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)

_Optimizer = torch.optim.Optimizer


class AdamW(torch.optim.AdamW):
    """torch's AdamW; see `torch.optim.AdamW`."""

    add_param_group = inspect.unwrap(_Optimizer.add_param_group)
    state_dict = inspect.unwrap(_Optimizer.state_dict)
    load_state_dict = inspect.unwrap(_Optimizer.load_state_dict)
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class Muon(torch.optim.Muon):
    """torch's Muon, with products in either number format; see `torch.optim.Muon`.

    In float32, and where the rate is a tensor, rates are adjusted as "match_rms_adamw" says.
    """

    def __init__(
        self, params: Iterable[Tensor], *, product_dtype: torch.dtype = torch.bfloat16, **settings: Any
    ) -> None:
        """Take the parameters and settings of `torch.optim.Muon`, and the dtype of its products."""
        super().__init__(params, **settings)
        self._product_dtype = product_dtype

    add_param_group = inspect.unwrap(_Optimizer.add_param_group)
    state_dict = inspect.unwrap(_Optimizer.state_dict)
    load_state_dict = inspect.unwrap(_Optimizer.load_state_dict)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the parameters; see `torch.optim.Muon.step`."""
        (group,) = self.param_groups
        if self._product_dtype == torch.bfloat16 and not isinstance(group["lr"], Tensor):
            return super().step(closure)  # type: ignore[no-untyped-call]
        of_one_shape: dict[torch.Size, list[Tensor]] = {}
        for parameter in group["params"]:
            of_one_shape.setdefault(parameter.shape, []).append(parameter)
        for parameters in of_one_shape.values():
            self._step_at(group, parameters)

    def _step_at(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        """Take the step of parameters of one shape at the rate of group, with batched products."""
        rate, momentum = group["lr"], group["momentum"]
        averages = [self._average(parameter) for parameter in parameters]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        for average, gradient in zip(averages, gradients, strict=True):
            average.lerp_(gradient, 1 - momentum)
        updates = torch.stack(gradients).lerp(torch.stack(averages), momentum)
        updates = orthogonalised(updates.to(self._product_dtype), rounds=group["ns_steps"]).float()
        distance = rate * (0.2 * math.sqrt(max(updates.shape[1:])))
        for parameter, update in zip(parameters, updates, strict=True):
            parameter.mul_(1 - rate * group["weight_decay"]).sub_(update * distance)

    def _average(self, parameter: Tensor) -> Tensor:
        """Return the running mean of a parameter's gradients, which begins with zeros."""
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        average: Tensor = state["momentum_buffer"]
        return average


def orthogonalised(matrices: Tensor, *, rounds: int) -> Tensor:
    """Return matrices (batch, rows, columns) with singular values drawn towards 1, in their own dtype.

    That number of rounds of the Newton-Schulz iteration of Jordan et al. 2024 brings near to 1 what is not
    tiny beside the largest singular value; the singular vectors stay.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(rounds):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
