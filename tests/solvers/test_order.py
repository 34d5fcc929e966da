"""Halving the steps divides the error by 2^p: on a depth-dependent problem, uneven steps, in both directions."""

import numpy as np
import pytest

from odeanalysis.numerics.solvers import Grid, follow
from odeanalysis.tableaus import tableau
from tests.solvers.problems import METHODS, NONLINEAR, jumping, one, uneven_steps

Y0 = np.array([[0.7, 1.3], [1.1, -0.4]])
DOMAINS = {"forward": [0.1, 0.6, 1.4], "backward": [1.4, 0.6, 0.1]}
# steps per segment: small enough that the leading term rules, large enough to stay above rounding
COUNTS = {1: (64, 128), 2: (32, 64), 3: (32, 64), 4: (16, 32), 5: (16, 32), 8: (8, 16)}


def slope(errors, counts):
    """The order that two errors at two numbers of steps show."""
    return np.log(errors[0] / errors[1]) / np.log(counts[1] / counts[0])


def solved(name, nodes, count):
    grid = Grid(np.array([nodes, nodes]))
    return follow(NONLINEAR.stepper(name), grid, uneven_steps(grid, count), Y0)


@pytest.mark.parametrize("direction", DOMAINS)
@pytest.mark.parametrize("name", METHODS)
def test_the_end_has_the_order_of_the_method(name, direction):
    nodes, counts = DOMAINS[direction], COUNTS[tableau(name).order]
    exact = NONLINEAR.exact(nodes[0], Y0, nodes[-1])
    errors = [np.abs(solved(name, nodes, count).final - exact).max() for count in counts]
    assert errors[1] > 1e-14
    assert tableau(name).order - 0.35 < slope(errors, counts) < tableau(name).order + 1


@pytest.mark.parametrize("direction", DOMAINS)
@pytest.mark.parametrize("name", METHODS)
def test_dense_output_has_the_order_of_the_method(name, direction):
    nodes, counts = DOMAINS[direction], COUNTS[tableau(name).order]
    depths = np.linspace(nodes[0], nodes[-1], 173)
    exact = np.stack([NONLINEAR.exact(nodes[0], Y0, depth) for depth in depths], axis=1)
    errors = [np.abs(solved(name, nodes, count).dense(depths) - exact).max() for count in counts]
    assert slope(errors, counts) > tableau(name).order - 0.35


@pytest.mark.parametrize("name", METHODS)
def test_the_path_inside_steps_is_as_good_as_its_nodes(name):
    """Interpolation adds little to the error that grows along the path."""
    y0, end = Y0[:1], 0.6
    solution = follow(NONLINEAR.stepper(name), one([0.1, end]), uneven_steps(one([0.1, end]), 4), y0)
    depths = np.linspace(0.1, end, 101)
    exact = np.stack([NONLINEAR.exact(0.1, y0, depth) for depth in depths], axis=1)
    errors = np.abs(solution.dense(depths) - exact).max(-1)[0]
    assert errors.max() < 1.5 * errors[-1]


@pytest.mark.parametrize("name", METHODS)
def test_a_jump_at_a_node_keeps_the_order(name):
    counts = COUNTS[tableau(name).order]
    exact = np.exp(0.3 - 2 * 0.4)
    errors = []
    for count in counts:
        grid = Grid(np.array([[0.0, 0.3, 0.7]]), np.eye(2)[None])
        final = follow(jumping().stepper(name), grid, uneven_steps(grid, count), np.ones((1, 1))).final
        errors.append(abs(final[0, 0] - exact))
    assert slope(errors, counts) > tableau(name).order - 0.35 or errors[1] < 1e-14


@pytest.mark.parametrize("name", ["rk4", "dopri5", "kvaerno5"])
def test_a_step_across_a_jump_loses_the_order(name):
    """The control to the test before: the same field looked up by depth, without a node at the jump."""
    problem = jumping()

    def by_depth(call):
        return lambda s, y, pieces: call(s, y, np.stack([s < 0.3, s >= 0.3], axis=1).astype(float))

    lookup = type(problem)(by_depth(problem.field), by_depth(problem.jacobian), problem.depth_derivative)
    errors = []
    for count in (17, 34):
        grid = Grid(np.array([[0.0, 0.7]]))
        final = follow(lookup.stepper(name), grid, uneven_steps(grid, count), np.ones((1, 1))).final
        errors.append(abs(final[0, 0] - np.exp(0.3 - 2 * 0.4)))
    assert errors[1] > 1e-6
