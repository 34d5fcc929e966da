"""The matrix d node/d x of a vector that depends on a vector x, by structure: sizes may be symbols.

    d(W x) = W dx,   d tanh(x) = diag(1 - tanh(x)^2) dx,   d(u + v) = du + dv,   d concat(u, v) = [du; dv]

Vectors have one rule each in `ROWS`; the gradient of a scalar is one reverse sweep down to the names below it. An array of rank 2 or more
that moves has no such matrix: it is allowed where its product with a vector has one.
"""

from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus import structure as st
from odeanalysis.symbolic.calculus.activity import Activity
from odeanalysis.symbolic.calculus.reverse import pull
from odeanalysis.symbolic.calculus.rules import PULLBACKS, slope
from odeanalysis.symbolic.formula import Let, name_of
from odeanalysis.symbolic.functions import where
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import Size, as_size, show
from odeanalysis.symbolic.tables import Table


class NoStructure(DerivationError):
    """A moving array has no Jacobian by structure; with sizes that are numbers, unit directions give it."""


class Rows:
    """One sweep over a formula: the Jacobian, in one vector, of its scalars (a vector each) and vectors (a matrix each).

    `known` holds the Jacobians of the names that move, `matrices` the expressions of moving names of rank 2 or more.
    """

    def __init__(self, lets: Iterable[Let], wrt: Leaf):
        self.wrt, self.width = wrt, shape_of(wrt)[0]
        self.activity = Activity(lets, [wrt])
        self.known: dict[Any, Any] = {wrt: ex.eye(self.width)}
        self.matrices: dict[Any, Any] = {}

    def of(self, node: Any, out: Any = None) -> Any:
        """The Jacobian of a scalar or vector; `out` is its value by its name, where it has one."""
        if not self.activity.of(node):
            return ex.zeros(*shape_of(node), self.width)
        if node not in self.known:
            value = node if out is None else out
            self.known[node] = self.pulled(node, value, sp.Integer(1)) if shape_of(node) == () else self._matrix(node, value)
        return self.known[node]

    def pulled(self, node: Any, out: Any, cotangent: Any) -> Any:
        """The sum of cotangent times derivative, as one row: a reverse sweep down to the names below the node."""
        parts: list[Any] = []
        pull(node, out, cotangent, lambda leaf, c: parts.append(self._through(leaf, c)), self.activity)
        return ex.add(*parts) if parts else ex.zeros(self.width)

    def _through(self, leaf: Leaf, cotangent: Any) -> Any:
        if leaf in self.matrices:
            return self.pulled(self.matrices[leaf], leaf, cotangent)
        return st.scaled(cotangent, self.known[leaf]) if shape_of(leaf) == () else st.times_row(cotangent, self.known[leaf])

    def _matrix(self, node: Any, out: Any) -> Any:
        if len(shape_of(node)) > 1 or type(node) not in ROWS:
            raise missing(node, self.wrt)
        return ROWS[type(node)](self, node, out)

    def moving(self, node: Any) -> list[int]:
        """The places of a node's arguments that move."""
        return [i for i, argument in enumerate(node.args) if self.activity.of(argument)]


def missing(node: Any, wrt: Leaf) -> NoStructure:
    kind = f"{type(node).__name__} {name_of(node)!r}" if isinstance(node, nodes.Block) else f"{type(node).__name__} in {node}"
    return NoStructure(
        f"{kind}, of shape {show(shape_of(node))}, moves with {name_of(wrt)!r} and has no Jacobian by structure; substitute numbers for "
        "the symbolic sizes, or write it as products of matrices with vectors"
    )


# ---------------------------------------------------------------- entry by entry


def _grown(factor: Any, below: Any, shape: Any, size: Size) -> Any:
    """The rows that an argument of this shape adds to an entry-by-entry node of length `size`, given the node's slope in it."""
    if shape == (size,):
        return st.scale_rows(factor, below)
    row = below if shape == () else st.pick(below, (sp.Integer(0), st.whole(below.shape[1])))
    return ex.outer(ex.mul(factor, ex.ones(size)), row)


def _entrywise(rows: Rows, node: Any, out: Any) -> Any:
    """d g(u, v) = diag(dg/du) du + diag(dg/dv) dv."""
    terms = [(slope(_slope_of(node), node, out, i), node.args[i]) for i in rows.moving(node)]
    size = node.shape[0]
    return ex.add(*(_grown(factor, rows.of(one), shape_of(one), size) for factor, one in terms))


def _slope_of(node: Any) -> Callable[..., Any]:
    return (lambda node, out, c, i: ex.mul(*node.args[:i], *node.args[i + 1 :])) if isinstance(node, nodes.Times) else PULLBACKS[type(node)]


def _plus(rows: Rows, node: Any, out: Any) -> Any:
    one = sp.Integer(1)
    return ex.add(*(_grown(one, rows.of(node.args[i]), shape_of(node.args[i]), node.shape[0]) for i in rows.moving(node)))


def _map(rows: Rows, node: Any, out: Any) -> Any:
    return _branches(rows, node) if node.name == "where" else _entrywise(rows, node, out)


