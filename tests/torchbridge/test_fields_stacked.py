"""Fields that follow one another in depth: their flow is the composition of the pieces' flows, to the order of the method."""

import warnings

import numpy as np
import pytest
import sympy as sp
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.errors import ModelError
from tests.torchbridge.networks import (
    AGREED,
    LAYERS,
    along,
    by_odeanalysis,
    data,
    network,
    shaken,
    stated,
    summed,
)
from torchbridge import Backsolve, Checkpointed, ContinuousAdjoint, Direct, DiscreteAdjoint, NeuralODE
from torchbridge.fields import DataControl, DepthConcat, Galerkin, Stacked

NODES = (0.0, 0.37, 0.6, 1.0)
PARTS = ("W1", "b1", "W2", "b2")
SENSITIVITIES = {
    "discrete": DiscreteAdjoint(),
    "checkpointed": DiscreteAdjoint(Checkpointed(2)),
    "direct": Direct(),
    "adjoint": ContinuousAdjoint(),
    "backsolve": Backsolve(),
}


def pieces(trainable: bool = False) -> Stacked:
    """Three networks with weights of their own."""
    field = shaken(Stacked(network(), NODES, trainable=trainable))
    if trainable:
        field.inner.data = torch.tensor(NODES[1:-1], dtype=torch.float64)
    return field


def by_name(field: Stacked) -> dict[str, Tensor]:
    """The weights of all pieces, stacked as the stated model has them."""
    known = dict(field.named_parameters())
    return {name: torch.stack([known[f"fields.{i}.{key}"] for i in range(len(field.fields))]) for key, name in LAYERS.items()}


def gradient(value: Tensor, field: nn.Module) -> Tensor:
    return torch.cat([one.reshape(-1) for one in torch.autograd.grad(value, list(field.parameters()), materialize_grads=True)])


@pytest.mark.parametrize("name", ["discrete", "checkpointed", "direct"])
def test_states_and_gradients_are_those_of_the_stated_model(name: str):
    field, start = pieces(), data()
    module = NeuralODE(field, method="rk4", steps=5, sensitivity=SENSITIVITIES[name])
    value = (module(start) @ along()).sum()
    found = dict(zip((key for key, _ in field.named_parameters()), torch.autograd.grad(value, list(field.parameters())), strict=True))
    known = by_odeanalysis(summed(oda.stacked(stated(), PARTS, NODES)), {**by_name(field), "x": start, "w": along()})
    assert abs(value.item() - known.value) < AGREED
    for key, stated_name in LAYERS.items():
        here = torch.stack([found[f"fields.{i}.{key}"] for i in range(3)])
        assert torch.allclose(here, torch.as_tensor(known.gradients[stated_name]), rtol=AGREED, atol=AGREED)


@pytest.mark.parametrize("name", SENSITIVITIES)
@pytest.mark.parametrize("domain", [(0.0, 1.0), (0.9, 0.1)], ids=["forward", "backward"])
def test_one_flow_is_the_composition_of_the_flows_of_the_pieces(name: str, domain: tuple[float, float]):
    """States and gradients, as of three neural ODEs in a row, and in both directions."""
    field, start = pieces(), data()
    tight = {"rtol": 1e-9, "atol": 1e-11}
    one = NeuralODE(field, domain=domain, sensitivity=SENSITIVITIES[name], **tight)(start)
    cuts = [domain[0], *sorted(NODES[1:-1], reverse=domain[0] > domain[1]), domain[1]]
    order = list(field.fields)[:: 1 if domain[0] < domain[1] else -1]
    state = start
    for piece, low, high in zip(order, cuts, cuts[1:], strict=False):
        state = NeuralODE(piece, domain=(low, high), **tight)(state)
    assert torch.allclose(one, state, rtol=1e-8)
    expected = gradient((state @ along()).sum(), field)
    assert torch.allclose(gradient((one @ along()).sum(), field), expected, rtol=1e-6, atol=1e-8)


