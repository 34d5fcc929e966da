"""Bases: their values at known points, their Gram matrices against quadrature, independence, break points, refusals."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad
from scipy.interpolate import BSpline
from scipy.special import eval_legendre

from odeanalysis.derivations.parts import parts
from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import BASES, Basis, Chebyshev, Fourier, Hat, Legendre, Monomial, Radial, Spline
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import galerkin
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import where

s = ex.depth
DOMAIN: Any = (0.5, 2.5)
# the bases, with a bound on the condition number of the Gram matrix: what the theory or a coarse estimate gives
EXAMPLES: dict[str, tuple[Basis, float]] = {
    "fourier": (Fourier(7, period=2), 2 + 1e-9),
    "fourier, even number of terms": (Fourier(4, period=2), 2 + 1e-9),
    "fourier, half a period": (Fourier(5, period=4), 1e4),
    "chebyshev": (Chebyshev(6), 30),
    "chebyshev on a wider interval": (Chebyshev(4, interval=(0, 3)), 1e3),
    "legendre": (Legendre(6), 11 + 1e-9),
    "monomial": (Monomial(5), 1e8),
    "hat": (Hat([0.5, 1, 1.8, 2.5]), 30),
    "hat with a knot outside": (Hat([0, 1, 1.8]), 100),
    "spline": (Spline([0.5, 1, 1.7, 2.5]), 1e3),
    "spline of degree 1": (Spline([0.5, 1, 2.5], degree=1), 30),
    "spline of degree 0": (Spline([0.5, 1, 2.5], degree=0), 30),
    "radial": (Radial([0.5, 1.5, 2.5], width=0.8), 100),
}


def values(basis: Basis, depths: Any, domain: Any = DOMAIN) -> Any:
    """psi_j at depths: [depths, terms], by SymPy."""
    functions = basis.functions(s, domain)
    return np.array([[float(function.subs(s, sp.Rational(str(depth)))) for function in functions] for depth in depths])


@pytest.mark.parametrize("name", EXAMPLES)
def test_there_are_as_many_functions_as_terms(name: str):
    basis, _ = EXAMPLES[name]
    assert len(basis.functions(s, DOMAIN)) == basis.terms == basis.gram(DOMAIN).shape[0]


def test_every_basis_is_tried():
    assert {type(basis) for basis, _ in EXAMPLES.values()} == set(BASES.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_gram_matrix_is_that_of_quadrature(name: str):
    basis, _ = EXAMPLES[name]
    gram = np.array(basis.gram(DOMAIN), dtype=float)
    cuts = sorted({*DOMAIN, *(float(cut) for cut in basis.breakpoints(DOMAIN) if DOMAIN[0] < cut < DOMAIN[1])})
    nodes, weights = np.polynomial.legendre.leggauss(24)
    total = np.zeros_like(gram)
    for low, high in pairwise(cuts):
        found = values(basis, (low + high) / 2 + (high - low) / 2 * nodes)
        total += (high - low) / 2 * found.T @ (weights[:, None] * found)
    assert np.allclose(gram, total, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", EXAMPLES)
def test_functions_are_independent_and_conditioned_as_expected(name: str):
    basis, bound = EXAMPLES[name]
    assert np.linalg.cond(np.array(basis.gram(DOMAIN), dtype=float)) < bound
    assert np.linalg.matrix_rank(values(basis, np.linspace(0.5, 2.5, 61))) == basis.terms


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_domain_that_runs_backward_has_the_same_functions(name: str):
    basis, _ = EXAMPLES[name]
    assert basis.functions(s, DOMAIN) == basis.functions(s, DOMAIN[::-1])
    assert basis.gram(DOMAIN) == basis.gram(DOMAIN[::-1])


@pytest.mark.parametrize("name", EXAMPLES)
def test_break_points_are_read_off_the_expressions(name: str):
    basis, _ = EXAMPLES[name]
    z, k = ex.block("z"), ex.block("k")
    model = Model(field={z: k * z}, initial={z: 1}, domain=DOMAIN, parameters=(k,))
    stated = parts(Problem(galerkin(model, {"k": basis}), Objective(terminal=z)))
    assert {depth for piece in stated.pieces.items for depth in piece.depths} == set(basis.breakpoints(DOMAIN))


# ---------------------------------------------------------------- one by one


def test_fourier_frequencies_are_multiples_of_two_pi_over_the_period():
    functions = Fourier(5, period=sp.Rational(3, 2)).functions(s, (0, 1))
    w = 4 * sp.pi / 3
    assert functions == (1, sp.cos(w * s), sp.sin(w * s), sp.cos(2 * w * s), sp.sin(2 * w * s))
    assert Fourier(5, period=1.5).frequencies == tuple(2 * sp.pi * j / sp.Rational(3, 2) for j in (0, 1, 1, 2, 2))


def test_fourier_repeats_itself_and_is_orthogonal_on_a_period():
    basis = Fourier(7, period=0.8)
    depths = np.linspace(0, 1, 11)
    assert np.allclose(values(basis, depths), values(basis, depths + 0.8), atol=1e-12)
    gram = basis.gram((0.3, 1.1))
    assert sp.simplify(gram - sp.diag(0.8, *[0.4] * 6).applyfunc(sp.nsimplify)).is_zero_matrix


def test_fourier_may_learn_its_period():
    p = ex.block("p")
    assert Fourier(2, period=p).functions(s, (0, 1)) == (1, sp.cos(2 * sp.pi * s / p))


def test_chebyshev_is_the_cosine_of_multiples():
    depths = np.linspace(0.5, 2.5, 9)
    x = depths - 1.5
    wanted = np.cos(np.arange(6) * np.arccos(x)[:, None])
    assert np.allclose(values(Chebyshev(6), depths), wanted, atol=1e-13)
    assert np.allclose(values(Chebyshev(6), depths[::-1], DOMAIN[::-1]), wanted[::-1], atol=1e-13)


def test_the_lower_end_is_mapped_to_minus_one():
    for basis in (Chebyshev(3), Legendre(3), Chebyshev(3, interval=[0.5, 2.5])):
        for domain in (DOMAIN, DOMAIN[::-1]):
            assert np.allclose(values(basis, DOMAIN, domain), [[1, -1, 1], [1, 1, 1]])


def test_high_degrees_keep_their_digits():
    """Evaluated in double precision as they are written: powers of depth would lose ten digits."""
    x = np.linspace(-1, 1, 41)
    for basis, wanted in ((Chebyshev(41), np.cos(40 * np.arccos(x))), (Legendre(41), eval_legendre(40, x))):
        highest = sp.lambdify(s, basis.functions(s, (-1, 1))[-1], cse=True)
        assert np.abs(highest(x) - wanted).max() < 1e-12


def test_legendre_is_orthogonal():
    gram = Legendre(6).gram((0, 3))
    assert gram == sp.diag(*(sp.Rational(3, 2 * j + 1) for j in range(6)))
    depths = np.linspace(0, 3, 7)
    wanted = [[eval_legendre(j, depth / 1.5 - 1) for j in range(6)] for depth in depths]
    assert np.allclose(values(Legendre(6), depths, (0, 3)), wanted)


def test_monomials_are_powers():
    assert Monomial(4).functions(s, (0, 1)) == (1, s, s**2, s**3)


def test_hats_interpolate():
    knots = [0.5, 1.0, 1.75]
    basis = Hat(knots)
    assert np.array_equal(values(basis, knots), np.eye(3))
    depths = np.linspace(0, 3, 25)
    data = np.array([2.0, -1.0, 0.5])
    assert np.allclose(values(basis, depths) @ data, np.interp(depths, knots, data))


def test_neighbouring_pieces_that_are_equal_share_a_condition():
    first, second, last = Hat([0, 1, 2]).functions(s, (0, 2))
    assert first == where(s < 0, 1, where(s < 1, 1 - s, 0))
    assert second == where(s < 0, 0, where(s < 1, s, where(s < 2, 2 - s, 0)))
    assert last == where(s < 1, 0, where(s < 2, s - 1, 1))


def test_hats_may_stand_at_knots_that_are_learned():
    a = ex.block("a")
    functions = Hat([0, a, 2]).functions(s, (0, 2))
    fixed = Hat([0, sp.Rational(1, 2), 2]).functions(s, (0, 2))
    for found, wanted in zip(functions, fixed, strict=True):
        assert [found.subs(a, sp.Rational(1, 2)).subs(s, d) for d in (0, 1, 2)] == [wanted.subs(s, d) for d in (0, 1, 2)]


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
def test_splines_are_those_of_scipy(degree: int):
    knots = np.array([0.5, 0.9, 1.7, 2.0, 2.5])
    basis = Spline(knots, degree=degree)
    clamped = np.concatenate([knots[:1].repeat(degree), knots, knots[-1:].repeat(degree)])
    depths = np.linspace(0.5, 2.5, 32, endpoint=False)
    wanted = BSpline.design_matrix(depths, clamped, degree).toarray()
    assert basis.terms == wanted.shape[1] == len(knots) + degree - 1
    assert np.allclose(values(basis, depths), wanted, atol=1e-12)
    assert np.allclose(values(basis, np.linspace(0, 3, 7)).sum(axis=1), 1)


def test_splines_keep_their_digits_far_from_zero():
    knots = [1900, 1907, 1913, 1920]
    near, far = Spline([knot - 1900 for knot in knots]), Spline(knots)
    depths = np.linspace(0, 20, 21)
    for one, two in zip(near.functions(s, (0, 20)), far.functions(s, (1900, 1920)), strict=True):
        wanted = [float(one.subs(s, sp.Rational(str(depth)))) for depth in depths]
        assert np.allclose([float(two.subs(s, 1900 + depth)) for depth in depths], wanted, atol=1e-12)


def test_radial_functions_are_bumps():
    basis = Radial([0, 2], width=0.5)
    assert basis.functions(s, (0, 2)) == (sp.exp(-((2 * s) ** 2)), sp.exp(-((2 * s - 4) ** 2)))
    wanted = quad(lambda depth: np.exp(-8 * (depth**2) / 1), 0, 2)[0]
    assert np.array(basis.gram((0, 2)), dtype=float)[0, 0] == pytest.approx(wanted, rel=1e-12)


def test_bases_stated_in_decimals_and_in_fractions_are_equal():
    assert Fourier(3, 0.1) == Fourier(3, sp.Rational(1, 10))
    assert Hat([0, 0.5]) == Hat((0, sp.Rational(1, 2)))
    assert Spline(np.array([0.0, 0.5])) == Spline([0, 0.5], 3)


# ---------------------------------------------------------------- refusals


def made(basis: Any, *arguments: Any) -> Any:
    """A basis of arguments that type checkers would refuse."""
    return basis(*arguments)


a = ex.block("a")
REFUSED: dict[str, Any] = {
    r"terms is 0; give a whole number of 1 or more": lambda: Fourier(0, 1),
    r"terms is 2\.5; give a whole number": lambda: made(Chebyshev, 2.5),
    r"terms is True; give a whole number": lambda: Monomial(True),
    r"period is 0; give a number above 0": lambda: Fourier(3, 0),
    r"period is 'x'; give a number": lambda: Fourier(3, "x"),
    r"period is oo; give a finite number": lambda: Fourier(3, sp.oo),
    r"period is inf; give a finite number": lambda: Fourier(3, float("inf")),
    r"interval\[1\] is 0, not above interval\[0\], which is 1": lambda: Chebyshev(3, interval=[1, 0]),
    r"interval is \[0, 1, 2\]; give two numbers": lambda: Legendre(3, interval=[0, 1, 2]),
    r"interval is \[0, a\]; give two numbers": lambda: Legendre(3, interval=[0, a]),
    r"Chebyshev needs a domain of numbers, not \(0, a\); give the interval": lambda: Chebyshev(3).functions(s, (0, a)),
    r"Legendre needs a domain of some length, not \(1, 1\)": lambda: Legendre(3).functions(s, (1, 1)),
    r"the Gram matrix of Monomial needs a domain of numbers": lambda: Monomial(3).gram((0, a)),
    r"the Gram matrix of Hat needs knots that are numbers": lambda: Hat([0, a]).gram((0, 1)),
    r"knots has 1 entries; give at least 2": lambda: Hat([0]),
    r"knots is 3; give a list": lambda: Hat(3),
    r"knots\[2\] is 1, not above knots\[1\], which is 1": lambda: Spline([0, 1, 1]),
    r"knots have a, which is no number": lambda: Spline([0, a, 1]),
    r"degree is -1; give a whole number of 0 or more": lambda: Spline([0, 1], degree=-1),
    r"centers has 0 entries; give at least 1": lambda: Radial([], 1),
    r"width is -1; give a number above 0": lambda: Radial([0], -1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_basis_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
