"""Bounds on numbers, so that no text makes SymPy compute for long: each constant is looked at in floating point before it is built.

SymPy evaluates powers of rationals exactly, and decides signs and comparisons of constants by ever more digits; both are only asked of
numbers of moderate size that rounding can tell apart.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.language.grammar import Grammar
from odeanalysis.symbolic.nodes import Array, shape_of
from odeanalysis.symbolic.rewrite import walk
from odeanalysis.symbolic.scalars import Elementary

INFINITE = frozenset({sp.zoo, sp.nan, sp.oo, -sp.oo})
APART = 1e-9  # constants that differ by less, relatively, are not told apart
ROOT_BITS, POWER_BITS = 2**8, 2**20  # of what is factored for a root, of what is written out for it
DEGREE = 10**4  # SymPy takes powers inside hyperbolic functions for polynomials of this degree, whose coefficients it writes out
ERF_IS_ONE = 30
UNKNOWN = 1.0  # the stand-in for a constant that is always of moderate size


class NumberError(ModelError):
    """A number out of bounds; the reader adds the place."""


FLOATS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "erf")},
    "abs": abs,
    "maximum": max,
    "minimum": min,
}
HYPERBOLIC = {"sinh", "cosh", "tanh"}
GROWING = {"softplus", "relu", "elu", "gelu", "silu"}


@lru_cache(maxsize=4096)
def approximate(number: Any) -> float:
    """A constant in floating point: infinite where it is too large, NaN where it is not real."""
    if isinstance(number, sp.Rational):
        return _safely(lambda: number.p / number.q)
    if isinstance(number, sp.NumberSymbol):
        return float(number)
    arguments = [approximate(argument) for argument in number.args if isinstance(argument, sp.Expr)]
    return _safely(lambda: _evaluated(number, arguments))


def _evaluated(number: Any, arguments: list[float]) -> float:
    if isinstance(number, sp.Add):
        return math.fsum(arguments)
    if isinstance(number, sp.Mul):
        return math.prod(arguments)
    if isinstance(number, sp.Pow):
        return math.pow(*arguments)
    return call(SCALAR_CLASSES.get(type(number), ""), arguments)


def call(name: str, arguments: list[float]) -> float:
    """An elementary function of constants; for those that are bounded, or grow no faster than their argument, a bound."""
    if name in GROWING:
        return abs(arguments[0]) + UNKNOWN
    return _safely(lambda: FLOATS[name](*arguments)) if name in FLOATS else UNKNOWN


def _safely(compute: Callable[[], float]) -> float:
    try:
        return compute()
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        return math.nan


def is_constant(value: Any) -> bool:
    return isinstance(value, sp.Expr) and not isinstance(value, Array) and bool(value.is_number)


def coefficient(value: Any) -> Any:
    """The rational factor of a scalar."""
    return value.as_coeff_Mul()[0] if isinstance(value, sp.Mul) else value if isinstance(value, sp.Rational) else sp.S.One


def bits(number: Any) -> int:
    return max(abs(number.p).bit_length(), number.q.bit_length()) if isinstance(number, sp.Rational) else 0


# ---------------------------------------------------------------- before something is built


def check_power(base: Any, exponent: Any, grammar: Grammar) -> None:
    """Refuses powers that would be huge, or huge to compute."""
    if is_zero(base) and is_constant(exponent) and approximate(exponent) < 0:
        raise NumberError("a division by zero; change the constants here")
    if base is sp.E:
        check_exponential(exponent, grammar)
    if is_constant(base) and is_constant(exponent):
        value = _safely(lambda: math.pow(approximate(base), approximate(exponent)))
        _moderate(value, f"({_short(base)})**({_short(exponent)})", may_vanish=base == 0)
    exact = isinstance(base, sp.Rational) and isinstance(exponent, sp.Rational)
    if not exact and is_constant(exponent) and abs(approximate(exponent)) > grammar.power:
        raise NumberError(f"the exponent {_short(exponent)} is larger than {grammar.power}; use a smaller one, or exp and log")
    fixed = exponent.as_coeff_Add()[0] if isinstance(exponent, sp.Expr) else sp.S.Zero
    for number, power in _radicals(base) if fixed != 0 else ():
        _check_digits(number, power * fixed, grammar)


def _check_digits(number: Any, exponent: Any, grammar: Grammar) -> None:
    """SymPy writes powers of rationals out, and raises their primes to the numerators of exponents."""
    if exponent.q == 1:
        fits = bits(number) * abs(exponent.p) <= grammar.bits
    else:
        fits = bits(number) <= ROOT_BITS and bits(number) * max(abs(exponent.p), exponent.q) <= POWER_BITS
    if bits(number) > 1 and not fits:
        raise NumberError(f"({_short(number)})**({_short(exponent)}) has too many digits; use numbers with fewer")


def _radicals(base: Any) -> Iterator[tuple[Any, Any]]:
    """The rational numbers that a power of `base` would be computed of, each with the exponent that it has already."""
    for factor in sp.Mul.make_args(base):
        if isinstance(factor, sp.Rational):
            yield factor, sp.S.One
        elif isinstance(factor, sp.Pow) and isinstance(factor.base, sp.Rational) and isinstance(factor.exp, sp.Rational):
            yield factor.base, factor.exp


def check_exponential(argument: Any, grammar: Grammar) -> None:
    """exp(c*log(u)) becomes u**c."""
    for term in sp.Add.make_args(argument):
        for factor in sp.Mul.make_args(term):
            if isinstance(factor, sp.log):
                check_power(factor.args[0], coefficient(term), grammar)


def check_call(name: str, arguments: tuple[Any, ...], grammar: Grammar) -> None:
    """Refuses elementary functions of constants whose value is not finite or not real, and signs that rounding cannot tell."""
    if any(isinstance(argument, Array) for argument in arguments):
        return
    if name == "exp":
        check_exponential(arguments[0], grammar)
    if name in HYPERBOLIC:
        _check_degree(arguments[0])
    if name == "erf" and is_constant(arguments[0]) and abs(approximate(arguments[0])) > ERF_IS_ONE:
        raise NumberError(f"erf of {_short(arguments[0])} is 1 or -1 to every digit; write that")
    if all(map(is_constant, arguments)):
        value = call(name, [approximate(argument) for argument in arguments])
        _moderate(value, f"{name} of {', '.join(map(_short, arguments))}", may_vanish=name != "exp")


def _check_degree(argument: Any) -> None:
    """Refuses powers whose imaginary parts SymPy would look for inside a hyperbolic function, with very long polynomials."""
    for node in walk([argument]):
        if isinstance(node, sp.Pow) and is_constant(node.base) and approximate(node.base) < 0:
            raise NumberError(f"a power of the negative number {_short(node.base)} is not real everywhere; write it in another form")
        for term in sp.Add.make_args(node.exp) if isinstance(node, sp.Pow) else ():
            if abs(coefficient(term).p) > DEGREE:
                raise NumberError(f"the exponent {_short(node.exp)} has too many digits; use fewer, or a quotient of small numbers")


def check_relation(left: Any, right: Any) -> None:
    """Refuses to compare scalars whose difference is a constant that may or may not be zero."""
    if not isinstance(left, Array) and not isinstance(right, Array):
        gap = sp.Add(left, sp.Mul(-1, right))
        if is_constant(gap):
            _told_apart(gap)


# ---------------------------------------------------------------- after it is built


def check_value(value: Any, grammar: Grammar) -> Any:
    """The value, unless its shapes do not fit, or it or one of its parts next below is no moderate real number."""
    shape_of(value)
    parts = (value, *(part for part in value.args if isinstance(part, sp.Expr))) if isinstance(value, (sp.Expr, Array)) else ()
    for part in parts:
        if part in INFINITE:
            raise NumberError("a division by zero, or a value that is not finite; change the constants here")
        if part is sp.I:
            raise NumberError("a value that is not real, such as the root or logarithm of a negative number; change the constants here")
        if bits(coefficient(part)) > grammar.bits:
            raise NumberError(f"{_short(coefficient(part))} is too long; use fewer digits")
    if isinstance(value, sp.Pow) and isinstance(value.exp, sp.Rational) and not is_constant(value.base) and abs(value.exp) > grammar.power:
        raise NumberError(f"the exponent {_short(value.exp)} is larger than {grammar.power}; use a smaller one")
    if is_constant(value):
        _moderate(approximate(value), _short(value), may_vanish=not isinstance(value, sp.Mul))
        _told_apart(value)
    return value


def _told_apart(number: Any) -> None:
    """Refuses a sum of constants whose sign SymPy would look for in ever more digits; what it cannot evaluate, it does not."""
    if isinstance(number, sp.Add) and not number.has(Elementary):
        terms = [approximate(term) for term in number.args]
        if abs(math.fsum(terms)) <= APART * max(map(abs, terms)):
            raise NumberError(f"{_short(number)} is too close to zero for rounding to tell; write its exact value")


def _moderate(value: float, what: str, may_vanish: bool) -> None:
    if math.isinf(value):
        raise NumberError(f"{what} is too large for a 64-bit number; use smaller numbers")
    if math.isnan(value):
        raise NumberError(f"{what} is not a real number; change the constants here")
    if value == 0 and not may_vanish:
        raise NumberError(f"{what} is too small for a 64-bit number; write 0, or use larger numbers")


def _short(value: Any) -> str:
    if isinstance(value, sp.Rational) and bits(value) > 64:
        return f"a number of {bits(value)} bits"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:18]}...{text[-18:]}"
