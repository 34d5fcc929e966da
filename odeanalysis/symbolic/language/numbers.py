"""Bounds on numbers, so that no text makes SymPy compute for long: each constant is looked at in floating point before it is built.

SymPy evaluates powers of rationals exactly, decides signs and comparisons of constants by ever more digits, and asks of the parts of
roots and hyperbolic functions whether they are real, anew at every level; all are only asked of scalars of moderate size and nesting.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.symbolic.expressions import is_zero
from odeanalysis.symbolic.language.estimates import (
    approximate,
    bits,
    call,
    coefficient,
    has_power,
    is_constant,
    length,
    safely,
    times,
    work,
)
from odeanalysis.symbolic.language.grammar import Grammar
from odeanalysis.symbolic.nodes import Array, shape_of
from odeanalysis.symbolic.rewrite import walk
from odeanalysis.symbolic.scalars import Elementary

INFINITE = frozenset({sp.zoo, sp.nan, sp.oo, -sp.oo})
APART = 1e-9  # constants that differ by less, relatively, are not told apart
ROOT_BITS, POWER_BITS = 2**8, 2**20  # of what is factored for a root, of what is written out for it
DEGREE = 10**4  # SymPy takes powers inside hyperbolic functions for polynomials of this degree, whose coefficients it writes out
ERF_IS_ONE = 30
QUESTION = 10  # asking whether a part is real, and positive, takes at least as long as so many evaluations
ROOTS = 50  # of numbers in one product: SymPy compares all pairs at every factor


class NumberError(ModelError):
    """A number out of bounds; the reader adds the place."""


HYPERBOLIC = frozenset({"sinh", "cosh", "tanh"})


# ---------------------------------------------------------------- before something is built


def _check_work(grammar: Grammar, *values: Any) -> None:
    """Refuses scalars about whose parts SymPy would ask, or which it would evaluate, over and over."""
    weight = 1 if all(map(is_constant, values)) else QUESTION
    if weight * sum(map(work, values)) > grammar.work:
        shown = ", ".join(map(_short, values))
        raise NumberError(f"{shown} nests too many functions, powers or constants; write constants as decimal numbers, or use arrays")


def check_power(base: Any, exponent: Any, grammar: Grammar) -> None:
    """Refuses powers that would be huge, or huge to compute."""
    if is_zero(base) and is_constant(exponent) and approximate(exponent) < 0:
        raise NumberError("a division by zero; change the constants here")
    if base is sp.E:
        check_exponential(exponent, grammar)
    if not isinstance(base, Array) and (is_constant(base) or not isinstance(exponent, sp.Integer) or has_power([base], roots=True)):
        _check_work(grammar, base, exponent)
    if is_constant(base) and is_constant(exponent):
        value = safely(lambda: math.pow(approximate(base), approximate(exponent)))
        _moderate(value, lambda: f"({_short(base)})**({_short(exponent)})", may_vanish=base == 0)
    exact = isinstance(base, sp.Rational) and isinstance(exponent, sp.Rational)
    if not exact and is_constant(exponent) and abs(approximate(exponent)) > grammar.power:
        raise NumberError(f"the exponent {_short(exponent)} is larger than {grammar.power}; use a smaller one, or exp and log")
    if isinstance(base, sp.Expr) and is_constant(exponent) and length(base) * times(exponent) > POWER_BITS:
        raise NumberError(f"({_short(base)})**({_short(exponent)}) has too many digits; use smaller exponents")
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
    if all(map(is_constant, arguments)) or has_power(arguments, roots=name not in HYPERBOLIC):
        _check_work(grammar, *arguments)
    if name == "erf" and is_constant(arguments[0]) and abs(approximate(arguments[0])) > ERF_IS_ONE:
        raise NumberError(f"erf of {_short(arguments[0])} is 1 or -1 to every digit; write that")
    if all(map(is_constant, arguments)):
        value = call(name, [approximate(argument) for argument in arguments])
        _moderate(value, lambda: f"{name} of {', '.join(map(_short, arguments))}", may_vanish=name != "exp")


def _check_degree(argument: Any) -> None:
    """Refuses powers whose imaginary parts SymPy would look for inside a hyperbolic function, with very long polynomials."""
    for node in walk([argument]):
        if isinstance(node, sp.Pow) and is_constant(node.base) and approximate(node.base) < 0:
            raise NumberError(f"a power of the negative number {_short(node.base)} is not real everywhere; write it in another form")
        for term in sp.Add.make_args(node.exp) if isinstance(node, sp.Pow) else ():
            if abs(coefficient(term).p) > DEGREE:
                raise NumberError(f"the exponent {_short(node.exp)} has too many digits; use fewer, or a quotient of small numbers")


def check_relation(left: Any, right: Any, grammar: Grammar) -> None:
    """Refuses to compare scalars whose difference is a constant that may or may not be zero."""
    if not isinstance(left, Array) and not isinstance(right, Array):
        gap = sp.Add(left, sp.Mul(-1, right))
        if is_constant(gap):
            _check_work(grammar, gap)
            _told_apart(gap)


# ---------------------------------------------------------------- after it is built


def check_value(value: Any, grammar: Grammar) -> Any:
    """The value, unless its shapes do not fit, or it or one of its parts next below is no moderate real number."""
    shape_of(value)
    parts = (value, *(part for part in value.args if isinstance(part, sp.Expr))) if isinstance(value, (sp.Expr, Array)) else ()
    for part in parts:
        if part in INFINITE:
            raise NumberError("a division by zero, or a value that is not finite; change the constants here")
        if part is sp.I or (isinstance(part, sp.Mul) and sp.I in part.args):
            raise NumberError("a value that is not real, such as the root or logarithm of a negative number; change the constants here")
        if bits(coefficient(part)) > grammar.bits:
            raise NumberError(f"{_short(coefficient(part))} is too long; use fewer digits")
    if isinstance(value, sp.Mul) and sum(map(_is_root, value.args)) > ROOTS:
        raise NumberError(f"a product of more than {ROOTS} roots of numbers; write its value as a decimal number")
    if isinstance(value, sp.Pow) and isinstance(value.exp, sp.Rational) and not is_constant(value.base) and abs(value.exp) > grammar.power:
        raise NumberError(f"the exponent {_short(value.exp)} is larger than {grammar.power}; use a smaller one")
    if is_constant(value):
        _check_work(grammar, value)
        _moderate(approximate(value), lambda: _short(value), may_vanish=not isinstance(value, sp.Mul))
        _told_apart(value)
    return value


def _is_root(factor: Any) -> bool:
    return isinstance(factor, sp.Pow) and isinstance(factor.base, sp.Rational)


def _told_apart(number: Any) -> None:
    """Refuses a sum of constants whose sign SymPy would look for in ever more digits; what it cannot evaluate, it does not."""
    if isinstance(number, sp.Add) and not number.has(Elementary):
        terms = [approximate(term) for term in number.args]
        if abs(math.fsum(terms)) <= APART * max(map(abs, terms)):
            raise NumberError(f"{_short(number)} is too close to zero for rounding to tell; write its exact value")


def _moderate(value: float, what: Callable[[], str], may_vanish: bool) -> None:
    if math.isinf(value):
        raise NumberError(f"{what()} is too large for a 64-bit number; use smaller numbers")
    if math.isnan(value):
        raise NumberError(f"{what()} is not a real number; change the constants here")
    if value == 0 and not may_vanish:
        raise NumberError(f"{what()} is too small for a 64-bit number; write 0, or use larger numbers")


def _short(value: Any) -> str:
    if isinstance(value, sp.Rational) and bits(value) > 64:
        return f"a number of {bits(value)} bits"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:18]}...{text[-18:]}"
