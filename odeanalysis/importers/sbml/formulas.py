"""Formulas of SBML node by node: one rule for each kind of MathML, every other kind refused by name. No text is ever evaluated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.importers import building
from odeanalysis.importers.sbml.library import codes

VISITS = 200_000  # of nodes, in all formulas together and each call of a function
AVOGADRO = Fraction("6.02214179e23")  # the value that level 3 gives it


class Work:
    """How many nodes may still be looked at, and what the calls of functions gave so far."""

    def __init__(self, left: int = VISITS) -> None:
        self.left = left
        self.calls: dict[Any, Any] = {}

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ModelError(f"the formulas have more than {VISITS} parts once every call of a function stands in them; simplify them")


@dataclass(frozen=True)
class Scope:
    """What stands for the names and for the time in a formula.

    names: name -> expression; ModelError for one that is not known.  functions: the definitions by id.  inside: those being called.
    """

    names: Callable[[str], Any]
    functions: Mapping[str, Any]
    time: Any
    work: Work
    inside: tuple[str, ...] = ()


def read(node: Any, scope: Scope) -> Any:
    """The expression, or the condition, that a formula states. Raises ModelError naming what is not supported."""
    scope.work.spend()
    kind = codes().get(node.getType(), "UNKNOWN")
    if kind not in RULES:
        raise ModelError(UNSUPPORTED.get(kind, f"{_shown(node, kind)} is not supported; write it with elementary functions"))
    return RULES[kind](scope, node)


def number(node: Any, scope: Scope) -> Any:
    """A formula where a number is meant."""
    found = read(node, scope)
    if not isinstance(found, sp.Expr):
        raise ModelError(f"a condition, {found}, stands where a number is meant; use piecewise")
    return found


def condition(node: Any, scope: Scope) -> Any:
    """A formula where a condition is meant."""
    found = read(node, scope)
    if isinstance(found, sp.Expr):
        raise ModelError(f"a number, {found}, stands where a condition is meant; compare it")
    return found


Rule = Callable[[Scope, Any], Any]


def _shown(node: Any, kind: str) -> str:
    return repr(node.getName() or kind.lower())


def _children(node: Any) -> list[Any]:
    return [node.getChild(i) for i in range(node.getNumChildren())]


def _operands(node: Any) -> list[Any]:
    """The operands of a sum, a product, a conjunction: libSBML nests those of more than two."""
    found, stack = [], [node]
    while stack:
        one = stack.pop()
        if one.getType() == node.getType():
            stack.extend(reversed(_children(one)))
        else:
            found.append(one)
    return found


def _many(build: Callable[..., Any]) -> Rule:
    return lambda scope, node: build(*(number(one, scope) for one in _operands(node)))


def _exactly(count: int, build: Callable[..., Any]) -> Rule:
    def rule(scope: Scope, node: Any) -> Any:
        given = _children(node)
        if len(given) != count:
            raise ModelError(f"{_shown(node, codes()[node.getType()])} has {len(given)} arguments; it takes {count}")
        return build(*(number(one, scope) for one in given))

    return rule


def _call(name: str) -> Rule:
    return _exactly(1, lambda value: building.call(name, value))


def _minus(scope: Scope, node: Any) -> Any:
    if node.getNumChildren() == 1:
        return building.product(-1, number(node.getChild(0), scope))
    return _exactly(2, building.difference)(scope, node)


def _root(scope: Scope, node: Any) -> Any:
    if node.getNumChildren() == 1:
        return building.root(number(node.getChild(0), scope))
    return _exactly(2, lambda degree, value: building.power(value, building.power(degree, -1)))(scope, node)


def _logarithm(scope: Scope, node: Any) -> Any:
    """libSBML gives the base first, 10 where the file has none."""
    if node.getNumChildren() == 1:
        return building.logarithm(sp.Integer(10), number(node.getChild(0), scope))
    return _exactly(2, building.logarithm)(scope, node)


def _extreme(name: str) -> Rule:
    def rule(scope: Scope, node: Any) -> Any:
        given = [number(one, scope) for one in _operands(node)]
        if not given:
            raise ModelError(f"{name} of nothing; give it arguments")
        result = given[0]
        for one in given[1:]:
            result = building.call(name, result, one)
        return result

    return rule


def _piecewise(scope: Scope, node: Any) -> Any:
    given = _children(node)
    if len(given) % 2 == 0:
        raise ModelError("piecewise says nothing of the case where no condition holds; add otherwise")
    result = number(given[-1], scope)
    for value, holds in reversed(list(zip(given[:-1:2], given[1::2], strict=True))):
        result = building.choose(condition(holds, scope), number(value, scope), result)
    return result


# ---------------------------------------------------------------- conditions


def _relation(sign: str) -> Rule:
    """`a < b < c` is both of its halves."""

    def rule(scope: Scope, node: Any) -> Any:
        values = [number(one, scope) for one in _children(node)]
        if len(values) < 2:
            raise ModelError("a comparison needs two numbers or more; add one")
        return building.join(
            "and", *(building.compare(*pair) for pair in zip(values, [sign] * (len(values) - 1), values[1:], strict=False))
        )

    return rule


def _join(word: str, empty: Any) -> Rule:
    def rule(scope: Scope, node: Any) -> Any:
        given = [condition(one, scope) for one in _operands(node)]
        return building.join(word, *given) if given else empty

    return rule


def _not(scope: Scope, node: Any) -> Any:
    if node.getNumChildren() != 1:
        raise ModelError(f"not has {node.getNumChildren()} arguments; it takes one")
    return building.join("not", condition(node.getChild(0), scope))


def _differ(left: Any, right: Any) -> Any:
    one, other = (building.join("and", u, building.join("not", v)) for u, v in ((left, right), (right, left)))
    return building.join("or", one, other)


def _odd(scope: Scope, node: Any) -> Any:
    """xor: whether an odd number of conditions hold."""
    result: Any = sp.false
    for one in _operands(node):
        result = _differ(result, condition(one, scope))
    return result


def _implies(scope: Scope, node: Any) -> Any:
    if node.getNumChildren() != 2:
        raise ModelError(f"implies has {node.getNumChildren()} arguments; it takes two")
    left, right = (condition(one, scope) for one in _children(node))
    return building.join("or", building.join("not", left), right)


# ---------------------------------------------------------------- names and functions


def _applied(scope: Scope, node: Any) -> Any:
    """A call of a function definition: its formula, in which its arguments stand for its variables."""
    name = node.getName()
    definition = scope.functions.get(name)
    if definition is None or definition.getBody() is None:
        raise ModelError(f"the function {name!r} is not defined; add its definition")
    if name in scope.inside:
        raise ModelError(f"the function {name!r} calls itself, by way of {' -> '.join((*scope.inside, name))}; take the circle out")
    variables = [definition.getArgument(i).getName() for i in range(definition.getNumArguments())]
    given = tuple(read(one, scope) for one in _children(node))
    if len(given) != len(variables):
        raise ModelError(f"the function {name!r} takes {len(variables)} arguments, but is called with {len(given)}")
    key = name, given, scope.time
    if key not in scope.work.calls:
        inner = replace(scope, names=_variables(name, dict(zip(variables, given, strict=True))), inside=(*scope.inside, name))
        scope.work.calls[key] = read(definition.getBody(), inner)
    return scope.work.calls[key]


def _variables(function: str, values: Mapping[str, Any]) -> Callable[[str], Any]:
    def known(name: str) -> Any:
        if name not in values:
            raise ModelError(f"the function {function!r} uses {name!r}, which is none of its arguments; add it to them")
        return values[name]

    return known


def _constant(value: Any) -> Rule:
    return lambda scope, node: value


def _float(scope: Scope, node: Any) -> Any:
    return building.number(node.getReal())


RULES: dict[str, Rule] = {
    "INTEGER": lambda scope, node: building.number(node.getInteger()),
    "REAL": _float,
    "REAL_E": _float,
    "RATIONAL": lambda scope, node: building.quotient(*map(building.number, (node.getNumerator(), node.getDenominator()))),
    "CONSTANT_PI": _constant(sp.pi),
    "CONSTANT_E": _constant(sp.E),
    "CONSTANT_TRUE": _constant(sp.true),
    "CONSTANT_FALSE": _constant(sp.false),
    "NAME_AVOGADRO": _constant(sp.Rational(AVOGADRO)),
    "NAME": lambda scope, node: scope.names(node.getName()),
    "NAME_TIME": lambda scope, node: scope.time,
    "FUNCTION": _applied,
    "PLUS": _many(building.total),
    "TIMES": _many(building.product),
    "MINUS": _minus,
    "DIVIDE": _exactly(2, building.quotient),
    **dict.fromkeys(("POWER", "FUNCTION_POWER"), _exactly(2, building.power)),
    "FUNCTION_ROOT": _root,
    "FUNCTION_LOG": _logarithm,
    "FUNCTION_LN": _call("log"),
    **{f"FUNCTION_{name.upper()}": _call(name) for name in ("exp", "abs", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"FUNCTION_{name.upper()}": _call(name) for name in ("sec", "csc", "cot", "sech", "csch", "coth")},
    **{f"FUNCTION_ARC{name.upper()}": _call(f"a{name}") for name in ("sin", "cos", "tan", "sec", "csc", "cot")},
    **{f"FUNCTION_ARC{name.upper()}": _call(f"a{name}") for name in ("sinh", "cosh", "tanh", "sech", "csch", "coth")},
    "FUNCTION_MAX": _extreme("maximum"),
    "FUNCTION_MIN": _extreme("minimum"),
    "FUNCTION_PIECEWISE": _piecewise,
    "RELATIONAL_LT": _relation("<"),
    "RELATIONAL_LEQ": _relation("<="),
    "RELATIONAL_GT": _relation(">"),
    "RELATIONAL_GEQ": _relation(">="),
    "LOGICAL_AND": _join("and", sp.true),
    "LOGICAL_OR": _join("or", sp.false),
    "LOGICAL_NOT": _not,
    "LOGICAL_XOR": _odd,
    "LOGICAL_IMPLIES": _implies,
}
STEP = "its value jumps, and has no gradient by these formulas; use a smooth function, or piecewise in time"
UNSUPPORTED: dict[str, str] = {
    "FUNCTION_DELAY": "delay is not supported: a model sees its states at one time only; replace it by a chain of states",
    "FUNCTION_RATE_OF": "rateOf is not supported; put the formula of the rate in its place",
    "FUNCTION_FACTORIAL": "factorial is not supported; write its value",
    **{f"FUNCTION_{name.upper()}": f"{name} is not supported: {STEP}" for name in ("floor", "ceiling", "quotient", "rem")},
    **{f"RELATIONAL_{name.upper()}": f"{name} is not supported: equality holds at no interval; use lt or leq" for name in ("eq", "neq")},
}
