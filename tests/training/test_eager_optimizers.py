"""Our optimisers train as torch's do, bit for bit, and never load torch's compiler."""

import sys

import pytest
import torch

from charlstm.training.eager_optimizers import AdamW, Muon


def moved(optimizer: torch.optim.Optimizer) -> torch.Tensor:
    """The parameter (3, 2) of an optimizer after five steps on gradients drawn with a seed."""
    ((parameter,),) = (group["params"] for group in optimizer.param_groups)
    drawn = torch.Generator().manual_seed(1)
    for _ in range(5):
        parameter.grad = torch.randn(parameter.shape, generator=drawn)
        optimizer.step()
    return parameter.detach()


def start() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.arange(6.0).view(3, 2))


@pytest.mark.parametrize(("ours", "torchs"), [(AdamW, torch.optim.AdamW), (Muon, torch.optim.Muon)])
def test_five_steps_are_those_of_torch_before_and_after_loading(ours, torchs, monkeypatch):
    its = torchs([start()], lr=0.1)
    expected, state = moved(its), its.state_dict()["state"][0]
    # An import of a module that is None raises an error.
    for name in [name for name in sys.modules if name.split(".")[:2] == ["torch", "_dynamo"]]:
        monkeypatch.setitem(sys.modules, name, None)
    optimizer = ours([start()], lr=0.1)
    assert torch.equal(moved(optimizer), expected)
    again = ours([start()], lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    for name, value in state.items():
        assert torch.equal(again.state_dict()["state"][0][name], value)
    assert again.param_groups[0]["params"][0].requires_grad
