"""Faults that published libraries had, each looked for here."""

import warnings
from collections import OrderedDict

import numpy as np
import pytest
import sympy as sp
import torch
from torch import nn

import odeanalysis as oda
from odeanalysis.tableaus import tableau
from tests.solvers.problems import EXPLICIT
from tests.torchbridge.solved import gradients, tensors
from torchbridge.gradients.continuous import Backsolve, ContinuousAdjoint
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.modules import NeuralODE
from torchbridge.problems.solving import solve
from torchbridge.solvers.tapes import Checkpointed

WAYS = {
    "discrete": DiscreteAdjoint(),
    "checkpoints": DiscreteAdjoint(Checkpointed(1)),
    "autograd": Direct(),
    "adjoint": ContinuousAdjoint(),
    "backsolve": Backsolve(),
}
EVERY = pytest.mark.parametrize("way", WAYS)
TIGHT = oda.Settings("dopri5", rtol=1e-10, atol=1e-12)
CLOSE = 1e-8  # relative, of solves at those tolerances
s = oda.depth
z, k, x, a, seen = (oda.block(name) for name in ("z", "k", "x", "a", "seen"))


def decay(objective, domain=(0, 1), reduction="mean"):
    """z' = -k z, z(s0) = x, for a batch of x."""
    return oda.Problem(oda.Model({z: -k * z}, {z: x}, domain, [k], [x]), objective, reduction)


VALUES = {"k": 0.7, "x": [1.0, -2.0, 0.5]}
K, X = 0.7, np.array(VALUES["x"])
ENERGY = (1 - np.exp(-2 * K)) / (2 * K)  # the integral of exp(-2 k s) over [0, 1]
ENERGY_IN_K = np.exp(-2 * K) / K - ENERGY / K


def slope(module: nn.Module, name: str) -> torch.Tensor:
    """The gradient that a parameter has received."""
    found = module.get_parameter(name).grad
    assert found is not None
    return found


def solved(problem, values, way, **options):
    given = tensors(values)
    return solve(problem, given, TIGHT, WAYS[way], **options), given


@EVERY
def test_ten_times_the_loss_has_ten_times_the_gradient(way):
    """Also of what an integral loss, an observation and the end give to it, and of what is multiplied behind the solve."""
    observed = oda.Observation((0, 0.5, 1), (z - seen) ** 2, (seen,))
    values = {**VALUES, "seen": [0.1, 0.2, 0.3]}
    found = []
    for inside, behind in ((1, 1), (10, 1), (1, 10)):
        scaled = oda.Observation(observed.at, inside * observed.cost, observed.data)
        run, given = solved(decay(oda.Objective(inside * z**2, inside * k * z**2, (scaled,))), values, way)
        found.append(gradients(behind * run.value, given))
    for name, one in found[0].items():
        assert one.any()
        for other in found[1:]:
            np.testing.assert_allclose(other[name], 10 * one, rtol=CLOSE)


@EVERY
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_integral_loss_has_its_value_and_its_gradient_and_is_reduced_as_asked(reduction, way):
    run, given = solved(decay(oda.Objective(running=z**2), reduction=reduction), VALUES, way)
    reduce = np.mean if reduction == "mean" else np.sum
    np.testing.assert_allclose(run.losses.detach(), X**2 * ENERGY, rtol=CLOSE)
    np.testing.assert_allclose(run.running.detach(), X**2 * ENERGY, rtol=CLOSE)
    assert run.value.item() == pytest.approx(reduce(X**2 * ENERGY), rel=CLOSE)
    found = gradients(run.value, given)
    assert found["k"] == pytest.approx(reduce(X**2 * ENERGY_IN_K), rel=CLOSE)
    np.testing.assert_allclose(found["x"], 2 * X * ENERGY / (3 if reduction == "mean" else 1), rtol=CLOSE)


