"""Grids hold paths, and say what is wrong with others."""

import numpy as np
import pytest

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers import Grid, locate
from tests.solvers.problems import one

WRONG = {
    "give \\[samples, segments \\+ 1\\]": lambda: Grid(np.array([0.0, 1.0])),
    "one segment or more": lambda: Grid(np.array([[0.0]])),
    "give \\[samples, segments, P\\]": lambda: Grid(np.zeros((2, 3)), np.zeros((2, 3, 1))),
    "node 1 of sample 0 is nan": lambda: one([0, np.nan]),
    "nodes of sample 0 turn round": lambda: one([0, 1, 0.5]),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_grid_is_refused_with_the_reason(message):
    with pytest.raises(ModelError, match=message):
        WRONG[message]()


def test_a_grid_counts_samples_and_segments():
    grid = Grid(np.array([[0, 1, 3], [2, 2, -1]]))
    assert (grid.samples, grid.segments, grid.pieces.shape) == (2, 2, (2, 2, 0))
    assert grid.lengths.tolist() == [[1, 2], [0, -3]]


def test_a_place_is_a_fraction_of_its_segment():
    grid = Grid(np.array([[0.0, 1, 3], [2, 1, -1]]), np.arange(4.0).reshape(2, 2, 1))
    place = grid.place(np.array([1, 0]), np.array([0.5, 0.25]), np.array([0.25, 0.5]))
    assert place.depth.tolist() == [2, 1.75]
    assert place.step.tolist() == [0.5, -0.5]
    assert place.pieces.tolist() == [[1], [2]]


@pytest.mark.parametrize("nodes", [[0.0, 1, 1, 3], [3.0, 1, 1, 0]])
def test_a_depth_at_a_node_belongs_to_the_side_of_the_start(nodes):
    before, _ = locate(one(nodes), np.array([[1.0]]))
    after, fraction = locate(one(nodes), np.array([[1.0]]), "after")
    assert (before[0, 0], after[0, 0], fraction[0, 0]) == (0, 2, 0)


@pytest.mark.parametrize("nodes", [[0.0, 0.3, 1], [1.0, 0.3, 0]])
def test_every_depth_is_found_again(nodes):
    depths = np.linspace(nodes[0], nodes[-1], 51)[None]
    for side in ("before", "after"):
        segment, fraction = locate(one(nodes), depths, side)
        assert np.abs(one(nodes).depth(segment, fraction) - depths).max() < 1e-15


@pytest.mark.parametrize("depth", [-0.1, 1.1])
@pytest.mark.parametrize("nodes", [[0.0, 1], [1.0, 0]])
def test_a_depth_off_the_path_is_refused(nodes, depth):
    with pytest.raises(ModelError, match="outside the path of sample 0"):
        locate(one(nodes), np.array([[depth]]))
