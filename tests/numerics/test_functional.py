"""The function-space gradient: projections against gradients in coefficients, and directions against SciPy."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.parts import parts
from odeanalysis.modeling.bases import Basis, Dilated, Fourier, Hat, Indicator, Legendre, Monomial
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.modeling.transforms.transform import vary
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.functional.gradient import FunctionalGradient
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.rewrite import leaves
from odeanalysis.verification.independent import gradients as independent
from tests.bases import BASES_TRIED, DOMAIN
from tests.cases import CASES

TIGHT = {"method": "dopri8", "rtol": 1e-12, "atol": 1e-14}
s = oda.depth
z, k, a, u, z0, w, eps = (oda.block(name) for name in ("z", "k", "a", "u", "z0", "w", "eps"))
EXACT = 1e-10  # what a projection and a gradient in coefficients may differ by, relative to the largest entry


def gradient_of(problem: Any, values: Any, name: str) -> FunctionalGradient:
    return oda.functional_gradient(problem, values, name, **TIGHT)


def apart(found: Any, wanted: Any) -> float:
    return float(np.abs(found - wanted).max(initial=0) / max(np.abs(wanted).max(initial=0), 1e-300))


# ---------------------------------------------------------------- projections


def at_constant(problem: Any, values: Any, name: str, basis: Basis) -> tuple[Any, Any]:
    """A problem with a name in a basis that begins with 1, and values at which the name is the constant that it was."""
    bound = bind(problem, values)
    axis = int(name in bound.batched)
    constant = np.asarray(bound.arrays[name])
    coefficients = np.stack([constant, *[np.zeros_like(constant)] * (basis.terms - 1)], axis=axis)
    varied = replace(problem, model=galerkin(problem.model, {name: basis}))
    return varied, {**values, name: coefficients}


# where the state crosses kinks both routes err by the order of a step's length
LEFT_OUT = ("kinks", "continuous_condition")


def name_that_varies(problem: Any) -> str | None:
    """A parameter or an input of a problem that may become a function of depth, where there is one."""
    for leaf in problem.model.names:
        try:
            seen = parts(oda.pointwise(problem, leaf.name))
            replace(problem, model=galerkin(problem.model, {leaf.name: Monomial(2)}))
        except oda.ModelError:
            continue
        if all(leaf not in leaves(piece.condition) for piece in seen.pieces.items):
            return leaf.name
    return None


@pytest.mark.parametrize("name", [name for name in CASES if name not in LEFT_OUT])
def test_projections_are_gradients_in_coefficients(name: str):
    """At the constants that the cases have, onto 1, s, s^2, without solving again: with running costs that contain the name, observations
    at s0 and elsewhere, missing data, break points, interpolated inputs, batches, backward domains, networks."""
    problem, values, basis = CASES[name].problem(), CASES[name].values(), Monomial(3)
    moved = name_that_varies(problem)
    if moved is not None:
        found = gradient_of(problem, values, moved).project(basis)
        varied, coefficients = at_constant(problem, values, moved, basis)
        _, wanted = oda.value_and_gradient(varied, coefficients, wrt=[moved], **TIGHT)
        assert found.shape == wanted[moved].shape and apart(found, wanted[moved]) < EXACT


def test_most_cases_have_a_name_that_varies():
    assert sum(name_that_varies(case.problem()) is not None for case in CASES.values()) > 2 * len(CASES) / 3


def switched() -> Any:
    """z' = -k z + cos 3 s on a domain with observations, a condition on depth and k in every cost."""
    objective = oda.Objective(
        terminal=z**2 + k * z,
        running=k**2 * z**2 + oda.where(s < 1, k, 2 * k),
        observations=(oda.Observation([0.5, 0.9, 1.7], (z - k) ** 2),),
    )
    return oda.Problem(oda.Model({z: -k * z + oda.cos(3 * s)}, {z: a + k**2 / 3}, DOMAIN, [k, a]), objective)


VALUES = {"k": 0.6, "a": [1.1, 0.3]}


