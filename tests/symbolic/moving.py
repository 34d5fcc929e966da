"""Expressions that move with a vector z: one for each way in which a Jacobian is put together, and their derivatives by SymPy."""

import random
from collections.abc import Iterable
from functools import cache
from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.explicit import explicit
from odeanalysis.symbolic.formula import Formula, formula

a, c, s = ex.block("a"), ex.block("c"), ex.block("s")
z, x, u, one = ex.block("z", 3), ex.block("x", 2), ex.block("u", 3), ex.block("one", 1)
V, W, M, Z, T = ex.block("V", 3, 5), ex.block("W", 5, 3), ex.block("M", 3, 3), ex.block("Z", 2, 3), ex.block("T", 2, 2, 3)
LEAVES = (a, c, s, z, x, u, one, V, W, M, Z, T)
TOLERANCE = 1e-25  # of values near 1, computed with 30 digits

VECTORS: dict[str, Any] = {
    "identity": z,
    "constant": u,
    "affine": M @ z + u,
    "affine from the left": z @ M - u,
    "network": V @ fn.tanh(W @ z) - z,
    "two hidden layers": V @ fn.sigmoid(W @ fn.softplus(M @ z + u)),
    "gated": V @ (fn.tanh(W @ z) * fn.sigmoid(W @ (z * u))),
    "residual": z + V @ fn.gelu(W @ (z + fn.silu(M @ z))),
    "powers": z**3 - 2 / z + z ** (a / 2),
    "a power of two vectors": (1 + z**2) ** (z * u),
    "repeated factors": z * z * u,
    "scalar times vector": ex.dot(z, u) * fn.sin(z) + ex.sumsq(z),
    "scalar function": fn.exp(-ex.sumsq(z)) * u + fn.tanh(z[0] * z[1]),
    "a vector of length one": one * z[:1] + z * (one + z[1:2]),
    "two vectors": fn.maximum(z, u * z[0]) - fn.minimum(z * z, u),
    "concatenated scalars": ex.concat(z[0] * z[1], fn.sin(z[2]), a * z[0]),
    "concatenated vectors": ex.concat(z[1:], fn.cos(z[:1]), z @ u),
    "concatenated in part": ex.concat(fn.cos(x), z[2]),
    "reversed": z[::-1] * z,
    "slices": M[1:, :] @ z[:] @ ex.eye(2) @ Z,
    "placed": ex.place(fn.exp(z[1:]), (sp.Tuple(0, 2, 2),), (3,)),
    "summed": ex.sum_to(z * u, (1,)) * u,
    "filled": ex.full(z[0] * z[1], (3,)) + z,
    "where on arrays": fn.where(z < u, fn.sin(z), z * z),
    "where on numbers": fn.where(a < c, fn.sin(z), 3 * z),
    "where with scalar branches": fn.where(z < u, z[0], z * z[1]),
    "diagonal matrix": ex.diag(z * u) @ (M @ z),
    "outer product": ex.outer(z, fn.sin(z)) @ z,
    "scaled matrix": (ex.dot(z, u) * M) @ u + (M + ex.outer(z, u) + ex.diag(u)) @ z,
    "filled matrix": ex.full(z[0], (3, 3)) @ u,
    "solved": ex.solve(ex.eye(3) * 3 + M * a, z * z),
    "solved, moving matrix": ex.solve(ex.diag(z + 2) + ex.outer(u, z), u + z),
    "moving matrix": fn.tanh(ex.outer(z, u)) @ u,
    "moving stack": (M * z) @ z,
}
SCALARS: dict[str, Any] = {
    "product": z[0] * a**2 * z[2],
    "quadratic form": z @ (M @ z),
    "trace": ex.trace(ex.outer(z, u) @ M),
    "matrix entries": fn.log(1 + Z[0, 1] ** 2) * z[0],
}
OTHERS: dict[str, tuple[Any, Any]] = {
    "vector in scalar": (fn.sin(a * z), a),
    "matrix in scalar": (fn.sin(a * M), a),
    "scalar in matrix": (ex.sumsq(Z @ z), Z),
    "vector in matrix": (fn.sin(Z @ z), Z),
    "matrix in vector": (fn.sin(ex.outer(x, z)), x),
    "matrix in matrix": (fn.tanh(Z @ M), Z),
    "stack in vector": (T @ M * z, z),
    "vector in stack": (T[0] @ z, T),
    "an input that is not there": (fn.sin(z), x),
}


def numbers() -> dict[Any, Any]:
    """A random rational value for each entry of each leaf."""
    generator = random.Random(7)
    entries = [entry for leaf in LEAVES for entry in explicit(leaf).items]
    return {entry: sp.Rational(generator.randint(20, 90), 50) for entry in entries}


VALUES = numbers()


def value(expression: Any) -> Any:
    return sp.N(sp.sympify(expression).xreplace(VALUES), 30)


@cache
def expected(expression: Any, wrt: Any) -> tuple[Any, ...]:
    """d expression/d wrt, entry by entry, by SymPy."""
    return tuple(value(sp.diff(item, entry)) for item in explicit(expression).items for entry in explicit(wrt).items)


def assert_close(found: Iterable[Any], wanted: Iterable[Any]) -> None:
    """Equal entries; those found are expressions, those wanted numbers."""
    differences = [abs(value(one) - two) for one, two in zip(found, wanted, strict=True)]
    assert max(differences, default=0) < TOLERANCE


def stated(**outputs: Any) -> Formula:
    """A formula over all the leaves of this file."""
    return formula("f", LEAVES, outputs)
