"""From SymPy's expressions to those of models: one rule for each kind of node, every other kind refused by name."""

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from odeanalysis.errors import ModelError
from odeanalysis.importers import building
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import scalars
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array, ArrayScalar, Leaf
from odeanalysis.symbolic.rewrite import is_atom, rebuild

SIGNS: dict[type, str] = {sp.StrictLessThan: "<", sp.LessThan: "<=", sp.StrictGreaterThan: ">", sp.GreaterThan: ">="}
WORDS: dict[type, str] = {sp.And: "and", sp.Or: "or", sp.Not: "not"}
LACKING: dict[type, str] = {getattr(sp, name): name for name in ("sec", "csc", "cot", "sech", "csch", "coth")} | {
    getattr(sp, name): name for name in ("asec", "acsc", "acot", "asinh", "acosh", "atanh", "asech", "acsch", "acoth")
}
ADVICE: dict[type, str] = {
    sp.Derivative: "put the right side of its equation in its place",
    sp.Integral: "evaluate it with doit(), or make it a state",
    sp.Sum: "write its terms out with doit()",
    sp.Product: "write its factors out with doit()",
    sp.Equality: "compare with < or <=, as equality holds nowhere along a path",
    sp.Unequality: "compare with < or <=, as equality holds nowhere along a path",
    sp.Heaviside: "write Piecewise((1, x > 0), (0, True))",
    sp.DiracDelta: "state the parts before and after it as models of their own",
    sp.MatrixSymbol: "use odeanalysis.block(name, rows, columns)",
}


class Conversion:
    """Expressions over SymPy's symbols as expressions over the leaves of a model. Raises ModelError naming what has no place there."""

    def __init__(self, leaves: Mapping[Any, Leaf], depth: sp.Symbol) -> None:
        self.leaves = dict(leaves)
        self.spelled_depth = depth
        self.depth: Any = self.leaves[depth]
        self.known: dict[Any, Any] = {}

    def __call__(self, value: Any) -> Any:
        node = ex.as_expression(value) if not isinstance(value, sp.Basic) else value
        if node not in self.known:
            self.known[node] = self._converted(node)
        return self.known[node]

    def _converted(self, node: Any) -> Any:
        if node in self.leaves:
            return self.leaves[node]
        if isinstance(node, sp.Symbol) and node.name == self.spelled_depth.name:
            return self.depth
        if isinstance(node, AppliedUndef):
            raise _foreign(node, self.spelled_depth)
        rule = next((RULES[kind] for kind in type(node).__mro__ if kind in RULES), None)
        if rule is None:
            advice = next(
                (ADVICE[kind] for kind in type(node).__mro__ if kind in ADVICE), "use the functions that docs/model-files.md lists"
            )
            raise ModelError(f"{type(node).__name__} has no place in a model, in {node}; {advice}")
        return rule(self, node)


Rule = Callable[[Conversion, Any], Any]


def _foreign(node: Any, depth: sp.Symbol) -> ModelError:
    if node.func.__name__ in {getattr(type(one), "__name__", "") for one in node.args}:
        return ModelError(f"{node} nests unknown functions; give each function its formula")
    if len(node.args) == 1 and depth in node.args[0].free_symbols and node.args[0] != depth:
        return ModelError(f"{node} is taken at another depth than {depth}: models have no delays; use values at {depth} only")
    return ModelError(f"{node} is a function without an equation; state its derivative, or use a symbol in its place")


def _each(build: Callable[..., Any]) -> Rule:
    return lambda convert, node: build(*map(convert, node.args))


def _named(name: str) -> Rule:
    return lambda convert, node: building.call(name, *map(convert, node.args))


def _folded(name: str) -> Rule:
    def rule(convert: Conversion, node: Any) -> Any:
        first, *rest = (convert(part) for part in sorted(node.args, key=sp.default_sort_key))
        for one in rest:
            first = building.call(name, first, one)
        return first

    return rule


def _power(convert: Conversion, node: Any) -> Any:
    return building.power(convert(node.base), convert(node.exp))


def _piecewise(convert: Conversion, node: Any) -> Any:
    *pieces, (last, condition) = node.args
    if condition is not sp.true:
        raise ModelError(f"{node} says nothing of the case where no condition holds; add (value, True) as its last piece")
    result = convert(last)
    for value, holds in reversed(pieces):
        result = building.choose(convert(holds), convert(value), result)
    return result


def _where(convert: Conversion, node: Any) -> Any:
    return building.choose(*map(convert, node.args))


def _compared(sign: str) -> Rule:
    return lambda convert, node: building.compare(convert(node.lhs), sign, convert(node.rhs))


def _joined(word: str) -> Rule:
    return lambda convert, node: building.join(word, *map(convert, node.args))


def _array(convert: Conversion, node: Any) -> Any:
    return building.bounded(
        node if is_atom(node) else rebuild(node, [one if is_atom(one) and one not in convert.leaves else convert(one) for one in node.args])
    )


def _infinite(convert: Conversion, node: Any) -> Any:
    raise ModelError(f"{node} is no finite number; use finite numbers")


def _unreal(convert: Conversion, node: Any) -> Any:
    raise ModelError("I, the imaginary unit, has no place in a model, whose states are real; state real and imaginary parts apart")


def _itself(convert: Conversion, node: Any) -> Any:
    return node


def _real_part(convert: Conversion, node: Any) -> Any:
    return convert(node.args[0])


RULES: dict[type, Rule] = {
    sp.Number: lambda convert, node: building.number(node),
    **dict.fromkeys((type(sp.oo), type(-sp.oo), type(sp.zoo), type(sp.nan)), _infinite),
    type(sp.I): _unreal,
    **dict.fromkeys((type(sp.pi), type(sp.E), type(sp.true), type(sp.false)), _itself),
    sp.Add: _each(building.total),
    sp.Mul: _each(building.product),
    sp.Pow: _power,
    **{kind: _named(name) for kind, name in SCALAR_CLASSES.items() if isinstance(kind, type)},
    **{kind: _named(name) for kind, name in LACKING.items()},
    **{kind: _compared(sign) for kind, sign in SIGNS.items()},
    **{kind: _joined(word) for kind, word in WORDS.items()},
    sp.Max: _folded("maximum"),
    sp.Min: _folded("minimum"),
    sp.Piecewise: _piecewise,
    scalars.where: _where,
    **dict.fromkeys((sp.re, sp.conjugate), _real_part),
    sp.im: lambda convert, node: sp.S.Zero,
    **dict.fromkeys((Array, ArrayScalar), _array),
}
