"""A singular system spoils its own sample only."""

import numpy as np

from odeanalysis.numerics.solvers.linear import invert_each, solve_each

MATRICES = np.array([[[2.0, 1.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]], [[0.0, 1.0], [1.0, 0.0]]])
RIGHT = np.array([[4.0, 8.0], [1.0, 1.0], [5.0, 6.0]])


def test_a_singular_matrix_gives_nan_and_the_others_their_solutions():
    found = solve_each(MATRICES, RIGHT)
    assert np.allclose(found[[0, 2]], [[1, 2], [6, 5]], rtol=1e-15)
    assert np.isnan(found[1]).all()


def test_a_singular_matrix_has_no_inverse_and_the_others_have():
    found = invert_each(MATRICES)
    assert np.allclose(found[[0, 2]] @ MATRICES[[0, 2]], np.eye(2), atol=1e-15)
    assert np.isnan(found[1]).all()
