"""Estimates of scalars before SymPy works on them: their size, the length of their digits, how often their parts are looked at."""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import sympy as sp

from odeanalysis.symbolic.functions import SCALAR_CLASSES
from odeanalysis.symbolic.nodes import Array
from odeanalysis.symbolic.rewrite import walk

UNKNOWN = 1.0  # the stand-in for a constant that is always of moderate size
SHALLOW = 100  # of the work on a scalar that nests little
MOST = 2**62
FLOATS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "erf")},
    "abs": abs,
    "maximum": max,
    "minimum": min,
}
GROWING = {"softplus", "relu", "elu", "gelu", "silu"}


@lru_cache(maxsize=4096)
def approximate(number: Any) -> float:
    """A constant in floating point: infinite where it is too large, NaN where it is not real."""
    if isinstance(number, sp.Rational):
        return safely(lambda: number.p / number.q)
    if isinstance(number, sp.NumberSymbol):
        return float(number)
    arguments = [approximate(argument) for argument in number.args if isinstance(argument, sp.Expr)]
    return safely(lambda: _evaluated(number, arguments))


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
    return safely(lambda: FLOATS[name](*arguments)) if name in FLOATS else UNKNOWN


def safely(compute: Callable[[], float]) -> float:
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


@lru_cache(maxsize=4096)
def work(value: Any) -> int:
    """An estimate of how often SymPy looks at the parts of a scalar to find its value, its sign, or an order of its terms.

    Every function or power above a part makes it look again, three times as often, every sum or product half as often again; parts that
    nest little stand beside each other for nothing.
    """
    looked = (part for part in value.args if isinstance(part, sp.Basic) and not isinstance(part, (Array, sp.Rational)))
    *others, most = sorted(map(work, looked)) or [0]
    inner = most + sum(max(0, other - SHALLOW) for other in others)
    return 1 + (inner + inner // 2 if isinstance(value, (sp.Add, sp.Mul)) else 3 * inner)


@lru_cache(maxsize=4096)
def length(value: Any) -> int:
    """About how many bits a scalar has where its symbols are small numbers, which SymPy puts in when it looks for a sign."""
    lengths = [length(part) for part in value.args if isinstance(part, sp.Expr) and not isinstance(part, Array)]
    if not lengths:
        return max(1, bits(value))
    if isinstance(value, sp.Mul):
        return sum(lengths)
    if isinstance(value, sp.Pow):
        return lengths[0] * (times(value.exp) if is_constant(value.exp) else lengths[1])
    return max(lengths) + len(lengths).bit_length()


def times(exponent: Any) -> int:
    """How often a constant exponent multiplies a number by itself; SymPy takes the numerators of fractions."""
    size = abs(exponent.p) if isinstance(exponent, sp.Rational) else abs(approximate(exponent))
    return max(1, math.ceil(size)) if size < MOST else MOST


def has_power(values: Iterable[Any], roots: bool) -> bool:
    """Whether a power (with `roots`: but for whole ones) stands in scalars: SymPy asks of all parts whether they are real, and positive."""
    powers = (node.exp for node in walk(values) if isinstance(node, sp.Pow))
    return any(not (roots and isinstance(power, sp.Integer)) for power in powers)
