"""The rules of differentiation, one entry for each node.

`PULLBACKS[type](node, out, cotangent, i)` is the cotangent that argument i of the node receives: the transposed derivative applied to the
cotangent of its value. `PUSHES[type](node, out, tangents)` is the tangent of its value, given those of its arguments (None for an
argument that does not move). `out` is the node's value, by its name where it has one, so that outputs are reused.
"""

from collections.abc import Callable
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.calculus.structure import diagonal
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES, log, where
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import rebuild
from odeanalysis.symbolic.tables import Table

Pullback = Callable[[Any, Any, Any, int], Any]
Push = Callable[[Any, Any, list[Any]], Any]


def _others(node: Any, i: int) -> tuple[Any, ...]:
    return node.args[:i] + node.args[i + 1 :]


def _factor(node: Any, out: Any, c: Any, i: int) -> Any:
    return ex.sum_to(weighted(c, *_others(node, i)), shape_of(node.args[i]))


def weighted(c: Any, *factors: Any) -> Any:
    """A cotangent times factors; entries that a condition cuts off stay cut off, since factors may be infinite where they are not used."""
    if not (isinstance(c, nodes.Map) and c.name == "where" and any(map(ex.is_zero, c.args[2:]))):
        return ex.mul(c, *factors)
    condition, *branches = c.args[1:]
    return where(condition, *(branch if ex.is_zero(branch) else weighted(branch, *factors) for branch in branches))


def _power(node: Any, out: Any, c: Any, i: int) -> Any:
    base, exponent = node.args
    slope = ex.mul(exponent, ex.power(base, ex.subtract(exponent, 1))) if i == 0 else ex.mul(out, log(base))
    return ex.sum_to(weighted(c, slope), shape_of(node.args[i]))


def _function(name: str, arguments: tuple[Any, ...], out: Any, c: Any, i: int) -> Any:
    return ex.sum_to(weighted(c, FUNCTIONS[name].partials[i](out, *arguments)), shape_of(arguments[i]))


def _scalar_function(node: Any, out: Any, c: Any, i: int) -> Any:
    return _function(SCALAR_CLASSES[node.func], node.args, out, c, i)


def _map(node: Any, out: Any, c: Any, i: int) -> Any:
    if node.name == "where":
        return ex.sum_to(chosen(node.args[1], c, i - 1), shape_of(node.args[i]))
    return _function(node.name, node.args[1:], out, c, i - 1)


def chosen(condition: Any, value: Any, i: int) -> Any:
    """What of a cotangent belongs to branch i (1 or 2) of `where`: all of it on its side, nothing on the other."""
    nothing = ex.full(sp.Integer(0), shape_of(value))
    return where(condition, value, nothing) if i == 1 else where(condition, nothing, value)


def _choose(node: Any, out: Any, c: Any, i: int) -> Any:
    """The part of branch i of a `where`, on scalars or on arrays, whose condition is one scalar."""
    return chosen(node.args[-3], c, i - len(node.args) + 3)


def _matmul(node: Any, out: Any, c: Any, i: int) -> Any:
    left, right = node.args
    if left.ndim > 2 and right.ndim == 1:
        return _stack_times_vector(left, right, c, i)
    if left.ndim == 1 and right.ndim > 2:
        grown = _stack_times_vector(ex.swap(right), left, c, 1 - i)
        return grown if i == 0 else ex.swap(grown)
    if left.ndim == 1:
        grown = ex.matmul(right, c) if i == 0 else ex.outer(left, c)
    elif right.ndim == 1:
        grown = ex.outer(c, right) if i == 0 else ex.matmul(ex.transpose(left), c)
    else:
        grown = ex.matmul(c, ex.swap(right)) if i == 0 else ex.matmul(ex.swap(left), c)
    return ex.sum_to(grown, node.args[i].shape)


