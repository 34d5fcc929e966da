"""Expressions as plain text that the language reads back as equal expressions: one rule for each node, minimal brackets."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple, cast

import sympy as sp
from sympy.printing.precedence import PRECEDENCE, precedence

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array, ArrayScalar, shape_of
from odeanalysis.symbolic.printing import order
from odeanalysis.symbolic.shapes import Shape, Size

# how tightly Python binds, loosest first; a matrix product gets brackets in other products, for the reader
OR, AND, NOT, COMPARE, SUM, MATMUL, PRODUCT, SIGN, POWER, ATOM = range(10)
RELATIONS: dict[Any, str] = {
    sp.StrictLessThan: "<",
    sp.LessThan: "<=",
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: ">=",
    sp.Equality: "==",
    sp.Unequality: "!=",
}
COMPARISONS = {"lt": "<", "le": "<="}


class Text(NamedTuple):
    """A piece of text, how tightly it binds, and whether it begins with a sum in brackets, into which a number before it would go."""

    text: str
    level: int = ATOM
    opens: bool = False

    def at(self, level: int) -> str:
        """The text, in brackets where its surroundings bind tighter."""
        return self.text if self.level >= level else f"({self.text})"


Write = Callable[[Any], Text]
Rule = Callable[[Write, Any], Text]


def text(expression: Any) -> str:
    """The text of an expression. `parse` reads it back as an equal expression, with `FORMULAS` if it has nodes that models cannot state.

    Raises TargetError for a node that is not of the vocabulary.
    """
    return strict(expression).text


def strict(node: Any) -> Text:
    """The text of a node; TargetError where it is not of the vocabulary."""
    return _written(strict, node, _refuse)


def lenient(node: Any) -> Text:
    """The text of a node; SymPy's own where it is not of the vocabulary."""
    return _written(lenient, node, _foreign)


def _written(write: Write, node: Any, other: Callable[[Any], Text]) -> Text:
    rule = RULES.get(type(node))
    return rule(write, node) if rule is not None and not _is_unknown_map(node) else other(node)


def _is_unknown_map(node: Any) -> bool:
    return isinstance(node, nodes.Map) and node.name not in FUNCTIONS and node.name not in ("where", *COMPARISONS)


def _refuse(node: Any) -> Text:
    raise TargetError(f"text cannot show {type(node).__name__} in {node}; its vocabulary is closed: use the functions of the language")


def _foreign(node: Any) -> Text:
    if isinstance(node, (Array, ArrayScalar)):
        return Text(f"{type(node).__name__}({', '.join(lenient(argument).text for argument in node.args)})")
    return Text(sp.sstr(node), ATOM if precedence(node) >= PRECEDENCE["Func"] else OR)


def call(name: str, *arguments: Text | str) -> Text:
    return Text(f"{name}({', '.join(one if isinstance(one, str) else one.text for one in arguments)})")


# ---------------------------------------------------------------- arithmetic


def _sum(write: Write, node: Any) -> Text:
    first, *rest = order.terms(node)
    return Text(write(first).at(MATMUL) + "".join(_behind(write, term) for term in rest), SUM)


def _behind(write: Write, term: Any) -> str:
    """A term with the sign that joins it to those before it."""
    return f" - {write(ex.negative(term)).at(MATMUL)}" if order.is_negative(term) else f" + {write(term).at(MATMUL)}"


def _negated(value: Text) -> Text:
    if value.opens or value.level == MATMUL:
        return Text(f"-({value.text})", SIGN)
    return Text(f"-{value.at(PRODUCT)}", min(value.level, SIGN))


def _product(write: Write, node: Any) -> Text:
    """`2*a*x/(3*b)`. A number never stands before a sum in brackets: the language would distribute it, as SymPy does."""
    if order.is_negative(node):
        return _negated(write(ex.negative(node)))
    factors = _without_sums_below(order.product(node))
    body, is_bare = _body(write, factors)
    tail = _divided(write, factors)
    opens = _opens(factors)
    if factors.above == 1 and not is_bare:
        return Text(body + tail, PRODUCT if tail or "*" in body or "/" in body else ATOM, opens)
    head = _number(write, factors.above).text
    if is_bare:
        return Text(f"{head}{body}{tail}", PRODUCT)
    return Text(f"{head}*({body}{tail})" if opens and (tail or _count(factors) > 1) else f"{head}*{body}{tail}", PRODUCT)


