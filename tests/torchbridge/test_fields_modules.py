"""Every field is a module like any other: saved, copied, cast, moved into other modules, and differentiated in all ways alike."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import odeanalysis as oda
from tests.torchbridge.networks import SIZE, data, network, shaken
from torchbridge import Backsolve, Checkpointed, ContinuousAdjoint, Direct, DiscreteAdjoint, NeuralODE
from torchbridge.fields import (
    AdaptiveDepth,
    Augmented,
    DataControl,
    DepthConcat,
    Flow,
    Galerkin,
    HigherOrder,
    Regularizer,
    Sequential,
    Stacked,
)

RK4 = {"method": "rk4", "steps": 3}
FIXED = {"generator": None, "noise": torch.ones_like}
# modules of a state [B, 2], some of data [B, 2] too, with whatever options
MODULES: dict[str, Callable[..., NeuralODE]] = {
    "galerkin": lambda **o: NeuralODE(shaken(Galerkin(network(), oda.Fourier(3, period=1))), **RK4, **o),
    "galerkin, own depths": lambda **o: NeuralODE(shaken(Galerkin(network(), oda.Hat((0, 0.4, 1)))), domain=(0, abs_first), **RK4, **o),
    "stacked": lambda **o: NeuralODE(shaken(Stacked(network(), [0, 0.4, 1])), **RK4, **o),
    "stacked, learned nodes": lambda **o: NeuralODE(shaken(Stacked(network(), [0, 0.4, 1], trainable=True), 0.01), **RK4, **o),
    "depth": lambda **o: NeuralODE(DepthConcat(network(SIZE + 1)), **RK4, **o),
    "data": lambda **o: NeuralODE(DataControl(network(2 * SIZE)), **RK4, **o),
    "layers": lambda **o: NeuralODE(Sequential(DepthConcat(network(3)), nn.Tanh(), DataControl(network(4))), **RK4, **o),
    "second order": lambda **o: NeuralODE(HigherOrder(network(2, 1)), **RK4, **o),
    "second order, with data": lambda **o: NeuralODE(HigherOrder(DataControl(network(4, 1))), **RK4, **o),
    "adaptive depth": lambda **o: NeuralODE(network(), domain=(0, AdaptiveDepth(nn.Linear(2, 1).double())), **RK4, **o),
    "flow": lambda **o: Flow(network(), **RK4, **o),
    "estimated flow": lambda **o: Flow(network(), divergence="hutchinson", **FIXED, **RK4, **o),
    "regularized": lambda **o: NeuralODE(network(), running=Regularizer(kinetic=1.0, jacobian=0.5), **RK4, **o),
    "inside another": lambda **o: NeuralODE(
        NeuralODE(Stacked(network(), [0, 0.3, 1]), method="rk4", steps=2), method="midpoint", steps=2, **o
    ),
}
EXACT = {"direct": Direct(), "checkpointed": DiscreteAdjoint(Checkpointed(1)), "discrete": DiscreteAdjoint()}


def abs_first(z: Tensor) -> Tensor:
    return z[:, 0].abs()


def called(module: "NeuralODE | Lent", start: Tensor | None = None) -> Tensor:
    """One number per sample from all that a module gives."""
    z = data() if start is None else start
    takes = getattr(module.field, "takes_data", False)
    found = module(z, data(seed=8).detach().to(z)[: len(z)]) if takes else module(z)
    blocks = found if isinstance(found, tuple) else (found,)
    return torch.stack([block.reshape(len(z), -1).cos().sum(1) for block in blocks]).sum(0)


def gradients(module: NeuralODE) -> dict[str, Tensor]:
    value = called(module).sum()
    names = dict(module.named_parameters())
    return dict(zip(names, torch.autograd.grad(value, list(names.values()), materialize_grads=True), strict=True))


@pytest.fixture(autouse=True)
def _same_draws():
    torch.manual_seed(11)


@pytest.mark.parametrize("name", MODULES)
def test_copies_are_equal_and_apart(name: str):
    """By deepcopy, by pickle, and by a state that is loaded."""
    module = MODULES[name]()
    expected = called(module)
    other = MODULES[name]()
    shaken(other)
    other.load_state_dict(module.state_dict())
    copies = [copy.deepcopy(module), pickle.loads(pickle.dumps(module)), other]
    for one in copies:
        assert torch.equal(called(one), expected)
        shaken(one)
        assert not torch.allclose(called(one), expected)
    assert torch.equal(called(module), expected)


@pytest.mark.parametrize("name", MODULES)
def test_every_exact_sensitivity_gives_the_same(name: str):
    torch.manual_seed(1)
    expected = gradients(MODULES[name](sensitivity=Direct()))
    assert any(one.abs().max() > 0 for one in expected.values())
    for sensitivity in EXACT.values():
        torch.manual_seed(1)
        found = gradients(MODULES[name](sensitivity=sensitivity))
        assert found.keys() == expected.keys()
        assert all(torch.allclose(found[key], one, rtol=1e-11, atol=1e-13) for key, one in expected.items())


def test_a_neural_ode_inside_another_keeps_its_break_points_to_itself():
    module = MODULES["inside another"]()
    inner = module.field
    assert isinstance(inner, NeuralODE) and isinstance(called(module), Tensor)
    assert module.statistics["steps"] == 2 and inner.statistics["steps"] == 3


@pytest.mark.parametrize("name", MODULES)
def test_gradients_in_the_state_are_those_of_differences(name: str):
    module = MODULES[name]()
    start = data().detach()[:2].requires_grad_()
    assert torch.autograd.gradcheck(lambda z: called(module, z), start)


@pytest.mark.parametrize("sensitivity", [*EXACT.values(), ContinuousAdjoint(), Backsolve()], ids=lambda one: one.name)
@pytest.mark.parametrize("name", ["galerkin", "stacked", "regularized"])
def test_parameters_that_are_lent_for_a_call_get_their_gradients(name: str, sensitivity: object):
    """`functional_call` takes them back before the gradient is computed; so do the module's own for the next call."""
    module = MODULES[name](sensitivity=sensitivity)
    own = called(module).detach()
    lent = {key: (one.detach() * 1.1).requires_grad_() for key, one in module.named_parameters()}
    value = called(Lent(module, lent)).sum()
    found = torch.autograd.grad(value, list(lent.values()), materialize_grads=True)
    for one, parameter in zip(lent.values(), module.parameters(), strict=True):
        parameter.data = one.detach()
    expected = gradients(module)
    assert not torch.allclose(value, own.sum())
    assert all(torch.allclose(one, other, rtol=1e-12, atol=1e-14) for one, other in zip(found, expected.values(), strict=True))


class Lent(nn.Module):
    """A module with other parameters."""

    def __init__(self, module: NeuralODE, lent: dict[str, Tensor]):
        super().__init__()
        self.module, self.lent, self.field = module, lent, module.field

    def forward(self, z: Tensor) -> Tensor:
        return torch.func.functional_call(self.module, self.lent, (z,))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "galerkin, own depths"])
def test_single_precision(name: str):
    """What float64 gives, to the rounding of float32 (2^-23 = 1.2e-7 for each of some hundred operations)."""
    module = MODULES[name]()
    expected = called(module).detach()
    single = called(module.float(), data().float())
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), expected, rtol=1e-4, atol=1e-5)


def test_a_whole_network_is_one_sequence():
    """Augmentation, a second-order Galerkin flow, and a read-out, trained a step."""
    field = HigherOrder(DepthConcat(Galerkin(network(5, 2), oda.Chebyshev(2))))
    net = nn.Sequential(Augmented(2), NeuralODE(field, **RK4), nn.Linear(4, 1).double())
    before = net(data()).square().sum()
    before.backward()
    for one in net.parameters():
        assert one.grad is not None
        one.data -= 1e-2 * one.grad
    assert net(data()).square().sum() < before