@pytest.mark.parametrize("name", BASES_TRIED)
def test_projections_onto_every_basis(name: str):
    """At a function of that very basis."""
    basis = BASES_TRIED[name].basis
    problem = replace(switched(), model=galerkin(switched().model, {k: basis}))
    values = {**VALUES, "k": np.random.default_rng(2).normal(0.5, 0.4, basis.terms)}
    _, wanted = oda.value_and_gradient(problem, values, wrt=["k"], **TIGHT)
    assert apart(gradient_of(problem, values, "k").project(basis), wanted["k"]) < EXACT


@pytest.mark.parametrize("domain", [DOMAIN, DOMAIN[::-1]], ids=["forward", "backward"])
@pytest.mark.parametrize("nodes", [[0.5, 1.2, 2.5], [0.5, 0.9, 1, 1.7, 2.5], [0, 0.5, 3]], ids=str)
def test_projections_onto_nodes_are_gradients_of_pieces(nodes: list[float], domain: Any):
    """On observations and break points too: there a cost sees the side of s0."""
    constant = replace(switched(), model=switched().model.with_(domain=domain))
    problem = replace(constant, model=stacked(constant.model, ["k"], nodes))
    count = len(nodes) - 1
    _, wanted = oda.value_and_gradient(problem, {**VALUES, "k": [0.6] * count}, wrt=["k"], **TIGHT)
    assert apart(gradient_of(constant, VALUES, "k").project(nodes), wanted["k"]) < EXACT
    pieces = {**VALUES, "k": np.linspace(0.2, 0.9, count)}
    _, wanted = oda.value_and_gradient(problem, pieces, wrt=["k"], **TIGHT)
    assert apart(gradient_of(problem, pieces, "k").project(Indicator(nodes)), wanted["k"]) < EXACT


def test_functions_of_each_sample_have_gradients_of_their_own():
    problem = replace(switched(), model=galerkin(switched().model, {k: Fourier(3, period=2)}))
    values = {**VALUES, "k": [[0.6, 0.1, -0.2], [0.3, 0.5, 0.2]]}
    found = gradient_of(problem, values, "k")
    _, wanted = oda.value_and_gradient(problem, values, wrt=["k"], **TIGHT)
    assert found.own and apart(found.project(Fourier(3, period=2)), wanted["k"]) < EXACT
    assert found([0.6, 0.7, 0.8]).shape == (2, 3) and found(0.6).shape == (2,)


# the error of a few steps at the tolerance; (h rate)^4 of the fixed ones
OTHERS = {"rodas5p": ({"rtol": 1e-8}, 1e-7), "Radau": ({"rtol": 1e-8}, 1e-7), "rk4": ({"steps": 400}, (60 / 400) ** 4)}


@pytest.mark.parametrize("method", OTHERS)
def test_other_methods_come_as_near_as_they_are(method: str):
    """Also those that keep no steps, and implicit ones, whose costate SciPy solves."""
    problem, values = CASES["stiff_linear"].problem(), CASES["stiff_linear"].values()
    options, bound = OTHERS[method]
    found = oda.functional_gradient(problem, values, "rate", method=method, **options)
    assert apart(found.project(Legendre(3)), gradient_of(problem, values, "rate").project(Legendre(3))) < bound


def test_ten_times_the_loss_has_ten_times_the_gradient_and_the_sum_that_of_all_samples():
    basis, small = Legendre(3), switched()
    large = replace(small, objective=oda.Objective(10 * small.objective.terminal, 10 * small.objective.running))
    small = replace(small, objective=replace(small.objective, observations=()))
    one, ten = (gradient_of(problem, VALUES, "k") for problem in (small, large))
    assert apart(ten.project(basis), 10 * one.project(basis)) < EXACT
    total = oda.functional_gradient(small, VALUES, "k", reduction="sum", **TIGHT)
    assert apart(total(1.3), 2 * one(1.3)) < EXACT


