"""Products with matrices: nothing is built that a product can do without.

Diagonal matrices scale rows or columns. A matrix that is mixed from others by scalars, as W(s) = sum_j psi_j(s) W[j] is, differs from
sample to sample where the scalars do; its product with a vector is mixed from the products instead.
"""

from collections.abc import Callable
from typing import Any, Protocol

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import where
from odeanalysis.symbolic.nodes import Array, Diag, Map, Permute, Plus, Slice, Times, shape_of
from odeanalysis.symbolic.rewrite import is_leaf
from odeanalysis.targets.printer import ALL, NEW, Printer, lined_up
from odeanalysis.targets.text import POWER, PRODUCT, Text, call, index, infix, is_constant, product


def matmul(p: Printer, node: Any) -> Text:
    """The text of `MatMul(left, right)`."""
    left, right = map(p.opened, node.args)
    if isinstance(left, Diag) or isinstance(right, Diag):
        return _scaled(p, left, right)
    if (left.ndim, right.ndim) == (2, 1):
        return _with_vector(p, left, right, "matvec", "vecmat")
    if (left.ndim, right.ndim) == (1, 2):
        return _with_vector(p, right, left, "vecmat", "matvec")
    rank = max(left.ndim, right.ndim)
    texts = _as_matrix(p(left), left.ndim, rank, (NEW, ALL)), _as_matrix(p(right), right.ndim, rank, (ALL, NEW))
    text = infix("@", PRODUCT, *(Text(t.at(POWER), POWER) for t in texts))
    if left.ndim == 1:
        return index(text, ("0", ALL))
    return index(text, ("0",)) if right.ndim == 1 else text


def _as_matrix(text: Text, rank: int, target: int, vector: tuple[str, str]) -> Text:
    return index(text, (*(NEW,) * (target - 2), *vector)) if rank == 1 else lined_up(text, rank, target)


def _with_vector(p: Printer, matrix: Any, vector: Any, helper: str, other: str) -> Text:
    """Matrix times vector or vector times matrix; a transposed matrix changes one into the other."""
    if isinstance(matrix, Permute):
        matrix, helper = matrix.args[0], other
    if is_mixed(p, matrix):
        p.name(vector)
        return p(mixed(p, matrix, lambda one: ex.matmul(one, vector) if helper == "matvec" else ex.matmul(vector, one)))
    return call(helper, p(matrix), p(vector)) if helper == "matvec" else call(helper, p(vector), p(matrix))


def _scaled(p: Printer, left: Any, right: Any) -> Text:
    """A product with a diagonal matrix: rows or columns scaled, no matrix built."""
    if isinstance(left, Diag) and isinstance(right, Diag):
        return p(ex.diag(ex.mul(left.args[0], right.args[0])))
    by_rows = isinstance(left, Diag)
    vector, other = (left.args[0], right) if by_rows else (right.args[0], left)
    if other.ndim == 1:
        return p(ex.mul(vector, other))
    scale = _as_matrix(p(vector), 1, other.ndim, (ALL, NEW)) if by_rows else lined_up(p(vector), 1, other.ndim)
    return product(sp.S.One, [scale, p(other)] if by_rows else [p(other), scale])


# ---------------------------------------------------------------- matrices mixed by scalars


class Names(Protocol):
    """What knows the definitions of named values."""

    definitions: dict[Any, Any]


def is_mixed(p: Names, node: Any) -> bool:
    """Whether a matrix is made of others, which need no computation, by scalars that are no constants."""
    return _has_scalars(p, node) and _is_made_of_views(p, node)


def _has_scalars(p: Names, node: Any) -> bool:
    node = p.definitions.get(node, node)
    if isinstance(node, Plus):
        return any(_has_scalars(p, term) for term in node.args)
    return is_switch(node) or _has_factor(node)


def _has_factor(node: Any) -> bool:
    return isinstance(node, Times) and len(node.args) == 2 and shape_of(node.args[0]) == () and not is_constant(node.args[0])


def is_switch(node: Any) -> bool:
    """Whether a node is an array-valued `where` with one scalar condition."""
    return isinstance(node, Map) and node.name == "where" and shape_of(node.args[1]) == ()


def _is_made_of_views(p: Names, node: Any) -> bool:
    node = p.definitions.get(node, node)
    if isinstance(node, Plus):
        return all(_is_made_of_views(p, term) and shape_of(term) == node.shape for term in node.args)
    if is_switch(node):
        return all(_is_made_of_views(p, branch) and shape_of(branch) == node.shape for branch in node.args[2:])
    if isinstance(node, Times) and len(node.args) == 2 and not isinstance(node.args[0], Array):
        return _is_made_of_views(p, node.args[1])
    return is_leaf(node) or (isinstance(node, (Slice, Permute)) and is_leaf(node.args[0]))


def mixed(p: Names, node: Any, build: Callable[[Any], Any]) -> Any:
    """The same mixture of what is built from each of the matrices."""
    opened = p.definitions.get(node, node)
    if isinstance(opened, Plus):
        return ex.add(*(mixed(p, term, build) for term in opened.args))
    if is_switch(opened):
        return where(opened.args[1], *(mixed(p, branch, build) for branch in opened.args[2:]))
    if isinstance(opened, Times):
        return ex.mul(opened.args[0], mixed(p, opened.args[1], build))
    return build(node)
