"""Clamped B-splines: smooth piecewise polynomials, each different from zero on a few pieces only."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases.basis import increasing, is_number, whole
from odeanalysis.modeling.bases.piecewise import Piecewise


@dataclass(frozen=True)
class Spline(Piecewise):
    """B-splines of a degree on clamped knots; the first and last polynomials go on outside.

        N_{j,0} = 1 on [t_j, t_{j+1}),   N_{j,p} = (s - t_j)/(t_{j+p} - t_j) N_{j,p-1} + (t_{j+p+1} - s)/(t_{j+p+1} - t_{j+1}) N_{j+1,p-1}

    knots: two or more increasing numbers, each once; the ends are repeated here, so terms = len(knots) + degree - 1.  degree: 3 is cubic.
    Source: de Boor 1972, Cox 1972.
    """

    knots: Any
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
        present = _local([knot - start for knot in self._clamped()], i + self.degree, self.degree)
        return [sp.Add(*(c * (depth - start) ** k for k, c in enumerate(present.get(j, ())))) for j in range(self.terms)]

    def _clamped(self) -> list[Any]:
        return [self.knots[0]] * self.degree + list(self.knots) + [self.knots[-1]] * self.degree


def _local(t: list[Any], span: int, degree: int) -> dict[int, list[Any]]:
    """The functions N_{j,degree} that do not vanish between t[span] and t[span + 1]: j -> coefficients of 1, s, s^2, ..."""
    row = {span: [sp.Integer(1)]}
    for p in range(1, degree + 1):
        row = {
            j: _sum(
                _times(row.get(j), -t[j], 1, t[j + p] - t[j]),
                _times(row.get(j + 1), t[j + p + 1], -1, t[j + p + 1] - t[j + 1]),
            )
            for j in range(span - p, span + 1)
        }
    return row


def _times(polynomial: list[Any] | None, constant: Any, slope: int, width: Any) -> list[Any]:
    """(constant + slope s)/width times a polynomial; 0 where there is none, as the recurrence wants it."""
    if polynomial is None:
        return []
    shifted = zip([*polynomial, sp.Integer(0)], [sp.Integer(0), *polynomial], strict=True)
    return [(constant * same + slope * below) / width for same, below in shifted]


def _sum(one: list[Any], two: list[Any]) -> list[Any]:
    return [sp.Add(*pair) for pair in zip_longest(one, two, fillvalue=sp.Integer(0))]
