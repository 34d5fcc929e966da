"""Parameters of any layer as functions of depth: the same states and gradients as the stated model, for every basis."""

from typing import Any, cast

import numpy as np
import pytest
import sympy as sp
import torch
from torch import nn

import odeanalysis as oda
from odeanalysis.errors import ModelError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import formula
from odeanalysis.targets.callables import compile_numpy
from tests.bases import BASES_TRIED, DOMAIN
from tests.torchbridge.networks import (
    AGREED,
    along,
    by_odeanalysis,
    by_torch,
    data,
    difference,
    network,
    shaken,
    stated,
    summed,
    weights,
)
from torchbridge import NeuralODE
from torchbridge.fields import DepthConcat, Galerkin, Stacked
from torchbridge.fields.basis import Functions

T, k = sp.symbols("T k", real=True)
BASES = {
    "fourier": oda.Fourier(5, period=1),
    "one constant": oda.Fourier(1, period=1),
    "chebyshev": oda.Chebyshev(3),
    "legendre": oda.Legendre(3),
    "monomial": oda.Monomial(3),
    "hat": oda.Hat((0, 0.37, 1)),
    "spline": oda.Spline((0, 0.37, 1), degree=2),
    "steps": oda.Spline((0, 0.37, 1), degree=0),
    "indicator": oda.Indicator((0, 0.37, 1)),
    "radial": oda.Radial((0, 0.5, 1), width=0.7),
    "dilated": oda.Dilated(oda.Hat((0, 0.5, 1)), scale=0.8, shift=0.1),
}
LEARNED = {
    "period": (oda.Fourier(3, period=T), {"T": 1.3}),
    "knot of hats": (oda.Hat((0, k, 1)), {"k": 0.37}),
    "node": (oda.Indicator((0, k, 1)), {"k": 0.37}),
    "scale and shift": (oda.Dilated(oda.Spline((0, 0.4, 1)), scale=T, shift=k), {"T": 1.2, "k": 0.07}),
}


@pytest.mark.parametrize("name", BASES_TRIED)
def test_emitted_bases_are_those_of_odeanalysis(name: str):
    """At depths inside, outside and at the edges of pieces, one by one and together."""
    basis = BASES_TRIED[name].basis
    on_arrays = compile_numpy(formula("basis", (oda.depth,), {"psi": ex.concat(*basis.functions(oda.depth, DOMAIN))}))
    edges = [float(one) for one in basis.breakpoints(DOMAIN)]
    depths = np.array([*np.linspace(0.3, 2.7, 9), *edges])
    expected = np.broadcast_to(on_arrays(depths)[0], (len(depths), basis.terms))
    emitted = Functions(basis, DOMAIN, {})
    assert np.allclose(emitted(torch.tensor(depths)).numpy(), expected, rtol=1e-12, atol=1e-14)
    assert np.allclose(emitted(torch.tensor(depths[3])).numpy(), expected[3], rtol=1e-12, atol=1e-14)
    assert sorted(emitted.breakpoints) == sorted(edges)


@pytest.mark.parametrize("name", BASES)
def test_states_and_gradients_are_those_of_the_stated_model(name: str):
    basis, start = BASES[name], data()
    field = shaken(Galerkin(network(), basis))
    values = {**weights(field, "layer."), "x": start, "w": along()}
    found = by_torch((NeuralODE(field, method="rk4", steps=5)(start) @ along()).sum(), values)
    model = oda.galerkin(stated(), dict.fromkeys(("W1", "b1", "W2", "b2"), basis))
    assert difference(found, by_odeanalysis(summed(model), values)) < AGREED


def test_parameters_may_have_bases_of_their_own_and_some_stay():
    bases, start = {"0.weight": BASES["hat"], "2.bias": BASES["fourier"]}, data()
    field = shaken(Galerkin(network(), bases))
    values = {**weights(field, "layer."), "x": start, "w": along()}
    assert values["W2"].ndim == 2
    found = by_torch((NeuralODE(field, method="rk4", steps=5)(start) @ along()).sum(), values)
    model = oda.galerkin(stated(), {"W1": BASES["hat"], "b2": BASES["fourier"]})
    assert difference(found, by_odeanalysis(summed(model), values)) < AGREED


@pytest.mark.parametrize("name", LEARNED)
def test_symbols_of_a_basis_are_learned(name: str):
    """A period, a scale, and knots, which move the break points of the solve."""
    basis, values = LEARNED[name]
    field, start = shaken(Galerkin(network(), basis, ["0.weight"], values=values), 0.02).double(), data()
    learned = {name.rpartition(".")[2]: one for name, one in field.named_parameters() if ".values." in name}
    known = {**weights(field, "layer."), **learned, "x": start, "w": along()}
    found = by_torch((NeuralODE(field, method="rk4", steps=5)(start) @ along()).sum(), known)
    model = oda.galerkin(stated().with_(parameters=(*stated().parameters, *(sp.Symbol(one, real=True) for one in learned))), {"W1": basis})
    assert learned.keys() == values.keys()
    assert difference(found, by_odeanalysis(summed(model), known)) < AGREED


