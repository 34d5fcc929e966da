"""Shapes with NumPy's meaning, whose sizes are integers or symbols."""

from collections.abc import Sequence

import sympy as sp

from odeanalysis.errors import ModelError

Size = int | sp.Expr
Shape = tuple[Size, ...]


class ShapeError(ModelError):
    """Operands whose shapes do not go together: `words` says so, with {} for the operands, whose names are known where they are read."""

    def __init__(self, words: str, *operands: Shape):
        self.words, self.operands = words, operands
        shapes = " and ".join(map(show, operands))
        super().__init__(words.format(f"an array of shape {shapes}" if len(operands) == 1 else f"shapes {shapes}"))

    def named(self, *names: str) -> str:
        """The same with the operands' names."""
        named = (f"{name} of shape {show(shape)}" for name, shape in zip(names, self.operands, strict=True))
        return self.words.format(" and ".join(named))


def as_size(size: object) -> Size:
    """An axis length: a non-negative integer, or an expression in integer symbols."""
    expression = sp.sympify(size)
    if isinstance(expression, sp.Integer):
        if expression < 0:
            raise ModelError(f"an axis cannot have length {size}; give a length of 0 or more, or an integer symbol")
        return int(expression)
    if isinstance(expression, sp.Expr) and expression.is_integer:
        return expression
    raise ModelError(f"{size!r} is no axis length; give an integer or a symbol declared integer=True")


def as_shape(sizes: Sequence[object]) -> Shape:
    return tuple(as_size(size) for size in sizes)


def as_expr(size: Size) -> sp.Expr:
    return sp.Integer(size) if isinstance(size, int) else size


def size_of(shape: Shape) -> sp.Expr:
    """The number of entries of an array of this shape."""
    return sp.Mul(*map(as_expr, shape))


def broadcast(*shapes: Shape) -> Shape:
    """NumPy's broadcast of shapes, aligned at the last axis."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    rank = max(len(shape) for shape in shapes)
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(_common(sizes, shapes) for sizes in zip(*padded, strict=True))


def _common(sizes: tuple[Size, ...], shapes: tuple[Shape, ...]) -> Size:
    wide = {size for size in sizes if size != 1}
    if len(wide) > 1:
        raise ShapeError("{} cannot be combined; sizes must be equal or 1", *shapes)
    return wide.pop() if wide else 1


def matmul(left: Shape, right: Shape) -> Shape:
    """The shape of `left @ right` for ranks of at least 1."""
    inner = right[0] if len(right) == 1 else right[-2]
    if left[-1] != inner:
        lengths = f"the last axis of the left one has length {left[-1]}, the matching axis of the right one {inner}"
        raise ShapeError(f"{{}} cannot be multiplied with @: {lengths}", left, right)
    if len(left) == 1:
        return right[:-2] + right[-1:] if len(right) > 1 else ()
    if len(right) == 1:
        return left[:-1]
    return (*broadcast(left[:-2], right[:-2]), left[-2], right[-1])


def show(shape: Shape) -> str:
    """The shape as Python writes a tuple."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"
