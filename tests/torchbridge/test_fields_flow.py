"""Flows: the log-determinant is that of the solved map's Jacobian and of the stated model, exact and estimated, with noise that stays."""

from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.errors import ModelError
from tests.torchbridge.networks import (
    AGREED,
    SAMPLES,
    SIZE,
    along,
    by_odeanalysis,
    by_torch,
    data,
    difference,
    network,
    stated,
    summed,
    weights,
)
from torchbridge import Checkpointed, Direct, DiscreteAdjoint, NeuralODE
from torchbridge.fields import DataControl, Flow, Regularizer
from torchbridge.fields.jacobian import CHUNK, divergence, rows, squared_norm
from torchbridge.fields.noise import NOISES, Noise

SENSITIVITIES = {"discrete": DiscreteAdjoint(), "checkpointed": DiscreteAdjoint(Checkpointed(1)), "direct": Direct()}
SIGNS = [torch.tensor(signs, dtype=torch.float64) for signs in product((-1, 1), repeat=SIZE)]


def flowing(noisy: bool) -> oda.Model:
    """The stated network with log det, exact or estimated."""
    return oda.flow(stated(), "z", "ld", noise="eps" if noisy else None)


@pytest.mark.parametrize("name", SENSITIVITIES)
@pytest.mark.parametrize("noisy", [False, True], ids=["exact", "hutchinson"])
def test_states_determinants_and_gradients_are_those_of_the_stated_model(name: str, noisy: bool):
    field, start, eps = network(), data(), data(seed=9).detach()
    options: dict[str, Any] = {"divergence": "hutchinson", "noise": lambda z: eps} if noisy else {}
    state, ld = Flow(field, method="rk4", steps=5, sensitivity=SENSITIVITIES[name], **options)(start)
    values = {**weights(field), "x": start, "w": along()}
    found = by_torch((state @ along() + ld.cos()).sum(), values)
    model = flowing(noisy)
    cost = oda.dot(oda.block("w", SIZE), model.states[0]) + oda.cos(model.states[1])
    problem = summed(model.with_(inputs=(*model.inputs, oda.block("w", SIZE))), cost)
    assert difference(found, by_odeanalysis(problem, {**values, **({"eps": eps} if noisy else {})})) < AGREED


def test_the_determinant_is_that_of_the_solved_map():
    flow, start = Flow(network(), method="rk4", steps=20), data().detach()
    state, ld = flow(start)
    for i in range(2):
        jacobian = torch.autograd.functional.jacobian(partial(final, flow), start[i])
        assert isinstance(jacobian, Tensor)
        assert torch.allclose(torch.linalg.slogdet(jacobian)[1], ld[i], atol=1e-6)
    assert torch.allclose(state, NeuralODE(network())(start), atol=1e-6)


def final(flow: nn.Module, z: Tensor, x: Tensor | None = None) -> Tensor:
    """The final state of one sample."""
    return flow(z[None], x)[0][0]


def test_a_linear_field_grows_volumes_by_its_trace():
    A = torch.tensor([[0.3, -2.0], [1.0, 0.4]], dtype=torch.float64)
    ld = Flow(lambda z: z @ A.T, domain=(0.5, 2.0), method="rk4", steps=2)(data(), at=[1.0, 2.0])[1]
    assert torch.allclose(ld, torch.tensor([[0.35], [1.05]]).double().expand(2, SAMPLES))


def test_the_mean_estimate_is_the_exact_one():
    """Over all noises of signs; the state does not depend on them."""
    field, start = network(), data()
    exact, norm = NeuralODE(field, method="rk4", steps=3, running=Regularizer(jacobian=1.0))(start)
    flows = [Flow(field, divergence="hutchinson", noise=lambda z, e=e: e.expand_as(z), method="rk4", steps=3)(start) for e in SIGNS]
    costs = [Regularizer(jacobian=1.0, noise=lambda z, e=e: e.expand_as(z)) for e in SIGNS]
    norms = [NeuralODE(field, method="rk4", steps=3, running=cost)(start)[1] for cost in costs]
    ld = Flow(field, method="rk4", steps=3)(start)[1]
    assert all(torch.equal(state, exact) for state, _ in flows)
    assert torch.allclose(torch.stack([found for _, found in flows]).mean(0), ld, rtol=1e-12)
    assert torch.allclose(torch.stack(norms).mean(0), norm, rtol=1e-12)


# ---------------------------------------------------------------- noise


