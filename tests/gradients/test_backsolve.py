"""Backward re-integration agrees on mild problems and is wrong where the field contracts; the other ways are right there."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.verification.independent.compare import relative_difference
from tests.gradients.solved import TOLERANCE, conditioning, discrete, gradients, solved

MILD = ("everything_moves", "network_batch", "observed_on_a_switch", "backward_with_a_switch", "state_blocks", "ragged_switches")
SETTINGS = oda.Settings(rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", MILD)
def test_it_agrees_on_mild_problems(name):
    found = gradients(solved(name), oda.Backsolve())
    assert relative_difference(found, discrete(name)) < 3000 * TOLERANCE * conditioning(name)


@pytest.fixture(scope="module")
def contracting():
    """z' = -k z with k = 50, l = z^2."""
    z, k, z0 = oda.block("z"), oda.block("k"), oda.block("z0")
    problem = oda.Problem(oda.Model({z: -k * z}, {z: z0}, (0, 1), (k, z0)), oda.Objective(running=z**2))
    return oda.solve_problem(problem, {"k": 50.0, "z0": 1.0}, SETTINGS)


@pytest.fixture(scope="module")
def exact():
    """ell = z0^2 (1 - e^{-2k}) / 2k."""
    k = 50.0
    return {"z0": np.array((1 - np.exp(-2 * k)) / k), "k": np.array(np.exp(-2 * k) / k - (1 - np.exp(-2 * k)) / (2 * k**2))}


def test_it_loses_every_digit_where_the_field_contracts(contracting, exact):
    assert not relative_difference(gradients(contracting, oda.Backsolve()), exact) < 1


@pytest.mark.parametrize("way", ["discrete", "adjoint", "forward", "complex step", "differences"])
def test_the_other_ways_are_right_there(contracting, exact, way):
    assert relative_difference(gradients(contracting, oda.SENSITIVITIES[way]), exact) < 1e-6


def test_it_is_never_the_default():
    assert oda.SENSITIVITIES["backsolve"].name == "backsolve"
    z, k = oda.block("z"), oda.block("k")
    problem = oda.Problem(oda.Model({z: -k * z}, {z: 1}, (0, 1), (k,)), oda.Objective(z))
    assert oda.evaluate(problem, {"k": 1.0}).statistics["sensitivity"] == "discrete"
