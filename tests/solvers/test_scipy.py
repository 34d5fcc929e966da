"""SciPy's solvers behind the same call."""

import warnings

import numpy as np
import pytest

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.numerics.solvers import Grid, scipy_method, solve
from odeanalysis.numerics.solvers.scipy_ import USES_JACOBIAN
from tests.solvers.problems import NONLINEAR, counting, jumping, one


@pytest.fixture(autouse=True)
def no_warnings():
    """Neither SciPy's warnings nor floating-point ones leak."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


Y0 = np.array([[0.7, 1.3], [3.0, 0.01], [0.5, 1.0]])
GRID = Grid(np.array([[0.0, 0.5, 0.5, 2.0], [2.0, 1.9, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]))


@pytest.mark.parametrize("name", USES_JACOBIAN)
def test_scipy_agrees_with_ours(name):
    method = scipy_method(name, NONLINEAR.field, NONLINEAR.jacobian)
    theirs = solve(method, GRID, Y0, rtol=1e-9, atol=1e-11)
    ours = solve(NONLINEAR.stepper("dopri8"), GRID, Y0, rtol=1e-10, atol=1e-12)
    tolerance = 1e-6
    assert theirs.record is None
    assert np.abs(theirs.node_states - ours.node_states).max() < tolerance
    inner = GRID.nodes[:, :1] + (GRID.nodes[:, -1:] - GRID.nodes[:, :1]) * np.linspace(0, 1, 23)
    assert np.abs(theirs.dense(inner) - ours.dense(inner)).max() < tolerance
    assert (theirs.statistics.accepted[:2] > 0).all() and theirs.statistics.evaluations[2] == 0


@pytest.mark.parametrize("name", USES_JACOBIAN)
def test_scipy_starts_afresh_at_nodes(name):
    grid = Grid(np.array([[0.0, 0.3, 0.7]]), np.eye(2)[None])
    problem = jumping()
    method = scipy_method(name, problem.field, problem.jacobian)
    final = solve(method, grid, np.ones((1, 1)), rtol=1e-9, atol=1e-11).final
    assert final[0, 0] == pytest.approx(np.exp(0.3 - 2 * 0.4), rel=1e-6)


@pytest.mark.parametrize("name", USES_JACOBIAN)
def test_the_jacobian_is_handed_to_the_solvers_that_use_one(name):
    jacobian, calls = counting(lambda s, y, p: -300 * np.ones((len(y), 1, 1)))
    method = scipy_method(name, lambda s, y, p: -300 * (y - np.cos(s)[:, None]), jacobian)
    solve(method, one([0, 1]), np.ones((1, 1)), rtol=1e-4)
    assert bool(calls) == USES_JACOBIAN[name]


def test_a_sample_may_bring_a_field_of_its_own():
    """Then the batch is not evaluated for every sample."""
    rates = np.array([1.0, -2.0])

    def restrict(sample):
        return (lambda s, y, p: rates[sample] * y), None

    def whole(s, y, p):
        raise AssertionError("the whole batch was evaluated")

    grid = Grid(np.array([[0.0, 1.0], [0.0, 2.0]]))
    final = solve(scipy_method("DOP853", whole, restrict=restrict), grid, np.ones((2, 1)), rtol=1e-10).final
    assert np.allclose(final[:, 0], np.exp([1.0, -4.0]), rtol=1e-8)


def test_samples_keep_their_parameters_within_the_batch():
    rates = np.array([1.0, -2.0])
    grid = Grid(np.array([[0.0, 1.0], [0.0, 2.0]]))
    method = scipy_method("DOP853", lambda s, y, p: rates[:, None] * y)
    final = solve(method, grid, np.ones((2, 1)), rtol=1e-10).final
    assert np.allclose(final[:, 0], np.exp([1.0, -4.0]), rtol=1e-8)


def test_the_other_samples_rest_while_one_is_solved():
    moved = np.zeros((3, 3), dtype=bool)

    def field(s, y, p):
        moving = (s != GRID.nodes[:, 0]) | (y != Y0).any(1)
        moved[moving.argmax()] |= moving
        return NONLINEAR.field(s, y, p)

    solve(scipy_method("RK45", field), GRID, Y0)
    assert moved[:2].tolist() == [[True, False, False], [False, True, False]]


@pytest.mark.parametrize("name", USES_JACOBIAN)
def test_scipy_reports_a_blow_up_with_its_depth(name):
    method = scipy_method(name, lambda s, y, p: np.stack([0 * s, y[:, 1] ** 2], 1))
    with pytest.raises(SolveError) as caught:
        solve(method, one([0, 2]), np.array([[0.0, 1.0]]), max_steps=5000)
    assert caught.value.depth == pytest.approx(1, rel=1e-2)
    assert (caught.value.sample, caught.value.component) == (0, 1)


@pytest.mark.parametrize("name", USES_JACOBIAN)
def test_scipy_reports_a_field_that_becomes_nan(name):
    method = scipy_method(name, lambda s, y, p: np.sqrt(0.5 - s)[:, None] + 0 * y)
    with pytest.raises(SolveError) as caught:
        solve(method, one([0, 1]), np.ones((1, 1)), max_steps=5000)
    assert caught.value.depth is not None and 0.45 < caught.value.depth < 0.75  # the step that leads there may be long


@pytest.mark.parametrize("name", USES_JACOBIAN)
def test_scipy_reports_a_field_that_is_not_finite_at_the_start(name):
    method = scipy_method(name, lambda s, y, p: np.log(s)[:, None] + y)
    with pytest.raises(SolveError, match="the field is not finite at depth 0: component 0 of sample 0 is -inf"):
        solve(method, one([0, 1]), np.ones((1, 1)))


def test_scipy_stops_at_max_steps():
    method = scipy_method("RK45", lambda s, y, p: np.stack([y[:, 1], -y[:, 0]], 1))
    with pytest.raises(SolveError, match="not reached within max_steps"):
        solve(method, one([0, 1e6]), np.array([[0.0, 1.0]]), max_steps=20)


def test_unknown_names_and_fixed_steps_are_refused():
    with pytest.raises(ModelError, match="SciPy has no solver 'rk45'; take one of RK45"):
        scipy_method("rk45", NONLINEAR.field)
    with pytest.raises(ModelError, match="RK45 chooses its own steps"):
        solve(scipy_method("RK45", NONLINEAR.field), one([0, 1]), Y0[:1], steps=4)
