"""Building expressions: one canonical constructor for each node.

Zeros vanish, scalars gather in front of products, equal terms merge, nested sums flatten; nothing else is simplified.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import isfinite
from numbers import Real
from typing import Any, cast

import sympy as sp
from sympy.core.symbol import Str

from odeanalysis.errors import ModelError
from odeanalysis.symbolic import shapes
from odeanalysis.symbolic.indexing import compose, entries, normalise
from odeanalysis.symbolic.nodes import (
    Apply,
    Array,
    Block,
    Concat,
    Diag,
    Diagonal,
    Element,
    Eye,
    Full,
    Map,
    MatMul,
    Outer,
    Permute,
    Place,
    Plus,
    Power,
    Slice,
    Solve,
    SumTo,
    Times,
    Total,
    shape_of,
)
from odeanalysis.symbolic.shapes import Shape, ShapeError

# ---------------------------------------------------------------- leaves and constants


def block(name: str, *shape: Any) -> Any:
    """A named leaf: `block("a")` is the real symbol a, `block("W", 4, 2)` an array of shape (4, 2)."""
    return Block(name, shape) if shape else sp.Symbol(name, real=True)


depth = sp.Symbol("s", real=True)


def as_expression(value: Any) -> Any:
    """A number, a SymPy scalar or an array as an expression; decimal numbers become exact rationals of their shortest form."""
    if isinstance(value, sp.Float):
        return sp.Rational(repr(float(value)))
    if isinstance(value, sp.Basic):
        return value
    if isinstance(value, (bool, str)) or not isinstance(value, (Real, Fraction)):
        raise ModelError(f"{value!r} is no expression; use numbers, symbols, blocks and the functions of odeanalysis")
    if not isfinite(value):
        raise ModelError(f"{value!r} is no finite number; use finite numbers in expressions")
    return sp.Rational(repr(float(value))) if isinstance(value, float) else sp.Rational(str(value))


def full(value: Any, shape: Shape) -> Any:
    """An array of this shape, or a scalar for (), whose entries are all `value`."""
    return Full(value, shape) if shape else value


def zeros(*shape: Any) -> Any:
    """The array of zeros of a shape; without sizes the scalar 0."""
    return full(sp.Integer(0), shape)


def ones(*shape: Any) -> Any:
    """The array of ones of a shape; without sizes the scalar 1."""
    return full(sp.Integer(1), shape)


def eye(size: Any) -> Any:
    """The identity matrix [size, size]."""
    return Eye(sp.sympify(size))


def is_zero(expression: Any) -> bool:
    return expression == 0 or (isinstance(expression, Full) and expression.args[0] == 0)


# ---------------------------------------------------------------- arithmetic


def split(expression: Any) -> tuple[Any, tuple[Array, ...]]:
    """A product as its scalar coefficient and its array factors."""
    if not isinstance(expression, Array):
        return expression, ()
    if isinstance(expression, Full):
        return expression.args[0], (Full(1, expression.shape),)
    if isinstance(expression, Times) and not isinstance(expression.args[0], Array):
        return expression.args[0], cast(Any, expression.args[1:])
    return sp.Integer(1), cast(Any, expression.args if isinstance(expression, Times) else (expression,))


def add(*terms: Any) -> Any:
    """The sum of scalars and arrays, with broadcasting."""
    values = [as_expression(term) for term in terms]
    if not any(isinstance(value, Array) for value in values):
        return sp.Add(*values)
    shape = shapes.broadcast(*map(shape_of, values))
    scalar, coefficients = _gather(values)
    merged = [mul(factor, *arrays) for arrays, factor in coefficients.items()]
    kept = [term for term in (*merged, scalar) if not is_zero(term)]
    if not kept:
        return Full(0, shape)
    if shapes.broadcast(*map(shape_of, kept)) != shape:
        kept.append(Full(0, shape))
    if len(kept) == 1 and isinstance(kept[0], Array):
        return kept[0]
    return _placed(kept, shape) or Plus(*kept)


def _gather(values: Iterable[Any]) -> tuple[Any, dict[tuple[Array, ...], Any]]:
    scalars: list[Any] = []
    coefficients: dict[tuple[Array, ...], Any] = {}
    for value in values:
        for term in value.args if isinstance(value, Plus) else (value,):
            factor, arrays = split(term)
            if arrays:
                coefficients[arrays] = coefficients.get(arrays, 0) + factor
            else:
                scalars.append(factor)
    return sp.Add(*scalars), coefficients


def _placed(terms: list[Any], shape: Shape) -> Any:
    """Scalars placed into one vector of explicit length, written as a concatenation; None where the terms are of another kind."""
    if (
        len(shape) != 1
        or not isinstance(shape[0], int)
        or not all(isinstance(term, Place) and shape_of(term.args[0]) == () for term in terms)
    ):
        return None
    parts: list[list[Any]] = [[] for _ in range(int(shape[0]))]
    for term in terms:
        parts[int(term.args[1][0])].append(term.args[0])
    return concat(*(sp.Add(*part) for part in parts))


def mul(*factors: Any) -> Any:
    """The product entry by entry of scalars and arrays, with broadcasting."""
    values = [as_expression(factor) for factor in factors]
    if not any(isinstance(value, Array) for value in values):
        return sp.Mul(*values)
    shape = shapes.broadcast(*map(shape_of, values))
    pairs = [split(value) for value in values]
    scalar = sp.Mul(*(pair[0] for pair in pairs))
    if scalar == 0:
        return Full(0, shape)
    arrays = [array for pair in pairs for array in pair[1] if not isinstance(array, Full)]
    if not arrays:
        return Full(scalar, shape)
    if shapes.broadcast(*(array.shape for array in arrays)) != shape:
        arrays.append(Full(1, shape))
    return _scaled(scalar, arrays)


def _scaled(scalar: Any, arrays: list[Array]) -> Any:
    """A scalar times arrays; minus a sum is the sum of the negatives, so that differences stay flat."""
    if scalar == 1:
        return arrays[0] if len(arrays) == 1 else Times(*arrays)
    if len(arrays) == 1 and isinstance(arrays[0], Plus) and scalar.is_Number:
        return add(*(mul(scalar, term) for term in arrays[0].args))
    return Times(scalar, *arrays)


def negative(value: Any) -> Any:
    return mul(-1, value)


def subtract(left: Any, right: Any) -> Any:
    return add(left, mul(-1, right))


def divide(left: Any, right: Any) -> Any:
    return mul(left, power(right, -1))


def power(base: Any, exponent: Any) -> Any:
    """`base ** exponent`, entry by entry."""
    base, exponent = as_expression(base), as_expression(exponent)
    if not isinstance(base, Array) and not isinstance(exponent, Array):
        return sp.Pow(base, exponent)
    if exponent == 1:
        return base
    shape = shapes.broadcast(shape_of(base), shape_of(exponent))
    if exponent == 0:
        return Full(1, shape)
    if isinstance(base, Full) and not isinstance(exponent, Array):
        return Full(sp.Pow(base.args[0], exponent), shape)
    if isinstance(base, Power) and isinstance(exponent, sp.Integer) and isinstance(base.args[1], sp.Integer):
        return power(base.args[0], base.args[1] * exponent)
    return Power(base, exponent)


def elementwise(name: str, *arguments: Any) -> Any:
    """An elementary function of the vocabulary on arrays, entry by entry; `where` of a condition that is decided is the branch it picks."""
    values = [as_expression(argument) for argument in arguments]
    shape = shapes.broadcast(*map(shape_of, values))  # refuses here what does not fit, not where the shape is first asked for
    if name == "where" and values[0] in (sp.true, sp.false):
        return _spread(values[1 if values[0] == sp.true else 2], shape)
    return Map(Str(name), *values)


def _spread(value: Any, shape: Shape) -> Any:
    """A value broadcast to a shape."""
    return value if shape_of(value) == shape else mul(value, Full(1, shape))


# ---------------------------------------------------------------- linear algebra


def matmul(left: Any, right: Any) -> Any:
    """The matrix product `left @ right`; for two vectors the scalar product."""
    left, right = as_expression(left), as_expression(right)
    if not isinstance(left, Array) or not isinstance(right, Array):
        raise ShapeError("@ needs arrays on both sides, got {}; use * for scalars", shape_of(left), shape_of(right))
    shape = shapes.matmul(left.shape, right.shape)
    if left.ndim == 1 and right.ndim == 1:
        return total(mul(left, right))
    if is_zero(left) or is_zero(right):
        return Full(0, shape)
    if isinstance(left, Eye) and right.ndim <= 2:
        return right
    return left if isinstance(right, Eye) and left.ndim <= 2 else MatMul(left, right)


def dot(left: Any, right: Any) -> Any:
    """The scalar product of two vectors of equal length: `sum_i u[i] v[i]`."""
    left, right = as_expression(left), as_expression(right)
    if shape_of(left) != shape_of(right) or len(shape_of(left)) != 1:
        raise ShapeError("dot needs two vectors of one length, got {}; use sum(u*v) for other shapes", shape_of(left), shape_of(right))
    return total(mul(left, right))


def outer(left: Any, right: Any) -> Any:
    """The outer product `u[i] v[j]` of two vectors."""
    left, right = as_expression(left), as_expression(right)
    if len(shape_of(left)) != 1 or len(shape_of(right)) != 1:
        raise ShapeError("outer needs two vectors, got {}; use indexing or sum to make vectors first", shape_of(left), shape_of(right))
    if is_zero(left) or is_zero(right):
        return Full(0, left.shape + right.shape)
    return Outer(left, right)


def permute(array: Any, axes: Iterable[int]) -> Any:
    """Axis k of the result is axis `axes[k]` of the array."""
    order = tuple(int(axis) for axis in axes)
    if order == tuple(range(len(order))):
        return array
    if isinstance(array, Permute):
        return permute(array.args[0], (int(array.args[1].args[axis]) for axis in order))
    if isinstance(array, Outer):
        return Outer(*reversed(array.args))
    if isinstance(array, (Eye, Diag)):
        return array
    if isinstance(array, Full):
        return Full(array.args[0], [array.shape[axis] for axis in order])
    return Permute(array, sp.Tuple(*order))


def transpose(value: Any) -> Any:
    """`value.T` as in NumPy: all axes reversed, so that a vector and a scalar are their own transposes."""
    return permute(value, reversed(range(len(shape_of(value)))))


def swap(array: Any) -> Any:
    """The last two axes exchanged: the transpose of each matrix of a stack."""
    rank = len(shape_of(array))
    return permute(array, (*range(rank - 2), rank - 1, rank - 2))


def diag(value: Any) -> Any:
    """The diagonal matrix of a vector, or the diagonal of a square matrix, as in NumPy."""
    shape = shape_of(value)
    if len(shape) == 1:
        return Diag(value)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError("diag needs a vector or a square matrix, got {}", shape)
    if isinstance(value, Eye):
        return Full(1, shape[:1])
    return value.args[0] if isinstance(value, Diag) else Diagonal(value)


def trace(value: Any) -> Any:
    """The sum of the diagonal of a square matrix."""
    shape = shape_of(value)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError("trace needs a square matrix, got {}", shape)
    return total(diag(value))


def solve(matrix: Any, right: Any) -> Any:
    """The vector x with `matrix @ x = right`."""
    return right if isinstance(matrix, Eye) else Solve(matrix, right)


def apply(name: str, path: Iterable[tuple[str, int]], shape: Shape, *arguments: Any) -> Any:
    """A network at arrays, or a derivative of it; one along nothing is nothing."""
    steps = tuple(path)
    if steps and is_zero(arguments[-1]):
        return Full(0, shape)
    flat = (part for kind, place in steps for part in (Str(kind), sp.Integer(place)))
    return Apply(Str(name), sp.Tuple(*flat), sp.Tuple(*shape), *arguments)


# ---------------------------------------------------------------- reductions, parts


def total(value: Any) -> Any:
    """The sum of all entries."""
    value = as_expression(value)
    if not isinstance(value, Array):
        return value
    if isinstance(value, Full):
        return value.args[0] * value.size
    if isinstance(value, Concat) and all(shape_of(part) == () for part in value.args):
        return sp.Add(*value.args)
    factor, arrays = split(value)
    return factor * Total(arrays[0] if len(arrays) == 1 else Times(*arrays))


def sumsq(value: Any) -> Any:
    """The sum of the squares of all entries."""
    return total(power(value, 2))


def sum_to(value: Any, shape: Shape) -> Any:
    """The sum over the axes along which `shape` was broadcast to the shape of `value`."""
    if shape_of(value) == shape:
        return value
    if not shape:
        return total(value)
    if is_zero(value):
        return Full(0, shape)
    return SumTo(value, sp.Tuple(*shape))


def concat(*parts: Any) -> Any:
    """Scalars and vectors, one behind the other, as one vector."""
    values = [as_expression(part) for part in parts]
    if not values:
        raise ModelError("concat needs scalars and vectors, got nothing; give one part or more")
    if any(len(shape_of(value)) > 1 for value in values):
        words = "concat needs scalars and vectors, got {}; use indexing or sum to make vectors first"
        raise ShapeError(words, *map(shape_of, values))
    flat = [piece for value in values for piece in (value.args if isinstance(value, Concat) else (value,))]
    if len(flat) == 1 and isinstance(flat[0], Array):
        return flat[0]
    return Full(0, (shapes.size_of(Concat(*flat).shape),)) if all(map(is_zero, flat)) else Concat(*flat)


def index(array: Any, key: Any) -> Any:
    """`array[key]` for integers and slices, negative ones too, as in NumPy."""
    items = normalise(array.shape, key)
    return part(array, items)


def part(array: Any, items: tuple[Any, ...]) -> Any:
    """What the normalised items of a key leave of an array."""
    if isinstance(array, Full):
        return full(array.args[0], Slice(array, sp.Tuple(*items)).shape)
    if isinstance(array, Slice):
        return part(array.args[0], compose(array.args[1], items))
    if isinstance(array, Concat) and len(items) == 1:
        found = entries(array, items[0])
        if found and items[0].is_Integer:
            return part(found[0], (sp.Integer(0),)) if isinstance(found[0], Array) else found[0]
        if found:
            return concat(*found)
    if isinstance(array, Place) and array.args[1] == sp.Tuple(*items):
        return array.args[0]
    return Element(array, *items) if all(item.is_Integer for item in items) else Slice(array, sp.Tuple(*items))


def place(value: Any, items: Iterable[Any], shape: Shape) -> Any:
    """Zeros of this shape with `value` at the place that the items of a slice name."""
    return Full(0, shape) if is_zero(value) else Place(value, sp.Tuple(*items), sp.Tuple(*shape))
