"""The Hessian is symmetric, and the derivative of the discrete adjoint on the same steps."""

from dataclasses import replace

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.methods import bound_method
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.second import hessian, hessian_vector
from odeanalysis.numerics.gradients.setting import settle
from odeanalysis.numerics.solvers import replay
from odeanalysis.verification.independent.compare import peak, relative_difference
from tests.gradients.solved import EVERY, stepped

STEPS = 6
SIZE = 1e-5
# third derivatives times SIZE^2, and rounding over SIZE
CLOSE = 1e-6


def direction(run, seed):
    """A random direction in all values, of their size, that leaves holes in the data alone."""
    random = np.random.default_rng(seed)
    arrays = run.setting.bound.arrays
    return {name: np.where(np.isnan(array), 0, random.normal(0, 0.5, array.shape)) for name, array in arrays.items()}


def along(run, moved, size):
    """The discrete adjoint of the recorded steps, taken again at values moved along a direction."""
    bound = run.setting.bound
    arrays = {name: array + size * moved[name] for name, array in bound.arrays.items()}
    setting = settle(run.setting.program, replace(bound, arrays=arrays), run.setting.path)
    solution = replay(bound_method(setting, run.settings), setting.path.grid, run.solution.record, setting.y0)
    return oda.DiscreteAdjoint().gradients(Run(setting, run.settings, solution, costs.losses(setting, solution)))


def difference(run, moved):
    high, low = (along(run, moved, sign * SIZE) for sign in (1, -1))
    return {name: (high[name] - low[name]) / (2 * SIZE) for name in high}


def product(one, other):
    return sum(float(np.sum(one[name] * other[name])) for name in one)


@EVERY
def test_a_product_is_the_difference_of_gradients_on_the_same_steps(name):
    run = stepped(name, "heun2", STEPS + 2)
    moved = direction(run, 1)
    assert relative_difference(hessian_vector(run, moved), difference(run, moved)) < CLOSE


@pytest.mark.parametrize("method", ["euler", "rk4", "tsit5", "rosenbrock23", "rodas5p", "radau", "kvaerno5"])
@pytest.mark.parametrize("name", ["everything_moves", "observed_on_a_switch", "holes_of_their_own", "state_blocks"])
def test_of_every_kind_of_step(name, method):
    run = stepped(name, method, 3)
    moved = direction(run, 2)
    assert relative_difference(hessian_vector(run, moved), difference(run, moved)) < CLOSE


@EVERY
def test_products_are_symmetric(name):
    run = stepped(name, "heun2", STEPS + 2)
    first, second = direction(run, 3), direction(run, 4)
    one, other = hessian_vector(run, first), hessian_vector(run, second)
    size = max(peak(one[key]) * peak(second[key]) for key in one) or 1.0
    assert product(one, second) == pytest.approx(product(other, first), rel=1e-11, abs=1e-12 * size)


@pytest.mark.parametrize("name", ["closed_form", "everything_moves", "ragged_switches", "own_matrices"])
def test_the_matrix_holds_the_products_with_unit_directions(name):
    run = stepped(name, "heun2", STEPS)
    names = tuple(run.setting.bound.arrays)
    matrix = hessian(run, names)
    moved = direction(run, 5)
    flat = np.concatenate([moved[key].ravel() for key in names])
    products = hessian_vector(run, moved)
    assert matrix == pytest.approx(matrix.T, abs=1e-12 * np.abs(matrix).max())
    assert matrix @ flat == pytest.approx(np.concatenate([products[key].ravel() for key in names]), rel=1e-10, abs=1e-11)


def test_the_closed_form():
    """ell = theta z0^2 (e^{2 theta S} - 1)/2 for f = theta z, l = theta^2 z^2."""
    theta, z0, z = oda.block("theta"), oda.block("z0"), oda.block("z")
    problem = oda.Problem(oda.Model({z: theta * z}, {z: z0}, (0, 1.5), (theta, z0)), oda.Objective(running=theta**2 * z**2))
    p, a, end = 0.4, 1.2, 1.5
    grown = np.exp(2 * p * end)
    cross = a * (grown - 1) + 2 * a * p * end * grown
    exact = [[a**2 * (2 * end * grown + 2 * p * end**2 * grown), cross], [cross, p * (grown - 1)]]
    run = oda.solve_problem(problem, {"theta": p, "z0": a}, oda.Settings(rtol=1e-11, atol=1e-12))
    assert hessian(run, ("theta", "z0")) == pytest.approx(np.array(exact), rel=1e-9)


def test_directions_that_do_not_fit():
    run = stepped("closed_form", "heun2", STEPS)
    with pytest.raises(oda.ModelError, match="direction 'zeta' names no value; give one array of the value's shape"):
        hessian_vector(run, {"zeta": 1.0})
    with pytest.raises(oda.ModelError, match=r"direction 'theta' has shape \(2,\), its value \(\)"):
        hessian_vector(run, {"theta": [1.0, 2.0]})


def test_scipys_solvers_have_no_second_derivatives():
    theta, z = oda.block("theta"), oda.block("z")
    problem = oda.Problem(oda.Model({z: theta * z}, {z: 1}, (0, 1), (theta,)), oda.Objective(z))
    run = oda.solve_problem(problem, {"theta": 1.0}, oda.Settings("RK45"))
    with pytest.raises(oda.ModelError, match="method 'RK45' keeps no steps to differentiate; take a method of ours"):
        hessian_vector(run, {"theta": 1.0})
