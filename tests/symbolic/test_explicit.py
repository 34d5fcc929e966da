"""Expressions written out entry by entry mean what NumPy means, for every node and every function."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.special
import sympy as sp

import odeanalysis as oda
from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.explicit import MEANINGS, RULES, Entries, Entry, explicit, explicit_formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.sharing import leaf

SHAPES = {"p": (), "q": (), "u": (3,), "v": (3,), "A": (2, 3), "M": (3, 3), "T": (2, 3, 3), "one": (1, 3)}
n = sp.Symbol("n", integer=True)


def _where(condition: Any, u: Any, v: Any) -> Any:
    return np.where(condition, u, v)


NUMPY = SimpleNamespace(
    sin=np.sin, cos=np.cos, tan=np.tan, asin=np.arcsin, acos=np.arccos, atan=np.arctan, sinh=np.sinh, cosh=np.cosh,
    tanh=np.tanh, exp=np.exp, log=np.log, sqrt=np.sqrt, abs=np.abs, sign=np.sign, maximum=np.maximum, minimum=np.minimum,
    erf=scipy.special.erf, sigmoid=scipy.special.expit, softplus=lambda x: np.logaddexp(0, x), where=_where,
    relu=lambda x: np.maximum(x, 0), elu=lambda x: np.where(x > 0, x, np.expm1(x)), silu=lambda x: x * scipy.special.expit(x),
    gelu=lambda x: x * scipy.special.ndtr(x), outer=np.outer, trace=np.trace, diag=np.diag, dot=np.dot, eye=np.eye,
    concat=lambda *x: np.concatenate([np.atleast_1d(one) for one in x]), transpose=np.transpose, sum=np.sum,
    sumsq=lambda x: np.sum(x**2), ones=lambda *shape: np.ones(shape), solve=np.linalg.solve, permute=np.transpose,
)  # fmt: skip
OURS = SimpleNamespace(**{name: getattr(ex, name, None) or getattr(oda, name) for name in vars(NUMPY)})

EXPRESSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "sum of terms": lambda f, x: x.u + x.p - 2 * x.v + x.one,
    "product": lambda f, x: x.A * x.u * x.q / 3,
    "broadcast quotient": lambda f, x: x.u / (x.A + 5),
    "power": lambda f, x: (x.u + 4) ** (x.v / 2),
    "whole power": lambda f, x: x.A**3,
    "scalar expression": lambda f, x: f.exp(x.p * x.q) / (x.p**2 + 1),
    "matrix times vector": lambda f, x: x.A @ x.u,
    "vector times matrix": lambda f, x: x.u @ x.M,
    "matrix times matrix": lambda f, x: x.A @ x.M,
    "stack times matrix": lambda f, x: x.T @ x.M,
    "stack times vector": lambda f, x: x.T @ x.u,
    "stack times stack": lambda f, x: x.T @ x.T,
    "scalar product": lambda f, x: x.u @ x.v + f.dot(x.u, x.v),
    "outer": lambda f, x: f.outer(x.u, x.v),
    "transpose": lambda f, x: f.transpose(x.A * 2),
    "transpose of a stack": lambda f, x: f.transpose(x.T + 1),
    "axes in another order": lambda f, x: f.permute(x.T, (1, 0, 2)),
    "concat": lambda f, x: f.concat(x.p, x.u, 2 * x.v, x.q),
    "entry": lambda f, x: x.A[1, -1] * x.u[0],
    "slices": lambda f, x: x.A[:, 1:] + x.M[::2, 2],
    "backward slice": lambda f, x: x.u[::-1] * x.v[2:0:-1][0],
    "row of a stack": lambda f, x: x.T[1, 2],
    "slice of a sum": lambda f, x: (x.u + x.v)[1:],
    "diag of a vector": lambda f, x: f.diag(x.u * x.v),
    "diag of a matrix": lambda f, x: f.diag(x.M),
    "identity": lambda f, x: x.M - f.eye(3),
    "ones": lambda f, x: f.ones(2, 3) * x.p + x.A,
    "sums": lambda f, x: f.sum(x.A) + f.sumsq(x.u) + f.trace(x.M),
    "solve": lambda f, x: f.solve(x.M + 4 * f.eye(3), x.u),
    "where": lambda f, x: f.where(x.u > x.A, x.A, x.p),
    "where of scalars": lambda f, x: f.where(x.p <= x.q, x.u, x.v),
}  # fmt: skip


def drawn(seed: int = 0) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {name: generator.uniform(-0.9, 0.9, shape) for name, shape in SHAPES.items()}


def numbers(entries: Entries, values: dict[str, Any]) -> Any:
    """The entries with numbers for the symbols of the leaves."""
    point = {
        entry: number
        for name, value in values.items()
        for entry, number in zip(explicit(leaf(name, SHAPES[name])).items, value.flat, strict=True)
    }
    return np.array([float(sp.sympify(item).subs(point)) for item in entries.items]).reshape(entries.shape)


def check(build: Callable[[Any, Any], Any]) -> None:
    values = {name: np.asarray(value) for name, value in drawn().items()}
    ours = build(OURS, SimpleNamespace(**{name: leaf(name, shape) for name, shape in SHAPES.items()}))
    theirs = build(NUMPY, SimpleNamespace(**values))
    np.testing.assert_allclose(numbers(explicit(ours), values), theirs, rtol=1e-13, atol=1e-15)
    assert explicit(ours).shape == np.shape(theirs)


@pytest.mark.parametrize("case", EXPRESSIONS)
def test_expressions_mean_what_numpy_means(case: str):
    check(EXPRESSIONS[case])


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("step", "maximum", "minimum")])
def test_functions_of_arrays_and_scalars(name: str):
    """The logarithm of positive numbers, everything else of both signs."""
    move = (lambda x: x**2 + 0.1) if name == "log" else (lambda x: x)
    check(lambda f, x: getattr(f, name)(move(x.A)))
    check(lambda f, x: getattr(f, name)(move(x.p)) * x.u)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_functions_of_two_arguments(name: str):
    check(lambda f, x: getattr(f, name)(x.A, x.u) + getattr(f, name)(x.p, x.q))


def test_every_node_and_every_function_has_a_meaning():
    classes = [one for one in vars(nodes).values() if isinstance(one, type) and issubclass(one, (nodes.Array, nodes.ArrayScalar))]
    abstract = {nodes.Array, nodes.ArrayScalar, nodes.Block}
    assert not [one.__name__ for one in classes if one not in abstract and one not in RULES]
    assert not set(FUNCTIONS) - set(MEANINGS)


def test_nodes_that_only_derivatives_make():
    u, A = oda.block("u", 3), oda.block("A", 2, 3)
    values = {"u": np.array([1.0, 2, 3]), "A": np.arange(6.0).reshape(2, 3)}
    placed = nodes.Place(u[:2], sp.Tuple(sp.Tuple(2, 2, -2)), sp.Tuple(4))
    np.testing.assert_array_equal(numbers(explicit(placed), values), [2, 0, 1, 0])
    for shape, expected in (((3,), [3, 5, 7]), ((2, 1), [[3], [12]]), ((1, 3), [[3, 5, 7]]), ((1,), [15])):
        np.testing.assert_array_equal(numbers(explicit(nodes.SumTo(A, sp.Tuple(*shape))), values), expected)
    assert explicit(nodes.BatchSum(u)) == explicit(u)
    assert explicit(nodes.BatchTotal(nodes.Total(u))) == explicit(nodes.Total(u))


def test_symbolic_sizes_are_given():
    z = oda.block("z", n)
    assert explicit(oda.sumsq(z) + n, {n: 2}).scalar == sum(item**2 for item in explicit(z, {n: 2}).items) + 2
    assert explicit(ex.ones(n, 2) * z[0], {n: 3}).shape == (3, 2)
    with pytest.raises(DerivationError, match="size n has no value"):
        explicit(z)


def test_entries_are_no_symbols_of_the_user():
    entry = explicit(oda.block("W", 2, 2)).at((0, 1))
    assert str(entry) == "W_0_1" and isinstance(entry, Entry)
    assert entry != oda.block("W_0_1")
    assert explicit(oda.block("W", 2, 2)[0, 1] - oda.block("W_0_1")).scalar != 0


def test_a_node_without_a_meaning_is_refused_by_name():
    with pytest.raises(DerivationError, match="gamma"):
        explicit(sp.gamma(oda.block("p")))
    with pytest.raises(DerivationError, match="3 entries"):
        Entries((2,), (1, 2, 3))


def test_lets_are_substituted():
    u, M = oda.block("u", 3), oda.block("M", 3, 3)
    h = oda.tanh(M @ u)
    shared = oda.formula("layer", [u, M], {"h": h, "square": oda.sumsq(h), "again": h * h})
    assert shared.lets
    found = explicit_formula(shared)
    assert found == {"h": explicit(h), "square": explicit(oda.sumsq(h)), "again": explicit(h * h)}


def test_known_entries_replace_leaves():
    u = oda.block("u", 2)
    assert explicit(2 * u, known={u: Entries((2,), (sp.Integer(1), sp.Integer(5)))}).items == (2, 10)
