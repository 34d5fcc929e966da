"""The function-space gradient in closed form: its values, jumps and energies, the H1 product, whose it is, and what is refused."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.modeling.bases import Fourier, Hat, Legendre, Monomial
from odeanalysis.modeling.transforms import galerkin
from odeanalysis.numerics.functional.gradient import FunctionalGradient
from tests.numerics.test_functional import VALUES, gradient_of, switched

s = oda.depth
z, k, a, u, z0, w = (oda.block(name) for name in ("z", "k", "a", "u", "z0", "w"))


def growth(p: float = 0.4, start: float = 1.2, end: float = 1.5) -> tuple[FunctionalGradient, Any]:
    """f = theta z, l = theta^2 z^2 at a constant theta, and its gradient 2 theta z^2 + a z by hand.

    a' = -theta a - 2 theta^2 z, a(S) = 0:   a = theta z0 (e^{theta (2S - s)} - e^{theta s})
    """
    model = oda.Model({z: k * z}, {z: z0}, (0, end), [k, z0])
    found = gradient_of(oda.Problem(model, oda.Objective(running=k**2 * z**2)), {"k": p, "z0": start}, "k")
    return found, lambda at: start**2 * p * (2 * np.exp(2 * p * at) + np.exp(2 * p * end) - np.exp(2 * p * at))


def test_the_gradient_of_growth():
    found, wanted = growth()
    depths = np.linspace(0, 1.5, 13)
    assert np.allclose(found(depths), wanted(depths), rtol=1e-11)
    assert found(depths.reshape(13, 1)).shape == (13, 1) and found(0.3).shape == ()
    # the printed theorem, without dl/dtheta, misses 2 theta z^2
    assert abs(found(0.3) - (wanted(0.3) - 2 * 0.4 * 1.2**2 * np.exp(0.24))) > 1


def test_the_integral_of_the_gradient_is_the_gradient_in_a_constant():
    found, _ = growth()
    assert found.project(Monomial(1))[0] == pytest.approx(1.2**2 * (np.exp(1.2) - 1) / 2 + 0.4 * 1.2**2 * 1.5 * np.exp(1.2), rel=1e-11)


def polynomial(domain: Any = (0, 2)) -> FunctionalGradient:
    """z' = u s^2 with the loss z(S): the gradient is s^2."""
    return gradient_of(oda.Problem(oda.Model({z: u * s**2}, {z: 0}, domain, [u]), oda.Objective(terminal=z)), {"u": 0.3}, "u")


def test_energies_of_a_polynomial():
    """s^2 on [0, 2] is (P_2 2/3 + P_1 2 + P_0 4/3): its energy is 32/5, of which (4/9) (2/5) lies outside two Legendre polynomials."""
    found = polynomial()
    assert found.energy() == pytest.approx(32 / 5, rel=1e-12)
    assert found.outside(Legendre(2)) == pytest.approx(8 / 45 / (32 / 5), rel=1e-11)
    assert found.outside(Legendre(3)) < 1e-20 < found.outside(Hat([0, 0.7, 2]))
    assert np.allclose(found.coefficients(Legendre(4)), [4 / 3, 2, 2 / 3, 0], atol=1e-12)


def test_energies_and_coefficients_on_a_domain_that_runs_backward():
    """Integrals are signed, the gradient is s^2 there too, and an energy is none the less positive."""
    forward, backward = polynomial(), polynomial((2, 0))
    assert np.allclose(backward([0.5, 1.5]), forward([0.5, 1.5]), rtol=1e-12)
    assert np.allclose(backward.project(Legendre(3)), -forward.project(Legendre(3)), rtol=1e-12)
    for inner in ("L2", "H1"):
        assert np.allclose(backward.coefficients(Legendre(3), inner), forward.coefficients(Legendre(3), inner), rtol=1e-11)
    assert backward.energy() == pytest.approx(32 / 5, rel=1e-12) and backward.outside(Legendre(2)) == pytest.approx(1 / 36, rel=1e-11)
    assert np.allclose(backward.sobolev([0.5, 1.5]), forward.sobolev([0.5, 1.5]), rtol=1e-11)


def test_the_best_approximation_leaves_what_is_orthogonal():
    found, basis = growth()[0], Fourier(4, period=1.5)
    rest = found.project(basis) - np.array(basis.gram((0, 1.5)).evalf(), dtype=float) @ found.coefficients(basis)
    assert np.abs(rest).max() < 1e-12
    share = 1 - found.coefficients(basis) @ found.project(basis) / found.energy()
    assert found.outside(basis) == pytest.approx(float(share), rel=1e-9)