def seeded(sensitivity: Any) -> NeuralODE:
    generator = torch.Generator().manual_seed(1)
    return Flow(network(), divergence="hutchinson", noise="gaussian", generator=generator, sensitivity=sensitivity)


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_noise_stays_from_the_first_step_to_the_last_gradient(name: str):
    """Another solve in between draws other noise, and changes nothing."""
    start = data()
    flow, other = seeded(SENSITIVITIES[name]), seeded(SENSITIVITIES[name])
    first, expected = flow(start)[1], other(start)[1]
    second = flow(start)[1]
    assert torch.equal(first, expected) and not torch.allclose(first, second)
    once = torch.autograd.grad(first.sum(), list(flow.parameters()), create_graph=True)
    for one, two in zip(once, torch.autograd.grad(expected.sum(), list(other.parameters())), strict=True):
        assert torch.allclose(one, two, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_estimates_have_exact_gradients_of_every_order(name: str):
    """gradcheck solves again and again; a generator that is set anew gives the same noise each time."""

    def value(z: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(4)
        flow = Flow(network(), divergence="hutchinson", generator=generator, method="rk4", steps=2, sensitivity=SENSITIVITIES[name])
        return flow(z)[1]

    start = data().detach()[:2].requires_grad_()
    assert torch.autograd.gradcheck(value, start)
    assert torch.autograd.gradgradcheck(value, start)


@pytest.mark.parametrize("kind", NOISES)
def test_noise_has_mean_zero_and_variance_one(kind: str):
    """Within five standard errors."""
    found = Noise(kind, torch.Generator().manual_seed(0)).draw(torch.zeros(20_000, 2, dtype=torch.float64))
    assert abs(found.mean()) < 5 / 200 and abs(found.square().mean() - 1) < 5 * 2**0.5 / 200
    assert found.dtype == torch.float64
    assert (found.abs() == 1).all() == (kind == "rademacher")


def test_torchs_own_generator_is_the_default():
    torch.manual_seed(5)
    first = Noise().draw(torch.zeros(3, 3))
    torch.manual_seed(5)
    assert torch.equal(first, Noise().draw(torch.zeros(3, 3)))
    assert not torch.equal(first, Noise().draw(torch.zeros(3, 3)))


# ---------------------------------------------------------------- fields of other kinds


def test_the_inverse_undoes_the_flow():
    flow, start = Flow(network()), data()
    state, ld = flow(start)
    back, inverse = flow.inverse(state)
    assert torch.allclose(back, start, atol=1e-7) and torch.allclose(inverse, -ld, atol=1e-7)


def test_data_are_held():
    """D phi is the derivative in the state alone, also where state and data are one."""
    flow, start = Flow(DataControl(network(2 * SIZE)), method="rk4", steps=4), data().detach()
    ld = flow(start, start)[1]
    jacobian = torch.autograd.functional.jacobian(partial(final, flow, x=start[:1]), start[0])
    assert isinstance(jacobian, Tensor)
    assert torch.allclose(torch.linalg.slogdet(jacobian)[1], ld[0], rtol=1e-4)


def test_images_and_costs_beside():
    """A convolution's divergence is the number of pixels times its middle weights; costs follow the determinant."""
    layer = nn.Conv2d(2, 2, 3, padding=1, bias=False).double()
    images = torch.randn(2, 2, 4, 4, dtype=torch.float64)
    cost = Regularizer(kinetic=1.0)
    state, ld, speed = Flow(layer, method="rk4", steps=2, running=cost)(images)
    middle = layer.weight[[0, 1], [0, 1], 1, 1].sum()
    assert torch.allclose(ld, (16 * middle).expand(2))
    plain, alone = NeuralODE(layer, method="rk4", steps=2, running=cost)(images)
    assert torch.equal(state, plain) and torch.equal(speed, alone)


def test_jacobians_of_many_rows():
    """More than are computed at a time, and of slopes that depend on no state."""
    size = CHUNK + 3
    A = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z = torch.ones(2, size, dtype=torch.float64, requires_grad=True)
    slope = (z @ A.T).sin()
    expected = torch.diag_embed((z @ A.T).cos()) @ A
    assert torch.allclose(torch.cat(list(rows(z, slope))).movedim(1, 0), expected)
    assert torch.allclose(divergence(z, slope), expected.diagonal(0, 1, 2).sum(1))
    assert torch.allclose(squared_norm(z, slope), expected.square().sum((1, 2)))
    still = torch.ones(2, size, dtype=torch.float64)
    assert torch.equal(divergence(z, still), torch.zeros(2).double())
    assert torch.equal(divergence(z, (A[:2] * still.requires_grad_()).clone()), torch.zeros(2).double())


class Hamiltonian(nn.Module):
    """z = (q, p), z' = (dE/dp, -dE/dq): a field that differentiates an energy itself."""

    derives = True

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.energy = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1, bias=False)).double()

    def forward(self, z: Tensor) -> Tensor:
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(self.energy(z).sum(), z, create_graph=True)
        return torch.stack([slope[:, 1], -slope[:, 0]], 1)


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_a_field_that_differentiates_inside(name: str):
    """Energy and volume stay; values, gradients and those of gradients are exact."""
    field, start = Hamiltonian(), data().detach()
    flow = Flow(field, sensitivity=SENSITIVITIES[name])
    state, ld = flow(start)
    assert torch.allclose(field.energy(state), field.energy(start), atol=1e-7) and ld.abs().max() < 1e-12

    def value(z: Tensor) -> Tensor:
        return NeuralODE(field, method="rk4", steps=2, sensitivity=SENSITIVITIES[name])(z)

    few = start[:2].requires_grad_()
    assert torch.autograd.gradcheck(value, few) and torch.autograd.gradgradcheck(value, few)


REFUSED = {
    "divergence is 'trace'; give 'exact' or 'hutchinson'": lambda: Flow(network(), divergence="trace"),
    "noise is 'uniform'; give 'rademacher' or 'gaussian'": lambda: Flow(network(), noise="uniform"),
    r"the noise has shape \(3,\), the state \(4, 2\)": lambda: Flow(network(), divergence="hutchinson", noise=lambda z: z[:3, 0])(data()),
    "whose depth depends on its first state": lambda: Flow(network(), domain=(0, lambda z: z[:, 0])).inverse(data()),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