def _branches(rows: Rows, node: Any) -> Any:
    """Each row from the branch that its entry takes: a branch not taken may be undefined."""
    condition, *branches = node.args[1:]
    size = node.shape[0]
    chosen, other = (_grown(sp.Integer(1), rows.of(branch), shape_of(branch), size) for branch in branches)
    if shape_of(condition) == ():
        return where(condition, chosen, other)
    return ex.transpose(where(condition, ex.transpose(chosen), ex.transpose(other)))


# ---------------------------------------------------------------- products


def _matmul(rows: Rows, node: Any, out: Any) -> Any:
    left, right = node.args
    if left.ndim == 1:
        left, right = ex.transpose(right), left
    terms = []
    if rows.activity.of(right):
        terms.append(_times(left, rows.of(right)))
    if rows.activity.of(left):
        terms.append(moving_matrix(rows, left, right))
    return ex.add(*terms)


def _times(matrix: Any, below: Any) -> Any:
    """`matrix @ below`, where an outer product needs only a matrix times a vector."""
    return ex.outer(ex.matmul(matrix, below.args[0]), below.args[1]) if isinstance(below, nodes.Outer) else ex.matmul(matrix, below)


def moving_matrix(rows: Rows, matrix: Any, vector: Any) -> Any:
    """The Jacobian of `matrix @ vector` in what moves the matrix, for matrices made of scalars and vectors."""
    if not rows.activity.of(matrix):
        return ex.zeros(matrix.shape[0], rows.width)
    if matrix in rows.matrices:
        return moving_matrix(rows, rows.matrices[matrix], vector)
    if isinstance(matrix, nodes.Plus):
        return ex.add(*(moving_matrix(rows, _filled(term, matrix), vector) for term in matrix.args))
    if isinstance(matrix, nodes.Diag):
        return st.scale_rows(vector, rows.of(matrix.args[0]))
    if isinstance(matrix, nodes.Outer):
        u, v = matrix.args
        return ex.add(ex.mul(ex.dot(v, vector), rows.of(u)), ex.outer(u, st.times_row(vector, rows.of(v))))
    if isinstance(matrix, nodes.Full):
        return ex.outer(ex.mul(ex.total(vector), ex.ones(matrix.shape[0])), rows.of(matrix.args[0]))
    if not isinstance(matrix, nodes.Times) or shape_of(matrix.args[0]) != ():
        raise missing(matrix, rows.wrt)
    factor, rest = matrix.args[0], ex.mul(*matrix.args[1:])
    return ex.add(ex.outer(ex.matmul(rest, vector), rows.of(factor)), ex.mul(factor, moving_matrix(rows, rest, vector)))


def _filled(term: Any, matrix: Any) -> Any:
    """A term of a sum with the sum's own shape."""
    return term if shape_of(term) == matrix.shape else ex.mul(term, ex.ones(*matrix.shape))


# ---------------------------------------------------------------- parts


def _concat(rows: Rows, node: Any, out: Any) -> Any:
    start: Any = sp.Integer(0)
    terms = []
    for part in node.args:
        size = shape_of(part)[0] if shape_of(part) else 1
        if rows.activity.of(part):
            item = sp.Tuple(start, size, 1) if shape_of(part) else start
            terms.append(st.place_rows(rows.of(part), item, node.shape[0]))
        start = start + size
    return ex.add(*terms)


def _source(rows: Rows, node: Any) -> Any:
    """The Jacobian of a node's only expression, which has to be a scalar or a vector."""
    source = node.args[0]
    if len(shape_of(source)) > 1:
        raise missing(source, rows.wrt)
    return rows.of(source)


def _solve(rows: Rows, node: Any, out: Any) -> Any:
    """A x = b: A dx = db - dA x, one solve for each column."""
    matrix, right = node.args
    below = ex.subtract(rows.of(right), moving_matrix(rows, matrix, out))
    width = as_size(rows.width)
    if not isinstance(width, int) or node.ndim != 1:
        raise missing(node, rows.wrt)
    every = st.whole(node.shape[0])
    columns = (ex.solve(matrix, st.pick(below, (every, sp.Integer(j)))) for j in range(width))
    return ex.add(*(ex.place(column, (every, sp.Integer(j)), (node.shape[0], width)) for j, column in enumerate(columns)))


ROWS: Table[type, Callable[[Rows, Any, Any], Any]] = Table(
    {
        nodes.Plus: _plus,
        nodes.Times: _entrywise,
        nodes.Power: _entrywise,
        nodes.Map: _map,
        nodes.MatMul: _matmul,
        nodes.Concat: _concat,
        nodes.Slice: lambda rows, node, out: st.pick(_source(rows, node), (*node.args[1], st.whole(rows.width))),
        nodes.Place: lambda rows, node, out: st.place_rows(_source(rows, node), node.args[1][0], node.shape[0]),
        nodes.SumTo: lambda rows, node, out: ex.sum_to(_source(rows, node), (*node.shape, rows.width)),
        nodes.Full: lambda rows, node, out: ex.outer(ex.ones(node.shape[0]), rows.of(node.args[0])),
        nodes.Solve: _solve,
    }
)
