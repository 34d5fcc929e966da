"""Closed forms at the parameters where they divide by zero: the limit is right, because solutions depend smoothly on parameters."""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import mpmath
import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic.zero import is_zero, numbers_at, numeric

ORDER = 8
SHIFT = 40
SYMBOLS = 6
NEGLIGIBLE = mpmath.mpf(10) ** -20


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
    symbols = sorted(expression.free_symbols, key=str)
    missing = [str(symbol) for symbol in symbols if symbol not in values]
    if missing:
        raise DerivationError(f"the closed form needs a value for {', '.join(missing)}")
    generator = random.Random(len(symbols))
    directions = [generator.randint(100, 999) for _ in symbols]
    with mpmath.workdps(digits + (ORDER + 2) * SHIFT):
        function = numeric(symbols, [expression])
        points = [[_exact(values[symbol]) for symbol in symbols]] * 2
        sides = [_shifted(point, directions, sign) for point, sign in zip(points, (1, -1), strict=True)]
        found = [value for side in sides if (value := _real(function, side)) is not None]
    if not found:
        given = ", ".join(f"{symbol} = {values[symbol]}" for symbol in symbols)
        raise DerivationError(f"the closed form has no finite real value at {given}")
    with mpmath.workdps(digits):
        return mpmath.fsum(found) / len(found)


def _exact(value: Any) -> Any:
    exact = sp.Rational(value) if isinstance(value, (int, float)) else sp.sympify(value)
    return mpmath.mpf(exact.p) / exact.q if isinstance(exact, sp.Rational) else mpmath.mpf(exact)


def _shifted(point: list[Any], directions: list[int], sign: int) -> list[Any]:
    step = sign * mpmath.mpf(10) ** -(SHIFT + 3)
    return [value + step * direction for value, direction in zip(point, directions, strict=True)]


def _real(function: Callable[..., list[Any]], point: list[Any]) -> Any:
    values = numbers_at(function, point)
    if values is None or abs(mpmath.im(values[0])) > NEGLIGIBLE * (1 + abs(values[0])):
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
        above, below = sp.diff(above, step), sp.diff(below, step)
    raise DerivationError(f"no limit was found for {expression} at {dict(values)}; use numbers with value_at")


def piecewise(expression: Any, factors: Iterable[Any]) -> Any:
    """The expression with its limit wherever one of the factors vanishes that can be solved for one of its symbols."""
    first, *rest = [*factors, None]
    if first is None:
        return expression
    rest = [factor for factor in rest if factor is not None]
    solved = _solved(first)
    if solved is None:
        return piecewise(expression, rest)
    symbol, value = solved
    there = (factor.subs(symbol, value) for factor in rest)
    left = [factor for factor in there if factor.free_symbols and not is_zero(factor)]
    limit = piecewise(restrict(expression, {symbol: value}), left)
    return sp.Piecewise((limit, sp.Eq(symbol, value)), (piecewise(expression, rest), True))


def _solved(factor: Any) -> tuple[sp.Symbol, Any] | None:
    """A symbol in which the factor is linear with a constant slope, and where it vanishes."""
    for symbol in sorted(factor.free_symbols, key=str):
        slope = sp.diff(factor, symbol)
        if slope.is_number and slope != 0:
            return symbol, sp.expand(symbol - factor / slope)
    return None