def _stack_times_vector(stack: Any, vector: Any, c: Any, i: int) -> Any:
    """Many matrices times one vector: the cotangent, repeated along a new last axis, meets them entry by entry."""
    repeated = ex.mul(c, ex.ones(*vector.shape, *c.shape))
    grown = ex.permute(repeated, (*range(1, repeated.ndim), 0))
    return ex.mul(grown, vector) if i == 0 else ex.sum_to(ex.mul(stack, grown), vector.shape)


def _outer(node: Any, out: Any, c: Any, i: int) -> Any:
    return ex.matmul(c, node.args[1]) if i == 0 else ex.matmul(ex.transpose(c), node.args[0])


def _permute(node: Any, out: Any, c: Any, i: int) -> Any:
    axes = [int(axis) for axis in node.args[1]]
    return ex.permute(c, [axes.index(k) for k in range(len(axes))])


def _concat(node: Any, out: Any, c: Any, i: int) -> Any:
    start = sp.Add(*(nodes.shapes.size_of(shape_of(part)) for part in node.args[:i]))
    shape = shape_of(node.args[i])
    return ex.part(c, (sp.Tuple(start, shape[0], 1) if shape else start,))


def _solve(node: Any, out: Any, c: Any, i: int) -> Any:
    weight = ex.solve(ex.transpose(node.args[0]), c)
    return ex.negative(ex.outer(weight, out)) if i == 0 else weight


OTHER = {"vjp": "jvp", "jvp": "vjp"}


def _apply(node: Any, out: Any, c: Any, i: int) -> Any:
    """The transposed derivative of a network; what is linear in its last argument has there the transpose of itself."""
    arguments, place = node.args[3:], i - 3
    if node.path and place == len(arguments) - 1:
        *before, (kind, at) = node.path
        return ex.apply(node.name, (*before, (OTHER[kind], at)), shape_of(arguments[-1]), *arguments[:-1], c)
    return ex.apply(node.name, (*node.path, ("vjp", place)), shape_of(arguments[place]), *arguments, c)


PULLBACKS: Table[type, Pullback] = Table(
    {
        sp.Add: lambda node, out, c, i: c,
        sp.Mul: _factor,
        sp.Pow: _power,
        scalars.where: _choose,
        nodes.Plus: lambda node, out, c, i: ex.sum_to(c, shape_of(node.args[i])),
        nodes.Times: _factor,
        nodes.Power: _power,
        nodes.Map: _map,
        nodes.MatMul: _matmul,
        nodes.Outer: _outer,
        nodes.Permute: _permute,
        nodes.Concat: _concat,
        nodes.Element: lambda node, out, c, i: ex.place(c, node.args[1:], shape_of(node.args[0])),
        nodes.Slice: lambda node, out, c, i: ex.place(c, node.args[1], shape_of(node.args[0])),
        nodes.Place: lambda node, out, c, i: ex.part(c, tuple(node.args[1])),
        nodes.Total: lambda node, out, c, i: ex.full(c, shape_of(node.args[0])),
        nodes.SumTo: lambda node, out, c, i: ex.mul(c, ex.ones(*shape_of(node.args[0]))),
        nodes.Full: lambda node, out, c, i: ex.total(c),
        nodes.Diag: lambda node, out, c, i: diagonal(c),
        nodes.Diagonal: lambda node, out, c, i: ex.diag(c),
        nodes.Solve: _solve,
        nodes.Apply: _apply,
        **dict.fromkeys(SCALAR_CLASSES, _scalar_function),
    }
)


def _linear(node: Any, out: Any, tangents: list[Any]) -> Any:
    """Nodes that are linear in all their expressions at once: the node of the tangents."""
    zero = [ex.full(sp.Integer(0), shape_of(argument)) for argument in node.args]
    moved = [z if t is None else t for t, z in zip(tangents, zero, strict=True)]
    return rebuild(node, [argument if is_key(argument) else t for argument, t in zip(node.args, moved, strict=True)])


def is_key(argument: Any) -> bool:
    """Whether an argument is a shape, a key or a name rather than an expression."""
    return isinstance(argument, (sp.Tuple, nodes.Str))


def _entry(node: Any, out: Any, tangents: list[Any]) -> Any:
    return ex.part(tangents[0], node.args[1:])


