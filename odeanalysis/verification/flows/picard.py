"""Picard's iteration z <- h + int f(s, z) ds over [0, 1], by quadrature alone, for right sides that may be singular at 0.

The depth is s = t^6, in which s^{-q} ds has no singularity for q = 1/2, 2/3, 5/6; each of two panels, which meet at s = 1/2, has its Gauss
points.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.polynomial import legendre

POINTS, POWER = 24, 6
MIDDLE = 0.5 ** (1 / POWER)
HALVES = np.array([MIDDLE / 2, (1 - MIDDLE) / 2])
ROOTS, _ = legendre.leggauss(POINTS)
T = np.array([MIDDLE / 2, (MIDDLE + 1) / 2])[:, None] + HALVES[:, None] * ROOTS
DEPTHS = T**POWER
WEIGHT = POWER * T ** (POWER - 1)
# values at the Gauss points -> their integral from the panel's beginning, at those points and at its end
INTEGRALS = legendre.legval([*ROOTS, 1.0], legendre.legint(np.linalg.inv(legendre.legvander(ROOTS, POINTS - 1)), lbnd=-1)).T

Path = np.ndarray
Right = Callable[[np.ndarray, Path], Path]


def picard(right: Right, start: float, path: Path) -> Path:
    """start + int_0^s f(tau, path) dtau.  path: values at DEPTHS [2, POINTS]."""
    inside = HALVES[:, None] * ((WEIGHT * right(DEPTHS, path)) @ INTEGRALS.T)
    before = np.array([0.0, inside[0, -1]])
    return start + before[:, None] + inside[:, :-1]


def iterated(right: Right, start: float, path: Path, times: int) -> list[Path]:
    """A path and its images under Picard's map."""
    found = [path]
    for _ in range(times):
        found.append(picard(right, start, found[-1]))
    return found


def fixed(right: Right, start: float, path: Path, times: int = 40) -> tuple[Path, float]:
    """The image of a path that Picard's map moves least, and how far; rounding grows where right sides are not integrable."""
    paths = iterated(right, start, path, times)
    moved = [float(np.max(np.abs(after - before))) for before, after in pairwise(paths)]
    best = int(np.argmin(moved))
    return paths[best], moved[best]
