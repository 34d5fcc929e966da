"""Under autocast a neural ODE is solved, and differentiated, as it is without it."""

import pytest
import torch
from torch import nn

import odeanalysis as oda
from torchbridge import Direct, NeuralODE
from torchbridge.fields import AdaptiveDepth, Regularizer

z, x, y, W = oda.block("z", 2), oda.block("x", 2), oda.block("y", 2), oda.block("W", 2, 2)
PROBLEM = oda.Problem(oda.Model({z: oda.tanh(W @ z)}, {z: x}, (0, 1), [W], [x, y]), oda.Objective(oda.sumsq(z - y)))


def field() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))


def seeded(**options) -> NeuralODE:
    torch.manual_seed(1)
    return NeuralODE(PROBLEM, **options)


CASES = {
    "stated": (seeded, lambda module, one: module(one, one)),
    "the loss of a problem": (seeded, lambda module, one: module.loss(one, y=one.flip(0))),
    "field": (lambda: NeuralODE(field()), lambda module, one: module(one)),
    "by autograd": (lambda: NeuralODE(field(), sensitivity=Direct()), lambda module, one: module(one)),
    "with data": (lambda: NeuralODE(lambda s, state, data: data - state), lambda module, one: module(one, one)),
    "cost": (lambda: NeuralODE(field(), running=Regularizer(jacobian=1)), lambda module, one: torch.cat([*module(one)[0], module(one)[1]])),
    "depth": (lambda: NeuralODE(field(), domain=(0, AdaptiveDepth(nn.Linear(2, 1)))), lambda module, one: module(one)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("case", CASES)
def test_value_and_gradients_are_those_without_autocast(case, dtype):
    """Of numbers that half precision can hold, in single or in half precision: they are the same numbers."""
    make, call = CASES[case]
    module = make()
    numbers = torch.tensor([[0.5, -1.0], [0.25, 0.75]])
    found = []
    for wide in (True, False):
        one = (numbers if wide else numbers.to(dtype)).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=not wide):
            value = call(module, one)
        assert value.dtype == torch.float32
        slopes = torch.autograd.grad(value.square().sum(), [one, *module.parameters()])
        found.append([value, slopes[0].to(dtype).float(), *slopes[1:]])
        numbers = numbers.detach().clone()
    for plain, under in zip(*found, strict=True):
        assert torch.equal(plain, under)


def test_layers_around_it_keep_their_precision():
    network = nn.Sequential(nn.Linear(2, 2), NeuralODE(field()), nn.Linear(2, 2))
    with torch.autocast("cpu", torch.bfloat16):
        assert network(torch.ones(3, 2)).dtype == torch.bfloat16