@pytest.mark.parametrize("parameter", ["scale", "shift"])
def test_the_gradient_in_a_dilation_is_that_along_its_derivative(parameter: str):
    """dell/dd = int (dell/dk) sum_j alpha_j dpsi_j/dd ds, where k has no other part in d: the derivative by SymPy."""
    c, alpha = oda.block("c"), [0.5, 0.3, -0.4, 0.2]
    basis = Dilated(Fourier(4, period=2), **{parameter: c})
    constant = replace(switched(), model=switched().model.with_(parameters=[k, a, c]))
    problem, values = replace(constant, model=galerkin(constant.model, {k: basis})), {**VALUES, "k": alpha, "c": 0.9}
    slopes: list[Any] = [sp.diff(psi, c).subs(c, sp.Rational(9, 10)) for psi in basis.functions(s, DOMAIN)]
    moved = sum(x * slope for x, slope in zip(alpha, slopes, strict=True))
    _, wanted = oda.value_and_gradient(problem, values, wrt=["c"], **TIGHT)
    assert gradient_of(problem, values, "k").against(sp.lambdify(s, moved)) == pytest.approx(float(wanted["c"]), rel=EXACT)


# ---------------------------------------------------------------- directions


def directions(rng: np.random.Generator) -> dict[str, tuple[Any, Any, list[float]]]:
    """Random functions as an expression, as a callable, and where they jump."""
    c = [sp.Rational(int(n), 100) for n in rng.integers(-100, 100, 5)]
    waves = c[0] + c[1] * sp.cos(3 * s) + c[2] * sp.sin(5 * s)
    step = oda.where(s < sp.Rational(113, 100), c[0], c[1])
    return {
        "fourier": (waves, sp.lambdify(s, waves), []),
        "polynomial": (sum(x * s**j for j, x in enumerate(c)), sp.lambdify(s, sum(x * s**j for j, x in enumerate(c))), []),
        "step": (step, lambda depth: np.where(depth < 1.13, float(c[0]), float(c[1])), [1.13]),
    }


def along(problem: Any, values: Any, name: str, direction: Any) -> float:
    """D ell[v] by extrapolated differences of SciPy's losses with theta + eps v in the statement: none of our calculus."""
    model = problem.model
    if all(leaf.name != name for leaf in model.varying):
        bound = bind(problem, values)
        model = vary(model, name, 1, lambda value: ex.index(value, 0), "a test")
        values = {**values, name: np.expand_dims(bound.arrays[name], int(name in bound.batched))}
    leaf = next(one for one in model.varying if one.name == name)
    moved = tuple((one, value + eps * direction * ex.ones(*ex.shape_of(leaf)) if one == leaf else value) for one, value in model.functions)
    perturbed = replace(problem, model=model.with_(functions=moved, parameters=(*model.parameters, eps)))
    bound = bind(perturbed, {**values, "eps": 0.0})
    return independent.directional(perturbed, bound, {"eps": np.array(1.0)})


SHAPES = ("fourier", "polynomial", "step")
DIRECTED = {
    "at a constant": (switched, VALUES, "k"),
    "at a function": (
        lambda: replace(switched(), model=galerkin(switched().model, {k: Hat([0.5, 1, 2.5])})),
        {**VALUES, "k": [0.2, 0.9, -0.3]},
        "k",
    ),
    **{
        case: (CASES[case].problem, CASES[case].values(), name)
        for case, name in {"observed_at_start": "angle0", "backward_domain": "x"}.items()
    },
    "interpolated_input": (CASES["interpolated_input"].problem, CASES["interpolated_input"].values(), "u"),
    "network_batch": (CASES["network_batch"].problem, CASES["network_batch"].values(), "W"),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", DIRECTED)
def test_directional_derivatives_are_those_of_differences(name: str, shape: str):
    stated, values, moved = DIRECTED[name]
    expression, function, jumps = directions(np.random.default_rng(sum(map(ord, name))))[shape]
    found = gradient_of(stated(), values, moved)

    def direction(depth: Any) -> Any:
        return np.broadcast_to(function(depth), depth.shape).reshape(*depth.shape, *[1] * len(found.shape))

    derivative = found.against(direction, jumps)
    assert derivative.shape == ((found.run.setting.batch,) if found.own else ())
    assert float(derivative.sum()) == pytest.approx(along(stated(), values, moved, expression), rel=1e-7, abs=1e-9)