def test_it_is_galerkin_with_indicator_functions():
    field, start = pieces(), data()
    other = Galerkin(network(), oda.Indicator(NODES))
    for name, value in by_name(field).items():
        key = next(key for key, stated_name in LAYERS.items() if stated_name == name)
        other.layer.get_parameter(key).data = value.detach()
    one, two = (NeuralODE(module, method="rk4", steps=4)(start) for module in (field, other))
    assert torch.allclose(one, two, rtol=1e-14)
    grouped = gradient((two @ along()).sum(), other)
    keys = list(LAYERS)
    sizes = [other.layer.get_parameter(key).numel() for key in keys]
    parts = dict(zip(keys, grouped.split(sizes), strict=True))
    single = dict(
        zip((key for key, _ in field.named_parameters()), torch.autograd.grad((one @ along()).sum(), list(field.parameters())), strict=True)
    )
    for key, part in parts.items():
        assert torch.allclose(torch.stack([single[f"fields.{i}.{key}"] for i in range(3)]).reshape(-1), part, rtol=1e-12, atol=1e-14)


class ByDepth(nn.Module):
    """The pieces again, looked up by the depth of a stage: what must not be done."""

    def __init__(self, field: Stacked):
        super().__init__()
        self.fields = field.fields

    def forward(self, s: Tensor, z: Tensor) -> Tensor:
        return self.fields[int((s >= torch.tensor(NODES[1:-1])).sum())](z)


def slopes(field: nn.Module, domain: tuple[float, float], **options: object) -> float:
    """The order at which the error of RK4 falls, from 8 to 16 steps."""
    start = data().detach()
    exact = NeuralODE(pieces(), domain=domain, rtol=1e-12, atol=1e-13)(start)
    coarse, fine = ((NeuralODE(field, domain=domain, method="rk4", steps=n, **options)(start) - exact).abs().max() for n in (8, 16))
    return float(torch.log2(coarse / fine).detach())


@pytest.mark.parametrize("domain", [(0.0, 1.0), (1.0, 0.0)], ids=["forward", "backward"])
def test_rk4_keeps_its_order_across_nodes(domain: tuple[float, float]):
    assert slopes(pieces(), domain) > 3.7
    assert slopes(ByDepth(pieces()), (0.0, 1.0), breakpoints=NODES[1:-1]) < 1.5


def test_nodes_are_learned_as_in_the_stated_model():
    """dell/ds_i = a(s_i)^T (f_{i-1} - f_i) + l_{i-1} - l_i, with the running cost |z|^2."""
    field, start = pieces(trainable=True), data()
    module = NeuralODE(field, method="rk4", steps=5, running=lambda z: z.square().sum(1))
    state, cost = module(start)
    found = torch.autograd.grad((state @ along()).sum() + cost.sum(), field.inner)[0]
    first, second = sp.symbols("first second", real=True)
    model = oda.stacked(stated().with_(parameters=(*stated().parameters, first, second)), PARTS, (0, first, second, 1))
    problem = summed(model, running=oda.sumsq(model.states[0]))
    values = {**by_name(field), "x": start, "w": along(), "first": field.inner[0], "second": field.inner[1]}
    known = by_odeanalysis(problem, values)
    assert np.allclose(found.numpy(), [known.gradients[name] for name in ("first", "second")], rtol=AGREED)


@pytest.mark.parametrize("name", ["discrete", "direct"])
def test_nodes_have_second_derivatives(name: str):
    field, start = pieces(trainable=True), data().detach()
    module = NeuralODE(field, method="rk4", steps=3, sensitivity=SENSITIVITIES[name])

    def value(nodes: Tensor) -> Tensor:
        return torch.func.functional_call(module, {"field.inner": nodes}, (start,)).square().sum()

    inner = field.inner.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, inner)
    assert torch.autograd.gradgradcheck(value, inner)


