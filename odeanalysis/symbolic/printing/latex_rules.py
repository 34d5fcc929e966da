r"""The rules of LaTeX, one for each node: arrays in bold, vectors as columns, matrix products side by side, entrywise ones with \odot."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import sympy as sp

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes, scalars
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array, ArrayScalar, shape_of
from odeanalysis.symbolic.printing import order
from odeanalysis.symbolic.printing import text as plain
from odeanalysis.symbolic.printing.latex_names import SPECIAL as SPECIAL_LETTERS
from odeanalysis.symbolic.printing.latex_names import escaped, name_latex
from odeanalysis.symbolic.shapes import Shape

# how tightly a piece holds together, loosest first
OPEN, OR, AND, RELATION, SUM, PRODUCT, MATMUL, SCRIPT, ATOM = range(9)
FUNCTIONS = {
    **{name: rf"\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log")},
    **{f"a{name}": rf"\arc{name}" for name in ("sin", "cos", "tan")},
    **{name: rf"\operatorname{{{name}}}" for name in ("sign", "erf", "sigmoid", "softplus", "relu", "elu", "gelu", "silu", "step")},
    "maximum": r"\max",
    "minimum": r"\min",
}
RELATIONS: dict[Any, str] = {
    sp.StrictLessThan: "<",
    sp.LessThan: r"\le",
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: r"\ge",
    sp.Equality: "=",
    sp.Unequality: r"\ne",
}
COMPARISONS = {"lt": "<", "le": r"\le"}
HALF = sp.Rational(1, 2)
ONES = r"\mathbf{1}"
TOP = r"\top"
TRANSPOSED = {"vjp": rf"^{{{TOP}}}", "jvp": ""}


class Latex(NamedTuple):
    """A piece of LaTeX, and how tightly it holds together."""

    text: str
    level: int = ATOM

    def at(self, level: int) -> str:
        return self.text if self.level >= level else bracket(self.text)


Write = Callable[[Any], Latex]
Rule = Callable[[Write, Any], Latex]


def strict(node: Any) -> Latex:
    """The LaTeX of a node; TargetError where it is not of the vocabulary."""
    return _written(strict, node, _refuse)


def lenient(node: Any) -> Latex:
    """The LaTeX of a node; SymPy's own where it is not of the vocabulary."""
    return _written(lenient, node, _foreign)


def _written(write: Write, node: Any, other: Callable[[Any], Latex]) -> Latex:
    rule = RULES.get(type(node))
    known = not isinstance(node, nodes.Map) or node.name in FUNCTIONS or node.name in SPECIAL
    return rule(write, node) if rule is not None and known else other(node)


def _refuse(node: Any) -> Latex:
    raise TargetError(f"LaTeX cannot show {type(node).__name__} in {node}; its vocabulary is closed: use the functions of the language")


def _foreign(node: Any) -> Latex:
    if isinstance(node, (Array, ArrayScalar)):
        return call(rf"\operatorname{{{type(node).__name__}}}", *map(lenient, node.args))
    return Latex(sp.latex(node), OPEN)


def bracket(text: str, left: str = "(", right: str = ")") -> str:
    return rf"\left{left}{text}\right{right}"


def call(function: str, *arguments: Latex) -> Latex:
    return Latex(function + bracket(", ".join(one.text for one in arguments)), SCRIPT)


def shape_latex(shape: Shape) -> str:
    r"""The sizes of a shape: `4 \times 2`."""
    return r" \times ".join(str(size) if isinstance(size, int) else strict(size).text for size in shape)


# ---------------------------------------------------------------- arithmetic


def _number(write: Write, node: Any) -> Latex:
    if node < 0:
        return Latex(f"-{_number(write, -node).text}", SUM)
    shown = order.decimal(node)
    if shown is None:
        return Latex(str(node)) if node.q == 1 else Latex(rf"\frac{{{node.p}}}{{{node.q}}}", SCRIPT)
    mantissa, _, exponent = shown.partition("e")
    if not exponent:
        return Latex(mantissa)
    power = f"10^{{{int(exponent)}}}"
    return Latex(power, SCRIPT) if mantissa in ("1", "1.0") else Latex(rf"{mantissa} \cdot {power}", PRODUCT)


