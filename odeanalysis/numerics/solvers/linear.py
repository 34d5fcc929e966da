"""Batches of small linear systems, where a singular one spoils its own sample only."""

import numpy as np

from odeanalysis.numerics.solvers.stepper import Array


def solve_each(matrices: Array, right: Array) -> Array:
    """x with matrix x = right, for [B, n, n] and [B, n]; NaN where a matrix is singular: [B, n]."""
    try:
        return np.linalg.solve(matrices, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return np.linalg.solve(_without_singular(matrices), right[..., None])[..., 0]


def invert_each(matrices: Array) -> Array:
    """The inverses of [B, n, n]; NaN where a matrix is singular."""
    try:
        return np.linalg.inv(matrices)
    except np.linalg.LinAlgError:
        return np.linalg.inv(_without_singular(matrices))


def _without_singular(matrices: Array) -> Array:
    """NaN in place of the matrices that cannot be factored."""
    singular = np.array([_is_singular(matrix) for matrix in matrices])
    return np.where(singular[:, None, None], np.nan, matrices)


def _is_singular(matrix: Array) -> bool:
    try:
        np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return True
    return False