def test_a_jump_is_found_where_it_is_not_listed():
    found = polynomial()

    def step(depth: Any) -> Any:
        return 1.0 * (depth < 0.77)

    assert found.against(step) == pytest.approx(0.77**3 / 3, rel=1e-10)
    assert found.against(step, [0.77]) == pytest.approx(float(found.project([0, 0.77, 2])[0]), rel=1e-12)


# ---------------------------------------------------------------- the H1 inner product


@pytest.mark.parametrize("length", [0.3, 1.0, 50.0, 1e-3])
def test_the_h1_representer_of_a_polynomial(length: float):
    """-L^2 g'' + g = s^2 with g' = 0 at 0 and 2:   g = s^2 + 2 L^2 - 4 L cosh(s/L)/sinh(2/L)."""
    depths = np.linspace(0, 2, 9)
    decay = 2 * np.exp((depths - 2) / length) * (1 + np.exp(-2 * depths / length)) / (2 * -np.expm1(-4 / length))
    wanted = depths**2 + 2 * length**2 - 4 * length * decay
    assert np.allclose(polynomial().sobolev(depths, length), wanted, rtol=1e-9, atol=1e-9)


def test_a_point_mass_has_an_h1_representer():
    """The loss u(S) is the value of a function at S: its representer is cosh(s - s0)/sinh(S - s0)."""
    found = gradient_of(oda.Problem(oda.Model({z: z}, {z: 1}, (0.5, 2), [u]), oda.Objective(terminal=u)), {"u": 0.3}, "u")
    depths = np.linspace(0.5, 2, 7)
    assert len(found.masses) == 1 and not found(depths).any()
    assert np.allclose(found.sobolev(depths), np.cosh(depths - 0.5) / np.sinh(1.5), rtol=1e-12)


def test_the_h1_representer_gives_every_directional_derivative():
    """int g v + g' v' ds = D ell[v], where point masses, jumps and costs all count: by quadrature of g and differences of it."""
    found = gradient_of(switched(), VALUES, "k")
    cuts = [0.5, 0.9, 1, 1.7, 2.5]
    points, weights = np.polynomial.legendre.leggauss(14)
    depths = np.concatenate([(low + high) / 2 + (high - low) / 2 * points for low, high in pairwise(cuts)])
    measure = np.concatenate([(high - low) / 2 * weights for low, high in pairwise(cuts)])
    h = 1e-4
    slope = (found.sobolev(depths + h) - found.sobolev(depths - h)) / (2 * h)
    derivative = float(found.against(np.sin))
    assert measure @ (found.sobolev(depths) * np.sin(depths) + slope * np.cos(depths)) == pytest.approx(derivative, rel=1e-6)


def test_h1_coefficients_of_a_rich_basis_are_the_h1_representer():
    found = polynomial()
    depths = np.linspace(0, 2, 9)
    coefficients = found.coefficients(Legendre(12), "H1")
    values = np.polynomial.legendre.legval(depths - 1, coefficients)
    assert np.allclose(values, found.sobolev(depths), atol=1e-8)


# ---------------------------------------------------------------- where it jumps, and whose it is


def test_the_gradient_jumps_with_the_costate():
    """z' = k z with costs z^2 at 0.9: the costate jumps by 2 z there, and the gradient by 2 z^2."""
    problem = oda.Problem(oda.Model({z: k * z}, {z: 1}, (0, 2), [k]), oda.Objective(observations=(oda.Observation([0.9], z**2),)))
    found = gradient_of(problem, {"k": 0.4}, "k")
    jump = 2 * np.exp(2 * 0.4 * 0.9)
    assert found(0.9) == pytest.approx(jump, rel=1e-11) and found(0.9, side="after") == 0
    assert not found([1.2, 2]).any()


def test_samples_of_different_lengths_add_up_where_they_are():
    """z' = u on [0, S] with the loss z(S): each sample's gradient is 1 on its own domain, 0 elsewhere; the mean has half of it."""
    end = oda.block("end")
    problem = oda.Problem(oda.Model({z: u}, {z: 0}, (0, end), [u], [end]), oda.Objective(terminal=z))
    shared = gradient_of(problem, {"u": 0.3, "end": [1.0, 2.0]}, "u")
    assert np.allclose(shared([0.5, 1.5]), [1, 0.5], rtol=1e-12)
    assert shared.energy() == pytest.approx(1.25, rel=1e-12) and shared.outside([0, 1, 2]) < 1e-20
    own = gradient_of(problem, {"u": [0.3, 0.3], "end": [1.0, 2.0]}, "u")
    assert np.allclose(own([0.5, 1.5]), [[0.5, 0], [0.5, 0.5]], rtol=1e-12)
    assert np.allclose(own.energy(), [0.25, 0.5], rtol=1e-12) and np.allclose(own.outside(Monomial(1)), 0, atol=1e-20)
    assert np.allclose(own.coefficients(Monomial(2)), [[0.5, 0], [0.5, 0]], atol=1e-12)