def _without_sums_below(factors: order.Product) -> order.Product:
    """A number below that would stand before a sum moves above, where a decimal can show it there."""
    if factors.below == 1 or not factors.dividing or not all(map(order.is_sum, factors.dividing)):
        return factors
    number = factors.above / factors.below
    return replace(factors, above=number, below=sp.S.One) if order.decimal(number) else factors


def _body(write: Write, factors: order.Product) -> tuple[str, bool]:
    """The factors above, and whether they begin with a division or are none, so that a number must stand before them."""
    parts = [f"*{write(one).at(POWER)}" for one in factors.scalars]
    for one in factors.arrays:
        parts.append(f"/{write(order.inverted(one)).at(POWER)}" if order.divides(one) else f"*{write(one).at(POWER)}")
    shown = "".join(parts)
    return (shown[1:], False) if shown.startswith("*") else (shown, True)


def _divided(write: Write, factors: order.Product) -> str:
    """What stands below, as one bracket; a number is kept away from sums."""
    below = sorted(factors.dividing, key=order.is_sum)
    number = [factors.below] if factors.below != 1 else []
    apart = bool(number and below and order.is_sum(below[0]))
    parts = [write(one).at(POWER) for one in (below if apart else [*number, *below])]
    joined = f"/({'*'.join(parts)})" if len(parts) > 1 else "".join(f"/{part}" for part in parts)
    return f"{joined}/{factors.below}" if apart else joined


def _opens(factors: order.Product) -> bool:
    return order.is_sum(next(iter((*factors.scalars, *factors.arrays)), None))


def _count(factors: order.Product) -> int:
    return len(factors.scalars) + len(factors.arrays)


def _number(write: Write, node: Any) -> Text:
    if node < 0:
        return _negated(_number(write, -node))
    shown = order.decimal(node)
    return Text(shown) if shown else Text(str(node), ATOM if node.q == 1 else PRODUCT)


def _power(write: Write, node: Any) -> Text:
    base, exponent = node.args
    if order.divides(node):
        return _product(write, node)
    if exponent == HALF:
        return call("sqrt", write(base))
    return Text(f"{write(base).at(ATOM)}**{write(exponent).at(ATOM)}", POWER)


def _full(write: Write, node: Any) -> Text:
    value = node.args[0]
    if value in CONSTANT_ARRAYS:
        return call(CONSTANT_ARRAYS[value], *(_size(write, size) for size in node.shape))
    return _product(write, node)


# ---------------------------------------------------------------- functions and conditions


def _function(write: Write, node: Any) -> Text:
    return call(SCALAR_CLASSES[type(node)], *map(write, node.args))


def _where(write: Write, node: Any) -> Text:
    condition, *branches = node.args[-3:]
    return call("where", _condition(write, condition), *map(write, branches))


def _map(write: Write, node: Any) -> Text:
    return _where(write, node) if node.name == "where" else call(node.name, *map(write, node.args[1:]))


def _condition(write: Write, node: Any) -> Text:
    if isinstance(node, nodes.Map) and node.name in COMPARISONS:
        return _compared(write, COMPARISONS[node.name], *node.args[1:])
    return write(node)


def _compared(write: Write, sign: str, left: Any, right: Any) -> Text:
    return Text(f"{write(left).at(SUM)} {sign} {write(right).at(SUM)}", COMPARE)


def _relation(write: Write, node: Any) -> Text:
    return _compared(write, RELATIONS[type(node)], *node.args)


def _joined(word: str, level: int) -> Rule:
    return lambda write, node: Text(f" {word} ".join(write(part).at(level + 1) for part in node.args), level)


# ---------------------------------------------------------------- linear algebra, reductions, parts


def _matmul(write: Write, node: Any) -> Text:
    left, right = node.args
    return Text(f"{write(left).at(MATMUL if isinstance(left, nodes.MatMul) else POWER)} @ {write(right).at(POWER)}", MATMUL)


def _permute(write: Write, node: Any) -> Text:
    axes = [int(axis) for axis in node.args[1]]
    if axes == list(range(len(axes)))[::-1]:
        return Text(f"{write(node.args[0]).at(ATOM)}.T")
    return call("permute", write(node.args[0]), *map(str, axes))


def _total(write: Write, node: Any) -> Text:
    (inner,) = node.args
    if isinstance(inner, nodes.Power) and inner.args[1] == 2:
        return call("sumsq", write(inner.args[0]))
    if isinstance(inner, nodes.Times) and is_dot(inner.args):
        return call("dot", *map(write, inner.args))
    if isinstance(inner, nodes.Diagonal):
        return call("trace", write(inner.args[0]))
    return call("sum", write(inner))