def _sum(write: Write, node: Any) -> Latex:
    shown = ""
    for term in order.terms(node):
        negative = order.is_negative(term)
        sign = "-" if negative else "+" if shown else ""
        piece = _piece(write, ex.negative(term) if negative else term, isinstance(node, Array))
        shown = f"{shown} {sign} {piece}" if shown else f"{sign}{piece}"
    return Latex(shown, SUM)


def _piece(write: Write, term: Any, is_array: bool) -> str:
    """A term of a sum; a scalar that is added to every entry of an array is multiplied by ones."""
    if not is_array or isinstance(term, Array):
        return write(term).at(PRODUCT)
    return ONES if term == 1 else rf"{write(term).at(PRODUCT)}\,{ONES}"


def _negative(write: Write, node: Any) -> Latex:
    return Latex(f"-{write(ex.negative(node)).at(PRODUCT)}", SUM)


def _product(write: Write, node: Any) -> Latex:
    """Numbers and scalars as one fraction, then the arrays."""
    if order.is_negative(node):
        return _negative(write, node)
    factors = order.product(node)
    arrays = _entrywise(write, factors.arrays)
    scalar = _fraction(write, factors)
    if not factors.arrays:
        return scalar
    return arrays if scalar.text == "1" else Latex(rf"{scalar.at(PRODUCT)}\,{arrays.at(PRODUCT)}", PRODUCT)


def _fraction(write: Write, factors: order.Product) -> Latex:
    above = _side_by_side(write, factors.above, factors.scalars)
    below = _side_by_side(write, factors.below, factors.dividing)
    return above if below.text == "1" else Latex(rf"\frac{{{above.text}}}{{{below.text}}}", SCRIPT)


def _side_by_side(write: Write, number: Any, factors: Iterable[Any]) -> Latex:
    parts = [write(one) for one in factors]
    if number != 1 or not parts:
        parts.insert(0, write(number))
    return parts[0] if len(parts) == 1 else Latex(r"\,".join(part.at(SCRIPT) for part in parts), PRODUCT)


def _entrywise(write: Write, arrays: tuple[Any, ...]) -> Latex:
    if len(arrays) == 1 and not order.divides(arrays[0]):
        return write(arrays[0])
    parts = [ONES] if arrays and order.divides(arrays[0]) else []
    for one in arrays:
        sign = [r"\oslash" if order.divides(one) else r"\odot"] if parts else []
        parts += [*sign, write(order.inverted(one) if order.divides(one) else one).at(SCRIPT)]
    return Latex(" ".join(parts), PRODUCT)


def _power(write: Write, node: Any) -> Latex:
    base, exponent = node.args
    if order.divides(node):
        return _product(write, node)
    if exponent == HALF:
        return Latex(rf"\sqrt{{{write(base).text}}}")
    shown = f"{exponent.p}/{exponent.q}" if isinstance(exponent, sp.Rational) and order.decimal(exponent) is None else write(exponent).text
    return Latex(f"{write(base).at(ATOM)}^{{{_dotted(node)}{shown}}}", SCRIPT)


def _dotted(node: Any) -> str:
    return r"\odot " if isinstance(node, Array) else ""


def _full(write: Write, node: Any) -> Latex:
    value = node.args[0]
    if value in (0, 1):
        return Latex(rf"\mathbf{{{value}}}_{{{shape_latex(node.shape)}}}")
    return _product(write, node)


# ---------------------------------------------------------------- functions and conditions


def _function(write: Write, node: Any) -> Latex:
    return _applied(write, SCALAR_CLASSES[type(node)], node.args)


def _map(write: Write, node: Any) -> Latex:
    return _applied(write, node.name, node.args[1:])


def _applied(write: Write, name: str, arguments: tuple[Any, ...]) -> Latex:
    return SPECIAL[name](write, arguments) if name in SPECIAL else call(FUNCTIONS[name], *map(write, arguments))


