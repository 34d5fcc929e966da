"""Every method has exactly the orders that it states, by its order conditions in exact arithmetic."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.tableaus import METHODS, Tableau, tableau
from odeanalysis.tableaus.coefficients import DECIMAL_TOLERANCE
from odeanalysis.tableaus.conditions import attained_order, residuals, verify_order
from odeanalysis.tableaus.exact import Matrix, Row, numbers, rows

TOUCH = sp.Rational(1, 10**6)
DECIMALS = {"tsit5", "dopri8", "rodas5p", "kvaerno5"}
CLEAR = sp.Rational(1, 10**6)  # what misses a condition by more than this was not meant to satisfy it

every_method = pytest.mark.parametrize("name", METHODS)


def worst(method: Tableau, weights: Row, order: int) -> sp.Expr:
    return max(abs(miss) for miss in residuals(method, weights, order).values())


@every_method
def test_stated_orders_are_the_attained_ones(name: str):
    verify_order(METHODS[name])


@every_method
def test_conditions_hold_exactly_or_as_far_as_decimals_are_published(name: str):
    method = METHODS[name]
    assert method.tolerance == (DECIMAL_TOLERANCE if name in DECIMALS else 0)
    misses = [miss for order in range(1, method.order + 1) for miss in residuals(method, method.b, order).values()]
    assert all(abs(miss) <= method.tolerance for miss in misses)
    assert any(misses) == (name in DECIMALS)


@every_method
def test_the_next_order_is_missed_clearly(name: str):
    method = METHODS[name]
    assert worst(method, method.b, method.order + 1) > CLEAR


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.adaptive])
def test_the_embedded_weights_have_the_embedded_order_and_no_more(name: str):
    method = METHODS[name]
    assert method.b_hat is not None and method.embedded_order is not None
    assert attained_order(method, method.b_hat) == method.embedded_order != method.order
    assert worst(method, method.b_hat, method.embedded_order + 1) > CLEAR


def test_conditions_of_order_four_are_the_eight_in_print():
    """Hairer, Norsett, Wanner, Solving ODEs I, (1.11) of II.1, for the explicit methods with four stages."""
    names = sp.symbols("a21 a31 a32 a41 a42 a43 b1 b2 b3 b4")
    values = dict(zip(names, numbers("1/4 -1/7 9/14 3 -2/5 1/3 1/8 3/8 5/8 -1/8"), strict=True))
    a21, a31, a32, a41, a42, a43, b1, b2, b3, b4 = values.values()
    c2, c3, c4 = a21, a31 + a32, a41 + a42 + a43
    printed = {
        (): b1 + b2 + b3 + b4 - 1,
        ((),): b2 * c2 + b3 * c3 + b4 * c4 - sp.Rational(1, 2),
        ((), ()): b2 * c2**2 + b3 * c3**2 + b4 * c4**2 - sp.Rational(1, 3),
        (((),),): b3 * a32 * c2 + b4 * (a42 * c2 + a43 * c3) - sp.Rational(1, 6),
        ((), (), ()): b2 * c2**3 + b3 * c3**3 + b4 * c4**3 - sp.Rational(1, 4),
        ((), ((),)): b3 * c3 * a32 * c2 + b4 * c4 * (a42 * c2 + a43 * c3) - sp.Rational(1, 8),
        (((), ()),): b3 * a32 * c2**2 + b4 * (a42 * c2**2 + a43 * c3**2) - sp.Rational(1, 12),
        ((((),),),): b4 * a43 * a32 * c2 - sp.Rational(1, 24),
    }
    a = ((), (a21,), (a31, a32), (a41, a42, a43))
    method = Tableau(name="any", order=1, c=(sp.Integer(0), c2, c3, c4), a=a, b=(b1, b2, b3, b4))
    found = {tree: miss for order in range(1, 5) for tree, miss in residuals(method, method.b, order).items()}
    assert found == printed


def test_conditions_of_a_rosenbrock_method_are_those_in_print():
    """Hairer, Wanner, Solving ODEs II, (7.15) of IV.7: beta' = beta without its diagonal, p_k a polynomial in gamma."""
    method = METHODS["rodas5p"]
    form = method.classical
    alpha, beta = (matrix.to_Matrix() for matrix in (form.alpha, form.beta))
    w = form.weights(method.b).to_Matrix()
    g, m = method.gamma, method.stages
    assert g is not None
    below = beta - g * sp.eye(m)
    ones, a1 = sp.ones(m, 1), alpha * sp.ones(m, 1)
    b1 = below * ones

    def along(*columns: sp.Matrix) -> sp.Matrix:
        return sp.Matrix([sp.prod(column[i] for column in columns) for i in range(m)])

    printed = (
        (w * b1)[0] - (sp.Rational(1, 2) - g),
        (w * along(a1, a1))[0] - sp.Rational(1, 3),
        (w * below * b1)[0] - (sp.Rational(1, 6) - g + g**2),
        (w * along(a1, a1, a1))[0] - sp.Rational(1, 4),
        (w * along(a1, alpha * b1))[0] - (sp.Rational(1, 8) - g / 3),
        (w * below * along(a1, a1))[0] - (sp.Rational(1, 12) - g / 3),
        (w * below * below * b1)[0] - (sp.Rational(1, 24) - g / 2 + 3 * g**2 / 2 - g**3),
    )
    assert max(map(abs, printed)) < 10 * DECIMAL_TOLERANCE


