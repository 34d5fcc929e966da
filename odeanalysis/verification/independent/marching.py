"""How the independent route carries a state over a segment: SciPy's solvers, or equal steps of a method taken from its numbers alone.

The steps use no solver and no derivative of ours: a Jacobian, where a method needs one, is made of differences, and the equations of
implicit stages are solved by SciPy.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from scipy.integrate import DOP853, solve_ivp
from scipy.optimize import root

from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.tableaus import Tableau, tableau

RTOL, ATOL = 1e-12, 1e-13
ALIKE = 0.5  # how much a segment may differ in length from one whose steps are taken again
ROUNDING = 1e-9  # of a share of steps, as where steps are counted for a solve
DELTA = 1e-3
FORWARD = (-25 / 12, 4, -3, 4 / 3, -1 / 4)
CENTRAL = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}

Slopes = Callable[[float, Array], Array]


class March(Protocol):
    """A way to carry the state of a sample over its j-th segment, from a to b, along z' = slopes(s, z)."""

    def __call__(self, sample: int, j: int, slopes: Slopes, a: float, b: float, state: Array) -> Array: ...


@dataclass(frozen=True)
class Scipy:
    """One of SciPy's solvers at tolerance 1e-12."""

    method: str = "DOP853"

    def __call__(self, sample: int, j: int, slopes: Slopes, a: float, b: float, state: Array) -> Array:
        """The state at b. Raises SolveError where SciPy gives up."""
        return self.solution(sample, slopes, a, b, state).y[:, -1]

    def solution(self, sample: int, slopes: Slopes, a: float, b: float, state: Array) -> Any:
        """All steps from a to b, as SciPy gives them."""
        found = solve_ivp(slopes, (a, b), state, method=self.method, rtol=RTOL, atol=ATOL)
        if not found.success:
            raise SolveError(f"SciPy's {self.method} fails: {found.message}", depth=float(found.t[-1]), sample=sample)
        return found


SCIPY = Scipy()


@dataclass(frozen=True)
class SameSteps:
    """Halves of the steps that SciPy's DOP853 took where a segment was crossed first, in proportion to its length.

    Differences of losses found so carry nothing of steps that come and go. They are halved since one whose estimated error vanishes by
    chance is too long. For fields smooth in the state alone: where a kink moves, steps made for another place are too long. A segment of
    quite another length is crossed by steps of its own.

    crossed: (sample, segment) -> its depths.
    """

    crossed: dict[tuple[int, int], Array] = field(default_factory=dict)

    def __call__(self, sample: int, j: int, slopes: Slopes, a: float, b: float, state: Array) -> Array:
        """The state at b. Raises SolveError where SciPy gives up."""
        known = self.crossed.get((sample, j))
        if known is None or abs((known[-1] - known[0]) - (b - a)) > ALIKE * abs(known[-1] - known[0]):
            known = self.crossed[sample, j] = _halved(SCIPY.solution(sample, slopes, a, b, state).t)
        depths = a + (known - known[0]) * (b - a) / (known[-1] - known[0])
        for s, after in pairwise(depths):
            state = _stage_by_stage(DOP853.C, DOP853.A, DOP853.B, slopes, s, after - s, state)
        return state


def _halved(depths: Array) -> Array:
    return np.interp(np.arange(2 * len(depths) - 1) / 2, np.arange(len(depths)), depths)


@dataclass(frozen=True)
class EqualSteps:
    """The same numbers of equal steps in the segments of each sample, whatever their lengths.  counts: [sample][segment]."""

    method: str
    counts: tuple[tuple[int, ...], ...]

    def __call__(self, sample: int, j: int, slopes: Slopes, a: float, b: float, state: Array) -> Array:
        """The state at b. Raises SolveError where the path has another number of segments."""
        if j >= len(self.counts[sample]):
            raise SolveError("two depths that met part when the values move", depth=a, sample=sample)
        table, count = tableau(self.method), self.counts[sample][j]
        for k in range(count):
            state = STEPS[table.kind](table, slopes, a + (b - a) * k / count, (b - a) / count, state)
        return state