def _absolute(write: Write, arguments: tuple[Any, ...]) -> Latex:
    return Latex(bracket(write(arguments[0]).text, "|", "|"))


def _cases(write: Write, arguments: tuple[Any, ...]) -> Latex:
    condition, chosen, other = arguments
    rows = rf"{write(chosen).text} & \text{{if }} {_condition(write, condition).text} \\ {write(other).text} & \text{{otherwise}}"
    return Latex(rf"\begin{{cases}} {rows} \end{{cases}}", OPEN)


def _condition(write: Write, node: Any) -> Latex:
    if isinstance(node, nodes.Map) and node.name in COMPARISONS:
        return _compared(write, COMPARISONS[node.name], *node.args[1:])
    return write(node)


def _compared(write: Write, sign: str, left: Any, right: Any) -> Latex:
    return Latex(f"{write(left).at(SUM)} {sign} {write(right).at(SUM)}", RELATION)


def _is_true(sign: str) -> Callable[[Write, tuple[Any, ...]], Latex]:
    """A comparison as a number: 1 where it holds, else 0."""
    return lambda write, arguments: Latex(bracket(_compared(write, sign, *arguments).text, "[", "]"))


def _joined(sign: str, level: int) -> Rule:
    return lambda write, node: Latex(f" {sign} ".join(write(part).at(level + 1) for part in node.args), level)


SPECIAL: dict[str, Callable[[Write, tuple[Any, ...]], Latex]] = {
    "abs": _absolute,
    "where": _cases,
    **{name: _is_true(sign) for name, sign in COMPARISONS.items()},
}

# ---------------------------------------------------------------- linear algebra, reductions, parts


def _matmul(write: Write, node: Any) -> Latex:
    """Side by side; a vector on the left, which is a column here, goes to the right of the transpose."""
    left, right = node.args
    if (left.ndim, right.ndim) == (1, 2):
        left, right = ex.transpose(right), left
    first = _raised(write, left, TOP).text if left.ndim == 1 else write(left).at(MATMUL)
    return Latex(f"{first} {write(right).at(MATMUL)}", MATMUL)


def _raised(write: Write, node: Any, exponent: str) -> Latex:
    return Latex(f"{write(node).at(ATOM)}^{{{exponent}}}", SCRIPT)


def _row(write: Write, left: Any, right: Any) -> Latex:
    return Latex(f"{write(left).at(MATMUL)} {_raised(write, right, TOP).text}", MATMUL)


def _permute(write: Write, node: Any) -> Latex:
    axes = [int(axis) for axis in node.args[1]]
    if axes == list(range(len(axes)))[::-1]:
        return _raised(write, node.args[0], TOP)
    return call(rf"\operatorname{{permute}}_{{{','.join(map(str, axes))}}}", write(node.args[0]))


def _total(write: Write, node: Any) -> Latex:
    (inner,) = node.args
    if isinstance(inner, nodes.Power) and inner.args[1] == 2:
        return _norm(write, inner.args[0])
    if isinstance(inner, nodes.Times) and plain.is_dot(inner.args):
        return Latex(f"{_raised(write, inner.args[0], TOP).text} {write(inner.args[1]).at(MATMUL)}", MATMUL)
    if isinstance(inner, nodes.Diagonal):
        return call(r"\operatorname{tr}", write(inner.args[0]))
    return call(r"\operatorname{sum}", write(inner))


def _norm(write: Write, node: Any) -> Latex:
    kind = "" if len(shape_of(node)) == 1 else r"_{\mathrm{F}}"
    bars = bracket(write(node).text, r"\lVert ", r"\rVert")
    return Latex(f"{bars}{kind}^{{2}}", SCRIPT)


def _part(write: Write, node: Any) -> Latex:
    array, *items = node.args
    return _indexed(write, bracket(write(array).text, "[", "]"), items[0] if isinstance(node, nodes.Slice) else items, array.shape)


def _indexed(write: Write, base: str, items: Iterable[Any], shape: Shape) -> Latex:
    key = plain.key(lambda size: plain.Text(write(size).text), items, shape)
    return Latex(f"{base}_{{{key.replace(':', '{:}')}}}")


