"""Parts, products, diagonals and traces of matrices by structure are those of the whole matrix, entry by entry."""

import random
from itertools import repeat
from math import prod
from typing import Any

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus import structure
from odeanalysis.symbolic.explicit import Entries, explicit
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import leaves

p = ex.block("p")
u, v = ex.block("u", 4), ex.block("v", 4)
A, B = ex.block("A", 4, 3), ex.block("B", 3, 4)
M, N = ex.block("M", 4, 4), ex.block("N", 4, 4)


def item(start: int, size: int, step: int = 1) -> sp.Tuple:
    return sp.Tuple(start, size, step)


def placed(value: Any, *key: Any) -> Any:
    return ex.place(value, [sp.sympify(one) for one in key], (4, 4))


MATRICES: dict[str, Any] = {
    "block": M,
    "identity": ex.eye(4),
    "constant": ex.full(p, (4, 4)),
    "diagonal": ex.diag(u * v),
    "outer": ex.outer(u, v),
    "product": A @ B,
    "product with a diagonal": A @ ex.diag(ex.block("d", 3)) @ B,
    "diagonal times matrix": ex.diag(u) @ M,
    "matrix times diagonal": M @ ex.diag(u),
    "product with an outer product": M @ ex.outer(u, v),
    "outer product times matrix": ex.outer(u, v) @ M,
    "product of three": M @ (ex.diag(u) @ (A @ B)),
    "nested diagonal": A @ (ex.diag(ex.block("d", 3)) @ B),
    "transpose": ex.transpose(A @ B),
    "sum": M + ex.outer(u, v) - 2 * ex.eye(4),
    "product with a sum": M @ (N + ex.diag(u) + p * ex.outer(u, v)),
    "sum with a number": M + p,
    "scaled": p * (A @ B),
    "entry by entry": M * N,
    "placed rows": placed(ex.block("R", 2, 4), item(1, 2), item(0, 4)),
    "placed row": placed(u, 2, item(0, 4)),
    "placed column": placed(ex.block("e", 2), item(3, 2, -2), 1),
    "placed entry": placed(p, 3, 3),
    "placed off the diagonal": placed(p, 1, 3),
    "placed block": placed(ex.block("R", 2, 3), item(0, 2, 2), item(1, 3)),
    "placed columns": placed(ex.block("C", 4, 2), item(0, 4), item(2, 2)),
    "placed product": placed(ex.block("R", 2, 4) @ M, item(2, 2), item(0, 4)),
}
ITEMS = [sp.Integer(0), sp.Integer(2), item(0, 4), item(1, 2), item(0, 2, 2), item(3, 4, -1), item(3, 1)]
ROWS = [u, ex.full(p, (4,)), ex.place(p, (sp.Integer(2),), (4,)), ex.concat(p, 1, p**2, 0)]


def drawn(leaf: Any, generator: random.Random) -> Entries:
    """Rational values for the entries of a leaf: equal results are then equal exactly, and no others are by chance."""
    shape = tuple(int(str(size)) for size in shape_of(leaf))
    return Entries(shape, tuple(sp.Rational(generator.randint(-999, 999), 64) for _ in range(prod(shape))))


LEAVES = sorted({leaf for matrix in (*MATRICES.values(), *ROWS) for leaf in leaves(matrix)} | {ex.block("one", 1)}, key=str)
NUMBERS = dict(zip(LEAVES, map(drawn, LEAVES, repeat(random.Random(5))), strict=True))


def entries(value: Any) -> Any:
    return explicit(value, known=NUMBERS).items


def test_numbers_tell_matrices_apart():
    assert len({entries(matrix) for matrix in MATRICES.values()}) == len(MATRICES) - 1  # a nested product is written in two ways


def same(found: Any, wanted: Any) -> None:
    assert shape_of(found) == shape_of(wanted)
    assert entries(found) == entries(wanted)


@pytest.mark.parametrize("name", MATRICES)
def test_trace(name: str):
    same(structure.trace(MATRICES[name]), ex.trace(MATRICES[name]))


@pytest.mark.parametrize("name", MATRICES)
def test_diagonal(name: str):
    same(structure.diagonal(MATRICES[name]), ex.diag(MATRICES[name]))


@pytest.mark.parametrize("name", MATRICES)
def test_rows_from_the_left(name: str):
    for row in ROWS:
        same(structure.times_row(row, MATRICES[name]), ex.matmul(row, MATRICES[name]))


@pytest.mark.parametrize("name", MATRICES)
def test_scaled_rows(name: str):
    for factors in (u, p, ex.full(p, (4,)), ex.block("one", 1)):
        wanted = ex.matmul(ex.diag(ex.mul(factors, ex.ones(4))), MATRICES[name])
        same(structure.scale_rows(factors, MATRICES[name]), wanted)


@pytest.mark.parametrize("name", MATRICES)
def test_parts(name: str):
    for rows in ITEMS:
        for columns in ITEMS:
            same(structure.pick(MATRICES[name], (rows, columns)), ex.part(MATRICES[name], (rows, columns)))


@pytest.mark.parametrize("name", MATRICES)
def test_placing(name: str):
    key = (item(4, 4, -1), item(1, 4))
    same(structure.place(MATRICES[name], key, (5, 6)), ex.Place(MATRICES[name], sp.Tuple(*key), sp.Tuple(5, 6)))


@given(st.sampled_from(list(MATRICES)), st.sampled_from(list(MATRICES)))
def test_traces_of_products(left: str, right: str):
    one, two = MATRICES[left], MATRICES[right]
    same(structure.product_trace(one, two), ex.trace(ex.matmul(one, two)))
    same(structure.product_diagonal(one, two), ex.diag(ex.matmul(one, two)))
