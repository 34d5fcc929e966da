"""What every basis has: functions of depth, their number, and their Gram matrix.

theta(s) = sum_j alpha_j psi_j(s),   G_ij = int psi_i psi_j ds
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, fields
from itertools import pairwise
from numbers import Integral
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks
from odeanalysis.symbolic.rewrite import exact

Domain = tuple[Any, Any]


MOST = 1_000


class Basis(ABC):
    """A finite family of functions of depth.

    terms: their number.  Subclasses are frozen dataclasses; their fields are the keys of model files.
    """

    terms: int

    @abstractmethod
    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        """psi_1(s), ..., psi_terms(s), each a scalar expression in depth, for a domain (s0, S)."""

    @abstractmethod
    def product(self, i: int, j: int, domain: Domain) -> Any:
        """The integral of psi_i psi_j over the domain, from its lower to its upper end, which are numbers."""

    def breakpoints(self, domain: Domain) -> tuple[Any, ...]:
        """The depths at which a function of the basis, or one of its derivatives, jumps; they are read off the expressions."""
        return ()

    def gram(self, domain: Domain) -> sp.Matrix:
        """The Gram matrix G_ij = int psi_i psi_j ds, exact. Raises ModelError for a domain that is not of numbers or has no length."""
        numbers = limits(domain, f"the Gram matrix of {type(self).__name__}", "give numbers")
        return sp.Matrix(self.terms, self.terms, self._entries(numbers))

    def _entries(self, domain: Domain) -> Callable[[int, int], Any]:
        found: dict[tuple[int, int], Any] = {}

        def entry(i: Any, j: Any) -> Any:
            key = (min(int(i), int(j)), max(int(i), int(j)))
            if key not in found:
                found[key] = self.product(*key, domain)
            return found[key]

        return entry


def keys(basis: Any) -> dict[str, bool]:
    """The keys that a class of bases has in model files, and whether each has to be there."""
    return {field.name: field.default is MISSING for field in fields(basis)}


# ---------------------------------------------------------------- checks


def whole(value: Any, what: str, least: int) -> int:
    """A whole number of at least `least`, and at most MOST."""
    if isinstance(value, bool) or not isinstance(value, (Integral, sp.Integer)) or value < least:
        raise ModelError(f"{what} is {value}; give a whole number of {least} or more")
    if int(value) > MOST:
        raise ModelError(f"{what} is {value}; a basis has at most {MOST}: give a smaller number")
    return int(value)


def scalar(value: Any, what: str) -> Any:
    """A finite number, or an expression in parameters and inputs."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ModelError(f"{what} is {value}; give a finite number")
    try:
        result = exact(value)
    except ModelError as error:
        raise ModelError(f"{what} is {value!r}; give a number") from error
    if not isinstance(result, sp.Expr) or result.has(*checks.NOT_FINITE):
        raise ModelError(f"{what} is {value}; give a finite number")
    return result


def positive(value: Any, what: str) -> Any:
    """A scalar that is no number below or equal to zero."""
    result = scalar(value, what)
    if is_number(result) and not result > 0:
        raise ModelError(f"{what} is {value}; give a number above 0")
    return result


def scalars(values: Any, what: str, least: int) -> tuple[Any, ...]:
    """At least `least` scalars."""
    found = tuple(scalar(value, f"{what}[{i}]") for i, value in enumerate(checks.items(values, what)))
    if len(found) < least:
        raise ModelError(f"{what} has {len(found)} entries; give at least {least}")
    return found


def increasing(values: Any, what: str, least: int = 2) -> tuple[Any, ...]:
    """Scalars each of which, as far as they are numbers, is above the one before."""
    found = scalars(values, what, least)
    numbers = [(i, value) for i, value in enumerate(found) if is_number(value)]
    for (i, low), (j, high) in pairwise(numbers):
        if not low < high:
            raise ModelError(f"{what}[{j}] is {high}, not above {what}[{i}], which is {low}; list increasing numbers, each once")
    return found


def interval_of(value: Any, what: str) -> Domain:
    """An interval (low, high) of two numbers."""
    ends = increasing(value, what)
    if len(ends) != 2 or not all(map(is_number, ends)):
        raise ModelError(f"{what} is {list(ends)}; give two numbers [low, high]")
    return ends[0], ends[1]


def is_number(value: Any) -> bool:
    return bool(value.is_number and value.is_real)


def limits(domain: Domain, what: str, advice: str) -> Domain:
    """The lower and the upper end of a domain of numbers."""
    start, end = (scalar(value, "domain") for value in domain)
    if not (is_number(start) and is_number(end)):
        raise ModelError(f"{what} needs a domain of numbers, not ({start}, {end}); {advice}")
    if start == end:
        raise ModelError(f"{what} needs a domain of some length, not ({start}, {end}); {advice}")
    return (start, end) if start < end else (end, start)


# ---------------------------------------------------------------- integrals


def polynomial_integral(expression: Any, depth: sp.Symbol, low: Any, high: Any) -> Any:
    """The integral of a polynomial in depth, exactly."""
    polynomial = sp.Poly(expression, depth)
    return sum(c * (high ** (power + 1) - low ** (power + 1)) / (power + 1) for (power,), c in polynomial.terms())
