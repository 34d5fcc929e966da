"""Every node, function and scalar class of the vocabulary is printed for NumPy, and means what it says."""

import inspect
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy.core.symbol import Str

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.nodes import Array, ArrayScalar
from odeanalysis.symbolic.rewrite import walk
from odeanalysis.targets import TARGETS, emit
from odeanalysis.targets.callables import compile_numpy
from odeanalysis.targets.numpy_ import RULES
from tests.targets.formulas import apply, closed, random_values
from tests.targets.reference import run

a, b = ex.block("a"), ex.block("b")
u, v, w = ex.block("u", 3), ex.block("v", 3), ex.block("w", 2)
M, N, S = ex.block("M", 2, 3), ex.block("N", 3, 2), ex.block("S", 3, 3)
T = ex.block("T", 2, 3, 4)

# one expression or more for each class: those whose text differs by rank or by what stands inside
NODES: dict[type, list[Any]] = {
    nodes.Block: [u],
    nodes.Full: [ex.full(a, (2, 3)), ex.zeros(3), ex.ones(2, 3), ex.full(sp.Rational(1, 3), (2,)), M + ex.full(a, (2, 3))],
    nodes.Eye: [ex.eye(3), S - ex.eye(3)],
    nodes.Plus: [u - v, a + u, M - u + sp.Rational(1, 3), T + M.T[:, :1] - a],
    nodes.Times: [u * v, -u, a * M, M * u / 3, u / v, a * b * u / (1 + v**2), T * M.T[:, :1]],
    nodes.Power: [(1 + u**2) ** p for p in (2, 3, 4, 5, -1, -2, sp.Rational(1, 2), sp.Rational(-3, 2), sp.Rational(1, 3), a, v)],
    nodes.Map: [fn.tanh(u), fn.maximum(M, u), fn.minimum(u, a), fn.where(u < v, u, 0), fn.where(a < b, M, u)]
    + [ex.elementwise("where", truth, u, v) for truth in (sp.true, sp.false)],
    nodes.MatMul: [
        M @ u,
        w @ M,
        M @ N,
        M.T @ w,
        u @ M.T,
        T[0] @ ex.block("q", 4, 2),
        ex.block("q", 4, 2).T @ T[1].T,
        T @ ex.block("q", 4, 2),
        S @ ex.block("P", 2, 3, 4),
        T @ ex.block("q4", 4),
        ex.block("q3", 3) @ T,
        ex.diag(w) @ M,
        M @ ex.diag(u),
        ex.diag(u) @ v,
        v @ ex.diag(u),
        ex.diag(u) @ ex.diag(v),
        ex.diag(u) @ T,
        S @ ex.diag(u) @ S,
    ],
    nodes.Outer: [ex.outer(u, w), ex.outer(u + v, w)],
    nodes.Permute: [M.T, T.T, ex.permute(T, (1, 0, 2)), ex.permute(T, (0, 2, 1)), (M + 1).T],
    nodes.Concat: [ex.concat(a, u, 2, b), ex.concat(a, b, 1), ex.concat(u, w), ex.concat(1, 2), ex.concat(a), ex.concat(0, 1, u)],
    nodes.Slice: [u[1:], u[::-1], u[::2], u[1::-1], u[2:2], M[0], M[:, 1], M[1, 1:], T[:, ::-1, 2], (u + v)[:2]],
    nodes.Element: [u[0], u[-1], M[1, 2], T[0, 1, -1], (u * v)[1]],
    nodes.Place: [
        ex.place(a, (sp.Integer(1),), (3,)),
        ex.place(sp.Integer(2), (sp.Integer(1), sp.Integer(0)), (2, 3)),
        ex.place(u, (sp.Integer(1), sp.Tuple(0, 3, 1)), (2, 3)),
        ex.place(w, (sp.Tuple(2, 2, -2),), (3,)) + ex.place(w, (sp.Tuple(0, 2, 1),), (3,)) + u,
    ],
    nodes.Diag: [ex.diag(u), ex.diag(u) + S],
    nodes.Diagonal: [ex.diag(S), ex.diag(M @ N), ex.diag(ex.block("q5", 5) @ ex.block("Q5", 3, 5, 3)), ex.diag(S + ex.outer(u, v))],
    nodes.SumTo: [ex.sum_to(M, (3,)), ex.sum_to(M, (2, 1)), ex.sum_to(T, (1, 4)), ex.sum_to(T, (3, 1)), ex.sum_to(T, (1, 3, 1))],
    nodes.Solve: [ex.solve(S + 4 * ex.eye(3), u)],
    nodes.BatchSum: [nodes.BatchSum(u), nodes.BatchSum(ex.outer(u, w))],
    nodes.Total: [ex.total(x) for x in (u, u * v, M, M * u, u * v * a, S @ u, u**2, (u + v) ** 2, M**2, u * v * (u + v), M * M[:, :1])]
    + [ex.trace(S), ex.trace(M @ N), ex.total(T), ex.total(T**2), ex.total(ex.block("R", 2, 1) * u)],
    nodes.BatchTotal: [nodes.BatchTotal(a), nodes.BatchTotal(sp.Integer(2))],
}
SCALARS: dict[type, list[Any]] = {
    sp.Add: [a + b, a - b - 1, -a - b, sp.pi + a, a - (b - a) ** 3],
    sp.Mul: [a * b, -a * b, a / b, 2 * a / 3, sp.sqrt(2) * a, -(a + b) / b, 1 / (a * b**2), a / (b * (1 + a))],
    sp.Pow: [(1 + a**2) ** p for p in (2, 3, 4, 7, -1, -3, sp.Rational(1, 2), sp.Rational(-1, 2), sp.Rational(1, 3), b, -b)]
    + [2**a, 3 ** (a + b)],
    scalars.where: [fn.where(a < b, a, b), fn.where(a < b, 1, 0) / (1 + a**2)],
    sp.StrictLessThan: [fn.where(a < 1, a, b)],
    sp.LessThan: [fn.where(a <= b + 1, a, b)],
    sp.StrictGreaterThan: [fn.where(a > -b, a, b)],
    sp.GreaterThan: [fn.where(a >= b, a, b)],
    sp.Equality: [fn.where(sp.Eq(a, a * b), a, b)],
    sp.Unequality: [fn.where(sp.Ne(a, b), a, b)],
    sp.And: [fn.where(sp.And(a < b, b < 2 * a), a, b), fn.where(sp.And(a < b, sp.Or(a < 0, b > 1)), a, b)],
    sp.Or: [fn.where(sp.Or(a < b, b < -a), a, b)],
    sp.Not: [fn.where(sp.Not(sp.And(a < b, b < 2), evaluate=False), a, b)],
    sp.Rational: [sp.Rational(1, 3) + a, sp.Rational(-22, 7), sp.Integer(0), sp.pi, sp.sqrt(2) / 3, sp.E + a],
}


