"""The classical form of a method, in which Runge-Kutta and Rosenbrock methods share their theory.

    k_i = f(s + c_i h, z + h sum_j alpha_ij k_j) + h J sum_j Gamma_ij k_j + h d_i f_s,    z1 = z + h sum_i w_i k_i

Here J = df/dz and f_s = df/ds at the start of the step; a Runge-Kutta method has Gamma = 0 and d = 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import sympy as sp
from sympy.polys.constructor import construct_domain
from sympy.polys.matrices import DomainMatrix

from odeanalysis.tableaus.exact import Matrix, Row


class Numbers:
    """Exact arithmetic with given numbers, in the smallest field that holds them all: Q, Q(sqrt(2)), ..."""

    def __init__(self, numbers: Iterable[sp.Expr]):
        listed = list(set(numbers))
        self.domain, elements = cast(Any, construct_domain(listed, extension=True, field=True))
        self._elements: dict[sp.Expr, Any] = dict(zip(listed, elements, strict=True))

    def matrix(self, matrix: Matrix) -> DomainMatrix:
        """The matrix over the field; its entries are of the given numbers, or take longer."""
        entries = [[self(entry) for entry in row] for row in matrix]
        return DomainMatrix(entries, (len(matrix), len(matrix[0])), self.domain)

    def __call__(self, number: sp.Expr) -> Any:
        return self._elements[number] if number in self._elements else self.domain.from_sympy(number)


@dataclass(frozen=True, eq=False)
class Classical:
    """alpha [m, m], beta = alpha + Gamma [m, m] (Gamma = 0 for Runge-Kutta), and the map from stated weights to w."""

    numbers: Numbers
    alpha: DomainMatrix
    beta: DomainMatrix
    weighting: DomainMatrix

    def weights(self, stated: Row) -> DomainMatrix:
        """w [1, m] of weights in the tableau's own form [m]."""
        return self.numbers.matrix((stated,)) * self.weighting

    def ones(self) -> DomainMatrix:
        """[m, 1]."""
        return DomainMatrix.ones((self.alpha.shape[0], 1), self.alpha.domain).to_dense()


def runge_kutta(numbers: Numbers, a: Matrix) -> Classical:
    """alpha = beta = a, w = b."""
    alpha = numbers.matrix(a)
    return Classical(numbers, alpha, alpha, _identity(alpha))


def rosenbrock(numbers: Numbers, a: Matrix, coupling: Matrix, gamma: sp.Expr) -> Classical:
    """Gamma = (I/gamma - C)^-1, alpha = a Gamma, w = b Gamma."""
    c = numbers.matrix(coupling)
    big_gamma = (_identity(c) * (c.domain.one / numbers(gamma)) - c).inv()
    alpha = numbers.matrix(a) * big_gamma
    return Classical(numbers, alpha, alpha + big_gamma, big_gamma)


def _identity(like: DomainMatrix) -> DomainMatrix:
    return DomainMatrix.eye(like.shape[0], like.domain).to_dense()
