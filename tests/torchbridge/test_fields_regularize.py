"""Costs on the field itself: their values and gradients are those of the stated problem."""

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.errors import ModelError
from tests.torchbridge.networks import AGREED, SIZE, along, by_odeanalysis, by_torch, data, difference, network, stated, summed, weights
from torchbridge import Checkpointed, Direct, DiscreteAdjoint, NeuralODE
from torchbridge.fields import Divergence, Regularizer
from torchbridge.modules.held import Held
from torchbridge.modules.parts import parts

SENSITIVITIES = {"discrete": DiscreteAdjoint(), "checkpointed": DiscreteAdjoint(Checkpointed(1)), "direct": Direct()}
EPS = data(seed=9).detach()
z = oda.block("z", SIZE)
# options of the module, and of the stated problem
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "kinetic": ({"kinetic": 0.7}, {"kinetic": 0.7}),
    "jacobian": ({"jacobian": 0.3}, {"jacobian": 0.3}),
    "both": ({"kinetic": 0.7, "jacobian": 0.3}, {"kinetic": 0.7, "jacobian": 0.3}),
    "estimated": ({"jacobian": 0.3, "noise": lambda z: EPS}, {"jacobian": 0.3, "noise": "eps"}),
    "a term": ({"kinetic": 0.7, "term": lambda s, z: s * z.square().sum(1)}, {"kinetic": 0.7, "term": oda.depth * oda.sumsq(z)}),
    "a term of the slope": ({"term": lambda s, z, x, f: (z * f).sum(1)}, {"term": oda.dot(z, oda.block("v", SIZE)), "field": {"v": "z"}}),
}


@pytest.mark.parametrize("name", SENSITIVITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_costs_and_gradients_are_those_of_the_stated_problem(kind: str, name: str):
    options, stated_options = KINDS[kind]
    field, start = network(), data()
    module = NeuralODE(field, method="rk4", steps=5, running=Regularizer(**options), sensitivity=SENSITIVITIES[name])
    values = {**weights(field), "x": start, "w": along()}
    state, cost = module(start)
    found = by_torch((state @ along()).sum() + cost.sum(), values)
    problem = oda.regularize(summed(stated()), **stated_options)
    assert difference(found, by_odeanalysis(problem, {**values, **({"eps": EPS} if "noise" in options else {})})) < AGREED


def _warns(measure: str, message: str) -> Any:
    return pytest.warns(UserWarning, match=message) if measure == "signed" else nullcontext()


@pytest.mark.parametrize("measure", ["signed", "absolute"])
def test_backward_domains(measure: str):
    field, start = network(), data()
    module = NeuralODE(field, domain=(1, 0.2), method="rk4", steps=5, running=Regularizer(kinetic=0.5, jacobian=0.2, measure=measure))
    values = {**weights(field), "x": start, "w": along()}
    with _warns(measure, "it rewards speed"):
        state, cost = module(start)
        found = by_torch((state @ along()).sum() + cost.sum(), values)
    with _warns(measure, "the weights reward speed"):
        problem = oda.regularize(summed(stated((1, 0.2))), 0.5, 0.2, measure=measure)
        assert difference(found, by_odeanalysis(problem, values)) < AGREED
    assert (cost.mean() > 0) == (measure == "absolute")


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_ten_times_the_loss_has_ten_times_the_gradient(name: str):
    """Of every sample by itself: an upstream gradient scales the cost of its own sample."""
    field, start = network(), data()
    module = NeuralODE(field, method="rk4", steps=3, running=Regularizer(kinetic=1.0, jacobian=1.0), sensitivity=SENSITIVITIES[name])
    cost = module(start)[1]
    single = [torch.autograd.grad(one, start, retain_graph=True)[0] for one in cost]
    factors = torch.tensor([10.0, 0.0, -1.0, 3.0], dtype=torch.float64)
    (found,) = torch.autograd.grad(cost @ factors, start)
    assert torch.allclose(found, torch.einsum("i,i...->...", factors, torch.stack(single)), rtol=1e-12)
    assert all(one[j].abs().max() == 0 for i, one in enumerate(single) for j in range(len(start)) if i != j)


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_second_derivatives(name: str):
    """Third ones of the field: its Jacobian's norm is differentiated twice."""
    field, start = network(), data().detach()[:2].requires_grad_()
    module = NeuralODE(field, method="midpoint", steps=2, running=Regularizer(kinetic=1.0, jacobian=1.0), sensitivity=SENSITIVITIES[name])

    def value(weight: Tensor, z: Tensor) -> Tensor:
        return torch.func.functional_call(module, {"field.2.weight": weight}, (z,))[1].sum()

    weight = field.get_parameter("2.weight").detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, (weight, start))
    assert torch.autograd.gradgradcheck(value, (weight, start))


def test_weights_may_be_parameters():
    cost = Regularizer(kinetic=nn.Parameter(torch.tensor(2.0).double()))
    value = NeuralODE(network(), method="rk4", steps=2, running=cost)(data())[1].sum()
    (found,) = torch.autograd.grad(value, list(cost.parameters()))
    assert torch.allclose(2 * found, value)


def test_a_term_that_differentiates_gets_its_graph_and_its_noise():
    start, term = data(), Divergence()
    both = NeuralODE(network(), method="rk4", steps=2, running=Regularizer(kinetic=0.5, term=term))(start)[1]
    one = NeuralODE(network(), method="rk4", steps=2, running=Regularizer(kinetic=0.5))(start)[1]
    other = NeuralODE(network(), method="rk4", steps=2, running=term)(start)[1]
    assert torch.allclose(both, one + other)


def test_without_autograd_nothing_keeps_a_graph():
    """Though the slope is differentiated, at every evaluation."""
    cost, start = Regularizer(kinetic=1.0, jacobian=1.0), data().detach()
    module = nn.ModuleList([network(), cost])
    solved = parts(module[0], [cost], start, None, Held(module))
    with torch.no_grad():
        assert not any(one.requires_grad for one in solved.slopes(torch.tensor(0.0), (start, start[:, 0])))
    assert all(one.requires_grad for one in solved.slopes(torch.tensor(0.0), (start, start[:, 0])))


def test_outside_of_solves_it_is_a_function():
    field, start = network(), data()
    slope = field(start)
    found = Regularizer(kinetic=2.0, jacobian=1.0)(torch.tensor(0.0), start, None, slope)
    jacobians = torch.stack([torch.autograd.functional.jacobian(lambda z: field(z[None])[0], one) for one in start.detach()])
    assert torch.allclose(found, 2 * slope.square().sum(1) + jacobians.square().sum((1, 2)))


REFUSED = {
    "no weight and no term": lambda: Regularizer(),
    "has noise, but no weight for the Jacobian": lambda: Regularizer(kinetic=1.0, noise="gaussian"),
    "measure is 'positive'; give 'signed' or 'absolute'": lambda: Regularizer(kinetic=1.0, measure="positive"),
    r"the running cost takes 0 arguments; give": lambda: NeuralODE(network(), running=lambda *z: z[0]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
