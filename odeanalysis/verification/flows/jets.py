"""Equations of any order as NumPy functions written by hand, and two ways to solve them that share nothing with models or our solvers.

    d^{n_j} y_j/ds^{n_j} = f_j(s, jets),   jet_j = (y_j, y_j', ..., y_j^{(n_j - 1)}),   for groups j of coordinates

One way solves the system of first order with SciPy; the other one never writes that system down. Both take complex numbers, so that a
derivative is the imaginary part of a solution.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from scipy.integrate import solve_ivp

from odeanalysis.errors import SolveError

PANELS, NODES, ROUNDS, STILL = 4, 48, 40, 1e-13
TINY = 1e-30

Array = np.ndarray
Jets = list[Array]


@dataclass(frozen=True, eq=False)
class Equation:
    """highest: (s [N], jets, each [N, n_j, d_j]) -> the highest derivatives, each [N, d_j].  starts: the jets at 0 [n_j, d_j].  end: S."""

    highest: Callable[[Array, Jets], Sequence[Array]]
    starts: tuple[Array, ...]
    end: float


def by_scipy(equation: Equation) -> Jets:
    """The jets at S, by SciPy from the system of first order: each derivative grows by the next one."""
    starts = equation.starts
    cuts = np.cumsum([start.size for start in starts])[:-1]

    def jets(y: Array) -> Jets:
        return [part.reshape(start.shape) for part, start in zip(np.split(y, cuts), starts, strict=True)]

    def slope(s: float, y: Array) -> Array:
        found = jets(y)
        tops = equation.highest(np.array([s]), [jet[None] for jet in found])
        return np.concatenate([part.ravel() for jet, top in zip(found, tops, strict=True) for part in (jet[1:], top)])

    start = np.concatenate([start.ravel() for start in starts])
    return jets(solve_ivp(slope, (0, equation.end), start, "DOP853", rtol=1e-12, atol=1e-13).y[:, -1])


def by_integrals(equation: Equation) -> Jets:
    """The jets at S, from the right side integrated n_j times over Chebyshev's nodes, panel after panel, by successive approximation.

    Raises SolveError where that does not settle.
    """
    nodes, integral = _integration()
    length, jets = equation.end / PANELS, list(equation.starts)
    for panel in range(PANELS):
        s = length * (panel + nodes)
        tops = _settled(equation, s, jets, length * integral)
        jets = [jet[-1] for jet in _lowered(jets, tops, length * integral)]
    return jets


def _settled(equation: Equation, s: Array, starts: Jets, integral: Array) -> Sequence[Array]:
    """The highest derivatives on a panel: the fixed point of their own integrals."""
    tops: Sequence[Array] = [np.zeros((len(s), start.shape[1])) for start in starts]
    moved, size = np.inf, 1.0
    for _ in range(ROUNDS):
        before, tops = tops, equation.highest(s, _lowered(starts, tops, integral))
        moved = max(float(np.max(np.abs(new - old))) for new, old in zip(tops, before, strict=True))
        size = 1 + max(float(np.max(np.abs(top))) for top in tops)
    if not moved < STILL * size:
        raise SolveError(f"successive approximations still move by {moved:.2g} after {ROUNDS} rounds; take a shorter domain", depth=s[0])
    return tops


WAYS: dict[str, Callable[[Equation], Jets]] = {"SciPy": by_scipy, "repeated integration": by_integrals}


def _lowered(starts: Sequence[Array], tops: Sequence[Array], integral: Array) -> Jets:
    """The jets [N, n_j, d_j] whose highest derivatives are given: y^{(i)} = y^{(i)}(0) + int y^{(i + 1)}."""
    return [_integrated(start, top, integral) for start, top in zip(starts, tops, strict=True)]


def _integrated(start: Array, top: Array, integral: Array) -> Array:
    found = [top]
    for value in start[::-1]:
        found.append(value + integral @ found[-1])
    return np.stack(found[:0:-1], axis=1)


@lru_cache(maxsize=1)
def _integration() -> tuple[Array, Array]:
    """Chebyshev's nodes on [0, 1], and the matrix that takes values there to their integrals from 0."""
    t = chebyshev.chebpts2(NODES)
    coefficients = np.linalg.inv(chebyshev.chebvander(t, NODES - 1))
    integrals = chebyshev.chebint(coefficients, lbnd=-1, axis=0)
    return (t + 1) / 2, chebyshev.chebvander(t, NODES) @ integrals / 2
