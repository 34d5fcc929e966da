"""What every basis has: functions of depth, their number, their Gram matrices, and their antiderivatives where they exist.

theta(s) = sum_j alpha_j psi_j(s),   L2: G_ij = int psi_i psi_j ds,   H1: G_ij = int psi_i psi_j + psi_i' psi_j' ds
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, fields
from itertools import pairwise
from numbers import Integral
from typing import Any, Self

import numpy as np
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.symbolic.rewrite import exact, leaves

Domain = tuple[Any, Any]

MOST = 1_000
# inner products of functions of depth, by the orders of the derivatives whose products they add up
INNER: dict[str, tuple[int, ...]] = {"L2": (0,), "H1": (0, 1)}


class Basis(ABC):
    """A finite family of functions of depth.

    terms: their number.  Subclasses are frozen dataclasses; their fields are the keys of model files.
    """

    terms: int

    @abstractmethod
    def functions(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        """psi_1(s), ..., psi_terms(s), each a scalar expression in depth, for a domain (s0, S)."""

    @abstractmethod
    def product(self, i: int, j: int, domain: Domain, order: int = 0) -> Any:
        """The integral of psi_i psi_j, or of their derivatives (order 1), over the domain, from its lower to its upper end: numbers."""

    def antiderivatives(self, depth: sp.Symbol, domain: Domain) -> tuple[Any, ...]:
        """Continuous functions of depth whose derivatives are the functions of the basis. Raises ModelError where none are stated."""
        name = type(self).__name__
        raise ModelError(f"{name} states no antiderivatives; write a method {name}.antiderivatives, or integrate along as a state")

    def breakpoints(self, domain: Domain) -> tuple[Any, ...]:
        """The depths at which a function of the basis, or one of its derivatives, jumps; they are read off the expressions."""
        return ()

    @property
    def rising(self) -> tuple[Any, ...]:
        """Depths that have to increase, also where they are expressions, for the functions to be those of the basis."""
        return ()

    @property
    def continuous(self) -> bool:
        """Whether no function jumps, so that each has a derivative in L2."""
        return True

    def refined(self) -> "Basis":
        """A basis with about twice as many functions, whose span contains this one's. Raises ModelError where none is stated."""
        name = type(self).__name__
        raise ModelError(f"{name} states no finer basis; write a method {name}.refined, or say how to grow")

    def on(self, domain: Domain) -> Self:
        """The same functions, with what they take from the domain written into the basis."""
        return self

    def gram(self, domain: Domain, inner: str = "L2") -> sp.Matrix:
        """The Gram matrix of an inner product, "L2" or "H1", exact.

        Raises ModelError for a domain that is not of numbers or has no length, and for the H1 product of functions that jump.
        """
        orders = self.orders(inner)
        numbers = limits(domain, f"the Gram matrix of {type(self).__name__}", "give numbers")
        return sp.Matrix(self.terms, self.terms, self._entries(numbers, orders))

    def condition(self, domain: Domain, inner: str = "L2") -> float:
        """The condition number of the Gram matrix, as far as double precision sees it. Raises as `gram` does, and where it is no number."""
        gram = self.gram(domain, inner)
        if leaves(*gram):
            names = ", ".join(sorted(leaf.name for leaf in leaves(*gram)))
            raise ModelError(f"the condition number of {self} depends on {names}; give numbers")
        return float(np.linalg.cond(np.array(gram.evalf(), dtype=float)))

    def orders(self, inner: str) -> tuple[int, ...]:
        """The orders of the derivatives in an inner product. Raises ModelError for one that is unknown or that the functions lack."""
        if inner not in INNER:
            raise ModelError(f"inner is {inner!r}, which is no inner product; {tables.suggestion(str(inner), INNER)}")
        if max(INNER[inner]) and not self.continuous:
            raise ModelError(
                f"the functions of {type(self).__name__} jump, so that they have no derivative in L2 and no {inner} inner product; "
                "use the L2 one, or a basis of continuous functions, such as hats"
            )
        return INNER[inner]

    def _entries(self, domain: Domain, orders: tuple[int, ...]) -> Callable[[int, int], Any]:
        found: dict[tuple[int, int], Any] = {}

        def entry(i: Any, j: Any) -> Any:
            key = (min(int(i), int(j)), max(int(i), int(j)))
            if key not in found:
                found[key] = sp.Add(*(self.product(*key, domain, order) for order in orders))
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
