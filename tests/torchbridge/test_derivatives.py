"""First, second and third derivatives on tensors are those of the steps, by finite differences, by `odeanalysis`, in closed form."""

import numpy as np
import pytest
import torch
from numpy.polynomial import Polynomial

import odeanalysis as oda
from odeanalysis.numerics.gradients.second import hessian_vector
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import CASES
from tests.torchbridge.solved import AGREED, hessian_times
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.problems.solving import solve
from torchbridge.solvers.tapes import Checkpointed, Full

WAYS = {
    "all stages kept": DiscreteAdjoint(Full()),
    "states kept": DiscreteAdjoint(Full(stages=False)),
    "checkpoints": DiscreteAdjoint(Checkpointed(1)),
    "autograd": Direct(),
}
# all that moves, a batch of networks, samples that end apart, data missing, a switch that moves with an observation on it
CHECKED = ("everything_moves", "network_batch", "some_of_zero_length", "holes_of_their_own", "observed_on_a_switch")
AGAINST_ARRAYS = (*CHECKED, "adaptive", "state_blocks", "interpolated_input", "penalised_in_both_directions", "moving_ends")
FEW = oda.Settings("heun2", steps=3)


def loss(name, settings, way):
    """The loss of a case as a function of the entries that are not missing, and these."""
    problem, values = CASES[name].problem(), CASES[name].values()
    known = {key: ~np.isnan(value) for key, value in values.items()}
    entries = [torch.tensor(value[known[key]], dtype=torch.float64, requires_grad=True) for key, value in values.items()]

    def value(*given):
        filled = {
            key: torch.tensor(array).masked_scatter(torch.tensor(known[key]), one)
            for (key, array), one in zip(values.items(), given, strict=True)
        }
        return solve(problem, filled, settings, way).value

    return value, entries


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CHECKED)
def test_first_and_second_derivatives_are_differences_of_the_steps(name, way):
    value, entries = loss(name, FEW, WAYS[way])
    assert torch.autograd.gradcheck(value, entries, fast_mode=True)
    assert torch.autograd.gradgradcheck(value, entries, fast_mode=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", AGAINST_ARRAYS)
def test_hessians_times_vectors_are_those_of_the_arrays(name, way):
    """Of adaptive steps, of each sample's own."""
    problem, values, settings = CASES[name].problem(), CASES[name].values(), oda.Settings("bosh3", rtol=1e-4, atol=1e-6)
    draw = np.random.default_rng(5)
    direction = {key: draw.normal(size=np.shape(value)) for key, value in values.items()}
    found = hessian_times(problem, values, settings, WAYS[way], direction)
    expected = hessian_vector(oda.solve_problem(problem, values, settings), direction)
    assert relative_difference(found, expected) < AGREED


@pytest.mark.parametrize("way", WAYS)
def test_the_third_derivative_of_a_linear_field_is_that_of_the_methods_polynomial(way):
    """N steps of rk4 multiply by R(theta h)^N, R the exponential series to the fourth power."""
    z, theta = oda.block("z"), oda.block("theta")
    problem = oda.Problem(oda.Model({z: theta * z}, {z: 1}, (0, 2), [theta]), oda.Objective(z))
    given = torch.tensor(-0.7, dtype=torch.float64, requires_grad=True)
    value = solve(problem, {"theta": given}, oda.Settings("rk4", steps=4), WAYS[way]).value
    found, series = [value], Polynomial([1, 1 / 2, 1 / 8, 1 / 48, 1 / 384]) ** 4
    for _ in range(3):
        found.append(torch.autograd.grad(found[-1], given, create_graph=True)[0])
    expected = [series.deriv(k)(-0.7) if k else series(-0.7) for k in range(4)]
    assert [one.item() for one in found] == pytest.approx(expected, rel=1e-13)
