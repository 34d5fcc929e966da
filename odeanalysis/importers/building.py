"""Expressions built step by step under the bounds of model files, so that whatever is imported can be written and read again."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.language import MODELS, conditions, numbers

HEIGHT = 100  # of an expression, counted in SymPy's nodes, of which a nesting in a text has one or two
HALF = sp.Rational(1, 2)


@lru_cache(maxsize=2**14)
def extent(value: Any) -> tuple[int, int]:
    """How many nodes an expression has when it is written out, and how deep it nests."""
    below = [extent(part) for part in value.args]
    return 1 + sum(size for size, _ in below), 1 + max((height for _, height in below), default=0)


def fitting(value: Any) -> Any:
    """A value or a condition, unless it is larger than what a model file may hold."""
    size, height = extent(value)
    if size > MODELS.nodes or height > HEIGHT:
        what = f"nests more than {HEIGHT} levels" if height > HEIGHT else f"has more than {MODELS.nodes} parts"
        raise ModelError(f"the expression {what} once all that it refers to stands in it; simplify it")
    return value


def bounded(value: Any) -> Any:
    """A value within all bounds of model files."""
    return numbers.check_value(fitting(value), MODELS)


def number(value: Any) -> Any:
    """A finite number, a decimal one as the rational of its shortest form."""
    return bounded(ex.as_expression(value))


def total(*terms: Any) -> Any:
    return bounded(ex.add(*terms))


def product(*factors: Any) -> Any:
    result: Any = sp.S.One
    for factor in factors:
        result = bounded(ex.mul(result, factor))
    return result


def power(base: Any, exponent: Any) -> Any:
    base, exponent = ex.as_expression(base), ex.as_expression(exponent)
    numbers.check_power(base, exponent, MODELS)
    return bounded(ex.power(base, exponent))


def root(value: Any) -> Any:
    return power(value, HALF)


def quotient(above: Any, below: Any) -> Any:
    return product(above, power(below, sp.S.NegativeOne))


def difference(left: Any, right: Any) -> Any:
    return total(left, ex.negative(right))


def call(name: str, *arguments: Any) -> Any:
    """A function of the language, or one of `COMPOSED`."""
    if name in COMPOSED:
        return COMPOSED[name](*arguments)
    numbers.check_call(name, arguments, MODELS)
    return bounded(FUNCTIONS[name](*arguments))


def compare(left: Any, sign: str, right: Any) -> Any:
    numbers.check_relation(left, right, MODELS)
    if isinstance(left, sp.Rational):
        left, sign, right = right, conditions.REFLECTED[sign], left
    return fitting(conditions.compare(left, sign, right))


def join(word: str, *parts: Any) -> Any:
    """Conditions joined by `and`, `or`, `not`."""
    return fitting(conditions.join(word, list(parts)))


def choose(condition: Any, chosen: Any, other: Any) -> Any:
    return bounded(conditions.choose(condition, chosen, other))


def logarithm(base: Any, value: Any) -> Any:
    """log(value)/log(base)."""
    return quotient(call("log", value), call("log", base))


def _inverse(name: str) -> Callable[[Any], Any]:
    return lambda x: power(call(name, x), sp.S.NegativeOne)


def _of_inverse(name: str) -> Callable[[Any], Any]:
    return lambda x: call(name, power(x, sp.S.NegativeOne))


def _asinh(x: Any) -> Any:
    """log((1 + r + x)/(1 + r - x)) with r = sqrt(1 + x**2), which is odd in x as log(x + r) is not in floating point."""
    r = root(total(1, power(x, 2)))
    return call("log", quotient(total(1, r, x), total(1, r, ex.negative(x))))


def _acosh(x: Any) -> Any:
    return call("log", total(x, product(root(difference(x, 1)), root(total(x, 1)))))


def _half_log(above: Any, below: Any) -> Any:
    return product(HALF, call("log", quotient(above, below)))


# what the language lacks, in its own functions
COMPOSED: dict[str, Callable[..., Any]] = {
    **{name: _inverse(of) for name, of in (("sec", "cos"), ("csc", "sin"), ("cot", "tan"))},
    **{name: _inverse(of) for name, of in (("sech", "cosh"), ("csch", "sinh"), ("coth", "tanh"))},
    **{name: _of_inverse(of) for name, of in (("asec", "acos"), ("acsc", "asin"), ("acot", "atan"))},
    **{name: _of_inverse(of) for name, of in (("asech", "acosh"), ("acsch", "asinh"), ("acoth", "atanh"))},
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": lambda x: _half_log(total(1, x), difference(1, x)),
}
