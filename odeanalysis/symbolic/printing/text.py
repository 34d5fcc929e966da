"""Expressions and formulas as plain text that the parser reads back to equal objects."""

from collections.abc import Callable
from typing import Any

import sympy as sp

from odeanalysis.errors import LanguageError, TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.formula import Formula, Let
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.language import parse
from odeanalysis.symbolic.nodes import Array, ArrayScalar, Leaf, shape_of
from odeanalysis.symbolic.sharing import leaf

ATOM, POWER, UNARY, PRODUCT, SUM, COMPARISON, NOT, AND, OR = 90, 80, 70, 60, 50, 40, 35, 30, 25
SMALL = 9
DIGITS = 12
Written = tuple[str, int]


def text(expression: Any) -> str:
    """An expression in the language of model files (with the internal vocabulary of derived formulas, where it is used)."""
    return _write(expression)[0]


def _write(node: Any) -> Written:
    rule = RULES.get(type(node))
    if rule is None:
        name = SCALAR_CLASSES.get(type(node))
        if name is None and isinstance(node, sp.Symbol):
            return node.name, ATOM
        if name is None:
            raise TargetError(f"there is no text for {type(node).__name__}; the vocabulary is closed")
        return _call(name, *node.args)
    return rule(node)


def _within(node: Any, least: int) -> str:
    """The text of an operand, in parentheses where it binds less than its place needs."""
    written, strength = _write(node)
    return written if strength >= least else f"({written})"


def _call(name: str, *arguments: Any) -> Written:
    return f"{name}({', '.join(map(text, arguments))})", ATOM


# ---------------------------------------------------------------- numbers, sums, products, powers


def number(value: Any) -> Written:
    """A rational: whole, or a decimal where it ends soon, else a fraction."""
    if value.is_Integer:
        return str(value), ATOM if value >= 0 else UNARY
    decimal = _decimal(value)
    if decimal and value.q > SMALL:
        return decimal, ATOM if value > 0 else UNARY
    return f"{value.p}/{value.q}", PRODUCT


def _decimal(value: Any) -> str | None:
    for digits in range(1, DIGITS):
        scaled = value * 10**digits
        if scaled.is_Integer:
            whole = str(abs(int(scaled))).rjust(digits + 1, "0")
            return f"{'-' if value < 0 else ''}{whole[:-digits]}.{whole[-digits:]}"
    return None


def joined(parts: list[str]) -> str:
    """Terms as a sum, with minus signs as differences."""
    result = parts[0]
    for part in parts[1:]:
        result += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
    return result


def _add(node: Any) -> Written:
    parts = [_within(term, SUM) for term in node.args]
    return joined(sorted(parts, key=lambda part: part.startswith("-"))), SUM


def _plus(node: Any) -> Written:
    """Array terms in their order; a scalar, which stands last, is written first where that saves a leading minus."""
    terms = list(node.args)
    if not isinstance(terms[-1], Array):
        terms = [terms[-1], *terms[:-1]]
    return joined([_within(term, SUM + (i > 0 and not _signed(term))) for i, term in enumerate(terms)]), SUM


def _signed(term: Any) -> bool:
    return _write(term)[0].startswith("-")


def _mul(node: Any) -> Written:
    coefficient, rest = node.as_coeff_Mul()
    factors = rest.args if rest.is_Mul else (rest,)
    above = [f for f in factors if not _is_below(f)]
    below = [sp.Pow(f.args[0], -f.args[1]) for f in factors if _is_below(f)]
    sign, size = ("-", -coefficient) if coefficient < 0 else ("", coefficient)
    top, bottom = _scale(size)
    upper = [*top, *(_within(f, PRODUCT) if i == 0 and not top else _within(f, PRODUCT + 1) for i, f in enumerate(above))] or ["1"]
    lower = [*(_within(f, PRODUCT + 1) for f in below), *bottom]
    return sign + "*".join(upper) + "".join(f"/{f}" for f in lower), UNARY if sign and not lower and len(upper) == 1 else PRODUCT


def _is_below(factor: Any) -> bool:
    return factor.is_Pow and factor.args[0] is not sp.E and factor.args[1].is_Rational and factor.args[1] < 0


def _scale(size: Any) -> tuple[list[str], list[str]]:
    """A positive coefficient as what stands above and below the line."""
    if size == 1:
        return [], []
    if size.is_Rational and not size.is_Integer and (size.q <= SMALL or _decimal(size) is None):
        return ([str(size.p)] if size.p != 1 else []), [str(size.q)]
    return [_within(size, PRODUCT)], []


