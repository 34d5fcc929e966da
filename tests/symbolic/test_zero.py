"""What vanishes identically is found exactly where the kernels allow it, and nothing else is taken for zero."""

import pytest
import sympy as sp

from odeanalysis.symbolic import zero
from odeanalysis.symbolic.kernels import reduces_to_zero
from odeanalysis.symbolic.zero import is_zero

x, y, a, b, s = sp.symbols("x y a b s", real=True)
half = sp.Rational(1, 2)

IDENTITIES = {
    "binomial": (x + 1) ** 3 - x**3 - 3 * x**2 - 3 * x - 1,
    "cancelled factor": (x**2 - y**2) / (x - y) - x - y,
    "nested reciprocals": x / (1 + 1 / x) - x**2 / (1 + x),
    "circle": sp.sin(a * x) ** 2 + sp.cos(a * x) ** 2 - 1,
    "tangent": sp.diff(sp.tan(x * y), x) - y - y * sp.tan(x * y) ** 2,
    "hyperbola": sp.cosh(x) ** 2 - sp.sinh(x) ** 2 - 1,
    "tanh by exponentials": sp.tanh(x) - sp.sinh(x) / sp.cosh(x),
    "sigmoid": 1 / (1 + sp.exp(-x)) - sp.exp(x) / (1 + sp.exp(x)),
    "slope of softplus": sp.diff(sp.log(1 + sp.exp(x)), x) - 1 / (1 + sp.exp(-x)),
    "exponents": sp.exp(2 * a * s) * sp.exp(-a * s / 3) - sp.exp(5 * a * s / 3),
    "root": (sp.sqrt(x + 1) - 1) * (sp.sqrt(x + 1) + 1) - x,
    "root of an unexpanded base": sp.sqrt((x + 1) * (x - 1)) - sp.sqrt(x**2 - 1),
    "slope of a root": sp.diff(sp.sqrt(1 - x**2), x) + x * (1 - x**2) ** -half,
    "symbolic power": x ** (a - 1) * x - x**a,
    "Euler": sp.exp(sp.I * x) - sp.cos(x) - sp.I * sp.sin(x),
    "irrational numbers": (sp.sqrt(2) + sp.pi) ** 2 - 2 - 2 * sp.sqrt(2) * sp.pi - sp.pi**2,
    "cases": sp.Piecewise((x, a > half), (2 * x, True)) - x - sp.Piecewise((0, 2 * a > 1), (x, True)),
    "sign as a case": (1 + sp.sign(x - y)) / 2 - sp.Piecewise((1, y < x), (0, True)),
    "square of a modulus": sp.Abs(sp.log(x)) ** 2 - sp.log(x) ** 2,
    "case inside a case": sp.Piecewise((1, sp.Piecewise((x, y > 0), (-x, True)) > 0), (0, True))
    - sp.Piecewise((sp.Piecewise((1, x > 0), (0, True)), y > 0), (sp.Piecewise((0, x > 0), (1, True)), True)),
}  # fmt: skip
BY_NUMBERS = {
    "logarithm of a product": sp.log(x * y) - sp.log(x) - sp.log(y),
    "inverse functions": sp.asin(x) + sp.acos(x) - sp.pi / 2,
}
OTHERS = {
    "symbol": x,
    "small number": sp.Rational(1, 10**20),
    "modulus": sp.Abs(x) - x,
    "sign flipped": sp.exp(x) - sp.exp(-x),
    "term dropped": (x + 1) ** 3 - x**3 - 3 * x**2 - 3 * x,
    "circle with a wrong sign": sp.sin(x) ** 2 - sp.cos(x) ** 2 - 1,
    "hyperbola with a wrong sign": sp.cosh(x) ** 2 + sp.sinh(x) ** 2 - 1,
    "root of a wrong degree": sp.sqrt(x + 2) ** 3 - x - 2,
    "reciprocal of another": x / (1 + 1 / x) - x**2 / (2 + x),
    "one case": sp.Piecewise((0, x > half), (y, True)),
    "conjugate": sp.sqrt(x + 1) + 1 - (sp.sqrt(x + 1) - 1),
    "transposed": x * sp.tanh(y) - y * sp.tanh(x),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities_are_reduced_to_zero(name: str):
    assert is_zero(IDENTITIES[name]) == zero.Zero(True, "symbolic")


@pytest.mark.parametrize("name", BY_NUMBERS)
def test_identities_between_kernels_need_numbers(name: str):
    assert is_zero(BY_NUMBERS[name]) == zero.Zero(True, "numeric")


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_else_is_taken_for_zero(name: str):
    assert is_zero(OTHERS[name]) == zero.Zero(False, "numeric")


@pytest.mark.parametrize("name", IDENTITIES)
def test_what_differs_from_an_identity_by_one_term_is_not_zero(name: str):
    assert not is_zero(IDENTITIES[name] + x / 7)
    assert not reduces_to_zero(sp.expand(x / 7))


def test_what_has_no_value_anywhere_is_undecided():
    nowhere = sp.Function("f")(x)
    assert is_zero(nowhere) == zero.Zero(False, "undecided")


def test_only_points_count_at_which_the_conditions_are_positive():
    assert not is_zero(sp.Abs(x) - x)
    assert is_zero(sp.Abs(x) - x, positive=[x])


def test_what_is_too_large_to_expand_is_left_to_numbers():
    large = sp.Mul(*(sum(sp.symbols(f"c{i}_:9", real=True)) for i in range(12)))
    assert reduces_to_zero(large - large.subs(x, y) + x * large) is None
