"""Indices, slices and axis lengths, as they are written."""

import ast
from typing import Any

import sympy as sp

from odeanalysis.symbolic.indexing import normalise
from odeanalysis.symbolic.language.reading import Reader
from odeanalysis.symbolic.shapes import Shape, as_expr, as_shape, as_size, show


def size(reader: Reader, node: ast.expr) -> Any:
    """An axis length: a whole number; in formulas also an expression in integer symbols."""
    whole = _integer(node)
    if whole is not None and 0 <= whole <= reader.grammar.size:
        return whole
    if whole is None and reader.grammar.internal:
        with reader.placed(reader.at(node)):
            return as_size(reader.expression(node))
    problem = f"{reader.statement.show(node)!r} is no axis length; write a whole number from 0 to {reader.grammar.size}"
    raise reader.statement.at(node, problem)


def items(reader: Reader, node: ast.expr, shape: Shape) -> tuple[Any, ...]:
    """The key of an array of a shape, item by item."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    keys = tuple(_slice(reader, part) if isinstance(part, ast.Slice) else _index(reader, part) for part in parts)
    named = {i: key for i, key in enumerate(keys) if _is_named(key)}
    plain = tuple(slice(None) if i in named else key for i, key in enumerate(keys))
    found = list(normalise(shape, plain if parts else ()))
    for i, key in named.items():
        found[i] = _named(key, shape[i]) if isinstance(key, slice) else key
    return tuple(found)


def _index(reader: Reader, node: ast.expr) -> Any:
    whole = _integer(node)
    if whole is not None:
        return whole
    if reader.grammar.internal:
        return as_expr(as_size(reader.expression(node)))
    raise reader.statement.at(node, f"{reader.statement.show(node)!r} is no index; write whole numbers and slices of them")


def _slice(reader: Reader, node: ast.Slice) -> slice:
    start, stop, step = (None if part is None else _index(reader, part) for part in (node.lower, node.upper, node.step))
    if step == 0:
        raise reader.statement.at(node, "the step of a slice cannot be 0; write 1 or -1")
    return slice(start, stop, step)


def _is_named(key: Any) -> bool:
    """Whether a symbol stands in a key."""
    return any(isinstance(part, sp.Expr) for part in ((key.start, key.stop, key.step) if isinstance(key, slice) else (key,)))


def _named(key: slice, length: Any) -> Any:
    start = 0 if key.start is None else key.start
    return sp.Tuple(start, (length if key.stop is None else key.stop) - start, 1)


def _integer(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _integer(node.operand) if isinstance(node.operand, ast.Constant) else None
        return inner if inner is None or isinstance(node.op, ast.UAdd) else -inner
    return None


def place(reader: Reader, node: ast.expr) -> tuple[tuple[Any, ...], Shape]:
    """`zeros(4, 3)[1:3, 0]` as the items of its key and its shape: where `place` puts a value."""
    inner = node.value if isinstance(node, ast.Subscript) else None
    if not isinstance(node, ast.Subscript) or not isinstance(inner, ast.Call) or not _is_zeros(inner.func):
        raise reader.statement.at(node, "the place of a value is written like zeros(4, 3)[1:3, 0]")
    shape = as_shape([size(reader, part) for part in inner.args])
    with reader.placed(reader.at(node, f"{show(shape)}: ")):
        return items(reader, node.slice, shape), shape


def _is_zeros(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "zeros"