def _multilinear(node: Any, out: Any, tangents: list[Any]) -> Any:
    """Nodes that are linear in each argument: the sum of the nodes with one argument replaced by its tangent."""
    return ex.add(*(rebuild(node, (*node.args[:i], t, *node.args[i + 1 :])) for i, t in enumerate(tangents) if t is not None))


def _by_slopes(pullback: Pullback) -> Push:
    """Entry-by-entry nodes: the slopes that the pullback multiplies a cotangent of ones with, times the tangents."""

    def push(node: Any, out: Any, tangents: list[Any]) -> Any:
        moving = [(i, t) for i, t in enumerate(tangents) if t is not None]
        return ex.add(*(ex.mul(t, slope(pullback, node, out, i)) for i, t in moving))

    return push


def slope(pullback: Pullback, node: Any, out: Any, i: int) -> Any:
    """The derivative, entry by entry, of an elementwise node with respect to argument i."""
    if isinstance(node, nodes.Map) and node.name != "where":
        return FUNCTIONS[node.name].partials[i - 1](out, *node.args[1:])
    if isinstance(node, nodes.Power):
        base, exponent = node.args
        return ex.mul(exponent, ex.power(base, ex.subtract(exponent, 1))) if i == 0 else ex.mul(out, log(base))
    return pullback(node, out, sp.Integer(1), i)


def _where(node: Any, out: Any, tangents: list[Any]) -> Any:
    first = 0 if isinstance(node, scalars.where) else 1
    branches = zip(tangents[first + 1 :], node.args[first + 1 :], strict=True)
    moved = [ex.full(sp.Integer(0), shape_of(branch)) if t is None else t for t, branch in branches]
    return where(node.args[first], *moved)


def _push_map(node: Any, out: Any, tangents: list[Any]) -> Any:
    return _where(node, out, tangents) if node.name == "where" else _by_slopes(_map)(node, out, tangents)


def _push_solve(node: Any, out: Any, tangents: list[Any]) -> Any:
    matrix, right = tangents
    terms = [right] if right is not None else []
    if matrix is not None:
        terms.append(ex.negative(ex.matmul(matrix, out)))
    return ex.solve(node.args[0], ex.add(*terms))


def _push_apply(node: Any, out: Any, tangents: list[Any]) -> Any:
    """The derivative of a network, one argument after the other; what is linear in its last argument is itself there."""
    arguments = node.args[3:]
    moved = [(place, t) for place, t in enumerate(tangents[3:]) if t is not None]
    last = len(arguments) - 1 if node.path else None
    along = (
        ex.apply(node.name, node.path, node.shape, *arguments[:-1], t)
        if place == last
        else ex.apply(node.name, (*node.path, ("jvp", place)), node.shape, *arguments, t)
        for place, t in moved
    )
    return ex.add(*along)


PUSHES: Table[type, Push] = Table(
    {
        **dict.fromkeys(
            (
                sp.Add,
                nodes.Plus,
                nodes.Permute,
                nodes.Concat,
                nodes.Slice,
                nodes.Place,
                nodes.Total,
                nodes.SumTo,
                nodes.Full,
            ),
            _linear,
        ),
        **dict.fromkeys((nodes.Diag, nodes.Diagonal), _linear),
        **dict.fromkeys((sp.Mul, nodes.Times, nodes.MatMul, nodes.Outer), _multilinear),
        nodes.Element: _entry,
        sp.Pow: _by_slopes(_power),
        nodes.Power: _by_slopes(_power),
        scalars.where: _where,
        nodes.Map: _push_map,
        nodes.Solve: _push_solve,
        nodes.Apply: _push_apply,
        **dict.fromkeys(SCALAR_CLASSES, _by_slopes(_scalar_function)),
    }
)


def rule(table: Table[type, Any], node: Any) -> Any:
    """The entry of a table for a node; one that is missing is refused by name."""
    if type(node) not in table:
        raise DerivationError(f"there is no derivative rule for {type(node).__name__} in {node}; the vocabulary is closed")
    return table[type(node)]
