"""Visitors that every other part uses: leaves, substitution, exact numbers. Each visits a shared subexpression once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sympy as sp
from sympy.core.symbol import Str

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.nodes import Block, Leaf

BUILDERS: dict[type, Callable[..., Any]] = {
    nodes.Plus: ex.add,
    nodes.Times: ex.mul,
    nodes.Power: ex.power,
    nodes.Map: lambda name, *arguments: ex.elementwise(name.name, *arguments),
    nodes.MatMul: ex.matmul,
    nodes.Outer: ex.outer,
    nodes.Permute: lambda x, axes: ex.permute(x, axes),
    nodes.Concat: ex.concat,
    nodes.Slice: lambda x, items: ex.part(x, tuple(items)),
    nodes.Element: lambda x, *items: ex.part(x, items),
    nodes.Place: lambda x, items, shape: ex.place(x, items, tuple(shape)),
    nodes.Total: ex.total,
    nodes.SumTo: lambda x, shape: ex.sum_to(x, nodes.shapes.as_shape(shape)),
    nodes.Diag: ex.diag,
    nodes.Diagonal: ex.diag,
    nodes.Solve: ex.solve,
    nodes.Apply: lambda name, path, shape, *arguments: ex.apply(name.name, nodes.steps_of(path), tuple(shape), *arguments),
}


def is_leaf(node: Any) -> bool:
    return isinstance(node, (sp.Symbol, Block))


def is_atom(node: Any) -> bool:
    """Whether a node has no expressions below it: a leaf, a number, a key, a shape."""
    return not node.args or isinstance(node, (Block, Str, sp.Tuple))


def rebuild(node: Any, arguments: Iterable[Any]) -> Any:
    """The same node over other arguments, in canonical form."""
    values = tuple(arguments)
    return node if values == node.args else _builder(node)(*values)


def _builder(node: Any) -> Callable[..., Any]:
    return BUILDERS.get(type(node)) or node.func


def walk(roots: Iterable[Any]) -> Iterator[Any]:
    """Every distinct node below the roots, once, parents first."""
    seen: set[Any] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        if not is_atom(node):
            stack.extend(node.args)


def leaves(*roots: Any) -> set[Leaf]:
    """The symbols and blocks that expressions mention."""
    return {node for node in walk(roots) if is_leaf(node)}


def substitute(expression: Any, mapping: Mapping[Any, Any], memo: dict[Any, Any] | None = None) -> Any:
    """The expression with leaves (or whole subexpressions) replaced, all at once."""
    known = dict(mapping) if memo is None else memo
    return _replace(expression, known)


def _replace(node: Any, known: dict[Any, Any]) -> Any:
    if node in known:
        return known[node]
    result = node if is_atom(node) else rebuild(node, [_replace(argument, known) for argument in node.args])
    known[node] = result
    return result


def exact(expression: Any) -> Any:
    """The expression with every decimal number as the rational of its shortest form, and every symbol real."""
    value = ex.as_expression(expression)
    odd = {node for node in walk([value]) if isinstance(node, sp.Float) or (isinstance(node, sp.Symbol) and not node.is_real)}
    return substitute(value, {node: _exact(node) for node in odd}) if odd else value


def _exact(node: Any) -> Any:
    return ex.as_expression(node) if isinstance(node, sp.Float) else sp.Symbol(node.name, real=True)
