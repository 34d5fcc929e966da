"""A sample is solved and differentiated as if it were alone: neither the ends nor the failures of those beside it reach it."""

import numpy as np
import pytest
import torch
from torch import nn

import odeanalysis as oda
from tests.torchbridge.solved import AGREED, difference, gradients, on_arrays, on_tensors, tensors
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.modules import NeuralODE
from torchbridge.problems.solving import solve
from torchbridge.solvers.tapes import Checkpointed, Full

WAYS = {
    "all stages kept": DiscreteAdjoint(Full()),
    "states kept": DiscreteAdjoint(Full(stages=False)),
    "checkpoints": DiscreteAdjoint(Checkpointed()),
    "one checkpoint": DiscreteAdjoint(Checkpointed(1)),
    "autograd": Direct(),
}
LOOSE = oda.Settings("dopri5", rtol=1e-1, atol=1e-1)
s = oda.depth
z, k, x, w = (oda.block(name) for name in "zkxw")


def ending(end, field, start):
    """A problem that ends at a depth, perhaps w, of each sample's own."""
    return oda.Problem(oda.Model({z: field}, {z: start}, (0, end), [k], [x, w]), oda.Objective(z**2, k * z))


# fields that are not defined where a sample would stand if it were carried on, or where a step that is rejected leads
NARROW = {
    "beside the path": (ending(w, k * oda.sqrt(s - z), -x), {"k": 4.0, "x": [0.07, 0.06, 0.08], "w": [0.5, 2.0, -0.01]}),
    "behind the end": (ending(w, -k * oda.sqrt(z), x), {"k": 1.0, "x": [0.05, 2.0, 3.0], "w": [0.44, 1.0, 2.5]}),
    "behind an end that stands": (ending(0.44, -k * oda.sqrt(z), x), {"k": 1.0, "x": [0.05, 2.0, 3.0], "w": 0.0}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NARROW)
def test_a_field_that_ends_beside_a_path_leaves_the_gradients_of_all_samples_finite(name, way):
    problem, values = NARROW[name]
    known = on_arrays(problem, values, LOOSE)
    assert all(np.isfinite(one).all() for one in known.gradients.values())
    assert difference(on_tensors(problem, values, LOOSE, WAYS[way]), known) < AGREED


# ---------------------------------------------------------------- beside others and alone

NET = oda.Problem(
    oda.Model({z: oda.sin(k * z) + s * x}, {z: x}, (0, w), [k], [x, w]),
    oda.Objective(z**2, k * z, (oda.Observation((0, w / 3), (z - k) ** 2),)),
    "sum",
)
SAMPLES = {"x": [0.5, -1.5, 3.0, 0.1, 2.0], "w": [1.0, -2.0, 0.02, 1e-9, 4.0]}  # of any length, forward and backward
ADAPTIVE = oda.Settings("bosh3", rtol=1e-4, atol=1e-6)


def of_rows(rows):
    return {"k": 0.8, **{name: np.array(values)[rows] for name, values in SAMPLES.items()}}


@pytest.mark.parametrize("way", WAYS)
def test_a_sample_has_its_own_steps_and_its_own_gradient_whoever_stands_beside_it(way):
    together, given = run(NET, of_rows([0, 1, 2, 3, 4]), way)
    parts = gradients(together.value, given)
    total = 0
    for b in range(5):
        alone, own = run(NET, of_rows([b]), way)
        assert alone.trace.statistics.accepted[0] == together.trace.statistics.accepted[b]
        assert alone.losses.item() == pytest.approx(together.losses[b].item(), rel=1e-13)
        found = gradients(alone.value, own)
        for name in SAMPLES:
            assert found[name][0] == pytest.approx(parts[name][b], rel=1e-12, abs=1e-13)
        total = total + found["k"]
    assert parts["k"] == pytest.approx(total, rel=1e-12)
    assert len(set(together.trace.statistics.accepted.tolist())) > 2


def test_common_steps_are_those_that_all_need():
    """The control: with them a sample does depend on those beside it."""
    problem = oda.Problem(oda.Model({z: oda.sin(k * z) + s * x}, {z: x}, (0, 1), [k], [x]), oda.Objective(z))
    alone, beside = (solve(problem, {"k": 0.8, "x": values}, ADAPTIVE, own_steps=False) for values in ([0.5, 0.5], [0.5, 30.0]))
    assert len(alone.trace.schedule) != len(beside.trace.schedule)
    assert alone.losses[0] != beside.losses[0] and abs(alone.losses[0] - beside.losses[0]) < 1e-3


def run(problem, values, way):
    given = tensors(values)
    return solve(problem, given, ADAPTIVE, WAYS[way]), given


# ---------------------------------------------------------------- depths that are asked for

DEPTHS = [[0.2, 0.9, 0.5], [0.8, 0.1, 0.4], [0.6, 0.7, 0.3]]  # in an order of every sample's own
STARTS, RATE = [1.0, -2.0, 0.5], 0.7


def decaying(kind, way):
    """z' = -k z as a module, by what it is made of, and k."""
    options = {"method": "dopri5", "rtol": 1e-10, "atol": 1e-12, "sensitivity": WAYS[way]}
    if kind == "stated":
        module = NeuralODE(oda.Model({z: -k * z}, {z: x}, (0, 1), [k], [x]), values={"k": RATE}, dtype=torch.float64, **options)
        return module, module.get_parameter("k")
    rate = nn.Parameter(torch.tensor(RATE, dtype=torch.float64))
    module = NeuralODE(lambda z: -rate * z, **options)
    module.register_parameter("rate", rate)
    return module, rate


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["stated", "field"])
def test_every_sample_may_be_seen_at_depths_of_its_own_which_have_gradients(kind, way):
    """z = x exp(-k s): dz/ds = -k z, dz/dk = -s z, dz/dx = z/x."""
    module, rate = decaying(kind, way)
    at, start = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (DEPTHS, STARTS))
    weights = torch.linspace(-1, 2, 9, dtype=torch.float64).reshape(3, 3)
    found = module(start, at=at)
    expected = (start * torch.exp(-RATE * at.T)).detach()
    torch.testing.assert_close(found.detach(), expected, rtol=1e-8, atol=0)
    (weights * found).sum().backward()
    torch.testing.assert_close(at.grad, -RATE * (weights * expected).T, rtol=1e-7, atol=0)
    torch.testing.assert_close(start.grad, (weights * expected).sum(0) / start.detach(), rtol=1e-7, atol=0)
    torch.testing.assert_close(rate.grad, -(at.detach().T * weights * expected).sum(), rtol=1e-7, atol=0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["stated", "field"])
def test_depths_that_all_share_have_gradients_too(kind, way):
    module, _ = decaying(kind, way)
    at, start = torch.tensor(DEPTHS[1], dtype=torch.float64, requires_grad=True), torch.tensor(STARTS, dtype=torch.float64)
    module(start, at=at).sum().backward()
    torch.testing.assert_close(at.grad, -RATE * start.sum() * torch.exp(-RATE * at.detach()), rtol=1e-7, atol=0)
