"""Descent in function space against optima that are known in closed form, and how it ends where there is none."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.functional.descent import functional_descent

s = oda.depth
z, u, z0, y = (oda.block(name) for name in ("z", "u", "z0", "y"))
DEPTHS = np.linspace(0, 1, 21)


def regulator() -> oda.Problem:
    """z' = u on [0, 1], cost z^2 + u^2.

    Riccati: -p' = 1 - p^2, p(1) = 0, so that p = tanh(1 - s), u = -p z, z = z0 cosh(1 - s)/cosh 1, and the least cost is z0^2 tanh 1.
    """
    return oda.Problem(oda.Model({z: u}, {z: z0}, (0, 1), [z0], [u]), oda.Objective(running=z**2 + u**2))


def control(start: float) -> Any:
    return -start * np.sinh(1 - DEPTHS) / np.cosh(1)


BASES = {"legendre": (oda.Legendre(1), 1e-5), "monomial": (oda.Monomial(1), 1e-3), "hat": (oda.Hat([0, 1]), 3e-3)}


@pytest.mark.parametrize("inner", ["L2", "H1"])
@pytest.mark.parametrize("name", BASES)
def test_the_linear_quadratic_regulator_is_found_by_growing(name: str, inner: str):
    """The cost is convex with second derivative 2 or more, so that the control is off by the gradient's length at most."""
    basis, tolerance = BASES[name]
    found = functional_descent(regulator(), {"u": 0.0, "z0": 1.3}, "u", basis, inner=inner, tolerance=tolerance)
    assert found.converged and found.message == "converged"
    wanted = control(1.3)
    error = np.sqrt(np.mean((found(DEPTHS) - wanted) ** 2))
    assert error < 2 * found.stages[-1].norm
    assert 0 <= found.value - 1.3**2 * np.tanh(1) < found.stages[-1].norm ** 2
    # each basis but the last was left because the gradient pointed out of it
    assert all(stage.outside is not None and stage.outside > 0.5 for stage in found.stages[:-1])
    terms = [stage.terms for stage in found.stages]
    assert terms == sorted(set(terms)) and found.basis.terms == terms[-1]


def test_the_gradient_vanishes_at_the_optimum():
    """Stated as an expression in depth: no route of the search is used."""
    exact = -z0 * oda.sinh(1 - s) / oda.cosh(1)
    model = oda.Model({z: u}, {z: z0}, (0, 1), [z0], functions={u: exact})
    gradient = oda.functional_gradient(oda.Problem(model, regulator().objective), {"z0": 1.3}, "u")
    assert np.abs(gradient(DEPTHS)).max() < 1e-10
    assert np.abs(oda.functional_gradient(regulator(), {"u": 0.0, "z0": 1.3}, "u")(DEPTHS[:-1])).min() > 0.1


def test_one_mode_at_a_time():
    """A basis grows as it is told to, here by one polynomial whenever most of the gradient lies outside."""
    found = functional_descent(
        regulator(), {"u": 0.0, "z0": 1.3}, "u", oda.Legendre(1), grow=lambda basis, _: oda.Legendre(basis.terms + 1), tolerance=1e-5
    )
    assert found.converged and [stage.terms for stage in found.stages] == list(range(1, found.basis.terms + 1))
    assert np.abs(found(DEPTHS) - control(1.3)).max() < 1e-4


def test_every_sample_may_have_a_function_of_its_own():
    """Two initial states, each with its own control; the mean of their costs is the objective."""
    values = {"u": [0.0, 0.0], "z0": [1.3, -0.4]}
    found = functional_descent(regulator(), values, "u", oda.Legendre(2), tolerance=1e-5)
    assert found.converged and found.coefficients.shape == (2, found.basis.terms)
    assert np.abs(found(DEPTHS) - [control(1.3), control(-0.4)]).max() < 1e-4
    assert found.value == pytest.approx(np.mean(np.square([1.3, -0.4])) * np.tanh(1), rel=1e-9)


