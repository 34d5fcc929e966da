"""Depths of every sample's own: gradients of the function that gives them, in both directions, and on a common grid."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.errors import ModelError
from tests.torchbridge.networks import AGREED, along, by_odeanalysis, by_torch, data, difference, network, stated, summed, weights
from torchbridge import Direct, DiscreteAdjoint, NeuralODE
from torchbridge.fields import AdaptiveDepth, Regularizer

SENSITIVITIES = {"discrete": DiscreteAdjoint(), "direct": Direct()}
OMEGA = torch.tensor([[0.8, -0.6]], dtype=torch.float64)


def length() -> nn.Linear:
    """g(x) = omega x: of both signs on the data."""
    layer = nn.Linear(2, 1, bias=False).double()
    layer.weight.data = OMEGA.clone()
    return layer


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_states_costs_and_gradients_are_those_of_the_stated_model(name: str):
    """With the running cost |z|^2, which is a signed integral."""
    g, field, points = length(), network(), data()
    assert set(torch.sign(g(points)).reshape(-1).tolist()) == {1.0, -1.0}
    module = NeuralODE(
        field,
        domain=(0.2, AdaptiveDepth(g, 0.2)),
        running=lambda z: z.square().sum(1),
        method="rk4",
        steps=5,
        sensitivity=SENSITIVITIES[name],
    )
    state, cost = module(points)
    omega = g.weight.detach()[0].requires_grad_()
    values = {**weights(field), "x": points, "w": along()}
    found = by_torch((state @ along()).sum() + cost.sum(), {**values, "omega": g.weight})
    block, x = oda.block("omega", 2), oda.block("x", 2)
    start = stated((0.2, 1))
    model = oda.adaptive_depth(start.with_(parameters=(*start.parameters, block)), block @ x)
    known = by_odeanalysis(summed(model, running=oda.sumsq(model.states[0])), {**values, "omega": omega})
    assert difference(found._replace(gradients={**found.gradients, "omega": found.gradients["omega"][0]}), known) < AGREED


def test_both_forms_of_the_problem_agree():
    """dz/dsigma = g f(s0 + sigma g, z) on [0, 1], for depths of both signs."""
    g, field, points = length(), network(), data().detach()
    own = NeuralODE(field, domain=(0, AdaptiveDepth(g)), method="rk4", steps=6)
    common = NeuralODE(Scaled(field), method="rk4", steps=6)
    first, second = own(points), common(points, g(points))
    assert torch.allclose(first, second, rtol=1e-13)
    parts = [*field.parameters(), g.weight]
    for one, two in zip(*(torch.autograd.grad((state @ along()).sum(), parts) for state in (first, second)), strict=True):
        assert torch.allclose(one, two, rtol=1e-11)


class Scaled(nn.Module):
    """g f(z): data are lengths."""

    def __init__(self, field: nn.Module):
        super().__init__()
        self.field = field

    def forward(self, s: Tensor, z: Tensor, x: Tensor) -> Tensor:
        return x * self.field(z)


def test_the_reflection_by_depth():
    """z' = 1 and g = -2 x: paths that may run backward reach -x."""
    points = torch.tensor([[0.5], [-1.0], [0.0]], dtype=torch.float64)
    module = NeuralODE(torch.ones_like, domain=(0, AdaptiveDepth(lambda z: -2 * z)), method="rk4", steps=1)
    assert torch.allclose(module(points), -points)


@pytest.mark.parametrize("measure", ["signed", "absolute"])
def test_a_cost_on_speed_along_paths_of_both_directions(measure: str):
    """int |f|^2 ds is signed, int |f|^2 abs(ds) penalises: here f = 1, so that they are g and abs(g)."""
    points = torch.tensor([[0.5], [-1.0]], dtype=torch.float64, requires_grad=True)
    cost = Regularizer(kinetic=1.0, measure=measure)
    module = NeuralODE(torch.ones_like, domain=(0, AdaptiveDepth(lambda z: 2 * z)), running=cost, method="rk4", steps=2)
    with pytest.warns(UserWarning, match="rewards speed") if measure == "signed" else nullcontext():
        value = module(points)[1]
        (slope,) = torch.autograd.grad(value.sum(), points)
    expected = {"signed": ([1.0, -2.0], [[2.0], [2.0]]), "absolute": ([1.0, 2.0], [[2.0], [-2.0]])}[measure]
    assert torch.allclose(value, torch.tensor(expected[0]).double())
    assert torch.allclose(slope, torch.tensor(expected[1]).double())


def test_lengths_of_another_shape_are_refused():
    with pytest.raises(ModelError, match=r"has shape \(4, 2\) for 4 samples; give \[B\] or \[B, 1\]"):
        NeuralODE(network(), domain=(0, AdaptiveDepth(lambda z: z)))(data())
