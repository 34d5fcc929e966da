"""What a method does to z' = lambda z."""

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from odeanalysis.tableaus.coefficients import Tableau


def stability(tableau: Tableau, z: sp.Symbol) -> sp.Expr:
    """The stability function: z1 = R(h lambda) z0 for the field lambda z, with

        R(z) = 1 + z w (I - z beta)^-1 1 = det(I - z (beta - 1 w)) / det(I - z beta).

    Source: Hairer, Wanner, Solving ODEs II, Proposition IV.3.2 and IV.7.
    """
    form = tableau.classical
    top = form.beta - form.ones() * form.weights(tableau.b)
    return _determinant(top, z).as_expr() / _determinant(form.beta, z).as_expr()


def _determinant(matrix: DomainMatrix, z: sp.Symbol) -> sp.Poly:
    """det(I - z M): the characteristic polynomial of M with its coefficients in reverse."""
    coefficients = [matrix.domain.to_sympy(entry) for entry in matrix.charpoly()]
    return sp.Poly(coefficients[::-1], z)