def is_dot(factors: tuple[Any, ...]) -> bool:
    """Whether the sum of a product is the scalar product of two vectors."""
    return len(factors) == 2 and len(shape_of(factors[0])) == 1 and shape_of(factors[0]) == shape_of(factors[1])


def _sum_to(write: Write, node: Any) -> Text:
    return call("sum_to", write(node.args[0]), *(_size(write, size) for size in node.shape))


def _place(write: Write, node: Any) -> Text:
    zeros = call("zeros", *(_size(write, size) for size in node.shape)).text
    return call("place", write(node.args[0]), f"{zeros}[{key(write, node.args[1], node.shape)}]")


def _part(write: Write, node: Any) -> Text:
    array, *items = node.args
    items = items[0] if isinstance(node, nodes.Slice) else items
    return Text(f"{write(array).at(ATOM)}[{key(write, items, array.shape)}]")


def key(write: Write, items: Iterable[Any], shape: Shape) -> str:
    """The key of a part between its square brackets; whole axes at the end are left out."""
    parts = [_item(write, item, size) for item, size in zip(items, shape, strict=True)]
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts)


def _item(write: Write, item: Any, size: Size) -> str:
    if not isinstance(item, sp.Tuple):
        return write(item).text
    start, count, step = cast(Iterable[Any], item)
    stop = start + count * step
    if count == 0:
        return f"{_size(write, start)}:{_size(write, start)}"
    if step < 0:
        bounds = ("" if start == size - 1 else str(start), "" if stop < 0 else str(stop))
    else:
        bounds = ("" if start == 0 else _size(write, start), "" if _reaches(stop, size) else _size(write, stop))
    return ":".join(bounds if step == 1 else (*bounds, str(step)))


def _reaches(stop: Any, size: Size) -> bool:
    return bool(stop >= size) if isinstance(size, int) and stop.is_Integer else stop == size


def _size(write: Write, size: Any) -> str:
    return str(size) if isinstance(size, int) else write(size).text


def _name(write: Write, node: Any) -> Text:
    return Text(node.name)


def _apply(write: Write, node: Any) -> Text:
    """`conv(z, w)`, and its derivatives `conv.vjp0(z, w, c)`, `conv.jvp0(z, w, t)`; no text of a model can say what the network is."""
    name = ".".join([node.name, *(f"{kind}{place}" for kind, place in node.path)])
    return call(name, *map(write, node.args[3:]))


def _called(name: str) -> Rule:
    return lambda write, node: call(name, *map(write, node.args))


HALF = sp.Rational(1, 2)
NUMBERS = (sp.Integer, sp.Rational, type(sp.S.Zero), type(sp.S.One), type(sp.S.NegativeOne), type(sp.S.Half))
CONSTANT_ARRAYS = {0: "zeros", 1: "ones"}
RULES: dict[type, Rule] = {
    **dict.fromkeys((sp.Symbol, sp.Dummy, nodes.Block), _name),
    **dict.fromkeys(NUMBERS, _number),
    sp.Float: lambda write, node: write(ex.as_expression(node)),
    type(sp.pi): lambda write, node: Text("pi"),
    type(sp.E): lambda write, node: Text("exp(1)"),
    **dict.fromkeys((sp.Add, nodes.Plus), _sum),
    **dict.fromkeys((sp.Mul, nodes.Times), _product),
    **dict.fromkeys((sp.Pow, nodes.Power), _power),
    **dict.fromkeys(SCALAR_CLASSES, _function),
    scalars.where: _where,
    nodes.Map: _map,
    **dict.fromkeys(RELATIONS, _relation),
    sp.Or: _joined("or", OR),
    sp.And: _joined("and", AND),
    sp.Not: lambda write, node: Text(f"not {write(node.args[0]).at(NOT)}", NOT),
    nodes.Full: _full,
    nodes.Eye: lambda write, node: call("eye", _size(write, node.shape[0])),
    nodes.MatMul: _matmul,
    nodes.Outer: _called("outer"),
    nodes.Permute: _permute,
    nodes.Diag: _called("diag"),
    nodes.Diagonal: _called("diag"),
    nodes.Solve: _called("solve"),
    nodes.Apply: _apply,
    nodes.Concat: _called("concat"),
    nodes.Element: _part,
    nodes.Slice: _part,
    nodes.Place: _place,
    nodes.Total: _total,
    nodes.SumTo: _sum_to,
    nodes.BatchSum: _called("batch_sum"),
    nodes.BatchTotal: _called("batch_sum"),
}
