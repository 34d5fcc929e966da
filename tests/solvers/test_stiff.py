"""Stiff problems: few steps, right results, and a path between them that is as good."""

from functools import cache

import numpy as np
import pytest

from odeanalysis.numerics.solvers import Grid, replay, scipy_method, solve
from tests.solvers.problems import STIFF, Problem, one, recorded

MU = 1e3


def _robertson(s, y, pieces):
    slow, fast, square = 0.04 * y[:, 0], 1e4 * y[:, 1] * y[:, 2], 3e7 * y[:, 1] ** 2
    return np.stack([fast - slow, slow - fast - square, square], axis=1)


def _robertson_jacobian(s, y, pieces):
    k, zero = 0.04 + 0 * s, 0 * s
    a, b, c = 1e4 * y[:, 2], 1e4 * y[:, 1], 6e7 * y[:, 1]
    rows = [[-k, a, b], [k, -a - c, -b], [zero, c, zero]]
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def _van_der_pol(s, y, pieces):
    return np.stack([y[:, 1], MU * (1 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]], axis=1)


def _van_der_pol_jacobian(s, y, pieces):
    rows = [[0 * s, 1 + 0 * s], [-2 * MU * y[:, 0] * y[:, 1] - 1, MU * (1 - y[:, 0] ** 2)]]
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)


def _still(s, y, pieces):
    return 0 * y


CASES = {
    "robertson": (Problem(_robertson, _robertson_jacobian, _still), [1.0, 0, 0], [0, 40, 1e4], [1, 1e-4, 1]),
    "van_der_pol": (Problem(_van_der_pol, _van_der_pol_jacobian, _still), [2.0, 0], [0, 500, 1000], [1, 1e-2]),
}
RTOL = {"rosenbrock23": 1e-4}


@cache
def reference(case, depths):
    problem, start, nodes, scale = CASES[case]
    method = scipy_method("Radau", problem.field, problem.jacobian)
    return solve(method, one(nodes), np.array([start]), rtol=1e-11, atol=1e-13 * np.array(scale)).dense(np.array(depths))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", STIFF)
def test_stiff_problems_are_solved_in_few_steps(name, case):
    problem, start, nodes, scale = CASES[case]
    rtol = RTOL.get(name, 1e-6)
    y0, atol = np.array([start]), rtol * 1e-2 * np.array(scale)
    solution = solve(problem.stepper(name), one(nodes), y0, rtol=rtol, atol=atol)
    depths = (0.3, 7.0, 40.0, 333.0, nodes[1], 0.7 * nodes[2])
    wanted, found = reference(case, depths), solution.dense(np.array(depths))
    assert (np.abs(found - wanted) / (np.abs(wanted) + 1e-2 * np.array(scale))).max() < 300 * rtol
    assert solution.statistics.accepted[0] < 1500


def test_an_explicit_method_would_need_many_more():
    problem, start, _, scale = CASES["robertson"]
    grid, y0, atol = one([0, 1.0]), np.array([start]), 1e-9 * np.array(scale)
    counts = {name: solve(problem.stepper(name), grid, y0, rtol=1e-7, atol=atol).statistics.accepted[0] for name in ("tsit5", "rodas5p")}
    assert counts["tsit5"] > 5 * counts["rodas5p"]


@pytest.mark.parametrize("name", ["kvaerno5", "radau"])
def test_stages_are_solved_down_to_rounding(name):
    """A stiff step obeys its own equations: y1 - y is h f at the stages, which for these methods include the end."""
    problem, _, _, _ = CASES["robertson"]
    stepper = problem.stepper(name)
    y, h, none = reference("robertson", (40.0,))[0], np.array([5.0]), np.zeros((1, 0))
    y1 = stepper.attempt(np.zeros(1), h, y, none, None).y1
    # by the implicit function theorem the derivative of the step is a complex step of it: no error of Newton's is left
    turned = stepper.attempt(np.zeros(1), h, y + 1e-25j * np.array([[1, -1e-4, 2]]), none, None).y1
    assert np.abs(turned.real - y1).max() < 1e-15
    size = 1e-6
    step = np.array([[1, -1e-4, 2]]) * size
    ends = [stepper.attempt(np.zeros(1), h, y + side * step, none, None).y1 for side in (1, -1)]
    assert np.allclose(turned.imag / 1e-25, (ends[0] - ends[1]) / (2 * size), rtol=1e-5, atol=1e-8)
    assert abs((y1 - y).sum()) < 1e-14  # Robertson's field sums to zero, and so do exact steps


@pytest.mark.parametrize("name", STIFF)
def test_stiff_batches_replay_bit_for_bit(name):
    problem, start, _, scale = CASES["robertson"]
    grid = Grid(np.array([[0.0, 1.0, 40.0], [0.0, 0.0, 0.3]]))
    y0 = np.array([start, [0.9, 1e-5, 0.1]])
    first = solve(problem.stepper(name), grid, y0, rtol=1e-5, atol=1e-7 * np.array(scale))
    second = replay(problem.stepper(name), grid, recorded(first), y0)
    assert np.array_equal(first.node_states, second.node_states)


@pytest.mark.parametrize("name", ["kvaerno5", "radau"])
def test_a_complex_step_converges_where_the_real_part_has_nothing_to_do(name):
    """At rest all real changes are zero from the first iteration on; the imaginary part still has to converge."""
    rest = Problem(
        lambda s, y, p: -(1 + s * s)[:, None] * y,
        lambda s, y, p: -(1 + s * s)[:, None, None] * np.ones((len(y), 1, 1)),
    )
    final = solve(rest.stepper(name), one([0.0, 1.0]), np.full((1, 1), 1e-30j), steps=20).final
    assert final[0, 0].imag / 1e-30 == pytest.approx(np.exp(-4 / 3), rel=1e-6)


@pytest.mark.parametrize("name", STIFF)
def test_an_error_estimate_stays_bounded_on_a_stiff_transient(name):
    decay = Problem(lambda s, y, p: -1e8 * y, lambda s, y, p: -1e8 * np.ones((len(y), 1, 1)), lambda s, y, p: 0 * y)
    one_step = decay.stepper(name).attempt(np.zeros(1), np.ones(1), np.ones((1, 1)), np.zeros((1, 0)), None)
    assert one_step.error is not None and abs(one_step.error[0, 0]) < 10


@pytest.mark.parametrize("name", STIFF)
def test_a_very_stiff_decay_is_damped_in_one_step(name):
    """L-stable methods take a transient of rate 1e8 in a step of 1 to almost nothing."""
    decay = Problem(lambda s, y, p: -1e8 * y, lambda s, y, p: -1e8 * np.ones((len(y), 1, 1)), lambda s, y, p: 0 * y)
    final = solve(decay.stepper(name), one([0.0, 1.0]), np.ones((1, 1)), steps=1).final
    assert abs(final[0, 0]) < 1e-6