def test_samples_that_run_in_opposite_directions_share_no_density():
    end = oda.block("end")
    problem = oda.Problem(oda.Model({z: u}, {z: 0}, (0, end), [u], [end]), oda.Objective(terminal=z))
    found = gradient_of(problem, {"u": 0.3, "end": [1.0, -2.0]}, "u")
    assert found.project(Monomial(1)) == pytest.approx((1 - 2) / 2, rel=1e-12)
    with pytest.raises(oda.ModelError, match="'u' but run in opposite directions"):
        found(0.5)


# ---------------------------------------------------------------- the formula, and refusals


def test_the_density_is_a_formula_with_the_name_as_it_is():
    """dH/dk = a^T f_k + l_k at a depth, before the functions of a basis are put in."""
    varied = replace(switched(), model=galerkin(switched().model, {k: Fourier(3, period=2)}))
    seen = oda.pointwise(varied, "k")
    assert seen.model.functions == () and k in seen.model.parameters
    written = oda.adjoint(seen).system.output["grad_k"]
    assert oda.adjoint(replace(switched(), model=seen.model)).system.output["grad_k"] == written


def refused(name: str, **changes: Any) -> Any:
    model = oda.Model(**{"field": {z: -k * z}, "initial": {z: a}, "domain": (0, 1), "parameters": [k, a, w], **changes})
    return lambda: gradient_of(oda.Problem(model, oda.Objective(terminal=z)), {"k": 0.5, "a": 1, "w": 0.6}, name)


def masses(call: Any) -> Any:
    problem = oda.Problem(oda.Model({z: -k * z}, {z: a}, (0, 1), [k, a]), oda.Objective(terminal=k * z))
    return lambda: call(gradient_of(problem, {"k": 0.5, "a": 1}, "k"))


REFUSED: dict[str, Any] = {
    r"'l' is no parameter, input or depth-varying name of 'model'": refused("l"),
    r"functional_gradient of 'w', which stands in the domain of 'model'": refused("w", domain=(0, w)),
    r"functional_gradient of 'w': the condition s < w of 'model' on depth contains it": refused("w", field={z: oda.where(s < w, z, k)}),
    r"depth 1\.5 lies outside the path of every sample": masses(lambda found: found(1.5)),
    r"'k' stands in the initial value or a cost at a depth of 'model'.* point mass, so that it is no function of L2: use the H1": masses(
        lambda found: found.coefficients(Monomial(2))
    ),
    r"has a point mass, so that it has no finite energy; look at its H1": masses(lambda found: found.energy()),
    r"their Gram matrix has the condition number .*; use fewer functions": masses(lambda found: found.coefficients(Monomial(14), "H1")),
    r"inner is 'H2', which is no inner product": masses(lambda found: found.coefficients(Monomial(2), "H2")),
    r"Indicator jump, so that they have no derivative in L2 and no H1": masses(lambda found: found.coefficients([0, 0.5, 1], "H1")),
    r"'fourier' is no basis; give one such as": masses(lambda found: found.project("fourier")),
    r"length is 0; give a finite depth above 0": masses(lambda found: found.sobolev(0.5, 0)),
    r"needs a domain of some length that contains them": masses(lambda found: found.sobolev(1.5)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_has_no_gradient_or_none_of_that_kind_is_refused(message: str):
    with pytest.raises(oda.ModelError, match=message):
        REFUSED[message]()


def test_the_depth_of_an_observation_may_not_rest_on_the_name():
    objective = oda.Objective(observations=(oda.Observation([w], z**2),))
    with pytest.raises(oda.ModelError, match="on which the depth of an observation of 'model' rests"):
        gradient_of(oda.Problem(oda.Model({z: -z}, {z: 1}, (0, 1), [w]), objective), {"w": 0.4}, "w")


def test_an_integral_that_is_not_finite_is_an_error():
    with pytest.raises(oda.SolveError, match=r"the derivative along a function of 'model' in 'k' is not finite"):
        growth()[0].against(lambda depth: np.where(depth < 1, np.nan, depth))
