"""The NumPy target: a formula as a Python function of arrays that may carry any leading batch axes.

Values without batch axes are shared by all samples; mixes broadcast. The rank of every value without its batch axes is known,
so that new axes are written exactly where operands of different rank meet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.logic import boolalg

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array, shape_of
from odeanalysis.symbolic.shapes import Shape
from odeanalysis.targets import text as tx
from odeanalysis.targets.batch_sums import batch_sum
from odeanalysis.targets.printer import ALL, NEW, Dialect, Printer
from odeanalysis.targets.products import matmul
from odeanalysis.targets.text import Text, call, index, infix, number, suffix

# the functions of prelude.py
HELPERS = (
    *("absolute", "maximum", "minimum", "relu", "sigmoid", "silu", "softplus", "elu", "erf", "gelu"),
    *("fill", "stack", "concat", "place", "diag", "matvec", "vecmat", "solve"),
    *("common_batch", "batch_sum", "outer_sum", "weighted_sum"),
)
FUNCTION_NAMES = {
    **{name: f"np.{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log")},
    **{name: f"np.arc{name[1:]}" for name in ("asin", "acos", "atan")},
    **{name: name for name in ("maximum", "minimum", "relu", "sigmoid", "silu", "softplus", "elu", "erf", "gelu")},
    "abs": "absolute",
}
RELATIONS = {
    sp.StrictLessThan: "<",
    sp.LessThan: "<=",
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: ">=",
    sp.Equality: "==",
    sp.Unequality: "!=",
}
MOST_PRODUCTS = 32  # powers up to this one are products
WIDTH = 100
LETTERS = "ijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Program:
    """A formula as text: the name of its function, the helpers that it calls, and the definition itself."""

    name: str
    helpers: tuple[str, ...]
    definition: str

    @property
    def text(self) -> str:
        """A module that defines the function."""
        parts = ["import numpy as np\n"] if "np" in tx.words(self.definition) else []
        if self.helpers:
            parts.append(f"from odeanalysis.targets.prelude import {', '.join(self.helpers)}\n")
        return "\n".join(parts) + ("\n\n" if parts else "") + self.definition


def emit(formula: Formula) -> str:
    """A module with one function `NAME(x, y, ...)` of the inputs in order that returns the tuple of the outputs in order.

    Every input is a NumPy array or scalar of its stated shape behind any leading batch axes. Results may share memory with the
    inputs: they are not to be written into. Raises TargetError for a node without a rule and for a size that is no number.
    """
    return program(formula).text


def program(formula: Formula) -> Program:
    """The text of a formula in its parts, for modules that carry the text of the helpers themselves."""
    printer = Printer(formula, DIALECT)
    lines = [f"{target} = {text}" for target, text in printer.run()]
    lines += _returned(printer.results)
    mentioned = set().union(*map(tx.words, lines))
    (name,) = tx.identifiers([formula.name], DIALECT.reserved).values()
    arguments = ", ".join(printer.known[leaf].text for leaf in formula.inputs)
    body = "\n".join(f"    {line}" for line in ([tx.docstring(formula.source)] if formula.source else []) + lines)
    return Program(name, tuple(h for h in HELPERS if h in mentioned), f"def {name}({arguments}):\n{body}\n")


def _returned(results: list[str]) -> list[str]:
    """The tuple of the results, on one line or on one line each."""
    line = f"return {tx.tuple_of(results) if results else '()'}"
    return [line] if len(line) < WIDTH else ["return (", *(f"    {result}," for result in results), ")"]


# ---------------------------------------------------------------- arithmetic


def _sum(p: Printer, node: Any) -> Text:
    shape = shape_of(node)
    placed = [term for term in node.args if isinstance(term, nodes.Place) and term.shape == shape]
    if len(placed) < 2:
        return tx.total(p.operands(node.args, shape))
    rest = [term for term in node.args if term not in placed]
    together = p.placed(shape, [(term.args[1], p.value(term.args[0])) for term in placed])
    return tx.total([*p.operands(rest, shape), together])


def _product(p: Printer, node: Any) -> Text:
    """Constants first, then the factors; powers with a negative number divide."""
    constant, factors = _split(p, node)
    below = [_is_reciprocal(p, factor) for factor in factors]
    bare = [ex.power(f.args[0], -f.args[1]) if flag else f for f, flag in zip(factors, below, strict=True)]
    texts = list(zip(p.operands(bare, shape_of(node)), below, strict=True))
    return tx.product(constant, [text for text, flag in texts if not flag], [text for text, flag in texts if flag])


def _split(p: Printer, node: Any) -> tuple[Any, list[Any]]:
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
        return call("np.sqrt", base)
    if exponent == sp.Integer(2) and not base.is_name:
        return call("np.square", base)
    if exponent > MOST_PRODUCTS or exponent.q > 2:
        return Text(f"{base.at(tx.ATOM)}**{number(exponent).text}", tx.POWER)
    base = p.bind(base)
    root = [call("np.sqrt", base)] if exponent.q == 2 else []
    return tx.product(sp.S.One, [*_repeated(p, base, int(exponent)), *root])


def _repeated(p: Printer, base: Text, times: int) -> list[Text]:
    """The factors of a power with a whole exponent, by squaring."""
    if times < 4:
        return [base] * times
    squared = p.bind(tx.product(sp.S.One, [base, base]))
    return [base] * (times % 2) + _repeated(p, squared, times // 2)


# ---------------------------------------------------------------- functions and conditions


def _scalar_function(p: Printer, node: Any) -> Text:
    return _written(SCALAR_CLASSES[type(node)], p.operands(node.args, ()))


def _map(p: Printer, node: Any) -> Text:
    if node.name == "where":
        return _where(p, node.args[1:], node.shape)
    return _written(node.name, p.operands(node.args[1:], node.shape))


def _where(p: Printer, arguments: Sequence[Any], shape: Shape) -> Text:
    condition, chosen, other = p.operands(arguments, shape)
    return call("np.where", p.bind(condition), chosen, other)


def _written(name: str, arguments: Sequence[Text]) -> Text:
    if name in SPECIAL:
        return SPECIAL[name](*arguments)
    return call(FUNCTION_NAMES[name], *arguments)


def _compared(operator: str) -> Callable[[Text, Text], Text]:
    def write(left: Text, right: Text) -> Text:
        return Text(f"{_real(left).at(tx.OR)} {operator} {_real(right).at(tx.OR)}", tx.COMPARE)

    return write


def _real(value: Text) -> Text:
    """The real part, by which branches are chosen: programs also run on complex numbers, for complex-step derivatives."""
    return suffix(value, ".real")


SPECIAL: dict[str, Callable[..., Text]] = {
    "lt": _compared("<"),
    "le": _compared("<="),
    "sign": lambda x: call("np.sign", _real(x)),
    "step": lambda x: call("np.where", f"{_real(x).text} > 0.0", "1.0", "0.0"),
}


def _relation(p: Printer, node: Any) -> Text:
    return _compared(RELATIONS[type(node)])(*p.operands(node.args, ()))


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
    return call("np.moveaxis", p(node.args[0]), str(tuple(axis - rank for axis in axes)), str(tuple(range(-rank, 0))))


def _diagonal(p: Printer, node: Any) -> Text:
    inner = node.args[0]
    if _is_bare_product(p, inner):
        return _einsum(["ij", "ji"], "i", *map(p, inner.args))
    return call("np.diagonal", p(inner), "axis1=-2", "axis2=-1")


def _is_bare_product(p: Printer, node: Any) -> bool:
    """Whether only part of a product of two matrices is wanted, so that it need not be built."""
    return isinstance(node, nodes.MatMul) and not p.is_named(node) and all(factor.ndim == 2 for factor in node.args)


# ---------------------------------------------------------------- reductions


def _einsum(inputs: Sequence[str], output: str, *operands: Text) -> Text:
    return call("np.einsum", f'"{",".join(f"...{letters}" for letters in inputs)}->...{output}"', *operands)


def _total(p: Printer, node: Any) -> Text:
    """The sum of all entries; sums of products are contracted, without an array for the products."""
    inner = node.args[0]
    if not p.is_named(inner):
        if isinstance(inner, nodes.Times) and _contracts(inner):
            *first, last = inner.args
            letters = [LETTERS[inner.ndim - rank : inner.ndim] for rank in (max(f.ndim for f in first), last.ndim)]
            return _einsum(letters, "", p(ex.mul(*first)), p(last))
        if isinstance(inner, nodes.Power) and inner.args[1] == 2:
            base = p.bind(p(inner.args[0]))
            return _einsum([LETTERS[: inner.ndim]] * 2, "", base, base)
        if isinstance(inner, nodes.Diagonal):
            return _trace(p, inner.args[0])
    return suffix(p(inner), f".sum({_axes(range(-inner.ndim, 0))})")


def _contracts(product: Any) -> bool:
    """Whether every factor has the size of the product along each of its axes."""
    shape = product.shape
    return all(isinstance(part, Array) and part.shape == shape[len(shape) - part.ndim :] for part in product.args)


def _trace(p: Printer, matrix: Any) -> Text:
    if _is_bare_product(p, matrix):
        return _einsum(["ij", "ji"], "", *map(p, matrix.args))
    return call("np.trace", p(matrix), "axis1=-2", "axis2=-1")


def _sum_to(p: Printer, node: Any) -> Text:
    inner, shape = node.args[0], node.shape
    leading = range(-inner.ndim, -len(shape))
    kept = [k - len(shape) for k, size in enumerate(shape) if size == 1 and inner.shape[k - len(shape)] != 1]
    text = p(inner)
    text = suffix(text, f".sum({_axes(leading)})") if leading else text
    return suffix(text, f".sum({_axes(kept)}, keepdims=True)") if kept else text


def _axes(axes: Sequence[int]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(tuple(axes))


# ---------------------------------------------------------------- parts


def _full(p: Printer, node: Any) -> Text:
    value, shape = node.args[0], p.shape(node.shape)
    if not tx.is_constant(value):
        return call("fill", p(value), shape)
    named = {0: "np.zeros", 1: "np.ones"}.get(value)
    return call(named, shape) if named else call("np.full", shape, number(value))


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
        return call("np.array", f"[{', '.join(number(part).text for part in parts)}]")
    return index(p(parts[0]), (NEW,)) if len(parts) == 1 else call("stack", *(p.aligned(part, 0) for part in parts))


def _part(p: Printer, array: Any, items: Any) -> Text:
    found = [p.bounds(item, size) for item, size in zip(items, array.shape, strict=True)]
    return index(p(array), [ALL if one is None else ":".join(one[:2] if one[2:] == ("1",) else one) for one in found])


RULES: dict[type, Callable[[Printer, Any], Text]] = {
    **dict.fromkeys((sp.Add, nodes.Plus), _sum),
    **dict.fromkeys((sp.Mul, nodes.Times), _product),
    **dict.fromkeys((sp.Pow, nodes.Power), _power),
    **dict.fromkeys(SCALAR_CLASSES, _scalar_function),
    scalars.where: lambda p, node: _where(p, node.args, ()),
    nodes.Map: _map,
    **dict.fromkeys(RELATIONS, _relation),
    sp.And: _joined(" & ", tx.AND),
    sp.Or: _joined(" | ", tx.OR),
    sp.Not: _not,
    boolalg.BooleanTrue: lambda p, node: Text("np.True_"),
    boolalg.BooleanFalse: lambda p, node: Text("np.False_"),
    nodes.Full: _full,
    nodes.Eye: lambda p, node: call("np.eye", p.size(node.shape[0])),
    nodes.MatMul: matmul,
    nodes.Outer: _outer,
    nodes.Permute: _permute,
    nodes.Diag: lambda p, node: call("diag", p(node.args[0])),
    nodes.Diagonal: _diagonal,
    nodes.Solve: lambda p, node: call("solve", *map(p, node.args)),
    nodes.Concat: _concat,
    nodes.Element: lambda p, node: _part(p, node.args[0], node.args[1:]),
    nodes.Slice: lambda p, node: _part(p, node.args[0], node.args[1]),
    nodes.Place: lambda p, node: p.placed(node.shape, [(node.args[1], p.value(node.args[0]))]),
    nodes.Total: _total,
    nodes.SumTo: _sum_to,
    nodes.BatchSum: batch_sum,
    nodes.BatchTotal: batch_sum,
}
DIALECT = Dialect("numpy", RULES, frozenset(("np", "slice", *HELPERS)), "np.float64")
