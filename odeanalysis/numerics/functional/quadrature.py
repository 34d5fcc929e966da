"""Integrals of smooth pieces: all pieces are folded onto [0, 1], where SciPy's adaptive rule sees one smooth function.

int f ds = int_0^1 sum_k (b_k - a_k) f(a_k + u (b_k - a_k)) du
"""

from collections.abc import Callable

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients.program import Array

RTOL = 1e-12
POINTS = 16
TINY = 1e-300
INTERVALS = 300
NOT_CONVERGED, NOT_A_NUMBER = 1, 3


def over_unit(function: Callable[[float], Array], size: float, what: str) -> Array:
    """The integral over [0, 1] of an array-valued function, to 1e-12 of its size before terms cancelled in it.

    Raises SolveError where the error is not reached, or the integral not finite.  Source: Gauss-Kronrod, 15 points, through SciPy.
    """
    from scipy.integrate import quad_vec

    shape = np.shape(function(0.5))
    floor = max(RTOL * size, TINY)  # above 0, which no error is below
    options = {"epsabs": floor, "epsrel": RTOL, "norm": "max", "limit": INTERVALS, "quadrature": "gk15", "full_output": True}
    found, error, info = quad_vec(lambda u: np.ravel(function(u)), 0, 1, **options)
    if info.status == NOT_A_NUMBER or not np.isfinite(found).all():
        raise SolveError(f"{what} is not finite; an expression has no value or no derivative on the path")
    if info.status == NOT_CONVERGED:
        raise SolveError(
            f"{what} has an error of {error:.1e} after {INTERVALS} refinements; list the depths at which it jumps as breakpoints"
        )
    return found.reshape(shape)


def gauss(low: Array, high: Array) -> tuple[Array, Array]:
    """Depths and weights of Gauss and Legendre's rule with 16 points on each of the pieces from low [k] to high [k]: [16 k] each."""
    points, weights = np.polynomial.legendre.leggauss(POINTS)
    half = (high - low)[:, None] / 2
    return np.ravel(low[:, None] + half * (1 + points)), np.ravel(half * weights)


def edges(depths: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """The ends of the pieces into which depths [B, m] split intervals from low [B] to high [B]: [B, k] and [B, k].

    What has no length for any sample is left out.
    """
    inner = np.clip(depths, low[:, None], high[:, None])
    cuts = np.sort(np.concatenate([low[:, None], inner, high[:, None]], axis=1), axis=1)
    kept = (np.diff(cuts, axis=1) > 0).any(axis=0)
    return cuts[:, :-1][:, kept], cuts[:, 1:][:, kept]