@EVERY
def test_a_cost_module_gives_the_value_of_its_integral_too(way):
    """The field is called, the cost contains its parameter: d/dk of k^2 int z^2."""
    rate = nn.Parameter(torch.tensor(K, dtype=torch.float64))

    class Decay(nn.Module):
        def __init__(self):
            super().__init__()
            self.rate = rate

        def forward(self, z):
            return -self.rate * z

    class Cost(Decay):
        def forward(self, z):
            return self.rate**2 * z.square().sum(1)

    module = NeuralODE(Decay(), running=Cost(), method="dopri5", rtol=1e-10, atol=1e-12, sensitivity=WAYS[way])
    state = torch.tensor(X, dtype=torch.float64).reshape(3, 1)
    end, cost = module(state)
    np.testing.assert_allclose(end.detach()[:, 0], X * np.exp(-K), rtol=CLOSE)
    np.testing.assert_allclose(cost.detach(), K**2 * X**2 * ENERGY, rtol=CLOSE)
    (10 * cost.sum()).backward()
    assert slope(module, "field.rate").item() == pytest.approx(10 * np.sum(X**2) * (2 * K * ENERGY + K**2 * ENERGY_IN_K), rel=CLOSE)


@EVERY
@pytest.mark.parametrize("domain", [(0, 1), (1, 0)])
def test_a_loss_at_an_inner_depth_meets_the_cotangent_of_that_depth(domain, way):
    """Depths in no order, one of them twice: each sees its own state."""
    at, weights = [0.8, 0.1, 0.5, 0.1], np.array([1.0, -2.0, 3.0, 5.0])
    observed = oda.Observation(at, seen * z, (seen,))
    run, given = solved(decay(oda.Objective(observations=(observed,)), domain, "sum"), {**VALUES, "seen": weights}, way)
    along = np.array([abs(depth - domain[0]) for depth in at]) * (1 if domain[1] > domain[0] else -1)
    parts = np.exp(-K * along)
    np.testing.assert_allclose(run.observed(0)["z"].detach(), X * parts[:, None], rtol=CLOSE)
    found = gradients(run.value, given)
    np.testing.assert_allclose(found["x"], np.full(3, weights @ parts), rtol=CLOSE)
    assert found["k"] == pytest.approx(-X.sum() * (weights @ (along * parts)), rel=CLOSE)


@EVERY
def test_both_ends_have_the_gradient_with_its_sign(way):
    """z = x exp(-k (S - s0)): dz/dS = -k z, dz/ds0 = k z, and the integral loses l(s0) = x^2."""
    low, high = oda.block("low"), oda.block("high")
    model = oda.Model({z: -k * z}, {z: x}, (low, high), [k, low, high], [x])
    run, given = solved(oda.Problem(model, oda.Objective(z, z**2), "sum"), {**VALUES, "low": 0.2, "high": 1.1}, way)
    found, end = gradients(run.value, given), X * np.exp(-K * 0.9)
    energy = X**2 * np.exp(-2 * K * 0.9)
    assert found["high"] == pytest.approx(np.sum(-K * end + energy), rel=CLOSE)
    assert found["low"] == pytest.approx(np.sum(K * end - energy), rel=CLOSE)


@EVERY
def test_data_that_a_field_and_an_input_layer_see_are_not_detached(way):
    """z' = x, z(0) = w x: z(1) = (w + 1) x, so that dz/dx = w + 1, and an encoder before it learns from both."""
    w = oda.block("w")
    problem = oda.Problem(oda.Model({z: x}, {z: w * x}, (0, 1), [w], [x]), oda.Objective(z))
    encoder = nn.Linear(1, 1, bias=False).double()
    inputs = torch.tensor([[0.3], [0.8]], dtype=torch.float64)
    module = NeuralODE(problem, values={"w": 1.5}, dtype=torch.float64, sensitivity=WAYS[way])
    module(encoder(inputs)[:, 0]).sum().backward()
    assert slope(encoder, "weight").item() == pytest.approx(2.5 * 1.1, rel=CLOSE)
    assert slope(module, "w").item() == pytest.approx(float(encoder.weight.detach()) * 1.1, rel=CLOSE)