def vocabulary() -> set[type]:
    """The classes of nodes.py that can be made."""
    found = {cls for _, cls in inspect.getmembers(nodes, inspect.isclass) if issubclass(cls, (Array, ArrayScalar))}
    return found - {Array, ArrayScalar}


def check(program: Formula) -> None:
    values = random_values(program, 3)
    results = compile_numpy(program)(*values)
    assert all(isinstance(found, (np.ndarray, np.generic)) for found in results)
    for found, expected in zip(results, run(program, values), strict=True):
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_no_node_is_left_out():
    """Networks mean what is bound to them: `test_networks.py`."""
    assert {*NODES, nodes.Apply} == vocabulary()


@pytest.mark.parametrize(("cls", "examples"), [*NODES.items(), *SCALARS.items()], ids=lambda one: getattr(one, "__name__", ""))
def test_each_node_means_what_it_says(cls: type, examples: list[Any]):
    for expression in examples:
        check(closed(expression))
    assert any(isinstance(node, cls) for node in walk(examples))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_works_on_scalars_and_arrays(name: str):
    arguments = ((a, b), (u, v), (M, u), (u, a))
    check(closed(*(apply(name, *pair[: FUNCTIONS[name].arity]) for pair in arguments)))


@pytest.mark.parametrize("cls", [*fn.SCALAR_CLASSES, *NODES], ids=lambda cls: cls.__name__)
def test_each_class_has_a_rule(cls: type):
    assert cls in RULES or cls is nodes.Block


class Unknown(Array):
    """A node that no target knows."""

    def _shape(self):
        return (3,)


class unknown(scalars.Elementary):
    nargs = 1


@pytest.mark.parametrize("expression", [Unknown(Str("x")), u + Unknown(u), unknown(a), a + sp.gamma(a), sp.Max(a, b)])
def test_an_unknown_node_is_refused_by_name(expression: Any):
    with pytest.raises(TargetError, match=r"Unknown|unknown|gamma|Max"):
        emit(closed(expression))


def test_an_unknown_target_is_refused_with_those_there_are():
    with pytest.raises(TargetError, match=r"'fortran'.*'numpy'"):
        emit(closed(a), "fortran")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("examples", [*NODES.values(), *SCALARS.values()], ids=[cls.__name__ for cls in (*NODES, *SCALARS)])
def test_every_target_writes_every_node(target: str, examples: list[Any]):
    assert all(emit(closed(expression), target) for expression in examples)


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_formula_always_has_the_same_text(target: str):
    program = closed(*(expression for examples in NODES.values() for expression in examples))
    assert emit(program, target) == emit(program, target)


def of_size(n: Any) -> Formula:
    x, y = ex.block("x", n), ex.block("Y", 2, n)
    outputs = [fn.tanh(y @ x) + ex.total(ex.full(a, (n,))), y[:, 1:], ex.concat(x, ex.zeros(n)), ex.eye(n) @ ex.diag(x)]
    outputs += [ex.place(x, (sp.Tuple(n, n, 1),), (2 * n + 1,)), ex.trace(ex.eye(n)) * a]
    return closed(*outputs)


def test_symbolic_sizes_are_read_off_the_inputs():
    general, special = of_size(sp.Symbol("n", integer=True, positive=True)), of_size(sp.Integer(4))
    values = random_values(special, 0)
    for found, expected in zip(compile_numpy(general)(*values), compile_numpy(special)(*values), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("build", [ex.eye, ex.zeros])
def test_a_symbolic_size_that_no_input_has_is_refused(build: Any):
    n = sp.Symbol("n", integer=True)
    with pytest.raises(TargetError, match="length n"):
        emit(Formula("example", (n,), (), (("out", build(n)),)))


@pytest.mark.parametrize("expression", [10 ** sp.Integer(400) * a, sp.oo * a, sp.zoo + a, sp.I * a])
def test_a_constant_that_is_no_finite_number_is_refused(expression: Any):
    with pytest.raises(TargetError, match="no finite 64-bit number"):
        emit(closed(expression))