def touched(row: Row) -> Iterator[Row]:
    """The row with one of its entries moved; those that are 0 by the method's form stay."""
    for i, entry in enumerate(row):
        if entry:
            yield (*row[:i], entry + TOUCH, *row[i + 1 :])


def touched_matrix(matrix: Matrix) -> Iterator[Matrix]:
    """The matrix with one of its entries moved."""
    for i, stated in enumerate(matrix):
        for row in touched(stated):
            yield (*matrix[:i], row, *matrix[i + 1 :])


def mended(method: Tableau, a: Matrix) -> Tableau:
    """The method with another a, and c such that it stays consistent: c = a 1, or alpha 1 = a Gamma 1 = a d."""
    weights = method.d or (sp.Integer(1),) * method.stages
    moves = [
        sum((after - before) * d for after, before, d in zip(new, old, weights, strict=True)) for new, old in zip(a, method.a, strict=True)
    ]
    return replace(method, a=a, c=tuple(sp.expand(c + move) for c, move in zip(method.c, moves, strict=True)))


def changes(method: Tableau) -> Iterator[dict[str, Any]]:
    """Every coefficient moved, one at a time."""
    for name in ("c", "b", "b_hat", "d"):
        for row in touched(getattr(method, name) or ()):
            yield {name: row}
    for name in ("a", "coupling"):
        for matrix in touched_matrix(getattr(method, name) or ()):
            yield {name: matrix}
    if method.gamma is not None:
        yield {"gamma": method.gamma + TOUCH}


@every_method
def test_one_wrong_coefficient_is_caught(name: str):
    """Most break a sum when the method is made; in a Rosenbrock method some break conditions of order 2 or 3 only."""
    method = METHODS[name]
    for change in changes(method):
        with pytest.raises(ModelError, match="must sum to" if method.gamma is None else "must sum to|has order"):
            verify_order(replace(method, **change))


@every_method
def test_one_wrong_coefficient_in_a_consistent_method_is_caught(name: str):
    method = METHODS[name]
    for a in touched_matrix(method.a):
        with pytest.raises(ModelError, match="has order"):
            verify_order(mended(method, a))


@pytest.mark.parametrize(("order", "attained"), [(3, 4), (5, 4)])
def test_an_order_stated_too_low_or_too_high_is_caught(order: int, attained: int):
    with pytest.raises(ModelError, match=f"'rk4' states order {order} and has order {attained}"):
        verify_order(replace(tableau("rk4"), order=order))


def test_an_embedded_order_stated_wrongly_is_caught():
    with pytest.raises(ModelError, match="b_hat of method 'bosh3' states order 3 and has order 2"):
        verify_order(replace(tableau("bosh3"), embedded_order=3))


def test_a_method_consistent_in_the_state_alone_is_refused():
    """Order 2 in z' = f(z), yet order 1 where f depends on depth: its c is not the sum of its rows."""
    with pytest.raises(ModelError, match="row 2 of a must sum to c_2"):
        Tableau(name="deaf", order=2, c=numbers("0 1"), a=rows("0; 1/2"), b=numbers("0 1"))