def test_samples_in_different_pieces_at_the_same_time():
    """Depths of every sample's own: each sample alone gives the same, gradients included."""
    field, start = shaken(Stacked(network(), (-2.0, 0.2, 0.6, 2.0))), data().detach()
    module = NeuralODE(field, domain=(0.0, lambda z: z[:, 0]), method="rk4", steps=6)
    together = module(start)
    alone = torch.cat([module(start[i : i + 1]) for i in range(len(start))])
    assert len({*np.searchsorted([0.2, 0.6], start[:, 0].numpy())}) > 1
    assert torch.allclose(together, alone, rtol=1e-13)
    assert torch.allclose(gradient((together @ along()).sum(), field), gradient((alone @ along()).sum(), field), rtol=1e-12, atol=1e-13)


def test_pieces_of_different_kinds_that_take_depth_and_data():
    torch.manual_seed(0)
    made = [nn.Linear(2, 2), DepthConcat(nn.Linear(3, 2)), DataControl(nn.Linear(3, 2))]
    field, start, x = Stacked([one.double() for one in made], NODES), data(), data(1)
    state = start
    for piece, low, high in zip(made, NODES, NODES[1:], strict=False):
        state = NeuralODE(piece, domain=(low, high), method="rk4", steps=2)(state, x)
    assert torch.allclose(NeuralODE(field, method="rk4", steps=6)(start, x), state, rtol=1e-3)
    own = torch.tensor([0.1, 0.4, 0.7, 0.9]).double()
    expected = torch.stack([field(own[i], start[i : i + 1], x[i : i + 1])[0] for i in range(4)])
    assert torch.allclose(field(own, start, x), expected)


def test_outside_of_solves_the_depth_decides():
    field, start = pieces(), data()
    for depth, piece in ((0.0, 0), (0.369, 0), (0.37, 1), (0.6, 2), (1.0, 2)):
        assert torch.equal(field(torch.tensor(depth, dtype=torch.float64), start), field.fields[piece](start))


def test_depths_that_are_asked_for_may_be_nodes():
    field, start = pieces(), data()
    found = NeuralODE(field, method="rk4", steps=20)(start, at=[0.2, 0.37, 1.0])
    assert torch.allclose(found[1], NeuralODE(field.fields[0], domain=(0, 0.37), method="rk4", steps=8)(start), rtol=1e-8)
    assert torch.allclose(found[2], NeuralODE(field, method="rk4", steps=20)(start), rtol=1e-6)


def test_every_piece_is_known_to_be_used():
    """No warning of parameters that do not reach the field, which the first piece alone would bring."""
    field = pieces(trainable=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NeuralODE(field, method="rk4", steps=2)(data())


REFUSED = {
    "3 nodes for 3 pieces": lambda: Stacked([nn.Linear(2, 2)] * 3, [0, 0.5, 1]),
    r"\[0.0, 0.7, 0.5, 1.0\]; give finite depths that increase": lambda: Stacked(nn.Linear(2, 2), [0, 0.7, 0.5, 1]),
    "1 nodes for 0 pieces": lambda: Stacked(nn.Linear(2, 2), [0]),
    "lies outside the nodes of Stacked, from 0 to 1": lambda: NeuralODE(pieces(), domain=(0, 2))(data()),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()


def test_nodes_that_training_brings_out_of_order_are_refused():
    field = pieces(trainable=True)
    field.inner.data = torch.tensor([0.6, 0.3]).double()
    with pytest.raises(ModelError, match="give finite depths that increase"):
        NeuralODE(field)(data())


@pytest.mark.parametrize(("domain", "at"), [((0.0, 0.37), None), ((0.0, 1.0), [0.37])], ids=["an end", "a depth asked for"])
def test_a_node_that_moves_on_another_node_is_refused(domain: tuple[float, float], at: list[float] | None):
    with pytest.raises(ModelError, match=r"a break point that moves stands at 0\.37"):
        NeuralODE(pieces(trainable=True), domain=domain)(data(), at=at)
    NeuralODE(pieces())(data(), at=[0.37])
