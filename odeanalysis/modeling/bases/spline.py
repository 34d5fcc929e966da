"""Clamped B-splines: smooth piecewise polynomials, each different from zero on a few pieces only."""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases.basis import increasing, is_number, whole
from odeanalysis.modeling.bases.piecewise import Piecewise

U = sp.Symbol("u", real=True)


@dataclass(frozen=True)
class Spline(Piecewise):
    """B-splines of a degree on clamped knots; the first and last polynomials go on outside.

        N_{j,0} = 1 on [t_j, t_{j+1}),   N_{j,p} = (s - t_j)/(t_{j+p} - t_j) N_{j,p-1} + (t_{j+p+1} - s)/(t_{j+p+1} - t_{j+1}) N_{j+1,p-1}

    knots: two or more increasing numbers, each once; the ends are repeated here, so terms = len(knots) + degree - 1.  degree: 3 is cubic.
    Source: de Boor 1972, Cox 1972.
    """

    knots: tuple[Any, ...]
    degree: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "knots", increasing(self.knots, "knots"))
        object.__setattr__(self, "degree", whole(self.degree, "degree", 0))
        moving = next((knot for knot in self.knots if not is_number(knot)), None)
        if moving is not None:
            raise ModelError(f"knots have {moving}, which is no number; a spline needs numbers, a basis of hats takes expressions")

    @property
    def terms(self) -> int:
        return len(self.knots) + self.degree - 1

    @property
    def edges(self) -> tuple[Any, ...]:
        return self.knots[1:-1]

    def pieces(self, depth: sp.Symbol) -> list[list[Any]]:
        return [self._piece(i, depth) for i in range(len(self.knots) - 1)]

    def _piece(self, i: int, depth: sp.Symbol) -> list[Any]:
        """Each function between knots i and i + 1, in powers of the distance from knot i, which keeps its digits."""
        start = self.knots[i]
        values = self._local([knot - start for knot in self._clamped()], i + self.degree)
        return [sum((c * (depth - start) ** power for (power,), c in sp.Poly(value, U).terms()), sp.Integer(0)) for value in values]

    def _clamped(self) -> list[Any]:
        return [self.knots[0]] * self.degree + list(self.knots) + [self.knots[-1]] * self.degree

    def _local(self, t: list[Any], span: int) -> list[Any]:
        """N_{j,degree} for every j, as polynomials in U valid between t[span] and t[span + 1]."""
        row = [sp.Integer(j == span) for j in range(len(t) - 1)]
        for p in range(1, self.degree + 1):
            rising = [_ratio(U - t[j], t[j + p] - t[j]) * row[j] for j in range(len(row) - 1)]
            falling = [_ratio(t[j + p + 1] - U, t[j + p + 1] - t[j + 1]) * row[j + 1] for j in range(len(row) - 1)]
            row = [sp.expand(up + down) for up, down in zip(rising, falling, strict=True)]
        return row


def _ratio(numerator: Any, denominator: Any) -> Any:
    """0 where knots coincide, as the recurrence wants it."""
    return numerator / denominator if denominator != 0 else sp.Integer(0)
