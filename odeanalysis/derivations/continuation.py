"""Closed forms at the parameters where they divide by zero: the limit is right, because solutions depend smoothly on parameters."""

import random
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import mpmath
import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic.zero import is_zero, numbers_at, numeric

ORDER = 8
SHIFT = 40
SYMBOLS = 6
NEGLIGIBLE = mpmath.mpf(10) ** -20
LARGE = mpmath.mpf(10) ** 38


def divisors(expression: Any, *moving: sp.Symbol) -> tuple[Any, ...]:
    """What an expression divides by, as irreducible factors without the moving symbols: where one vanishes, a limit is meant."""
    found: dict[Any, None] = {}
    for node in sp.preorder_traversal(expression):
        if isinstance(node, sp.Pow) and node.exp.is_number and node.exp.is_negative and not node.base.has(*moving):
            found |= {-factor if factor.could_extract_minus_sign() else factor: None for factor in _factors(node.base)}
    return tuple(factor for factor in found if factor.free_symbols)


def _factors(base: Any) -> list[Any]:
    """The irreducible factors of a polynomial in few symbols; anything else is one factor."""
    simple = base.is_polynomial(*base.free_symbols) and len(base.free_symbols) <= SYMBOLS
    return [factor for factor, _ in sp.factor_list(base)[1]] if simple else [base.primitive()[1]]


def value_at(expression: Any, values: Mapping[sp.Symbol, Any], digits: int = 30) -> Any:
    """The value of a real closed form, also where it divides by zero or takes the root of a negative number.

    It is the mean of the values at two points at distance 1e-40 on both sides, in arithmetic of several hundred digits, so that its error
    is that of a second difference. values: symbol -> number.  Raises DerivationError where the limit is not finite or not real.
    """
    symbols, directions, function = _compiled(expression)
    missing = [str(symbol) for symbol in symbols if symbol not in values]
    if missing:
        raise DerivationError(f"the closed form needs a value for {', '.join(missing)}")
    with mpmath.workdps(digits + (ORDER + 2) * SHIFT):
        point = [_exact(values[symbol]) for symbol in symbols]
        sides = (_shifted(point, directions, sign) for sign in (1, -1))
        found = [value for side in sides if (value := _real(function, side)) is not None]
        if not found or abs(found[0] - found[-1]) > NEGLIGIBLE * (1 + abs(found[0])):
            given = ", ".join(f"{symbol} = {values[symbol]}" for symbol in symbols)
            raise DerivationError(f"the closed form has no finite real value at {given}")
    with mpmath.workdps(digits):
        return mpmath.fsum(found) / len(found)


@lru_cache(maxsize=512)
def _compiled(expression: Any) -> tuple[list[sp.Symbol], list[int], Callable[..., list[Any]]]:
    """The symbols, the direction in which they are moved, and the function of their numbers."""
    symbols = sorted(expression.free_symbols, key=str)
    generator = random.Random(len(symbols))
    return symbols, [generator.randint(100, 999) for _ in symbols], numeric(symbols, [expression])


def _exact(value: Any) -> Any:
    exact = sp.Rational(value) if isinstance(value, (int, float)) else sp.sympify(value)
    return mpmath.mpf(exact.p) / exact.q if isinstance(exact, sp.Rational) else mpmath.mpf(exact)


def _shifted(point: list[Any], directions: list[int], sign: int) -> list[Any]:
    step = sign * mpmath.mpf(10) ** -(SHIFT + 3)
    return [value + step * direction for value, direction in zip(point, directions, strict=True)]


def _real(function: Callable[..., list[Any]], point: list[Any]) -> Any:
    """The value at a point; None where it is none, has an imaginary part, or is as large as beside a pole."""
    values = numbers_at(function, point)
    if values is None or abs(values[0]) > LARGE or abs(mpmath.im(values[0])) > NEGLIGIBLE * (1 + abs(values[0])):
        return None
    return mpmath.re(values[0])


def restrict(expression: Any, values: Mapping[sp.Symbol, Any]) -> Any:
    """The expression with symbols replaced, as a limit where it then divides by zero (L'Hospital's rule along a line, up to order 8).

    values: symbol -> expression. Raises DerivationError where no such limit is found.
    """
    step = sp.Symbol("_step", real=True)
    directions = dict(zip(sorted(values, key=str), (1, 3, 7, 13, 29, 31, 37), strict=False))
    moved = expression.subs({symbol: value + step * directions[symbol] for symbol, value in values.items()}, simultaneous=True)
    above, below = sp.fraction(sp.together(moved))
    for _ in range(ORDER):
        there = sp.expand(below.subs(step, 0))
        if not is_zero(there):
            return above.subs(step, 0) / there
        if not is_zero(above.subs(step, 0)):
            break
        above, below = sp.diff(above, step), sp.diff(below, step)
    raise DerivationError(f"no limit was found for {expression} at {dict(values)}; use numbers with value_at")


def piecewise(expression: Any, factors: Iterable[Any]) -> Any:
    """The expression with its limit wherever one of the factors vanishes that can be solved for one of its symbols."""
    open_ = list(factors)
    if not open_:
        return expression
    first, rest = open_[0], open_[1:]
    solved = _solved(first)
    if solved is None:
        return piecewise(expression, rest)
    symbol, value = solved
    there = (part for factor in rest for part in _factors(factor.subs(symbol, value)))
    limit = piecewise(restrict(expression, {symbol: value}), dict.fromkeys(part for part in there if part.free_symbols))
    return sp.Piecewise((limit, sp.Eq(symbol, value)), (piecewise(expression, rest), True))


def _solved(factor: Any) -> tuple[sp.Symbol, Any] | None:
    """A symbol in which the factor is linear with a constant slope, and where it vanishes."""
    for symbol in sorted(factor.free_symbols, key=str):
        slope = sp.diff(factor, symbol)
        if slope.is_number and slope != 0:
            return symbol, sp.expand(symbol - factor / slope)
    return None
