"""The order conditions of a method, one for each rooted tree, in exact arithmetic.

A method has order p where, for every tree t with at most p nodes,

    sum_i w_i g_i(t) = 1/gamma(t),    g_i(t) = prod over the branches t' of t of (M g(t'))_i,    g(single node) = 1,

with M = beta = alpha + Gamma at a node with a single branch and M = alpha at one with several: a Jacobian stands only
where f is differentiated once. A Runge-Kutta method has M = a throughout. Rosenbrock methods are taken with the exact
Jacobian; their consistency in depth (sums of alpha and Gamma) is checked where a tableau is made.
Source: Hairer, Norsett, Wanner, Solving ODEs I, Theorem II.2.13; Hairer, Wanner, Solving ODEs II, IV.7.
"""

from functools import lru_cache

import sympy as sp
from sympy.polys.matrices import DomainMatrix

from odeanalysis.errors import ModelError
from odeanalysis.tableaus.classical import Classical
from odeanalysis.tableaus.coefficients import Tableau
from odeanalysis.tableaus.exact import Row
from odeanalysis.tableaus.trees import Tree, density, rooted_trees

REMEMBERED = 4096


def residuals(tableau: Tableau, weights: Row, order: int) -> dict[Tree, sp.Expr]:
    """sum_i w_i g_i(t) - 1/gamma(t) for each tree t with `order` nodes; weights [m] are stated as b and b_hat are."""
    form = tableau.classical
    row = form.weights(weights)
    return {tree: _number(row * _stages(form, tree)) - sp.Rational(1, density(tree)) for tree in rooted_trees(order)}


def attained_order(tableau: Tableau, weights: Row) -> int:
    """The largest order whose conditions, and those of all smaller ones, hold to within the tableau's tolerance."""
    order = 0
    while all(abs(miss) <= tableau.tolerance for miss in residuals(tableau, weights, order + 1).values()):
        order += 1
    return order


def verify_order(tableau: Tableau) -> None:
    """Raise ModelError unless b and b_hat have exactly the orders that the tableau states, no less and no more."""
    for name, weights, stated in _claims(tableau):
        order = attained_order(tableau, weights)
        if order != stated:
            tree, miss = max(residuals(tableau, weights, order + 1).items(), key=lambda item: abs(item[1]))
            raise ModelError(
                f"{name} of method {tableau.name!r} states order {stated} and has order {order}: the condition of the "
                f"tree {tree} is missed by {sp.N(miss, 3)}; correct the coefficients or the order"
            )


def _claims(tableau: Tableau) -> list[tuple[str, Row, int]]:
    claims = [("b", tableau.b, tableau.order)]
    if tableau.b_hat is not None and tableau.embedded_order is not None:
        claims.append(("b_hat", tableau.b_hat, tableau.embedded_order))
    return claims


@lru_cache(REMEMBERED)
def _stages(form: Classical, tree: Tree) -> DomainMatrix:
    """g(t) [m, 1]."""
    matrix = form.beta if len(tree) == 1 else form.alpha
    result = form.ones()
    for branch in tree:
        result = result.mul_elementwise(matrix * _stages(form, branch))
    return result


def _number(matrix: DomainMatrix) -> sp.Expr:
    return matrix.to_Matrix().flat()[0]
