"""Bases: their values at known points, their Gram matrices against quadrature, antiderivatives, break points, refusals."""

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
from odeanalysis.modeling.bases import BASES, Basis, Chebyshev, Dilated, Fourier, Hat, Indicator, Legendre, Monomial, Radial, Spline
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import where
from odeanalysis.verification.independent.interpreter import evaluator
from tests.bases import BASES_TRIED, DOMAIN, Example

s = ex.depth
EVERY = pytest.mark.parametrize("tried", BASES_TRIED.values(), ids=BASES_TRIED)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def numbers(functions: Any, depths: Any) -> Any:
    """Functions of depth at depths, node by node: [depths, functions]."""
    found = [evaluator(sp.sympify(function)) for function in functions]
    return np.array([[float(value({s.name: float(depth)})) for value in found] for depth in depths])


def values(basis: Basis, depths: Any, domain: Any = DOMAIN) -> Any:
    """psi_j at depths: [depths, terms]."""
    return numbers(basis.functions(s, domain), depths)


def pieces(basis: Basis) -> list[tuple[float, float]]:
    """The parts of the domain between break points, on which every function is smooth."""
    inner = (float(cut) for cut in basis.breakpoints(DOMAIN))
    return list(pairwise(sorted({*DOMAIN, *(cut for cut in inner if DOMAIN[0] < cut < DOMAIN[1])})))


def slopes(basis: Basis, depths: Any) -> Any:
    """psi_j' at depths by central differences of fourth order: [depths, terms]. Only for depths away from break points."""
    h = 1e-4
    near, far = (values(basis, depths + k * h) - values(basis, depths - k * h) for k in (1, 2))
    return (8 * near - far) / (12 * h)


@EVERY
def test_there_are_as_many_functions_as_terms(tried: Example):
    basis = tried.basis
    assert len(basis.functions(s, DOMAIN)) == len(basis.antiderivatives(s, DOMAIN)) == basis.terms == basis.gram(DOMAIN).shape[0]


def test_every_basis_is_tried():
    assert {type(tried.basis) for tried in BASES_TRIED.values()} == {*BASES.values(), Dilated}


@EVERY
def test_gram_matrix_is_that_of_quadrature(tried: Example):
    gram, total = np.array(tried.basis.gram(DOMAIN), dtype=float), 0
    for low, high in pieces(tried.basis):
        found = values(tried.basis, (low + high) / 2 + (high - low) / 2 * NODES)
        total += (high - low) / 2 * found.T @ (WEIGHTS[:, None] * found)
    assert np.allclose(gram, total, rtol=1e-12, atol=1e-12)


@EVERY
def test_gram_matrix_of_h1_adds_the_products_of_slopes(tried: Example):
    """Slopes by differences, whose error is h^4 times a fifth derivative and rounding over h: below 1e-11 for these functions."""
    if not tried.basis.continuous:
        with pytest.raises(ModelError, match=r"jump, so that they have no derivative in L2 and no H1 inner product; use the L2 one"):
            tried.basis.gram(DOMAIN, "H1")
        return
    gram, total = np.array(tried.basis.gram(DOMAIN, "H1") - tried.basis.gram(DOMAIN), dtype=float), 0
    for low, high in pieces(tried.basis):
        found = slopes(tried.basis, (low + high) / 2 + (high - low) / 2 * NODES)
        total += (high - low) / 2 * found.T @ (WEIGHTS[:, None] * found)
    assert np.allclose(gram, total, rtol=1e-6, atol=1e-6 * np.abs(gram).max())


@EVERY
def test_functions_are_independent_and_conditioned_as_expected(tried: Example):
    assert 1 - 1e-9 <= tried.basis.condition(DOMAIN) < tried.condition
    assert np.linalg.matrix_rank(values(tried.basis, np.linspace(0.5, 2.5, 61))) == tried.basis.terms


@EVERY
def test_functions_are_orthogonal_where_that_is_claimed(tried: Example):
    gram = np.array(tried.basis.gram(DOMAIN).evalf(), dtype=float)
    apart = np.abs(gram - np.diag(np.diag(gram))).max() / np.diag(gram).min()
    assert (apart < 1e-13) == tried.orthogonal


@EVERY
def test_antiderivatives_differentiate_back(tried: Example):
    """By differences of 30 digits, at depths on both sides of every break point."""
    found = zip(tried.basis.antiderivatives(s, DOMAIN), tried.basis.functions(s, DOMAIN), strict=True)
    h, depths = sp.Rational(1, 10**15), [sp.Rational(3 * k + 1, 41) for k in range(4, 36, 2)]
    for whole, function in found:
        for depth in depths:
            slope = (sp.sympify(whole).subs(s, depth + h).evalf(50) - sp.sympify(whole).subs(s, depth - h).evalf(50)) / (2 * h)
            assert float(slope) == pytest.approx(float(sp.sympify(function).subs(s, depth)), rel=1e-12, abs=1e-12)


@EVERY
def test_antiderivatives_do_not_jump(tried: Example):
    """Over the domain they grow by the integrals of the functions, which one with jumps would not."""
    ends = numbers(tried.basis.antiderivatives(s, DOMAIN), DOMAIN)
    spans = ((low + (high - low) * (1 + NODES) / 2, (high - low) / 2) for low, high in pieces(tried.basis))
    wanted = sum(half * WEIGHTS @ values(tried.basis, depths) for depths, half in spans)
    assert np.allclose(ends[1] - ends[0], wanted, rtol=1e-12, atol=1e-12)


