"""Vectors and matrices by structure: what of a product, a sum or a diagonal matrix is asked for, without forming the whole.

tr(A B) = sum_ij A_ij B_ji,   tr(A diag(d) C) = d . diag(C A),   diag(A B)_i = sum_j A_ij B_ji
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.indexing import compose
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.shapes import Shape, Size, as_shape
from odeanalysis.symbolic.tables import Table

Key = tuple[Any, ...]


def whole(size: Any) -> sp.Tuple:
    """The item of a key that takes all of an axis."""
    return sp.Tuple(0, size, 1)


def linearly(operation: Callable[[Any], Any], array: Any) -> Any:
    """A linear operation term by term on a sum, or behind the scalar of a scaled array; None for other nodes."""
    if isinstance(array, nodes.Plus) and all(shape_of(term) == array.shape for term in array.args):
        return ex.add(*map(operation, array.args))
    if isinstance(array, nodes.Times) and len(array.args) == 2 and shape_of(array.args[0]) == ():
        return scaled(array.args[0], operation(array.args[1]))
    return None


def scaled(factor: Any, array: Any) -> Any:
    """A scalar times an array; of placed values, the values are scaled."""
    if isinstance(array, nodes.Place):
        return ex.place(scaled(factor, array.args[0]), *array.args[1:])
    return ex.mul(factor, array)


def is_product(array: Any) -> bool:
    """Whether an array is a product of two matrices."""
    return isinstance(array, nodes.MatMul) and all(len(shape_of(factor)) == 2 for factor in array.args)


# ---------------------------------------------------------------- products


def scale_rows(factors: Any, matrix: Any) -> Any:
    """`diag(factors) @ matrix`; one factor for all rows may be a scalar or of length 1."""
    if isinstance(factors, nodes.Full):
        return scaled(factors.args[0], matrix)
    if shape_of(factors) == ():
        return scaled(factors, matrix)
    if factors.shape[0] != matrix.shape[0]:
        return scaled(ex.part(factors, (sp.Integer(0),)), matrix)
    if isinstance(matrix, nodes.Diag):
        return ex.diag(ex.mul(factors, matrix.args[0]))
    if isinstance(matrix, nodes.Outer):
        return ex.outer(ex.mul(factors, matrix.args[0]), matrix.args[1])
    if is_product(matrix) and isinstance(matrix.args[0], nodes.Diag):
        return ex.matmul(scale_rows(factors, matrix.args[0]), matrix.args[1])
    return ex.matmul(ex.diag(factors), matrix)


def times_row(row: Any, matrix: Any) -> Any:
    """`row @ matrix`, multiplied from the left, so that only rows are formed."""
    if isinstance(row, nodes.Place) and shape_of(row.args[0]) == ():
        return scaled(row.args[0], pick(matrix, (row.args[1][0], whole(matrix.shape[1]))))
    if isinstance(matrix, nodes.Diag):
        return ex.mul(row, matrix.args[0])
    if isinstance(matrix, nodes.Outer):
        return ex.mul(ex.dot(row, matrix.args[0]), matrix.args[1])
    if isinstance(matrix, nodes.Place):
        return _times_placed(row, matrix)
    if is_product(matrix):
        return times_row(times_row(row, matrix.args[0]), matrix.args[1])
    found = linearly(lambda term: times_row(row, term), matrix)
    if found is None and isinstance(row, nodes.Full) and not isinstance(matrix, nodes.Eye):
        return ex.mul(row.args[0], ex.sum_to(matrix, matrix.shape[1:]))
    return ex.matmul(row, matrix) if found is None else found


def _times_placed(row: Any, matrix: Any) -> Any:
    value, (rows, columns) = matrix.args[0], matrix.args[1]
    chosen = pick(row, (rows,))
    if isinstance(rows, sp.Tuple):
        found = times_row(chosen, value) if isinstance(columns, sp.Tuple) else ex.dot(chosen, value)
    else:
        found = scaled(chosen, value)
    return found if columns == whole(matrix.shape[1]) else ex.place(found, (columns,), matrix.shape[1:])


def place(value: Any, items: Key, shape: Shape) -> Any:
    """Zeros with a value at a key; what is placed twice is placed once, and what fills everything is itself."""
    if shape_of(value) == shape and items == tuple(map(whole, shape)):
        return value
    if isinstance(value, nodes.Place):
        return ex.place(value.args[0], compose(items, tuple(value.args[1])), shape)
    if isinstance(value, nodes.Plus) and any(isinstance(term, nodes.Place) for term in value.args):
        found = linearly(lambda term: place(term, items, shape), value)
        return ex.place(value, items, shape) if found is None else found
    return ex.place(value, items, shape)


def place_rows(rows: Any, item: Any, height: Size) -> Any:
    """A matrix of `height` rows with one row, or a block of rows, at an item of a key and zeros elsewhere."""
    width = shape_of(rows)[-1]
    return place(rows, (item, whole(width)), (height, width))


# ---------------------------------------------------------------- parts


def pick(array: Any, items: Key) -> Any:
    """The part of a vector or matrix that a key names: of a product, rows of the left factor times columns of the right one."""
    if items == tuple(map(whole, array.shape)):
        return array
    found = PICKS[type(array)](array, items) if type(array) in PICKS else linearly(lambda term: pick(term, items), array)
    return ex.part(array, items) if found is None else found


def picked_shape(items: Key) -> Shape:
    return as_shape([item[1] for item in items if isinstance(item, sp.Tuple)])


def _pick_diagonal(matrix: Any, items: Key) -> Any:
    """Of a diagonal matrix: an entry, a smaller diagonal matrix, or values placed among zeros."""
    rows, columns = items
    if rows == columns:
        if isinstance(matrix, nodes.Eye):
            return ex.eye(rows[1]) if isinstance(rows, sp.Tuple) else sp.Integer(1)
        values = pick(matrix.args[0], (rows,))
        return ex.diag(values) if isinstance(rows, sp.Tuple) else values
    if whole(matrix.shape[0]) not in items:
        return sp.Integer(0) if not picked_shape(items) else None
    item = rows if columns == whole(matrix.shape[1]) else columns
    block = pick(matrix, (item, item))
    inner = tuple(item if one is not item else whole(item[1]) for one in items if isinstance(item, sp.Tuple))
    return ex.place(block, inner or (item,), picked_shape(items))


def _pick_outer(matrix: Any, items: Key) -> Any:
    left, right = (pick(vector, (item,)) for vector, item in zip(matrix.args, items, strict=True))
    return ex.outer(left, right) if len(picked_shape(items)) == 2 else ex.mul(left, right)


def _pick_product(array: Any, items: Key) -> Any:
    left, right = array.args
    if left.ndim == 1 and right.ndim == 2:
        return _row_times(left, pick(right, (whole(right.shape[0]), *items)))
    if left.ndim != 2 or right.ndim > 2:
        return None
    rows = pick(left, (items[0], whole(left.shape[1])))
    return _row_times(rows, pick(right, (whole(right.shape[0]), *items[1:])))


def _row_times(left: Any, right: Any) -> Any:
    return times_row(left, right) if left.ndim == 1 and right.ndim == 2 else ex.matmul(left, right)


def _pick_permuted(array: Any, items: Key) -> Any:
    if len(items) != 2:
        return None
    found = pick(array.args[0], items[::-1])
    return ex.transpose(found) if len(shape_of(found)) == 2 else found


def _pick_placed(array: Any, items: Key) -> Any:
    """Of placed values: those that the key meets, placed where it meets them; None where sizes are symbols."""
    met = [meet(*one) for one in zip(items, array.args[1], array.shape, strict=True)]
    if any(one is None for one in met):
        return None
    shape = picked_shape(items)
    if any(one == () for one in met):
        return ex.full(sp.Integer(0), shape)
    value, inside = array.args[0], tuple(one[0] for one in met if one[0] is not None)
    value = pick(value, inside) if inside else value
    key = tuple(one[1] for one in met if one[1] is not None)
    return value if key == tuple(map(whole, shape)) else ex.place(value, key, shape)


def meet(item: Any, placed: Any, size: Size) -> Any:
    """Where a key's item meets a placed one: (item on the values, item on the result), None for an axis that is gone.

    () where they do not meet; None where that cannot be told because sizes are symbols.
    """
    if item == placed:
        return (whole(item[1]), whole(item[1])) if isinstance(item, sp.Tuple) else (None, None)
    if item == whole(size):
        return (whole(placed[1]) if isinstance(placed, sp.Tuple) else None), placed
    if placed == whole(size):
        return item, (whole(item[1]) if isinstance(item, sp.Tuple) else None)
    if not all(part.is_Integer for one in (item, placed) for part in (one if isinstance(one, sp.Tuple) else (one,))):
        return None
    wanted, filled = positions(item), positions(placed)
    places = [k for k, position in enumerate(wanted) if position in filled]
    values = [filled.index(wanted[k]) for k in places]
    if not places:
        return ()
    return _item(values, placed, item), _item(places, item, placed)


def _item(places: list[int], axis: Any, taken: Any) -> Any:
    """Places along an axis as an item: None where an index has used the axis up, an index where one is taken of it."""
    if not isinstance(axis, sp.Tuple):
        return None
    if not isinstance(taken, sp.Tuple):
        return sp.Integer(places[0])
    return sp.Tuple(places[0], len(places), places[1] - places[0] if len(places) > 1 else 1)


def positions(item: Any) -> list[int]:
    """The places along an axis that an item names."""
    if not isinstance(item, sp.Tuple):
        return [int(item)]
    start, count, step = (int(str(part)) for part in item.args)
    return [start + k * step for k in range(count)]


PICKS: Table[type, Callable[[Any, Key], Any]] = Table(
    {
        nodes.Eye: _pick_diagonal,
        nodes.Diag: _pick_diagonal,
        nodes.Outer: _pick_outer,
        nodes.MatMul: _pick_product,
        nodes.Permute: _pick_permuted,
        nodes.Place: _pick_placed,
    }
)


# ---------------------------------------------------------------- diagonals and traces


def diagonal(matrix: Any) -> Any:
    """The diagonal of a square matrix; of a product, row by row, without forming it."""
    if isinstance(matrix, nodes.Outer):
        return ex.mul(*matrix.args)
    if isinstance(matrix, nodes.Eye):
        return ex.ones(matrix.shape[0])
    if isinstance(matrix, nodes.Permute):
        return diagonal(matrix.args[0])
    if is_product(matrix):
        return product_diagonal(*matrix.args)
    found = linearly(diagonal, matrix)
    return ex.diag(matrix) if found is None else found


def product_diagonal(left: Any, right: Any) -> Any:
    """`diag(left @ right)`, at the cost of one entry-by-entry product."""
    if isinstance(left, nodes.Diag):
        return ex.mul(left.args[0], diagonal(right))
    if isinstance(right, nodes.Diag):
        return ex.mul(diagonal(left), right.args[0])
    if is_product(left) and isinstance(left.args[0], nodes.Diag):
        return ex.mul(left.args[0].args[0], product_diagonal(left.args[1], right))
    found = linearly(lambda term: product_diagonal(term, right), left)
    if found is None:
        found = linearly(lambda term: product_diagonal(left, term), right)
    return found if found is not None else ex.sum_to(ex.mul(ex.transpose(left), right), right.shape[1:])


def trace(matrix: Any) -> Any:
    """The trace of a square matrix, from its structure."""
    if isinstance(matrix, nodes.Full):
        return matrix.args[0] * nodes.shapes.as_expr(matrix.shape[0])
    if isinstance(matrix, nodes.Outer):
        return ex.dot(*matrix.args)
    if isinstance(matrix, nodes.Permute):
        return trace(matrix.args[0])
    if isinstance(matrix, nodes.Place):
        return _placed_trace(matrix)
    if is_product(matrix):
        return product_trace(*matrix.args)
    found = linearly(trace, matrix)
    return ex.trace(matrix) if found is None else found


def product_trace(left: Any, right: Any) -> Any:
    """tr(left @ right) = sum(left * right.T), and by structure where a factor has some."""
    if isinstance(left, nodes.Diag):
        return ex.dot(left.args[0], diagonal(right))
    if isinstance(right, nodes.Diag):
        return ex.dot(diagonal(left), right.args[0])
    if is_product(right) and isinstance(right.args[0], nodes.Diag):
        return ex.dot(right.args[0].args[0], product_diagonal(right.args[1], left))
    if isinstance(right, nodes.Outer):
        return ex.dot(right.args[1], ex.matmul(left, right.args[0]))
    if isinstance(left, nodes.Outer):
        return ex.dot(left.args[0], times_row(left.args[1], right))
    found = linearly(lambda term: product_trace(left, term), right)
    return ex.total(ex.mul(left, ex.transpose(right))) if found is None else found


def _placed_trace(matrix: Any) -> Any:
    """The trace of values placed among zeros: that of the part on the diagonal."""
    size = matrix.shape[0]
    value, (rows, columns) = matrix.args[0], matrix.args[1]
    met = meet(rows, columns, size)
    if met is None:
        return ex.trace(matrix)
    if met == ():
        return sp.Integer(0)
    key = tuple(item for item in reversed(met) if item is not None)
    block = pick(value, key) if key else value
    return trace(block) if len(shape_of(block)) == 2 else block


def squared_norm(array: Any) -> Any:
    """The sum of the squares of all entries: |u v^T|^2 = |u|^2 |v|^2, and zeros are not squared."""
    if shape_of(array) == ():
        return ex.power(array, 2)
    if isinstance(array, (nodes.Place, nodes.Diag)):
        return squared_norm(array.args[0])
    if isinstance(array, nodes.Eye):
        return nodes.shapes.as_expr(array.shape[0])
    if isinstance(array, nodes.Outer):
        return ex.mul(*map(squared_norm, array.args))
    if isinstance(array, nodes.Times) and len(array.args) == 2 and shape_of(array.args[0]) == ():
        return ex.mul(ex.power(array.args[0], 2), squared_norm(array.args[1]))
    if isinstance(array, nodes.Plus) and all(apart(one, two) for one, two in combinations(array.args, 2)):
        return ex.add(*map(squared_norm, array.args))
    return ex.sumsq(array)


def apart(one: Any, two: Any) -> bool:
    """Whether two arrays of values placed among zeros have no place in common."""
    if not (isinstance(one, nodes.Place) and isinstance(two, nodes.Place)):
        return False
    axes = zip(one.args[1], two.args[1], one.shape, strict=True)
    return any(meet(*axis) == () for axis in axes)
