"""Reference steps, written from the equations in `Tableau`'s docstring, and a problem that depends on depth.

States are [B, 2], one row for each of B solutions with phases of their own: errors are averaged over them, so that an
error that happens to vanish along one solution hides nothing.
"""

from collections.abc import Callable

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from odeanalysis.tableaus import Tableau

Array = NDArray[np.float64]
Step = Callable[[Tableau, float, Array, float], tuple[Array, Array]]

PHASES = np.linspace(0, 2 * np.pi, 24, endpoint=False)
NEWTON_STEPS = 8

# no entry of the Jacobian and of the derivative in s vanishes identically
S, U, V, PHASE = sp.symbols("s u v phase")
SOLUTION = sp.Matrix([sp.exp(sp.sin(S + PHASE)), 2 + sp.cos(S - 2 * PHASE)])
FIELD = sp.Matrix([
    U * sp.diff(sp.log(SOLUTION[0]), S) + U * (V / SOLUTION[1] - 1),
    V * sp.diff(sp.log(SOLUTION[1]), S) + V * (U / SOLUTION[0] - 1),
])  # fmt: skip
_solution = sp.lambdify((S, PHASE), SOLUTION.flat())
_field = sp.lambdify((S, U, V, PHASE), FIELD.flat())
_jacobian = sp.lambdify((S, U, V, PHASE), FIELD.jacobian([U, V]).flat())
_slope = sp.lambdify((S, U, V, PHASE), [sp.diff(entry, S) for entry in FIELD.flat()])


def solution(s: float) -> Array:
    return np.stack(_solution(s, PHASES), axis=-1)


def field(s: float, z: Array) -> Array:
    return np.stack(_field(s, *z.T, PHASES), axis=-1)


def jacobian(s: float, z: Array) -> Array:
    return np.stack(_jacobian(s, *z.T, PHASES), axis=-1).reshape(-1, 2, 2)


def depth_derivative(s: float, z: Array) -> Array:
    return np.stack(_slope(s, *z.T, PHASES), axis=-1)


def explicit_step(method: Tableau, s: float, z: Array, h: float) -> tuple[Array, Array]:
    """The state after the step, and the estimate of its error (NaN without one): [B, 2] each."""
    numbers = method.floats
    k = np.zeros((method.stages, *z.shape))
    for i, c in enumerate(numbers.c):
        k[i] = field(s + c * h, z + h * np.tensordot(numbers.a[i], k, 1))
    return z + h * np.tensordot(numbers.b, k, 1), h * _estimate(method, k)


def implicit_step(method: Tableau, s: float, z: Array, h: float) -> tuple[Array, Array]:
    """Newton's method on the stages of each solution, all at once."""
    numbers, m, (samples, n) = method.floats, method.stages, z.shape
    a = np.array(numbers.a)
    k = np.stack([field(s, z)] * m)
    for _ in range(NEWTON_STEPS):
        places = list(zip(s + h * np.array(numbers.c), z + h * np.tensordot(a, k, 1), strict=True))
        miss = k - np.stack([field(*place) for place in places])
        slopes = np.stack([jacobian(*place) for place in places])
        matrix = np.eye(m * n) - h * np.einsum("ij,ibpq->bipjq", a, slopes).reshape(samples, m * n, m * n)
        change = np.linalg.solve(matrix, miss.transpose(1, 0, 2).reshape(samples, m * n, 1))
        k = k - change.reshape(samples, m, n).transpose(1, 0, 2)
    return z + h * np.tensordot(numbers.b, k, 1), h * _estimate(method, k)


def rosenbrock_step(method: Tableau, s: float, z: Array, h: float) -> tuple[Array, Array]:
    numbers, gamma = method.floats, method.floats.gamma
    assert gamma is not None and numbers.coupling is not None and numbers.d is not None
    matrix = np.eye(2) - h * gamma * jacobian(s, z)
    u = np.zeros((method.stages, *z.shape))
    for i, (c, d) in enumerate(zip(numbers.c, numbers.d, strict=True)):
        slope = field(s + c * h, z + np.tensordot(numbers.a[i], u, 1)) + h * d * depth_derivative(s, z)
        right = h * gamma * slope + gamma * np.tensordot(numbers.coupling[i], u, 1)
        u[i] = np.linalg.solve(matrix, right[..., None])[..., 0]
    return z + np.tensordot(numbers.b, u, 1), _estimate(method, u)


def _estimate(method: Tableau, stages: Array) -> Array:
    weights = method.floats.b_error
    return np.full(stages.shape[1:], np.nan) if weights is None else np.tensordot(weights, stages, 1)


STEPS: dict[str, Step] = {
    "explicit": explicit_step,
    "diagonally implicit": implicit_step,
    "implicit": implicit_step,
    "rosenbrock": rosenbrock_step,
}


def take(method: Tableau, s: float, z: Array, h: float) -> tuple[Array, Array]:
    return STEPS[method.kind](method, s, z, h)