@EVERY
def test_a_domain_that_runs_backward_has_the_same_functions(tried: Example):
    basis = tried.basis
    assert basis.functions(s, DOMAIN) == basis.functions(s, DOMAIN[::-1])
    assert basis.gram(DOMAIN) == basis.gram(DOMAIN[::-1])


@EVERY
def test_what_the_domain_gives_can_be_written_into_the_basis(tried: Example):
    fixed = tried.basis.on(DOMAIN)
    assert type(fixed) is type(tried.basis) and fixed.functions(s, (0, 7)) == tried.basis.functions(s, DOMAIN)


@EVERY
def test_a_finer_basis_spans_the_coarse_one(tried: Example):
    """Least squares on the domain leave nothing of the coarse functions."""
    if type(tried.basis) is Radial or (isinstance(tried.basis, Dilated) and type(tried.basis.basis) is Radial):
        with pytest.raises(ModelError, match="states no finer basis"):
            tried.basis.refined()
        return
    fine, depths = tried.basis.refined(), np.linspace(0.5, 2.5, 60)
    coarse_values, fine_values = values(tried.basis, depths), values(fine, depths)
    assert fine.terms > tried.basis.terms
    assert np.abs(coarse_values - fine_values @ np.linalg.lstsq(fine_values, coarse_values)[0]).max() < 1e-8


@EVERY
def test_break_points_are_read_off_the_expressions(tried: Example):
    z, k = ex.block("z"), ex.block("k")
    model = Model(field={z: k * z}, initial={z: 1}, domain=DOMAIN, parameters=(k,))
    stated = parts(Problem(galerkin(model, {"k": tried.basis}), Objective(terminal=z)))
    assert {depth for piece in stated.pieces.items for depth in piece.depths} == set(tried.basis.breakpoints(DOMAIN))


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


def test_chebyshev_is_orthogonal_with_its_weight():
    """The nodes of Gauss and Chebyshev integrate polynomials over sqrt(1 - x^2) exactly."""
    nodes, weights = np.polynomial.chebyshev.chebgauss(8)
    found = values(Chebyshev(6), 1.5 + nodes)
    assert np.allclose(found.T @ (weights[:, None] * found), np.diag([np.pi, *[np.pi / 2] * 5]), atol=1e-13)


def test_legendre_is_orthogonal():
    gram = Legendre(6).gram((0, 3))
    assert gram == sp.diag(*(sp.Rational(3, 2 * j + 1) for j in range(6)))
    depths = np.linspace(0, 3, 7)
    wanted = [[eval_legendre(j, depth / 1.5 - 1) for j in range(6)] for depth in depths]
    assert np.allclose(values(Legendre(6), depths, (0, 3)), wanted)


def test_monomials_are_powers():
    assert Monomial(4).functions(s, (0, 1)) == (1, s, s**2, s**3)


def test_indicators_are_what_stacked_uses():
    """The same chain of conditions, also with nodes that are learned."""
    z, k, node = ex.block("z"), ex.block("k"), ex.block("node")
    model = Model(field={z: k * z}, initial={z: 1}, domain=(0, 2), parameters=(k, node))
    nodes, weights = [0, node, 1.5, 2], ex.block("k", 3)
    ((_, chain),) = stacked(model, ["k"], nodes).functions
    for at in (0.2, 0.9, 1.2, 1.5, 1.9):
        assert [chain.subs(node, 0.9).subs(s, at).coeff(weights[j]) for j in range(3)] == [
            sp.sympify(psi).subs(node, 0.9).subs(s, at) for psi in Indicator(nodes).functions(s, (0, 2))
        ]
    assert Indicator(nodes).functions(s, (0, 2)) == Spline(nodes, degree=0).functions(s, (0, 2))


def test_hats_interpolate():
    knots = [0.5, 1.0, 1.75]
    basis = Hat(knots)
    assert [[sp.sympify(psi).subs(s, sp.Rational(knot)) for psi in basis.functions(s, DOMAIN)] for knot in knots] == sp.eye(3).tolist()
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


class Stateless(Basis):
    """A basis of a user's, without what is not asked for."""

    terms = 1

    def functions(self, depth: Any, domain: Any) -> tuple[Any, ...]:
        return (depth,)

    def product(self, i: int, j: int, domain: Any, order: int = 0) -> Any:
        return sp.Rational(1, 3)


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
    r"the Gram matrix of Spline needs knots that are numbers": lambda: Spline([0, a, 1]).gram((0, 1)),
    r"nodes has 1 entries; give at least 2": lambda: Indicator([0]),
    r"nodes\[1\] is 0, not above nodes\[0\], which is 1": lambda: Indicator([1, 0]),
    r"a dilated basis is made of 3; give a basis such as": lambda: made(Dilated, 3),
    r"scale is 0; give a number above 0": lambda: Dilated(Monomial(2), scale=0),
    r"shift is nan; give a finite number": lambda: Dilated(Monomial(2), shift=float("nan")),
    r"the Gram matrix of a dilated basis needs numbers, not scale a and shift 0": lambda: Dilated(Monomial(2), a).gram((0, 1)),
    r"inner is 'L3', which is no inner product; use one of H1, L2": lambda: Monomial(2).gram((0, 1), "L3"),
    r"the condition number of Fourier\(terms=3, period=a\) depends on a": lambda: Fourier(3, a).condition((0, 1)),
    r"Stateless states no antiderivatives; write a method": lambda: Stateless().antiderivatives(s, (0, 1)),
    r"degree is -1; give a whole number of 0 or more": lambda: Spline([0, 1], degree=-1),
    r"centers has 0 entries; give at least 1": lambda: Radial([], 1),
    r"width is -1; give a number above 0": lambda: Radial([0], -1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_basis_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
