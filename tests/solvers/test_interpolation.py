"""The interpolants of dense output, and the path they give."""

from typing import Any

import numpy as np
import pytest

from odeanalysis.numerics.solvers import Grid, interpolation, solve
from odeanalysis.numerics.solvers.interpolation import Through
from odeanalysis.numerics.solvers.runge_kutta import explicit
from odeanalysis.numerics.solvers.stepper import Broadcasting
from odeanalysis.tableaus import tableau
from tests.solvers.problems import ADAPTIVE, NONLINEAR, jumping, one

THETA = np.linspace(-0.1, 1.1, 13)


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_lagrange_polynomials_reproduce_polynomials(count):
    points = np.linspace(0, 1, count)
    basis = Through(points).lagrange(THETA)
    for degree in range(count):
        assert np.abs(basis @ points**degree - THETA**degree).max() < 1e-12
    assert np.abs(basis @ points**count - THETA**count).max() > 1e-6


@pytest.mark.parametrize("count", [2, 3, 5])
def test_hermite_polynomials_reproduce_polynomials_from_values_and_slopes(count):
    points = np.linspace(0, 1, count)
    values, slopes = Through(points).hermite(THETA)
    for degree in range(2 * count):
        derivative = degree * points ** max(degree - 1, 0)
        assert np.abs(values @ points**degree + slopes @ derivative - THETA**degree).max() < 1e-11
    degree = 2 * count
    missed = values @ points**degree + slopes @ (degree * points ** (degree - 1)) - THETA**degree
    assert np.abs(missed).max() > 1e-6


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("nodes", [[0.0, 0.5, 2.0], [2.0, 0.5, 0.0]])
def test_the_path_passes_through_the_nodes_and_follows_the_solution(name, nodes):
    y0 = np.array([[0.8, 1.0]])
    stepper = NONLINEAR.stepper(name)
    solution = solve(stepper, one(nodes), y0, rtol=1e-8, atol=1e-10)
    assert np.abs(solution.dense(np.array(nodes)) - solution.node_states).max() < 1e-14
    depths = np.linspace(0, 2, 101)
    exact = np.stack([NONLINEAR.exact(nodes[0], y0, depth) for depth in depths], axis=1)
    power = stepper.order / (stepper.error_order + 1)  # see test_the_error_follows_the_tolerance
    assert np.abs(solution.dense(depths) - exact).max() < 30 * 1e-8**power


def test_each_sample_may_ask_for_depths_of_its_own():
    grid = Grid(np.array([[0.0, 1.0], [2.0, 1.0]]))
    y0 = np.array([[0.8, 1.0], [0.5, 2.0]])
    solution = solve(NONLINEAR.stepper("tsit5"), grid, y0)
    found = solution.dense(np.array([[0.25, 0.5], [1.75, 1.5]]))
    for sample, s0 in enumerate((0.0, 2.0)):
        for place, depth in enumerate(((0.25, 0.5), (1.75, 1.5))[sample]):
            exact = NONLINEAR.exact(s0, y0[sample : sample + 1], depth)[0]
            assert np.abs(found[sample, place] - exact).max() < 1e-7


def test_a_fraction_of_a_segment_is_a_depth():
    solution = solve(NONLINEAR.stepper("tsit5"), one([0, 1, 3]), np.array([[0.8, 1.0]]))
    inside = solution.inside(np.array([[0, 1]]), np.array([[0.5, 0.25]]))
    assert np.abs(inside - solution.dense(np.array([0.5, 1.5]))).max() < 1e-15


def test_slopes_do_not_leak_over_a_jump():
    """On both sides of the node the path is its own piece's exponential."""
    grid = Grid(np.array([[0.0, 1.0, 2.0]]), np.eye(2)[None])
    solution = solve(jumping().stepper("tsit5"), grid, np.ones((1, 1)), rtol=1e-10, atol=1e-12)
    depths = np.concatenate([np.linspace(0.9, 1, 20), np.linspace(1, 1.1, 20)])
    exact = np.exp(np.minimum(depths, 1) - 2 * np.maximum(depths - 1, 0))
    assert np.abs(solution.dense(depths)[0, :, 0] - exact).max() < 1e-9


def waving(s, y, pieces):
    """z' = cos(9 s) z + flag: [..., B], [..., B, 1], [..., B, 2] -> [..., B, 1]."""
    return np.cos(9 * s)[..., None] * y + pieces[..., 1:]


def waved(field: Any) -> Any:
    """Three samples, forward, backward and nowhere, of which each takes other steps."""
    nodes = np.array([[0.0, 0.7, 2.0], [1.0, 0.9, 0.0], [0.5, 0.5, 0.5]])
    return solve(explicit(tableau("dopri5"), field), Grid(nodes, np.array([np.eye(2)] * 3)), np.array([[1.0], [-2.0], [0.5]]), rtol=1e-8)


@pytest.mark.parametrize("entries", [1, 9, 2**16])
def test_steps_taken_side_by_side_say_what_they_say_one_by_one(entries, monkeypatch):
    monkeypatch.setattr(interpolation, "ENTRIES", entries)
    one_by_one, together = waved(waving).interpolant, waved(Broadcasting(waving)).interpolant
    assert together.stepper.broadcasts and not one_by_one.stepper.broadcasts and len(together.record) > 9
    for wanted, found in zip(one_by_one.support, together.support, strict=True):
        assert found.shape == wanted.shape and np.abs(found - wanted).max() < 1e-15 * np.abs(wanted).max()


def test_a_fraction_lies_in_the_last_step_that_starts_at_it_or_before():
    """At the starts themselves, beside them, and between them, in each segment of each sample."""
    solution = waved(Broadcasting(waving))
    record, found_by = solution.record, solution.interpolant
    for sample, segment in np.ndindex(2, 2):
        begun = np.sort(record.start[record.accepted[:, sample] & (record.segment[:, sample] == segment), sample])
        asked = np.concatenate([begun, np.nextafter(begun[1:], 0), np.nextafter(begun, 1), np.linspace(0, 1, 50)])
        turns = found_by._find(np.full((3, len(asked)), segment), np.tile(asked, (3, 1)))[sample]
        assert len(begun) > 3 and (found_by.starts[turns, sample] == begun[np.searchsorted(begun, asked, "right") - 1]).all()
        assert (record.segment[found_by.order[turns, sample], sample] == segment).all()