def counts(nodes: Iterable[float], steps: int) -> tuple[int, ...]:
    """ceil(steps |segment| / |domain|) equal steps for each segment between nodes, and at least 1."""
    lengths = np.abs(np.diff(list(nodes)))
    share = steps * lengths / (lengths.sum() or 1.0)
    return tuple(int(one) for one in np.maximum(1, np.ceil(share - ROUNDING)))


# ---------------------------------------------------------------- steps


def _combined(weights: Iterable[float], parts: Iterable[Array], size: int) -> Array:
    return sum((w * part for w, part in zip(weights, parts, strict=False)), np.zeros(size))


def _explicit(table: Tableau, slopes: Slopes, s: float, h: float, z: Array) -> Array:
    numbers = table.floats
    return _stage_by_stage(numbers.c, numbers.a, numbers.b, slopes, s, h, z)


def _stage_by_stage(c: Iterable[float], a: Iterable[Any], b: Any, slopes: Slopes, s: float, h: float, z: Array) -> Array:
    """k_i = f(s + c_i h, z + h sum_j a_ij k_j),   z1 = z + h sum_i b_i k_i."""
    k: list[Array] = []
    for depth, row in zip(c, a, strict=True):
        k.append(slopes(s + depth * h, z + h * _combined(row, k, len(z))))
    return z + h * _combined(b, k, len(z))


def _implicit(table: Tableau, slopes: Slopes, s: float, h: float, z: Array) -> Array:
    """The same equations, solved for all k_i at once."""
    numbers, stages, n = table.floats, table.stages, len(z)

    def missed(flat: Array) -> Array:
        k = flat.reshape(stages, n)
        return np.concatenate([k[i] - slopes(s + numbers.c[i] * h, z + h * _combined(numbers.a[i], k, n)) for i in range(stages)])

    found: Any = root(missed, np.tile(slopes(s, z), stages), method="hybr", options={"xtol": 1e-15})
    return z + h * _combined(numbers.b, found.x.reshape(stages, n), n)


def _rosenbrock(table: Tableau, slopes: Slopes, s: float, h: float, z: Array) -> Array:
    """(I - h g J) u_i = h g f(s + c_i h, z + sum_j a_ij u_j) + g sum_j C_ij u_j + h^2 g d_i f_s,   z1 = z + sum_i b_i u_i."""
    numbers, n = table.floats, len(z)
    assert numbers.gamma is not None and numbers.coupling is not None and numbers.d is not None
    gamma, drift = numbers.gamma, _depth_derivative(slopes, s, h, z)
    matrix = np.eye(n) - h * gamma * jacobian(slopes, s, z)
    u: list[Array] = []
    for c, row, coupling, d in zip(numbers.c, numbers.a, numbers.coupling, numbers.d, strict=True):
        slope = slopes(s + c * h, z + _combined(row, u, n))
        u.append(np.linalg.solve(matrix, gamma * (h * slope + _combined(coupling, u, n) + h**2 * d * drift)))
    return z + _combined(numbers.b, u, n)


def jacobian(slopes: Slopes, s: float, z: Array) -> Array:
    """df/dz by central differences of order 4."""
    sizes = DELTA * np.maximum(1, np.abs(z))
    columns = [sum(w * slopes(s, z + k * d * unit) for k, w in CENTRAL.items()) / d for d, unit in zip(sizes, np.eye(len(z)), strict=True)]
    return np.stack(columns, axis=1)


def _depth_derivative(slopes: Slopes, s: float, h: float, z: Array) -> Array:
    """df/ds by differences of order 4 into the step, so that no break point is crossed."""
    size = DELTA * h
    return _combined(FORWARD, (slopes(s + k * size, z) for k in range(len(FORWARD))), len(z)) / size


STEPS: dict[str, Callable[[Tableau, Slopes, float, float, Array], Array]] = {
    "explicit": _explicit,
    "diagonally implicit": _implicit,
    "implicit": _implicit,
    "rosenbrock": _rosenbrock,
}
