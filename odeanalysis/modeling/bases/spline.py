"""Clamped B-splines: smooth piecewise polynomials, each different from zero on a few pieces only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import sympy as sp

from odeanalysis.modeling.bases.basis import increasing, whole
from odeanalysis.modeling.bases.piecewise import Piece, Piecewise, halved


@dataclass(frozen=True)
class Spline(Piecewise):
    """B-splines of a degree on clamped knots; the first and last polynomials go on outside.

        N_{j,0} = 1 on [t_j, t_{j+1}),   N_{j,p} = (s - t_j)/(t_{j+p} - t_j) N_{j,p-1} + (t_{j+p+1} - s)/(t_{j+p+1} - t_{j+1}) N_{j+1,p-1}

    knots: two or more increasing depths, each once, numbers or expressions in parameters and inputs; the ends are repeated here, so
    terms = len(knots) + degree - 1.  degree: 3 is cubic.
    Source: de Boor 1972, Cox 1972.
    """

    knots: Any
    degree: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "knots", increasing(self.knots, "knots"))
        object.__setattr__(self, "degree", whole(self.degree, "degree", 0))

    @property
    def terms(self) -> int:
        return len(self.knots) + self.degree - 1

    def refined(self) -> "Spline":
        return replace(self, knots=halved(self.knots))

    @property
    def rising(self) -> tuple[Any, ...]:
        return self.knots

    @property
    def edges(self) -> tuple[Any, ...]:
        return self.knots[1:-1]

    @property
    def continuous(self) -> bool:
        return self.degree > 0 or self.terms == 1

    def pieces(self) -> list[Piece]:
        return [self._piece(i) for i in range(len(self.knots) - 1)]

    def _piece(self, i: int) -> Piece:
        """The functions between knots i and i + 1."""
        start = self.knots[i]
        return Piece(start, _local([knot - start for knot in self._clamped()], i + self.degree, self.degree))

    def _clamped(self) -> list[Any]:
        return [self.knots[0]] * self.degree + list(self.knots) + [self.knots[-1]] * self.degree


def _local(t: list[Any], span: int, degree: int) -> dict[int, Sequence[Any]]:
    """The functions N_{j,degree} that do not vanish between t[span] and t[span + 1]: j -> coefficients of 1, s, s^2, ..."""
    row: dict[int, Sequence[Any]] = {span: [sp.Integer(1)]}
    for p in range(1, degree + 1):
        row = {
            j: _sum(
                _times(row.get(j), -t[j], 1, t[j + p] - t[j]),
                _times(row.get(j + 1), t[j + p + 1], -1, t[j + p + 1] - t[j + 1]),
            )
            for j in range(span - p, span + 1)
        }
    return row


def _times(polynomial: Sequence[Any] | None, constant: Any, slope: int, width: Any) -> list[Any]:
    """(constant + slope s)/width times a polynomial; 0 where there is none, as the recurrence wants it."""
    if polynomial is None:
        return []
    shifted = zip([*polynomial, sp.Integer(0)], [sp.Integer(0), *polynomial], strict=True)
    return [(constant * same + slope * below) / width for same, below in shifted]


def _sum(one: Sequence[Any], two: Sequence[Any]) -> list[Any]:
    return [sp.Add(*pair) for pair in zip_longest(one, two, fillvalue=sp.Integer(0))]
