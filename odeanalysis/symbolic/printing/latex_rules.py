"""Expressions and formulas as LaTeX: bold arrays, columns and transposes as mathematicians write them, shapes stated."""

import re
from collections.abc import Callable
from typing import Any

import sympy as sp

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array, ArrayScalar, Leaf, shape_of
from odeanalysis.symbolic.printing.text import joined

ATOM, POWER, PRODUCT, SUM, LOOSE = 90, 80, 60, 50, 10
Written = tuple[str, int]
GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)
UPRIGHT = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log"}
ARCS = {"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "maximum": r"\max", "minimum": r"\min"}


def latex(expression: Any) -> str:
    """An expression as LaTeX, for mathematics mode."""
    return _write(expression)[0]


def _write(node: Any) -> Written:
    rule = RULES.get(type(node))
    if rule is not None:
        return rule(node)
    if isinstance(node, sp.Symbol):
        return name(node.name), ATOM
    if type(node) in SCALAR_CLASSES:
        return _call(SCALAR_CLASSES[type(node)], *node.args)
    raise TargetError(f"there is no LaTeX for {type(node).__name__}; the vocabulary is closed")


def _within(node: Any, least: int) -> str:
    written, strength = _write(node)
    return written if strength >= least else rf"\left({written}\right)"


# ---------------------------------------------------------------- names and functions


ACCENTS = {"_bar_": "bar", "_dot_": "dot"}


def name(written: str, bold: bool = False) -> str:
    """A name: Greek letters as such, words upright, trailing digits and parts behind an underscore as indices."""
    for prefix, accent in ACCENTS.items():
        if written.startswith(prefix):
            return f"\\{accent}{{{name(written.removeprefix(prefix), bold)}}}"
    parts = [part for part in written.split("_") if part]
    stem = re.fullmatch(r"([A-Za-z]+?)(\d*)", parts[0]) if parts else None
    if stem is None:
        return r"\mathrm{" + written.replace("_", r"\_") + "}"
    indices = [part for part in (stem.group(2), *parts[1:]) if part]
    base = _letter(stem.group(1), bold)
    return f"{base}_{{{', '.join(map(_index, indices))}}}" if indices else base


def _letter(letters: str, bold: bool) -> str:
    known = f"\\{letters}" if letters in GREEK else letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
    return rf"\boldsymbol{{{known}}}" if bold else known


def _index(part: str) -> str:
    return f"\\{part}" if part in GREEK else part if len(part) == 1 or part.isdigit() else rf"\mathrm{{{part}}}"


def function(called: str) -> str:
    return f"\\{called}" if called in UPRIGHT else ARCS.get(called, rf"\operatorname{{{called}}}")


def _call(called: str, *arguments: Any) -> Written:
    if called == "abs":
        return rf"\left|{latex(arguments[0])}\right|", ATOM
    return rf"{function(called)}\left({', '.join(map(latex, arguments))}\right)", ATOM


# ---------------------------------------------------------------- arithmetic


def _number(value: Any) -> Written:
    if value.is_Integer:
        return str(value), ATOM if value >= 0 else SUM
    sign = "-" if value < 0 else ""
    return rf"{sign}\frac{{{abs(value.p)}}}{{{value.q}}}", SUM if sign else PRODUCT


def _sum(node: Any) -> Written:
    terms = node.args if not isinstance(node, nodes.Plus) or isinstance(node.args[-1], Array) else (node.args[-1], *node.args[:-1])
    parts = [_within(term, SUM) for term in terms]
    return joined(parts if isinstance(node, nodes.Plus) else sorted(parts, key=lambda part: part.startswith("-"))), SUM


def _mul(node: Any) -> Written:
    coefficient, rest = node.as_coeff_Mul()
    factors = rest.args if rest.is_Mul else (rest,)
    below = [sp.Pow(f.args[0], -f.args[1]) for f in factors if f.is_Pow and f.args[1].is_Rational and f.args[1] < 0]
    above = [f for f in factors if not (f.is_Pow and f.args[1].is_Rational and f.args[1] < 0)]
    sign, size = ("-", -coefficient) if coefficient < 0 else ("", coefficient)
    top = ([str(size.p)] if size.p != 1 else []) + [_within(f, PRODUCT) for f in above]
    bottom = ([str(size.q)] if size.q != 1 else []) + [_within(f, PRODUCT) for f in below]
    upper = r" \, ".join(top) or "1"
    lower = r" \, ".join(bottom)
    return (rf"{sign}\frac{{{upper}}}{{{lower}}}" if bottom else sign + upper), SUM if sign else PRODUCT


def _times(node: Any) -> Written:
    first, *rest = node.args
    if isinstance(first, Array):
        return _hadamard(node.args), PRODUCT
    if first == -1:
        return f"-{_hadamard(rest)}", SUM
    scale = _within(first, PRODUCT) if not _write(first)[0].startswith("-") else latex(first)
    return rf"{scale} \, {_hadamard(rest)}", SUM if scale.startswith("-") else PRODUCT


def _hadamard(factors: Any) -> str:
    return r" \odot ".join(_within(factor, PRODUCT) for factor in factors)


def _power(node: Any) -> Written:
    base, exponent = node.args
    if exponent == sp.Rational(1, 2):
        return rf"\sqrt{{{latex(base)}}}", ATOM
    if isinstance(base, Array):
        return rf"{_within(base, POWER + 1)}^{{\odot {latex(exponent)}}}", POWER
    if exponent.is_Rational and exponent < 0:
        return rf"\frac{{1}}{{{latex(sp.Pow(base, -exponent))}}}", PRODUCT
    return f"{_within(base, POWER + 1)}^{{{latex(exponent)}}}", POWER


# ---------------------------------------------------------------- arrays


def _matmul(node: Any) -> Written:
    left, right = node.args
    row = rf"{_within(left, POWER)}^{{\top}}" if left.ndim == 1 else _within(left, PRODUCT)
    return f"{row} {_within(right, PRODUCT + 1) if not isinstance(right, nodes.MatMul) else _within(right, PRODUCT)}", PRODUCT


def _total(node: Any) -> Written:
    array = node.args[0]
    if isinstance(array, nodes.Power) and array.args[1] == 2:
        return rf"\left\|{latex(array.args[0])}\right\|^2", POWER
    if isinstance(array, nodes.Diagonal):
        return rf"\operatorname{{tr}}\left({latex(array.args[0])}\right)", ATOM
    if isinstance(array, nodes.Times) and len(array.args) == 2 and all(shape_of(f) == array.shape for f in array.args) and array.ndim == 1:
        return rf"{_within(array.args[0], ATOM)}^{{\top}} {_within(array.args[1], PRODUCT)}", PRODUCT
    return rf"\mathbf{{1}}^{{\top}} {_within(array, PRODUCT + 1)}" if array.ndim == 1 else rf"\sum {_within(array, PRODUCT)}", PRODUCT


def _part(array: Any, items: Any) -> Written:
    keys = [str(item) if not isinstance(item, sp.Tuple) else _range(*item) for item in items]
    return rf"{_within(array, ATOM)}_{{[{', '.join(keys)}]}}", POWER


def _range(start: Any, size: Any, step: Any) -> str:
    return f"{start}:{start + size * step}" + (f":{step}" if step != 1 else "")


def _full(node: Any) -> Written:
    value, shape = node.args
    mark = f"_{{{_sizes(shape)}}}"
    return (rf"\mathbf{{{value}}}{mark}", ATOM) if value in (0, 1) else (rf"{_within(value, PRODUCT)} \, \mathbf{{1}}{mark}", PRODUCT)


def _sizes(shape: Any) -> str:
    return r" \times ".join(map(str, shape))


def _cases(condition: Any, chosen: Any, other: Any) -> Written:
    return rf"\begin{{cases}} {latex(chosen)} & {latex(condition)} \\ {latex(other)} & \text{{else}} \end{{cases}}", LOOSE


def _map(node: Any) -> Written:
    if node.name == "where":
        return _cases(*node.args[1:])
    if node.name in ("lt", "le"):
        sign = "<" if node.name == "lt" else r"\le"
        return f"{latex(node.args[1])} {sign} {latex(node.args[2])}", LOOSE
    return _call(node.name, *node.args[1:])


def _relation(sign: str) -> Callable[[Any], Written]:
    return lambda node: (f"{_within(node.args[0], SUM)} {sign} {_within(node.args[1], SUM)}", LOOSE)


def _logical(sign: str) -> Callable[[Any], Written]:
    return lambda node: (f" {sign} ".join(sorted(rf"\left({latex(part)}\right)" for part in node.args)), LOOSE)


def _stack(node: Any) -> Written:
    inner = r",\, ".join(map(latex, node.args))
    return rf"\left[{inner}\right]", ATOM


RULES: dict[type, Callable[[Any], Written]] = {
    sp.Add: _sum,
    sp.Mul: _mul,
    sp.Pow: _power,
    sp.exp: lambda node: (f"e^{{{latex(node.args[0])}}}", POWER),
    **dict.fromkeys((sp.Integer, sp.Rational, *(type(sp.Integer(k)) for k in (0, 1, -1)), type(sp.Rational(1, 2))), _number),
    type(sp.pi): lambda node: (r"\pi", ATOM),
    type(sp.E): lambda node: ("e", ATOM),
    scalars.where: lambda node: _cases(*node.args),
    sp.StrictLessThan: _relation("<"),
    sp.LessThan: _relation(r"\le"),
    sp.StrictGreaterThan: _relation(">"),
    sp.GreaterThan: _relation(r"\ge"),
    sp.And: _logical(r"\wedge"),
    sp.Or: _logical(r"\vee"),
    sp.Not: lambda node: (rf"\neg \left({latex(node.args[0])}\right)", LOOSE),
    type(sp.true): lambda node: (r"\top", ATOM),
    type(sp.false): lambda node: (r"\bot", ATOM),
    nodes.Block: lambda node: (name(node.name, bold=True), ATOM),
    nodes.Full: _full,
    nodes.Eye: lambda node: (rf"\mathbf{{I}}_{{{node.args[0]}}}", ATOM),
    nodes.Plus: _sum,
    nodes.Times: _times,
    nodes.Power: _power,
    nodes.Map: _map,
    nodes.MatMul: _matmul,
    nodes.Outer: lambda node: (rf"{_within(node.args[0], PRODUCT)} \, {_within(node.args[1], ATOM)}^{{\top}}", PRODUCT),
    nodes.Permute: lambda node: (rf"{_within(node.args[0], ATOM)}^{{\top}}", POWER),
    nodes.Concat: _stack,
    nodes.Slice: lambda node: _part(node.args[0], node.args[1]),
    nodes.Element: lambda node: _part(node.args[0], node.args[1:]),
    nodes.Place: lambda node: (rf"\operatorname{{place}}\left({latex(node.args[0])}\right)", ATOM),
    nodes.Diag: lambda node: (rf"\operatorname{{diag}}\left({latex(node.args[0])}\right)", ATOM),
    nodes.Diagonal: lambda node: (rf"\operatorname{{diag}}\left({latex(node.args[0])}\right)", ATOM),
    nodes.SumTo: lambda node: (rf"\operatorname{{sum}}\left({latex(node.args[0])}\right)", ATOM),
    nodes.Solve: lambda node: (rf"{_within(node.args[0], ATOM)}^{{-1}} {_within(node.args[1], PRODUCT + 1)}", PRODUCT),
    nodes.Total: _total,
    nodes.BatchSum: lambda node: (rf"\sum_{{k}} {_within(node.args[0], PRODUCT)}", SUM),
    nodes.BatchTotal: lambda node: (rf"\sum_{{k}} {_within(node.args[0], PRODUCT)}", SUM),
}


# ---------------------------------------------------------------- formulas


def leaf_latex(leaf: Leaf) -> str:
    return name(leaf.name, bold=bool(shape_of(leaf)))


def space(leaf: Any) -> str:
    """The space in which a value lives."""
    shape = shape_of(leaf)
    return rf"\mathbb{{R}}^{{{_sizes(shape)}}}" if shape else r"\mathbb{R}"


def formula_latex(formula: Formula, outputs: Callable[[str, Any], str] | None = None) -> str:
    """A formula as an aligned environment: a line for each let and output, with its space.

    outputs: how an output is written on the left, from its name and expression (default: its name).
    """
    written = outputs or (lambda output, value: name(output, bold=bool(shape_of(value))))
    rows = [(leaf_latex(leaf), value) for leaf, value in formula.lets]
    rows += [(written(output, value), value) for output, value in formula.outputs]
    lines = [rf"{left} &= {latex(value)} && \in {space(value)}" for left, value in rows]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _as_latex(self: Any, printer: Any) -> str:
    return latex(self)


def _as_display(self: Any) -> str:
    return f"$\\displaystyle {latex(self)}$"


SHOWN = {"_latex": _as_latex, "_repr_latex_": _as_display}

for _kind in (Array, ArrayScalar):
    for _method, _shows in SHOWN.items():
        setattr(_kind, _method, _shows)
