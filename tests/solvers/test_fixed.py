"""Steps that are given."""

import numpy as np
import pytest

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers import Grid, equal_steps, follow, given_steps, solve, step_counts
from tests.solvers.problems import ARITHMETIC, METHODS, NONLINEAR, one, recorded

Y0 = np.array([[0.7, 1.3], [1.1, -0.4]])


@pytest.mark.parametrize(
    ("nodes", "steps", "counts"),
    [
        ([0, 1], 7, [7]),
        ([0, 0.25, 1], 4, [1, 3]),
        ([0, 0.26, 1], 4, [2, 3]),
        ([1, 0.75, 0], 4, [1, 3]),
        ([0, 0, 1], 3, [1, 3]),
        ([2, 2], 5, [1]),
        (np.linspace(0, 1, 11), 10, [1] * 10),  # 10 (0.3 - 0.2) is not 1 in floating point
    ],
)
def test_steps_are_shared_out_by_length(nodes, steps, counts):
    assert step_counts(one(nodes), steps).tolist() == [counts]


def test_ragged_counts_are_padded_by_null_steps():
    grid = Grid(np.array([[0.0, 1, 2], [0.0, 1, 2]]))
    schedule = equal_steps(grid, np.array([[1, 2], [3, 2]]))
    assert schedule.fraction.T.tolist() == [[1, 0.5, 0.5, 0, 0], [*np.diff(np.arange(4) / 3), 0.5, 0.5]]
    assert schedule.segment.T.tolist() == [[0, 1, 1, 1, 1], [0, 0, 0, 1, 1]]
    assert schedule.closes.T.tolist() == [[True, False, True, False, False], [False, False, True, False, True]]


@pytest.mark.parametrize("name", METHODS)
def test_padding_changes_nothing(name):
    grid = Grid(np.array([[0.0, 1, 2], [0.0, 1, 2]]))
    padded = solve(ARITHMETIC.stepper(name), grid, Y0, steps=np.array([[1, 2], [3, 5]]))
    alone = solve(ARITHMETIC.stepper(name), one([0, 1, 2]), Y0[:1], steps=np.array([[1, 2]]))
    assert np.array_equal(padded.node_states[0], alone.node_states[0])
    assert padded.statistics.accepted.tolist() == [3, 8]


def test_one_euler_step_is_one_euler_step():
    solution = solve(NONLINEAR.stepper("euler"), one([0.5, 0.75]), Y0[:1], steps=1)
    slope = NONLINEAR.field(np.array([0.5]), Y0[:1], np.zeros((1, 0)))
    assert np.array_equal(solution.final, Y0[:1] + 0.25 * slope)


def test_given_fractions_are_taken_as_given():
    grid = one([0.0, 2.0])
    record = recorded(follow(NONLINEAR.stepper("rk4"), grid, given_steps(grid, [np.array([0, 0.1, 1])]), Y0[:1]))
    assert record.start[:, 0].tolist() == [0, 0.1] and record.fraction[:, 0].tolist() == [0.1, 0.9]


WRONG = {
    "give a number of steps of 1 or more": lambda grid: step_counts(grid, 0),
    "integers of 1 or more, shape \\(1, 2\\)": lambda grid: equal_steps(grid, np.array([[1, 0]])),
    "do not fit the grid": lambda grid: equal_steps(grid, np.array([[1.0, 2.0]])),
    "3 sequences of fractions for 2 segments": lambda grid: given_steps(grid, [np.array([0, 1])] * 3),
    "increases from 0 to 1": lambda grid: given_steps(grid, [np.array([0, 0.5, 0.5, 1])] * 2),
    "do not fit a grid of 2 samples": lambda grid: follow(
        NONLINEAR.stepper("rk4"), Grid(np.zeros((2, 3))), equal_steps(grid, np.ones((1, 2), dtype=int)), Y0
    ),
    "give \\[1, n\\] to fit the grid": lambda grid: solve(NONLINEAR.stepper("rk4"), grid, Y0, steps=3),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_steps_are_refused_with_the_reason(message):
    with pytest.raises(ModelError, match=message):
        WRONG[message](one([0.0, 1, 2]))
