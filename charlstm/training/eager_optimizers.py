"""torch's AdamW and Muon as they are without torch.compile, so that a training begins a second earlier.

torch wraps some methods of its optimisers for torch.compile. The first call of one loads torch's compiler,
which takes a second of processor time and is used for nothing here. Their arithmetic is not wrapped.
"""

import inspect
from typing import Any

import torch

_Optimizer = torch.optim.Optimizer


class AdamW(torch.optim.AdamW):
    """torch's AdamW; see `torch.optim.AdamW`."""

    add_param_group = inspect.unwrap(_Optimizer.add_param_group)
    state_dict = inspect.unwrap(_Optimizer.state_dict)
    load_state_dict = inspect.unwrap(_Optimizer.load_state_dict)
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class Muon(torch.optim.Muon):
    """torch's Muon; see `torch.optim.Muon`."""

    add_param_group = inspect.unwrap(_Optimizer.add_param_group)
    state_dict = inspect.unwrap(_Optimizer.state_dict)
    load_state_dict = inspect.unwrap(_Optimizer.load_state_dict)