def _times(node: Any) -> Written:
    first, *rest = node.args
    if first == -1:
        head, rest = "-" + _factor(rest[0], True), rest[1:]
    elif isinstance(first, nodes.Power) and first.args[1] == -1:
        head = f"1/{_factor(first.args[0], False)}"
    else:
        head = _factor(first, True)
    for factor in rest:
        reciprocal = isinstance(factor, nodes.Power) and factor.args[1] == -1
        head += f"/{_factor(factor.args[0], False)}" if reciprocal else f"*{_factor(factor, False)}"
    return head, PRODUCT


def _factor(node: Any, first: bool) -> str:
    matrix = isinstance(node, nodes.MatMul)
    return _within(node, PRODUCT + (matrix or not first))


def _power(node: Any) -> Written:
    base, exponent = node.args
    if base is sp.E:
        return _call("exp", exponent)
    if exponent == sp.Rational(1, 2):
        return _call("sqrt", base)
    if exponent.is_Rational and exponent < 0 if isinstance(exponent, sp.Expr) else False:
        below = ex.power(base, -exponent)
        return f"1/{_within(below, PRODUCT + 1)}", PRODUCT
    return f"{_within(base, POWER + 1)}**{_within(exponent, POWER)}", POWER


# ---------------------------------------------------------------- arrays


def _matmul(node: Any) -> Written:
    left, right = node.args
    whole = isinstance(left, nodes.MatMul)
    return f"{_within(left, PRODUCT if whole else PRODUCT + 1)} @ {_within(right, PRODUCT + 1)}", PRODUCT


def _permute(node: Any) -> Written:
    array, axes = node.args
    order = [int(axis) for axis in axes]
    if order == list(range(len(order)))[::-1]:
        return f"{_within(array, ATOM)}.T", ATOM
    return f"permute({text(array)}, {_tuple(axes)})", ATOM


def _tuple(items: Any) -> str:
    parts = [_tuple(item) if isinstance(item, sp.Tuple) else text(item) for item in items]
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def _part(array: Any, items: Any) -> Written:
    keys = [_key(item, size) for item, size in zip(items, shape_of(array), strict=True)]
    while len(keys) > 1 and keys[-1] == ":":
        keys.pop()
    return f"{_within(array, ATOM)}[{', '.join(keys)}]", ATOM


def _key(item: Any, size: Any) -> str:
    if not isinstance(item, sp.Tuple):
        return str(item)
    start, count, step = item
    if start == 0 and count == size and step == 1:
        return ":"
    stop = start + count * step
    ends = f"{start}:{'' if step < 0 and stop < 0 else stop}"
    return ends if step == 1 else f"{ends}:{step}"


def _full(node: Any) -> Written:
    value, shape = node.args
    named = {0: "zeros", 1: "ones"}.get(value)
    return _call(named, *shape) if named else (f"full({text(value)}, {_tuple(shape)})", ATOM)


def _map(node: Any) -> Written:
    name, arguments = node.name, node.args[1:]
    if name == "where":
        return f"where({_condition(arguments[0])}, {text(arguments[1])}, {text(arguments[2])})", ATOM
    return _call(name, *arguments)


def _condition(node: Any) -> str:
    if isinstance(node, nodes.Map) and node.name in ("lt", "le"):
        return f"{_within(node.args[1], SUM)} {'<' if node.name == 'lt' else '<='} {_within(node.args[2], SUM)}"
    return text(node)


def _total(node: Any) -> Written:
    array = node.args[0]
    if isinstance(array, nodes.Power) and array.args[1] == 2:
        return _call("sumsq", array.args[0])
    if isinstance(array, nodes.Diagonal):
        return _call("trace", array.args[0])
    if isinstance(array, nodes.Times) and len(array.args) == 2 and array.args[0].shape == array.args[1].shape == array.shape and array.ndim == 1:
        return _call("dot", *array.args)
    return _call("sum", array)


# ---------------------------------------------------------------- conditions


def _relation(sign: str) -> Callable[[Any], Written]:
    return lambda node: (f"{_within(node.args[0], SUM)} {sign} {_within(node.args[1], SUM)}", COMPARISON)


def _logical(word: str, strength: int) -> Callable[[Any], Written]:
    return lambda node: (f" {word} ".join(sorted(_within(part, strength + 1) for part in node.args)), strength)