@EVERY
def test_data_that_a_called_field_sees_are_not_detached(way):
    encoder = nn.Linear(1, 1, bias=False).double()
    inputs = torch.tensor([[0.3], [0.8]], dtype=torch.float64)
    module = NeuralODE(lambda s, z, x: x, sensitivity=WAYS[way])
    encoded = encoder(inputs)
    module(1.5 * encoded, encoded).sum().backward()
    assert slope(encoder, "weight").item() == pytest.approx(2.5 * 1.1, rel=CLOSE)


class Partly(nn.Module):
    """A field with a parameter in a submodule of a submodule, and two that nothing reads."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(OrderedDict(deep=nn.Sequential(nn.Linear(2, 2))))
        self.idle, self.matrix = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2, 5))

    def forward(self, z):
        return self.inner(z)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "autograd"])
def test_parameters_that_nothing_reads_get_zeros_and_a_warning_by_name(way):
    field = Partly()
    with pytest.warns(UserWarning, match=r"^parameters idle, matrix do not reach the value of the field: their gradients are 0"):
        NeuralODE(field, sensitivity=WAYS[way])(torch.ones(4, 2)).sum().backward()
    assert slope(field, "idle").tolist() == [0, 0, 0] and not slope(field, "matrix").any()
    assert slope(field, "inner.deep.0.weight").any() and slope(field, "inner.deep.0.bias").any()


@pytest.mark.parametrize("way", [way for way in WAYS if way != "autograd"])
def test_stated_parameters_that_nothing_reads_too(way):
    idle = oda.block("idle", 3)
    model = oda.Model({z: -k * z}, {z: x}, (0, 1), [k, idle], [x], name="partly")
    with pytest.warns(UserWarning, match=r"^parameters 'idle' of 'partly' appear in no expression: their gradients are 0"):
        module = NeuralODE(model, sensitivity=WAYS[way])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module(torch.ones(2)).sum().backward()
    assert slope(module, "idle").tolist() == [0, 0, 0] and slope(module, "k").any()


@pytest.mark.parametrize("name", EXPLICIT)
def test_a_step_in_float64_has_all_digits_of_its_method(name):
    """One step on z' = -z, against the tableau in 40 digits."""
    module = NeuralODE(oda.Model({z: -z}, {z: x}, (0, 1), [], [x]), method=name, steps=1)
    field = NeuralODE(lambda z: -z, method=name, steps=1)
    start = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for found in (module(start), field(start)):
        assert found.dtype == torch.float64
        np.testing.assert_allclose(found, float(one_step(tableau(name))) * start, rtol=1e-14)


def one_step(method):
    """1 + sum_i b_i k_i with k_i = -(1 + sum_j a_ij k_j)."""
    slopes = []
    for row in method.a:
        slopes.append(-(1 + sum(sp.N(a, 40) * k for a, k in zip(row, slopes, strict=False))))
    return 1 + sum(sp.N(b, 40) * k for b, k in zip(method.b, slopes, strict=True))


# z = k + (3 - k) exp(-50 s), which runs into k, with the integral of z^2 as loss
CONTRACTING = oda.Problem(oda.Model({z: -50 * (z - k)}, {z: 3}, (0, 1), [k]), oda.Objective(running=z**2))
SLOPE = 2 * K + 2 * (3 - 2 * K) / 50 - 2 * (3 - K) / 100


@pytest.mark.parametrize("way", ["discrete", "checkpoints", "autograd", "adjoint"])
def test_a_field_that_contracts_keeps_its_digits(way):
    run, given = solved(CONTRACTING, {"k": K}, way)
    assert gradients(run.value, given)["k"] == pytest.approx(SLOPE, rel=CLOSE)


def test_integrating_it_back_does_not_and_is_never_the_default():
    """An error of 1e-8 at the end is one of 1e13 at the start."""
    given = tensors({"k": K})
    found = gradients(solve(CONTRACTING, given, oda.Settings("dopri5", rtol=1e-6, atol=1e-8), Backsolve()).value, given)
    assert abs(found["k"] / SLOPE - 1) > 1
    assert NeuralODE(CONTRACTING).solver.sensitivity == DiscreteAdjoint()
