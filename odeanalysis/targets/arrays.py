"""The rules of targets of Python text over arrays: every value may carry any leading batch axes.

Values without batch axes are shared by all samples; mixes broadcast. The rank of every value without its batch axes is known,
so that new axes are written exactly where operands of different rank meet. How a target spells things stands in its `Dialect`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from sympy.logic import boolalg

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array, shape_of
from odeanalysis.symbolic.shapes import Shape
from odeanalysis.targets import text as tx
from odeanalysis.targets.batch_sums import batch_sum
from odeanalysis.targets.networks import applied
from odeanalysis.targets.printer import ALL, NEW, Printer, Rule
from odeanalysis.targets.products import matmul
from odeanalysis.targets.text import Text, call, index, infix, is_number, number, suffix

RELATIONS = {
    sp.StrictLessThan: "<",
    sp.LessThan: "<=",
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: ">=",
    sp.Equality: "==",
    sp.Unequality: "!=",
}
COMPARISONS = {"lt": "<", "le": "<="}
BY_REAL_PART = ("sign", "step")
MOST_PRODUCTS = 32  # powers up to this one are products
LETTERS = "ijklmnopqrstuvwxyz"


# ---------------------------------------------------------------- arithmetic


def total_of(p: Printer, terms: Sequence[Any], shape: Shape) -> Text:
    """A sum of terms that broadcast to a shape; those that stand at keys in zeros are placed together."""
    placed = [term for term in terms if isinstance(term, nodes.Place) and term.shape == shape]
    if len(placed) < 2:
        return tx.total(p.operands(terms, shape))
    rest = [term for term in terms if term not in placed]
    together = p.placed(shape, [(term.args[1], p.value(term.args[0])) for term in placed])
    return tx.total([*p.operands(rest, shape), together])


def product_of(p: Printer, constant: Any, factors: Sequence[Any], shape: Shape) -> Text:
    """The constant first, then the factors; powers with a negative number divide."""
    below = [_is_reciprocal(p, factor) for factor in factors]
    bare = [ex.power(f.args[0], -f.args[1]) if flag else f for f, flag in zip(factors, below, strict=True)]
    texts = list(zip(p.operands(bare, shape), below, strict=True))
    return tx.product(constant, [text for text, flag in texts if not flag], [text for text, flag in texts if flag])


def split(p: Printer, node: Any) -> tuple[Any, list[Any]]:
    """A product as a constant and its factors; arrays whose product has a name are that name."""
    if isinstance(node, sp.Mul):
        constants = [factor for factor in node.args if tx.is_constant(factor)]
        return sp.Mul(*constants), [factor for factor in node.args if factor not in constants]
    if isinstance(node.args[0], Array):
        return sp.S.One, list(node.args)
    constant, factor = node.args[0].as_coeff_Mul()
    arrays = [node.func(*node.args[1:])] if p.is_named(node.func(*node.args[1:])) else node.args[1:]
    return constant, [*([factor] if factor != 1 else []), *arrays]


def _is_reciprocal(p: Printer, factor: Any) -> bool:
    if not isinstance(factor, (sp.Pow, nodes.Power)) or p.is_named(factor):
        return False
    return isinstance(factor.args[1], sp.Rational) and bool(factor.args[1] < 0)


def _power(p: Printer, node: Any) -> Text:
    base, exponent = node.args
    if isinstance(exponent, sp.Rational):
        return _to_rational(p, p.operands([base], shape_of(node))[0], exponent)
    below, above = p.operands([base, exponent], shape_of(node))
    return Text(f"{below.at(tx.ATOM)}**{above.at(tx.SIGN)}", tx.POWER)


def _to_rational(p: Printer, base: Text, exponent: Any) -> Text:
    """Small powers as products, halves by square roots: both far faster than a general power."""
    if exponent < 0:
        return tx.product(sp.S.One, (), [_to_rational(p, base, -exponent)])
    if exponent == 1:
        return base
    if exponent == sp.S.Half:
        return p.written("sqrt", base)
    if exponent == sp.Integer(2) and not base.is_name:
        return p.written("square", base)
    if exponent > MOST_PRODUCTS or exponent.q > 2:
        return Text(f"{base.at(tx.ATOM)}**{number(exponent).text}", tx.POWER)
    base = p.bind(base)
    root = [p.written("sqrt", base)] if exponent.q == 2 else []
    return tx.product(sp.S.One, [*_repeated(p, base, int(exponent)), *root])


def _repeated(p: Printer, base: Text, times: int) -> list[Text]:
    """The factors of a power with a whole exponent, by squaring."""
    if times < 4:
        return [base] * times
    squared = p.bind(tx.product(sp.S.One, [base, base]))
    return [base] * (times % 2) + _repeated(p, squared, times // 2)


# ---------------------------------------------------------------- functions and conditions


def _scalar_function(p: Printer, node: Any) -> Text:
    return _applied(p, SCALAR_CLASSES[type(node)], p.operands(node.args, ()))


def _map(p: Printer, node: Any) -> Text:
    if node.name == "where":
        return _where(p, node.args[1:], node.shape)
    return _applied(p, node.name, p.operands(node.args[1:], node.shape))


def _where(p: Printer, arguments: Sequence[Any], shape: Shape) -> Text:
    condition, chosen, other = p.operands(arguments, shape)
    return p.written("where", p.bind(condition), p.lifted(chosen) if is_number(other) else chosen, other)


def _applied(p: Printer, name: str, arguments: Sequence[Text]) -> Text:
    if name in COMPARISONS:
        return _compared(p, COMPARISONS[name], *arguments)
    if name in BY_REAL_PART:
        return p.written(name, *(_real(p, argument) for argument in map(p.lifted, arguments)))
    return p.written(name, *map(p.lifted, arguments))


def _compared(p: Printer, operator: str, left: Text, right: Text) -> Text:
    return Text(f"{_real(p, left).at(tx.OR)} {operator} {_real(p, right).at(tx.OR)}", tx.COMPARE)


def _real(p: Printer, value: Text) -> Text:
    """What branches are chosen by: the real part, where programs also run on complex numbers, for complex-step derivatives."""
    real = p.dialect.words["real"]
    return suffix(value, real) if real else value


def _relation(p: Printer, node: Any) -> Text:
    return _compared(p, RELATIONS[type(node)], *p.operands(node.args, ()))


def _joined(operator: str, level: int) -> Callable[[Printer, Any], Text]:
    return lambda p, node: infix(operator, level, *map(p, node.args))


def _not(p: Printer, node: Any) -> Text:
    return Text(f"~{p(node.args[0]).at(tx.POWER)}", tx.SIGN)


# ---------------------------------------------------------------- linear algebra


def _outer(p: Printer, node: Any) -> Text:
    left, right = map(p, node.args)
    return tx.product(sp.S.One, [index(left, (NEW,)), index(right, (NEW, ALL))])


def _permute(p: Printer, node: Any) -> Text:
    rank = node.ndim
    axes = [int(axis) for axis in node.args[1]]
    if axes[:-2] == list(range(rank - 2)):
        return suffix(p(node.args[0]), ".mT")
    return p.written("moveaxis", p(node.args[0]), str(tuple(axis - rank for axis in axes)), str(tuple(range(-rank, 0))))


def _diagonal(p: Printer, node: Any) -> Text:
    inner = node.args[0]
    if _is_bare_product(p, inner):
        return p.dialect.contraction(("ij", "ji"), "i", *map(p, inner.args))
    return p.written("diagonal", p(inner))


def _is_bare_product(p: Printer, node: Any) -> bool:
    """Whether only part of a product of two matrices is wanted, so that it need not be built."""
    return isinstance(node, nodes.MatMul) and not p.is_named(node) and all(factor.ndim == 2 for factor in node.args)


# ---------------------------------------------------------------- reductions


def _total(p: Printer, node: Any) -> Text:
    """The sum of all entries; sums of products are contracted, without an array for the products."""
    inner = node.args[0]
    if not p.is_named(inner):
        if isinstance(inner, nodes.Times) and _contracts(inner):
            *first, last = inner.args
            letters = tuple(LETTERS[inner.ndim - rank : inner.ndim] for rank in (max(f.ndim for f in first), last.ndim))
            return p.dialect.contraction(letters, "", p(ex.mul(*first)), p(last))
        if isinstance(inner, nodes.Power) and inner.args[1] == 2:
            base = p.bind(p(inner.args[0]))
            return p.dialect.contraction((LETTERS[: inner.ndim],) * 2, "", base, base)
        if isinstance(inner, nodes.Diagonal):
            return _trace(p, inner.args[0])
    return suffix(p(inner), f".sum({_axes(range(-inner.ndim, 0))})")


def _contracts(product: Any) -> bool:
    """Whether every factor has the size of the product along each of its axes."""
    shape = product.shape
    return all(isinstance(part, Array) and part.shape == shape[len(shape) - part.ndim :] for part in product.args)


def _trace(p: Printer, matrix: Any) -> Text:
    if _is_bare_product(p, matrix):
        return p.dialect.contraction(("ij", "ji"), "", *map(p, matrix.args))
    return p.written("trace", p(matrix))


def _sum_to(p: Printer, node: Any) -> Text:
    inner, shape = node.args[0], node.shape
    leading = range(-inner.ndim, -len(shape))
    kept = [k - len(shape) for k, size in enumerate(shape) if size == 1 and inner.shape[k - len(shape)] != 1]
    text = p(inner)
    text = suffix(text, f".sum({_axes(leading)})") if leading else text
    return suffix(text, f".sum({_axes(kept)}, {p.dialect.words['kept']})") if kept else text


def _axes(axes: Sequence[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(tuple(axes))


# ---------------------------------------------------------------- parts


def _full(p: Printer, node: Any) -> Text:
    value, shape = node.args[0], p.shape(node.shape)
    if not tx.is_constant(value):
        return call("fill", p(value), shape)
    named = {0: "zeros", 1: "ones"}.get(value)
    return p.written(named, shape) if named else p.written("full", shape, number(value))


def _concat(p: Printer, node: Any) -> Text:
    """Vectors behind each other; neighbouring scalars are stacked first."""
    groups: list[list[Any]] = []
    for part in node.args:
        if groups and shape_of(part) == shape_of(groups[-1][-1]) == ():
            groups[-1].append(part)
        else:
            groups.append([part])
    vectors = [p(group[0]) if shape_of(group[0]) else _stacked(p, group) for group in groups]
    return vectors[0] if len(vectors) == 1 else call("concat", *vectors)


def _stacked(p: Printer, parts: list[Any]) -> Text:
    if all(map(tx.is_constant, parts)):
        return p.vector([number(part) for part in parts])
    if len(parts) == 1:
        return index(p(parts[0]), (NEW,))
    return call("stack", *(p.lifted(p.aligned(part, 0)) for part in parts))


def _part(p: Printer, array: Any, items: Any) -> Text:
    found = [p.bounds(item, size) for item, size in zip(items, array.shape, strict=True)]
    return index(p(array), [ALL if one is None else ":".join(one[:2] if one[2:] == ("1",) else one) for one in found])


RULES: dict[type, Rule] = {
    **dict.fromkeys((sp.Add, nodes.Plus), lambda p, node: total_of(p, node.args, shape_of(node))),
    **dict.fromkeys((sp.Mul, nodes.Times), lambda p, node: product_of(p, *split(p, node), shape_of(node))),
    **dict.fromkeys((sp.Pow, nodes.Power), _power),
    **dict.fromkeys(SCALAR_CLASSES, _scalar_function),
    scalars.where: lambda p, node: _where(p, node.args, ()),
    nodes.Map: _map,
    **dict.fromkeys(RELATIONS, _relation),
    sp.And: _joined(" & ", tx.AND),
    sp.Or: _joined(" | ", tx.OR),
    sp.Not: _not,
    boolalg.BooleanTrue: lambda p, node: p.written("true"),
    boolalg.BooleanFalse: lambda p, node: p.written("false"),
    nodes.Full: _full,
    nodes.Eye: lambda p, node: p.written("eye", p.size(node.shape[0])),
    nodes.MatMul: matmul,
    nodes.Outer: _outer,
    nodes.Permute: _permute,
    nodes.Diag: lambda p, node: call("diag", p(node.args[0])),
    nodes.Diagonal: _diagonal,
    nodes.Solve: lambda p, node: call("solve", *map(p, node.args)),
    nodes.Apply: applied,
    nodes.Concat: _concat,
    nodes.Element: lambda p, node: _part(p, node.args[0], node.args[1:]),
    nodes.Slice: lambda p, node: _part(p, node.args[0], node.args[1]),
    nodes.Place: lambda p, node: p.placed(node.shape, [(node.args[1], p.value(node.args[0]))]),
    nodes.Total: _total,
    nodes.SumTo: _sum_to,
    nodes.BatchSum: batch_sum,
    nodes.BatchTotal: batch_sum,
}