RULES: dict[type, Callable[[Any], Written]] = {
    sp.Add: _add,
    sp.Mul: _mul,
    sp.Pow: _power,
    **dict.fromkeys((sp.Integer, sp.Rational, *(type(sp.Integer(k)) for k in (0, 1, -1)), type(sp.Rational(1, 2))), number),
    type(sp.pi): lambda node: ("pi", ATOM),
    type(sp.E): lambda node: ("exp(1)", ATOM),
    scalars.where: lambda node: (f"where({text(node.args[0])}, {text(node.args[1])}, {text(node.args[2])})", ATOM),
    sp.StrictLessThan: _relation("<"),
    sp.LessThan: _relation("<="),
    sp.StrictGreaterThan: _relation(">"),
    sp.GreaterThan: _relation(">="),
    sp.And: _logical("and", AND),
    sp.Or: _logical("or", OR),
    sp.Not: lambda node: (f"not {_within(node.args[0], NOT)}", NOT),
    type(sp.true): lambda node: ("0 <= 0", COMPARISON),
    type(sp.false): lambda node: ("0 < 0", COMPARISON),
    nodes.Block: lambda node: (node.name, ATOM),
    nodes.Full: _full,
    nodes.Eye: lambda node: _call("eye", node.args[0]),
    nodes.Plus: _plus,
    nodes.Times: _times,
    nodes.Power: _power,
    nodes.Map: _map,
    nodes.MatMul: _matmul,
    nodes.Outer: lambda node: _call("outer", *node.args),
    nodes.Permute: _permute,
    nodes.Concat: lambda node: _call("concat", *node.args),
    nodes.Slice: lambda node: _part(node.args[0], node.args[1]),
    nodes.Element: lambda node: _part(node.args[0], node.args[1:]),
    nodes.Place: lambda node: (f"place({text(node.args[0])}, {_tuple(node.args[1])}, {_tuple(node.args[2])})", ATOM),
    nodes.Diag: lambda node: _call("diag", *node.args),
    nodes.Diagonal: lambda node: _call("diag", *node.args),
    nodes.SumTo: lambda node: (f"sum_to({text(node.args[0])}, {_tuple(node.args[1])})", ATOM),
    nodes.Solve: lambda node: _call("solve", *node.args),
    nodes.Total: _total,
    nodes.BatchSum: lambda node: _call("batch_sum", *node.args),
    nodes.BatchTotal: lambda node: _call("batch_sum", *node.args),
}


# ---------------------------------------------------------------- formulas


def declared(name: Leaf) -> str:
    """A name with its shape: `a`, `W[4, 2]`."""
    shape = shape_of(name)
    return f"{name.name}[{', '.join(map(str, shape))}]" if shape else name.name


def formula_text(formula: Formula) -> str:
    """A formula as lines: its name and source, its inputs with shapes, its lets, its outputs behind arrows."""
    head = f"{formula.name}({', '.join(map(declared, formula.inputs))})"
    lines = [f"{head}: {formula.source}".rstrip(": ")]
    lines += [f"    {declared(name)} = {text(value)}" for name, value in formula.lets]
    return "\n".join((*lines, *(f"    -> {name} = {text(value)}" for name, value in formula.outputs)))


def parse_formula(written: str) -> Formula:
    """The formula that `formula_text` wrote. Raises LanguageError where the text is no formula."""
    head, *lines = written.splitlines()
    call, _, source = head.partition("): ")
    name, _, inputs = call.removesuffix(")").partition("(")
    known = {one.name: one for one in map(_declaration, _split(inputs))}
    leaves, lets, outputs = tuple(known.values()), [], []
    for line in lines:
        target, _, value = line.strip().partition(" = ")
        if target.startswith("-> "):
            outputs.append((target[3:], parse(value, known, key=target, internal=True)))
            continue
        let: Let = (_declaration(target), parse(value, known, key=target, internal=True))
        lets.append(let)
        known[let[0].name] = let[0]
    return Formula(name, leaves, tuple(lets), tuple(outputs), source)


def _split(inputs: str) -> list[str]:
    parts, depth = [""], 0
    for letter in inputs:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _declaration(written: str) -> Leaf:
    name, _, sizes = written.removesuffix("]").partition("[")
    try:
        return leaf(name, tuple(int(size) for size in sizes.split(",")) if sizes else ())
    except ValueError:
        raise LanguageError(f"{written!r} is no declaration; write name or name[size, size]") from None


def _as_text(self: Any, printer: Any) -> str:
    return text(self)


SHOWN = {"_sympystr": _as_text}

for _kind in (Array, ArrayScalar):
    for _method, _shows in SHOWN.items():
        setattr(_kind, _method, _shows)