def _place(write: Write, node: Any) -> Latex:
    base = rf"\operatorname{{place}}^{{{shape_latex(node.shape)}}}"
    return call(_indexed(write, base, node.args[1], node.shape).text, write(node.args[0]))


def _sum_to(write: Write, node: Any) -> Latex:
    return call(rf"\operatorname{{sum}}_{{\to {shape_latex(node.shape)}}}", write(node.args[0]))


def _solve(write: Write, node: Any) -> Latex:
    return Latex(f"{_raised(write, node.args[0], '-1').text} {write(node.args[1]).at(MATMUL)}", MATMUL)


def _apply(write: Write, node: Any) -> Latex:
    r"""`conv(z)`, and its derivatives as Jacobians `\mathrm{D}_k` in argument k, transposed or not, times the last argument."""
    arguments = [write(argument) for argument in node.args[3:]]
    name = name_latex(node.name) if len(node.name) == 1 else rf"\mathrm{{{escaped(node.name, SPECIAL_LETTERS)}}}"
    for kind, place in node.path[:-1]:
        name = rf"\mathrm{{D}}_{{{place}}}{TRANSPOSED[kind]} {name}"
    if not node.path:
        return call(name, *arguments)
    kind, place = node.path[-1]
    jacobian = call(rf"\mathrm{{D}}_{{{place}}} {name}", *arguments[:-1]).text
    return Latex(f"{jacobian}{TRANSPOSED[kind]} {arguments[-1].at(MATMUL)}", MATMUL)


def _batch_sum(write: Write, node: Any) -> Latex:
    return Latex(rf"\sum_{{\text{{batch}}}} {write(node.args[0]).at(PRODUCT)}", SUM)


def _concat(write: Write, node: Any) -> Latex:
    rows = r" \\ ".join(write(part).text for part in node.args)
    return Latex(rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}")


def _called(function: str) -> Rule:
    return lambda write, node: call(function, *map(write, node.args))


RULES: dict[type, Rule] = {
    **dict.fromkeys((sp.Symbol, sp.Dummy), lambda write, node: Latex(name_latex(node.name))),
    nodes.Block: lambda write, node: Latex(name_latex(node.name, bold=True)),
    **dict.fromkeys(plain.NUMBERS, _number),
    sp.Float: lambda write, node: write(ex.as_expression(node)),
    type(sp.pi): lambda write, node: Latex(r"\pi"),
    type(sp.E): lambda write, node: Latex(r"\mathrm{e}"),
    **dict.fromkeys((sp.Add, nodes.Plus), _sum),
    **dict.fromkeys((sp.Mul, nodes.Times), _product),
    **dict.fromkeys((sp.Pow, nodes.Power), _power),
    **dict.fromkeys(SCALAR_CLASSES, _function),
    scalars.where: lambda write, node: _cases(write, node.args),
    nodes.Map: _map,
    **{kind: (lambda write, node: _compared(write, RELATIONS[type(node)], *node.args)) for kind in RELATIONS},
    sp.Or: _joined(r"\lor", OR),
    sp.And: _joined(r"\land", AND),
    sp.Not: lambda write, node: Latex(rf"\lnot {write(node.args[0]).at(ATOM)}", RELATION),
    nodes.Full: _full,
    nodes.Eye: lambda write, node: Latex(rf"\mathbf{{I}}_{{{shape_latex(node.shape[:1])}}}"),
    nodes.MatMul: _matmul,
    nodes.Outer: lambda write, node: _row(write, *node.args),
    nodes.Permute: _permute,
    nodes.Diag: _called(r"\operatorname{diag}"),
    nodes.Diagonal: _called(r"\operatorname{diag}"),
    nodes.Solve: _solve,
    nodes.Apply: _apply,
    nodes.Concat: _concat,
    nodes.Element: _part,
    nodes.Slice: _part,
    nodes.Place: _place,
    nodes.Total: _total,
    nodes.SumTo: _sum_to,
    nodes.BatchSum: _batch_sum,
    nodes.BatchTotal: _batch_sum,
}
