"""The stability functions: how well they follow exp, and where they are bounded."""

import numpy as np
import pytest
import sympy as sp

from odeanalysis.tableaus import METHODS
from odeanalysis.tableaus.stability import stability

Z = sp.Symbol("z")
STIFF = ["radau", "rosenbrock23", "rodas5p", "kvaerno5"]


def fraction(name: str) -> tuple[sp.Poly, sp.Poly]:
    numerator, denominator = sp.fraction(stability(METHODS[name], Z))
    return sp.Poly(numerator, Z), sp.Poly(denominator, Z)


def coefficients(polynomial: sp.Poly) -> list[float]:
    return [float(coefficient) for coefficient in polynomial.all_coeffs()]


@pytest.mark.parametrize("name", METHODS)
def test_it_agrees_with_exp_to_the_order_of_the_method(name: str):
    method = METHODS[name]
    numerator, denominator = fraction(name)
    taylor = sp.Poly(sum(Z**k / sp.factorial(k) for k in range(method.order + 1)), Z)
    miss = numerator - denominator * taylor
    for k in range(method.order + 1):  # at most 8 terms of the denominator, each of size 10 at most
        assert abs(miss.coeff_monomial(Z**k)) <= 100 * method.tolerance


@pytest.mark.parametrize("name", METHODS)
def test_it_is_a_polynomial_for_explicit_methods_alone(name: str):
    _, denominator = fraction(name)
    assert (denominator.degree() == 0) == METHODS[name].explicit


def test_radau_has_the_subdiagonal_pade_fraction():
    printed = (1 + 2 * Z / 5 + Z**2 / 20) / (1 - 3 * Z / 5 + 3 * Z**2 / 20 - Z**3 / 60)
    assert sp.simplify(stability(METHODS["radau"], Z) - printed) == 0


@pytest.mark.parametrize("name", STIFF)
def test_stiff_methods_are_stable_on_the_whole_left_half_plane(name: str):
    """No pole there, and at most 1 on its boundary, hence at most 1 within (maximum principle)."""
    numerator, denominator = map(coefficients, fraction(name))
    assert (np.roots(denominator).real > 0).all()
    y = np.concatenate([np.linspace(0, 20, 2001), np.geomspace(20, 1e8, 500)])
    ratio = np.abs(np.polyval(numerator, 1j * y)) / np.abs(np.polyval(denominator, 1j * y))
    assert ratio.max() <= 1 + 1e-12  # rounding of at most 17 terms


@pytest.mark.parametrize("name", STIFF)
def test_stiff_methods_damp_what_decays_at_once(name: str):
    """R(infinity) = 0; its decimals leave kvaerno5 a numerator of full degree, with a coefficient of 1e-20."""
    method = METHODS[name]
    numerator, denominator = fraction(name)
    degree = denominator.degree()
    limit = numerator.coeff_monomial(Z**degree) / denominator.LC()
    assert numerator.degree() <= degree
    assert abs(limit) <= method.tolerance
