"""What text and LaTeX share: numbers as people write them, signs, the terms of a sum and the factors of a product in reading order."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.nodes import Array

HALVES = (2, 4, 8)


def decimal(number: Any) -> str | None:
    """The shortest decimal text of a rational, where it is that number exactly; else None."""
    try:
        text = repr(number.p / number.q)
    except OverflowError:
        return None
    if sp.Rational(text) != number:
        return None
    return str(number.p) if number.q == 1 and number < 10**16 else text.replace("e+", "e")


def ratio(number: Any) -> tuple[Any, Any]:
    """A positive rational as what to multiply by and what to divide by: 0.3 as (3/10, 1), but a half as (1, 2) and 2/3 as (2, 3)."""
    if (number.q in HALVES and number.p == 1) or decimal(number) is None:
        return sp.Integer(number.p), sp.Integer(number.q)
    return number, sp.S.One


def is_negative(node: Any) -> bool:
    """Whether an expression begins with a minus."""
    if isinstance(node, sp.Rational):
        return bool(node < 0)
    if isinstance(node, (sp.Mul, nodes.Times, nodes.Full)):
        return not isinstance(node.args[0], Array) and is_negative(node.args[0])
    return False


def is_sum(node: Any) -> bool:
    return isinstance(node, (sp.Add, nodes.Plus))


def is_constant(node: Any) -> bool:
    return not isinstance(node, Array) and bool(node.is_number)


def terms(node: Any) -> list[Any]:
    """The terms of a sum, so that it begins with no minus where one term has none.

    Array terms keep their order, which their equality depends on; scalars, whose order SymPy forgets, stand last, numbers behind them.
    """
    arrays = [term for term in node.args if isinstance(term, Array)]
    scalars = [part for term in node.args if not isinstance(term, Array) for part in sp.Add.make_args(term)]
    ordered = [*sorted(scalars, key=lambda term: (is_constant(term), is_negative(term)))]
    first = next((term for term in ordered if not is_negative(term)), None)
    begins = arrays[0] if arrays else ordered[0]
    if first is not None and is_negative(begins):
        return [first, *arrays, *(term for term in ordered if term is not first)]
    return [*arrays, *ordered]


@dataclass(frozen=True)
class Product:
    """A product that begins with no minus: `above * scalars * arrays / below / dividing`, with rational numbers above and below.

    scalars: what multiplies.  arrays: in order.  dividing: what divides, with positive exponents.
    """

    above: Any
    scalars: tuple[Any, ...]
    arrays: tuple[Array, ...]
    below: Any
    dividing: tuple[Any, ...]


def product(node: Any) -> Product:
    """The factors of a product or a power of scalars, of a product of arrays, or of a constant array."""
    scalar, arrays = ex.split(node)
    factors: tuple[Any, ...] = sp.Mul.make_args(scalar)
    numbers = [factor for factor in factors if isinstance(factor, sp.Rational)]
    above, below = ratio(sp.Mul(*numbers))
    rest = [factor for factor in factors if factor not in numbers]
    dividing = tuple(sp.Pow(one.base, -one.exp) for one in rest if divides(one))
    scalars = sorted((one for one in rest if not divides(one)), key=lambda one: (not is_constant(one), is_sum(one)))
    return Product(above, tuple(scalars), arrays, below, dividing)


def divides(factor: Any) -> bool:
    """Whether a factor is written below a fraction line: scalars with negative numbers as exponents, arrays with negative whole ones."""
    if isinstance(factor, sp.Pow):
        return isinstance(factor.exp, sp.Rational) and bool(factor.exp < 0)
    return isinstance(factor, nodes.Power) and isinstance(factor.args[1], sp.Integer) and bool(factor.args[1] < 0)


def inverted(factor: Any) -> Any:
    """The reciprocal of an array power with a whole exponent."""
    return ex.power(factor.args[0], -factor.args[1])
