"""Recorded steps, taken again: bit for bit, between moved nodes, and along a complex step."""

import numpy as np
import pytest

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers import Grid, replay, solve
from tests.solvers.problems import ADAPTIVE, METHODS, NONLINEAR, PARTS, one, recorded

Y0 = np.array([[0.7, 1.3], [3.0, 0.01]])
GRID = Grid(np.array([[0.0, 0.5, 0.5, 2.0], [2.0, 1.9, 1.0, 1.0]]))
FIELDS = ("states", "start", "fraction", "segment", "closes")


@pytest.mark.parametrize("name", ADAPTIVE)
def test_replaying_a_record_gives_it_again_bit_for_bit(name):
    stepper = NONLINEAR.stepper(name)
    first = solve(stepper, GRID, Y0, rtol=1e-6, atol=1e-8)
    second = replay(stepper, GRID, recorded(first), Y0)
    assert np.array_equal(first.node_states, second.node_states)
    for part in FIELDS:
        assert np.array_equal(getattr(recorded(first), part), getattr(recorded(second), part))


def test_a_replay_from_elsewhere_takes_the_same_fractions():
    stepper = NONLINEAR.stepper("tsit5")
    record = recorded(solve(stepper, GRID, Y0))
    moved = replay(stepper, Grid(GRID.nodes * 1.1), record, Y0 + 0.1)
    assert np.array_equal(recorded(moved).fraction, record.fraction)
    assert np.abs(moved.final - NONLINEAR.exact(GRID.nodes[:, 0] * 1.1, Y0 + 0.1, GRID.nodes[:, -1] * 1.1)).max() < 1e-6


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("what", ["state", "start", "end"])
def test_a_complex_step_gives_the_derivative_of_the_replay(name, what):
    """Against central differences of the same replay: their error is about 1e-10, a wrong derivative's is not."""
    stepper, grid, y0 = NONLINEAR.stepper(name), one([0.0, 0.5, 2.0]), Y0[:1]
    record = recorded(solve(stepper, grid, y0, steps=6))

    def end(change):
        states, nodes = y0 + 0 * change, grid.nodes + 0 * change
        if what == "state":
            states = states + change
        else:
            nodes[0, 0 if what == "start" else -1] += change
        return replay(stepper, Grid(nodes), record, states).final[0]

    derivative = end(1e-20j).imag / 1e-20
    differences = (end(1e-5) - end(-1e-5)) / 2e-5
    assert np.abs(derivative).max() > 1e-2
    assert np.allclose(derivative, differences, rtol=1e-7, atol=1e-9)


def test_parameters_may_be_complex_where_nothing_else_is():
    """The dtype follows the values that arise, not those that come in."""
    stepper = NONLINEAR.stepper("tsit5")
    record = recorded(solve(stepper, one([0, 1]), Y0[:1]))
    scaled = type(NONLINEAR)(lambda s, y, p: (1 + 1e-20j) * NONLINEAR.field(s, y, p)).stepper("tsit5")
    final = replay(scaled, one([0, 1]), record, Y0[:1]).final
    # the whole field times 1 + e: the exponents sin s and (1 - cos 3 s)/3 get that factor
    p, q = PARTS @ final[0]
    assert np.allclose(p.imag / 1e-20, np.sqrt(1 + p.real**2) * np.sin(1), rtol=1e-6)
    assert np.allclose(q.imag / 1e-20, q.real * (1 - np.cos(3)) / 3, rtol=1e-6)


def test_dense_output_of_a_complex_replay_is_complex():
    stepper = NONLINEAR.stepper("tsit5")
    record = recorded(solve(stepper, one([0, 1]), Y0[:1]))
    path = replay(stepper, one([0, 1]), record, Y0[:1] * (1 + 1e-20j)).dense(np.array([0.35]))[0, 0]
    p, q = PARTS @ path
    p0, _ = PARTS @ Y0[0]
    assert np.allclose(p.imag / 1e-20, np.sqrt(1 + p.real**2) * p0 / np.sqrt(1 + p0**2), rtol=1e-6)
    assert np.allclose(q.imag / 1e-20, q.real, rtol=1e-6)


def test_a_record_of_another_grid_is_refused():
    record = recorded(solve(NONLINEAR.stepper("tsit5"), GRID, Y0))
    with pytest.raises(ModelError, match="do not fit a grid of 1 samples and 3 segments"):
        replay(NONLINEAR.stepper("tsit5"), one(GRID.nodes[0]), record, Y0[:1])
    with pytest.raises(ModelError, match="do not fit a grid of 2 samples and 2 segments"):
        replay(NONLINEAR.stepper("tsit5"), Grid(GRID.nodes[:, 1:]), record, Y0)
