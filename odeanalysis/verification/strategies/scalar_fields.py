"""Random scalar fields, sums of w s^{-q} g(z), that are Lipschitz in z: with a constant that is integrable over depth, or not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.modeling.model import Model
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.verification.strategies.flows import Flow

EXPONENTS = (sp.Integer(0), sp.Rational(1, 2), sp.Rational(2, 3), sp.Rational(5, 6))
JUMP = sp.Rational(1, 2)

# functions of the state: as NumPy has them, as symbols, and their Lipschitz constant
SHAPES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float]] = {
    "z": (lambda z: z, lambda z: z, 1),
    "sin z": (np.sin, fn.sin, 1),
    "tanh z": (np.tanh, fn.tanh, 1),
    "atan z": (np.arctan, fn.atan, 1),
    "1": (np.ones_like, lambda z: sp.Integer(1), 0),
    "sqrt|z|": (lambda z: np.sqrt(np.abs(z)), lambda z: fn.sqrt(fn.abs(z)), np.inf),
}


@dataclass(frozen=True)
class Term:
    """w s^{-q} g(z), where w takes one value before s = 1/2 and another one after; the numbers are SymPy's, exact."""

    before: Any
    after: Any
    exponent: Any
    shape: str

    def __str__(self) -> str:
        weight = f"{self.before}" if self.before == self.after else f"({self.before} before 1/2, {self.after} after)"
        power = f"s^(-{self.exponent})" if self.exponent else ""
        return " ".join(filter(None, ("" if weight == "1" else weight, power, self.shape)))

    def right(self, s: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.where(s < float(JUMP), float(self.before), float(self.after)) * s ** -float(self.exponent) * SHAPES[self.shape][0](z)

    def symbolic(self, z: Any) -> Any:
        weight = fn.where(ex.depth < JUMP, self.before, self.after) if self.before != self.after else self.before
        return weight * ex.depth**-self.exponent * SHAPES[self.shape][1](z)

    @property
    def constant(self) -> float:
        """The factor of s^{-q} in a Lipschitz constant."""
        return SHAPES[self.shape][2] * float(max(abs(self.before), abs(self.after)))


@dataclass(frozen=True)
class Scalar:
    """z' = a sum of terms, z(0) = start."""

    terms: tuple[Term, ...]
    start: float

    @property
    def title(self) -> str:
        return f"z' = {' + '.join(map(str, self.terms))} from {self.start:g}"

    def right(self, s: np.ndarray, z: np.ndarray) -> np.ndarray:
        return sum((term.right(s, z) for term in self.terms), np.zeros_like(z))

    def lipschitz(self, s: np.ndarray) -> np.ndarray:
        return sum((term.constant * s ** -float(term.exponent) for term in self.terms), np.zeros_like(s))

    def gained(self, s: np.ndarray) -> np.ndarray:
        """int_1^s L, which is -infinity at 0 where L is not integrable."""
        return sum((term.constant * _antiderivative(s, float(term.exponent)) for term in self.terms), np.zeros_like(s))

    def leaving(self, s: np.ndarray) -> np.ndarray:
        """How fast a path may leave another one: e^{int_1^s L}, or the second solution of z' = k sqrt|z|."""
        if any(np.isinf(term.constant) for term in self.terms):
            return (float(self.terms[0].before) * s / 2) ** 2
        return np.exp(self.gained(s))


def _antiderivative(s: np.ndarray, exponent: float) -> np.ndarray:
    """int_1^s tau^{-q} dtau."""
    return np.log(s) if exponent == 1 else (s ** (1 - exponent) - 1) / (1 - exponent)


def lipschitz() -> st.SearchStrategy[Scalar]:
    """Fields whose Lipschitz constant is integrable over depth; each term contributes 1 at most to its integral."""
    return st.builds(
        Scalar,
        st.lists(_terms(("z", "sin z", "tanh z", "atan z", "1")), min_size=1, max_size=3).map(tuple),
        st.sampled_from((1.0, 0.5, -0.5)),
    )


@st.composite
def _terms(draw: st.DrawFn, shapes: tuple[str, ...]) -> Term:
    exponent, weights = draw(st.sampled_from(EXPONENTS)), st.sampled_from((1, JUMP, -1, -JUMP))
    before = draw(weights)
    after = draw(st.one_of(st.just(before), weights))
    return Term(before * (1 - exponent), after * (1 - exponent), exponent, draw(st.sampled_from(shapes)))


def at_each_depth() -> st.SearchStrategy[Scalar]:
    """z' = p z/s from 0: Lipschitz at each depth, with a constant that is not integrable; solved by c s^p for every c."""
    rates = st.sampled_from((sp.Integer(1), sp.Rational(3, 2), sp.Integer(2), sp.Integer(3)))
    return rates.map(lambda p: Scalar((Term(p, p, sp.Integer(1), "z"),), 0.0))


def continuous(rate: Any) -> Scalar:
    """z' = k sqrt|z| from 0, which is solved by 0 and by (k s/2)^2."""
    return Scalar((Term(rate, rate, sp.Integer(0), "sqrt|z|"),), 0.0)


def as_flow(one: Scalar, start: float, end: float) -> Flow:
    """The same field as a model whose state is a vector of length 1, from one depth to another."""
    z, x = ex.block("z", 1), ex.block("x", 1)
    field = ex.concat(ex.add(*(term.symbolic(z[0]) for term in one.terms)))
    rate = float(one.lipschitz(np.array([min(start, end)]))[0])
    return Flow(one.title, Model({z: field}, {z: x}, (start, end), (), (x,), breakpoints=(JUMP,), name="scalar"), {}, rate)
