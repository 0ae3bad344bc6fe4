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


@pytest.mark.parametrize("product_dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("rate", [0.1, torch.tensor(0.1)])
def test_muon_in_either_format_and_at_a_scalar_tensor_trains_as_torchs_does(product_dtype, rate):
    """Several matrices of two shapes, as torch's Muon trains them one by one, to the rounding of bfloat16."""
    drawn = torch.Generator().manual_seed(0)
    shapes = [(6, 4), (4, 6), (6, 4)]
    values = [torch.randn(shape, generator=drawn) for shape in shapes]
    settings = {"weight_decay": 0.3, "ns_steps": 3, "adjust_lr_fn": "match_rms_adamw"}
    trained = {}
    for kind, each_rate, others in (
        (torch.optim.Muon, 0.1, {}),
        (Muon, rate, {"product_dtype": product_dtype}),
    ):
        parameters = [torch.nn.Parameter(value.clone()) for value in values]
        optimizer = kind(parameters, lr=0.1, **settings, **others)
        optimizer.param_groups[0]["lr"] = each_rate
        gradients = torch.Generator().manual_seed(1)
        for _ in range(5):
            for parameter in parameters:
                parameter.grad = torch.randn(parameter.shape, generator=gradients)
            optimizer.step()
        trained[kind] = parameters
    for ours, theirs, before in zip(trained[Muon], trained[torch.optim.Muon], values, strict=True):
        assert (theirs - before).abs().max() > 0.2
        torch.testing.assert_close(ours, theirs, atol=4e-3, rtol=0)


def test_muon_in_float32_has_no_rounding_of_bfloat16():
    parameter = torch.nn.Parameter(torch.zeros(5, 3))
    optimizer = Muon([parameter], lr=0.1, product_dtype=torch.float32, adjust_lr_fn="match_rms_adamw")
    parameter.grad = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    optimizer.step()
    assert not torch.equal(parameter, parameter.bfloat16().float())
    left, values, right = torch.linalg.svd(parameter.grad, full_matrices=False)
    distances = -(left.T @ parameter.detach() @ right.T) / (0.1 * 0.2 * 5**0.5)
    # The singular vectors stay, and the singular values are near 1 after five rounds.
    torch.testing.assert_close(distances, distances.diag().diag(), atol=1e-4, rtol=0)
    assert ((distances.diag() - 1).abs() < 0.35).all()
    assert (values / values.max() < 0.99).any()