@pytest.mark.parametrize("name", ["fourier", "hat", "indicator"])
def test_samples_with_depths_of_their_own(name: str):
    """Each has its own parameters at a time, and its own piece of the basis."""
    basis, start = BASES[name], data()
    field = shaken(Galerkin(network(), basis))
    values = {**weights(field, "layer."), "x": start, "w": along()}
    found = by_torch((NeuralODE(field, method="rk4", steps=5, domain=(0, lambda z: z[:, 0]))(start) @ along()).sum(), values)
    model = oda.galerkin(stated((0, oda.block("x", 2)[0])), dict.fromkeys(("W1", "b1", "W2", "b2"), basis))
    assert difference(found, by_odeanalysis(summed(model), values)) < AGREED


@pytest.mark.parametrize("name", ["fourier", "chebyshev", "hat", "spline", "indicator"])
def test_a_field_starts_as_its_layer(name: str):
    field, start = Galerkin(network(), BASES[name]), data()
    for depth in (torch.tensor(0.2).double(), torch.rand(len(start)).double()):
        assert torch.allclose(field(depth, start), network()(start), atol=1e-13)


def test_an_image_layer_and_its_norm():
    """What `at` gives is what the layer runs with, also where samples are at depths of their own."""
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.Softplus(), nn.Conv2d(4, 3, 1, bias=False)).double()
    field = shaken(Galerkin(layer, oda.Fourier(3, period=2)))
    images = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    depths = torch.tensor([0.3, 0.8], dtype=torch.float64)
    for i, depth in enumerate(depths):
        found = torch.func.functional_call(layer, field.at(depth), (images[i : i + 1],))
        assert torch.allclose(field(depth, images[i : i + 1]), found)
        assert torch.allclose(field(depths, images)[i : i + 1], found)
    assert NeuralODE(field, method="rk4", steps=2)(images).shape == images.shape


def test_layers_that_take_depth_and_data():
    """A Galerkin layer hands on what its layer takes; equal bases are evaluated once for a call."""

    class Driven(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Parameter(torch.tensor(0.7).double()), nn.Parameter(torch.tensor(-0.4).double())

        def forward(self, s, z, x):
            return self.a * z + self.b * x * s

    field, start, seen = Galerkin(Driven(), oda.Monomial(2)), data(), list[int]()
    field.functions[0].register_forward_hook(lambda *_: seen.append(1))
    depth, force = torch.tensor(0.3).double(), data(seed=5)
    assert torch.allclose(field(depth, start, force), 0.7 * start - 0.4 * 0.3 * force)
    assert len(seen) == len(field.functions) == 1
    own = torch.rand(len(start)).double()
    assert torch.allclose(field(own, start, force), 0.7 * start - 0.4 * own[:, None] * force)


def test_a_parameter_that_two_layers_share_stays_shared():
    first, second = nn.Linear(2, 2).double(), nn.Linear(2, 2).double()
    second.weight = first.weight
    field = shaken(Galerkin(nn.Sequential(first, second), oda.Monomial(2), ["0.weight"]))
    assert len(list(field.parameters())) == 3
    theta, start, depth = field.at(torch.tensor(0.4).double())["0.weight"], data(), torch.tensor(0.4).double()
    inner = start @ theta.T + field.layer.get_parameter("0.bias")
    assert torch.allclose(field(depth, start), inner @ theta.T + field.layer.get_parameter("1.bias"))


def test_the_layer_given_is_left_as_it_is():
    layer = network()
    before = {name: one.clone() for name, one in layer.named_parameters()}
    shaken(Galerkin(layer, BASES["fourier"]))
    assert all(torch.equal(one, before[name]) for name, one in layer.named_parameters())


REFUSED = {
    "is no parameter of Sequential; did you mean '0.weight'": lambda: Galerkin(network(), BASES["hat"], ["0.weigth"]),
    "no parameter varies; give a layer with parameters": lambda: Galerkin(nn.Tanh(), BASES["hat"]),
    "'fourier' is no basis; give one of odeanalysis": lambda: Galerkin(network(), cast(Any, "fourier")),
    "got builtin_function_or_method; give an nn.Module": lambda: Galerkin(cast(Any, abs), BASES["hat"]),
    "one basis for a list, or the bases by name alone": lambda: Galerkin(network(), {"0.weight": BASES["hat"]}, ["0.weight"]),
    "contains 'T', which has no value; give one": lambda: Galerkin(network(), oda.Fourier(3, period=T)),
    "values has 'q', which no basis contains": lambda: Galerkin(network(), BASES["hat"], values={"q": 1.0}),
    "the domain of a basis is .*; give two finite numbers": lambda: Galerkin(network(), BASES["hat"], domain=(0, float("inf"))),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()


def test_pieces_inside_a_layer_with_depths_of_each_samples_own_are_refused():
    pieces = Stacked(DepthConcat(nn.Linear(3, 2).double()), [-9, 0.5, 9])
    field = NeuralODE(Galerkin(pieces, BASES["fourier"]), domain=(0, lambda z: z[:, 0]), method="rk4", steps=2)
    with pytest.raises(ModelError, match="put Galerkin layers into the pieces of Stacked"):
        field(data())
