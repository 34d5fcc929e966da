"""The nodes of array expressions: immutable `sympy.Basic` objects that carry NumPy shapes.

A scalar is a real `sympy.Expr`; an array is an `Array`. Nodes do nothing to themselves: building, calculus, printing and
evaluation are tables elsewhere, with one entry for each class of this file. Build nodes through `expressions`, which keeps them canonical.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Union

import sympy as sp
from sympy.core.symbol import Str

from odeanalysis.errors import ModelError
from odeanalysis.symbolic import shapes
from odeanalysis.symbolic.shapes import Shape

Expression = Union[sp.Basic, "Array"]
Leaf = Union[sp.Symbol, "Block"]


class Array(sp.Basic):
    """An array-valued expression; `node.func(*node.args) == node`. Its operators are installed by `operators`."""

    if TYPE_CHECKING:  # keys, shapes and names stand among the arguments
        args: Any

    @cached_property
    def shape(self) -> Shape:
        return self._shape()

    def _shape(self) -> Shape:
        raise TypeError(f"{type(self).__name__} states no shape")

    def _sympystr(self, printer: Any) -> str:
        return f"{type(self).__name__}({', '.join(map(printer._print, self.args))})"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> sp.Expr:
        return shapes.size_of(self.shape)


def shape_of(expression: Any) -> Shape:
    """The NumPy shape of an expression: () for a scalar."""
    return expression.shape if isinstance(expression, Array) else ()


# ---------------------------------------------------------------- leaves


class Block(Array):
    """A named array of a given shape: `Block("W", (4, 2))`."""

    def __new__(cls, name: str | Str, shape: Iterable[Any]):
        sizes = shapes.as_shape(tuple(shape))
        if not sizes:
            raise ModelError(f"Block {name} has shape (): a scalar is a SymPy symbol; write block({str(name)!r})")
        return sp.Basic.__new__(cls, name if isinstance(name, Str) else Str(name), sp.Tuple(*sizes))

    @cached_property
    def name(self) -> str:
        return self.args[0].name

    def _shape(self) -> Shape:
        return shapes.as_shape(self.args[1])


class Full(Array):
    """An array all of whose entries are one scalar: `Full(value, shape)`."""

    def __new__(cls, value: Any, shape: Iterable[Any]):
        return sp.Basic.__new__(cls, sp.sympify(value), sp.Tuple(*shapes.as_shape(tuple(shape))))

    def _shape(self) -> Shape:
        return shapes.as_shape(self.args[1])


class Eye(Array):
    """The identity matrix: `Eye(n)`."""

    def _shape(self) -> Shape:
        size = shapes.as_size(self.args[0])
        return (size, size)


# ---------------------------------------------------------------- elementwise


class Plus(Array):
    """A sum of terms, with broadcasting; a scalar term is added to every entry."""

    def _shape(self) -> Shape:
        return shapes.broadcast(*map(shape_of, self.args))


class Times(Array):
    """A product entry by entry, with broadcasting; a scalar factor, if there is one, stands first."""

    def _shape(self) -> Shape:
        return shapes.broadcast(*map(shape_of, self.args))


class Power(Array):
    """`Power(base, exponent)`, entry by entry, with broadcasting."""

    def _shape(self) -> Shape:
        return shapes.broadcast(*map(shape_of, self.args))


class Map(Array):
    """`Map(name, *arguments)`: an elementary function of the vocabulary, entry by entry, with broadcasting."""

    @cached_property
    def name(self) -> str:
        return self.args[0].name

    def _shape(self) -> Shape:
        return shapes.broadcast(*map(shape_of, self.args[1:]))


# ---------------------------------------------------------------- structure


class MatMul(Array):
    """The matrix product `left @ right`, with NumPy's rules for ranks."""

    def _shape(self) -> Shape:
        left, right = map(shape_of, self.args)
        return shapes.matmul(left, right)


class Outer(Array):
    """The outer product of two vectors: `u[i] v[j]`."""

    def _shape(self) -> Shape:
        left, right = map(shape_of, self.args)
        return left + right


class Permute(Array):
    """`Permute(x, axes)`: axis k of the result is axis `axes[k]` of x."""

    def _shape(self) -> Shape:
        source = shape_of(self.args[0])
        return tuple(source[int(axis)] for axis in self.args[1])


class Concat(Array):
    """Scalars and vectors, one behind the other, as one vector."""

    def _shape(self) -> Shape:
        return (shapes.as_size(sp.Add(*(shapes.size_of(shape_of(part)) for part in self.args))),)


class Slice(Array):
    """`Slice(x, key)`: a part of x; each item of the key is an index or a triple (start, size, step)."""

    def _shape(self) -> Shape:
        return tuple(shapes.as_size(item[1]) for item in self.args[1] if isinstance(item, sp.Tuple))


class Place(Array):
    """`Place(value, key, shape)`: zeros, with the value standing at the key. The transpose of a slice."""

    def _shape(self) -> Shape:
        return shapes.as_shape(self.args[2])


class Diag(Array):
    """The diagonal matrix of a vector."""

    def _shape(self) -> Shape:
        return shape_of(self.args[0]) * 2


class Diagonal(Array):
    """The diagonal of a square matrix, as a vector."""

    def _shape(self) -> Shape:
        return shape_of(self.args[0])[:1]


class SumTo(Array):
    """`SumTo(x, shape)`: the sum of x over the axes along which `shape` was broadcast. The transpose of broadcasting."""

    def _shape(self) -> Shape:
        return shapes.as_shape(self.args[1])


class Solve(Array):
    """`Solve(A, b)`: the vector x with A x = b."""

    def _shape(self) -> Shape:
        return shape_of(self.args[1])


class Apply(Array):
    """`Apply(name, path, shape, *arguments)`: a network, of which only the name is known, at arrays; or a derivative of it.

    path: () for the value. A path with ("vjp", k) behind it is the transposed derivative, in argument k, of what the path says, applied to
    the last argument; with ("jvp", k) the derivative. Both are networks again, of one argument more, and linear in it.
    """

    @cached_property
    def name(self) -> str:
        return self.args[0].name

    @cached_property
    def path(self) -> tuple[tuple[str, int], ...]:
        return steps_of(self.args[1])

    def _shape(self) -> Shape:
        return shapes.as_shape(self.args[2])


def steps_of(path: Any) -> tuple[tuple[str, int], ...]:
    """The path of a network as it stands among the arguments of `Apply`, in pairs."""
    return tuple((kind.name, int(place)) for kind, place in zip(path[::2], path[1::2], strict=True))


class BatchSum(Array):
    """The sum over all leading (batch) axes: marks the gradient of a value that the samples share."""

    def _shape(self) -> Shape:
        return shape_of(self.args[0])


# ---------------------------------------------------------------- scalars made of arrays


class ArrayScalar(sp.Expr):
    """A scalar that is read off an array: to SymPy an opaque real number."""

    if TYPE_CHECKING:
        args: Any

    is_commutative = True
    is_real = True

    def _eval_derivative(self, symbol):
        raise ModelError(f"SymPy cannot differentiate {self}; use odeanalysis.vjp or jvp on a Formula")


class Element(ArrayScalar):
    """`Element(x, *indices)`: one entry of an array."""


class Total(ArrayScalar):
    """The sum of all entries of an array."""


class BatchTotal(ArrayScalar):
    """The sum of a scalar over all leading (batch) axes: `BatchSum` for scalars."""