def test_a_basis_that_may_not_grow_is_used_as_it_is():
    """Of constants, z = z0 + c s: z0^2 + z0 c + c^2/3 + c^2 is least at c = -(3/8) z0."""
    found = functional_descent(regulator(), {"u": 0.4, "z0": 1.3}, "u", oda.Monomial(1), grow=None)
    assert found.converged and found.stages[0].outside is None
    assert found.coefficients == pytest.approx([-3 / 8 * 1.3], rel=1e-6)


def test_the_same_functions_in_other_coordinates_are_found_as_fast():
    """The steps are those of function space: badly scaled coefficients cost no more iterations."""
    values, options = {"u": 0.0, "z0": 1.3}, {"grow": None, "tolerance": 1e-5}
    one = functional_descent(regulator(), values, "u", oda.Legendre(5), **options)
    two = functional_descent(regulator(), values, "u", oda.Monomial(5), **options)
    assert one.converged and two.converged and one.stages[0].iterations == two.stages[0].iterations
    assert np.allclose(one(DEPTHS), two(DEPTHS), atol=1e-5)


def test_a_matrix_of_functions_and_point_masses():
    """z' = U x along two inputs, z(1) to y: the least |U|^2 that does it costs nothing in a span of constants."""
    W, x, v, goal = oda.block("W", 2, 2), oda.block("x", 2), oda.block("v", 2), oda.block("goal", 2)
    objective = oda.Objective(terminal=oda.sumsq(v - goal) + oda.sumsq(W) / 100)
    problem = oda.Problem(oda.Model({v: W @ x}, {v: oda.zeros(2)}, (0, 1), [W], [x, goal]), objective)
    values = {"W": np.zeros((2, 2)), "x": [[1.0, 0.5], [0.2, -1.0]], "goal": [[0.3, 0.1], [-0.7, 0.4]]}
    found = functional_descent(problem, values, "W", oda.Monomial(1), grow=None, tolerance=1e-8)
    inputs, goals = np.array(values["x"]), np.array(values["goal"])
    ridge = np.linalg.solve(inputs.T @ inputs / 2 + np.eye(2) / 100, inputs.T @ goals / 2).T
    assert found.converged and found(0.3) == pytest.approx(ridge, rel=1e-6)
    with pytest.raises(oda.ModelError, match="has a point mass, so that it has no finite energy"):
        functional_descent(problem, values, "W", oda.Monomial(1))


# ---------------------------------------------------------------- where it ends otherwise


def test_a_basis_that_cannot_grow_far_enough_says_so():
    found = functional_descent(regulator(), {"u": 0.0, "z0": 1.3}, "u", oda.Legendre(2), grow=lambda basis, _: basis)
    assert not found.converged and "most of it outside the span of 2 functions" in found.message


def test_a_start_that_is_level_is_kept():
    found = functional_descent(regulator(), {"u": 0.0, "z0": 0.0}, "u", oda.Legendre(2))
    assert found.converged and found.stages[0].iterations == 0 and not found.coefficients.any()


def test_trials_that_cannot_be_solved_are_walls():
    """z' = z^2 + u blows up before S = 1 for u above (pi/2)^2; the search starts just below, where the slope is steep."""
    problem = oda.Problem(oda.Model({z: z**2 + u}, {z: 0}, (0, 1), [u]), oda.Objective(terminal=(z + 1) ** 2))
    found = functional_descent(problem, {"u": 2.3}, "u", oda.Monomial(1), grow=None, tolerance=1e-8)
    assert found.converged and found.value < 1e-8


def test_the_listener_hears_every_iteration():
    heard: list[tuple[int, float]] = []
    found = functional_descent(
        regulator(), {"u": 0.0, "z0": 1.3}, "u", oda.Legendre(1), tolerance=1e-2, on_iteration=lambda *said: heard.append(said)
    )
    assert len(heard) == sum(stage.iterations for stage in found.stages) and heard[-1] == (found.basis.terms, found.value)
    assert all(later[1] < earlier[1] for earlier, later in pairwise(heard))


def test_a_basis_without_a_finer_one_says_how_to_go_on():
    with pytest.raises(oda.ModelError, match=r"Radial states no finer basis; write a method Radial\.refined, or say how to grow"):
        functional_descent(regulator(), {"u": 0.0, "z0": 1.3}, "u", oda.Radial([0.5], 0.4), tolerance=1e-3)
