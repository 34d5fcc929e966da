"""Depths of every sample's own, and the change of variable to [0, 1]: closed forms, marks, agreement of both forms, refusals."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.parts import parts
from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.modeling.transforms import adaptive_depth, galerkin, stacked, unit_domain
from odeanalysis.symbolic.functions import where

s = oda.depth
w, k, c, x, y, seen = (oda.block(name) for name in ("w", "k", "c", "x", "y", "seen"))
z = oda.block("z", 2)
FORMS: dict[str, Any] = {"as a domain": lambda problem: problem, "as a change of variable": unit_domain}
EVERY_FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def model(field: Any = -k * y, **changes: Any) -> Any:
    """y' = field from x on [0, 1]."""
    return Model(**{"field": {y: field}, "initial": {y: x}, "domain": (0, 1), "parameters": [w, k, c], "inputs": [x], **changes})


def found(problem: Problem, values: dict[str, Any], way: str = "discrete") -> Any:
    return oda.value_and_gradient(problem, values, rtol=1e-12, atol=1e-13, sensitivity=oda.SENSITIVITIES[way])


# ---------------------------------------------------------------- what it makes


def test_the_domain_ends_at_the_depth_of_the_sample():
    assert adaptive_depth(model(domain=(c, 3)), w * x).domain == (c, c + w * x)
    assert adaptive_depth(model(), 0.25).domain == (0, sp.Rational(1, 4))
    assert adaptive_depth(adaptive_depth(model(), w), x).domain == (0, x)


def test_the_change_of_variable_scales_field_and_cost_and_maps_depths():
    problem = Problem(
        model(y * s, domain=(0.5, 2.5), initial={y: x + s}, breakpoints=[1, c]),
        Objective(y * s, y + s, (Observation((0.5, 1, 2.5, c), (y - seen) * s, (seen,)),)),
    )
    brought = unit_domain(problem)
    along = sp.Rational(1, 2) + 2 * s
    half = sp.Rational(1, 2)
    assert brought.model == model(2 * y * along, initial={y: x + along}, breakpoints=[half / 2, (c - half) / 2])
    cost = Observation((0, half / 2, 1, (c - half) / 2), (y - seen) * along, (seen,))
    assert brought.objective == Objective(y * along, 2 * (y + along), (cost,))
    assert unit_domain(brought) == brought


def test_an_observation_at_a_break_point_stays_there():
    """Both are one mark, that moves with the length of the domain."""
    problem = Problem(adaptive_depth(model(where(s < 0.3, y, k)), w), Objective(observations=(Observation((0.3, 0.1), y),)))
    stated = parts(unit_domain(problem))
    assert stated.observed[0][0] in stated.switching and stated.observed[0][1] not in stated.switching


@pytest.mark.parametrize("length", [0.8, -0.8, 0.0])
@pytest.mark.parametrize(("nodes", "fits"), [([-1, 0.4, 1], True), ([-0.5, 0.4, 0.5], False)])
def test_nodes_contain_the_domain_of_every_sample_or_are_refused(length: float, nodes: Any, fits: bool):
    problem = Problem(adaptive_depth(stacked(model(domain=(0, c)), ["k"], nodes), w), Objective(y))
    values = {"w": length, "k": [0.3, -0.2], "c": 0.0, "x": 1.0}
    if fits or length == 0:
        assert found(unit_domain(problem), values)[0] == pytest.approx(found(problem, values)[0], rel=1e-11)
        return
    for form in FORMS.values():
        with pytest.raises(ModelError, match="do not contain its domain"):
            found(form(problem), values)


# ---------------------------------------------------------------- closed forms


@EVERY_FORM
@pytest.mark.parametrize("way", ["discrete", "adjoint", "forward"])
def test_signed_depths_reflect_exactly(form: Any, way: str):
    """z' = 1 over the depth w x with w = -2: z = -x; dell/dw of L = z is x."""
    problem = form(Problem(adaptive_depth(model(sp.Integer(1)), w * x), Objective((y + x) ** 2 + c * y)))
    samples = np.array([0.7, -1.3, 0.0, 2.5])
    value, gradient = found(problem, {"w": -2.0, "k": 0.0, "c": 0.5, "x": samples}, way)
    assert value == pytest.approx(-0.5 * samples.mean(), abs=1e-13)
    assert gradient["w"] == pytest.approx(0.5 * samples.mean(), rel=1e-12)
    assert np.allclose(gradient["x"] * 4, -0.5, rtol=1e-12)


@EVERY_FORM
def test_depths_of_one_sign_reflect_in_a_field_that_varies(form: Any):
    """z' = A cos s with abs(x) <= A/2 over the depth pi + asin(2 x/A), which is never negative: z = -x."""
    reflecting = adaptive_depth(model(k * oda.cos(s)), sp.pi + oda.asin(2 * x / k))
    samples = np.array([0.9, -0.9, 0.0, 0.3])
    run = oda.solve_problem(form(Problem(reflecting, Objective())), {"w": 0.0, "k": 2.0, "c": 0.0, "x": samples}, oda.Settings(rtol=1e-12))
    assert np.allclose(run.final["y"], -samples, atol=1e-10)


@EVERY_FORM
def test_a_running_cost_is_its_signed_integral(form: Any):
    """z = x e^{-k s}: int z ds = x (1 - e^{-k g})/k, negative for g < 0 and x > 0."""
    problem = form(Problem(adaptive_depth(model(), w), Objective(running=y)))
    for length in (1.2, -0.7, 0.0):
        value, gradient = found(problem, {"w": length, "k": 0.8, "c": 0.0, "x": 1.5})
        assert value == pytest.approx(1.5 * (1 - np.exp(-0.8 * length)) / 0.8, rel=1e-11, abs=1e-14)
        assert gradient["w"] == pytest.approx(1.5 * np.exp(-0.8 * length), rel=1e-10)
        assert value * length >= 0


@EVERY_FORM
def test_a_network_may_choose_the_depth(form: Any):
    """z' = -k z over g(x) = v . tanh(W x): dell/domega = (l(S) + a(S) f(S)) dg/domega, written out."""
    W, v = oda.block("W", 3), oda.block("v", 3)
    chosen = adaptive_depth(model(parameters=[w, k, c, W, v]), oda.dot(v, oda.tanh(W * x)))
    weights = np.array([0.4, -1.1, 0.8]), np.array([0.9, 0.5, -1.6])
    value, gradient = found(form(Problem(chosen, Objective(y))), {"w": 0, "k": 0.6, "c": 0, "x": 1.4, "W": weights[0], "v": weights[1]})
    hidden = np.tanh(weights[0] * 1.4)
    last = 1.4 * np.exp(-0.6 * weights[1] @ hidden)
    assert value == pytest.approx(last, rel=1e-11)
    assert np.allclose(gradient["v"], -0.6 * last * hidden, rtol=1e-10)
    assert np.allclose(gradient["W"], -0.6 * last * weights[1] * (1 - hidden**2) * 1.4, rtol=1e-10)


# ---------------------------------------------------------------- both forms agree

MIXED: dict[str, Any] = {
    "switch": lambda: model(where(s < c, k * y, -y) + s, initial={y: x + s}),
    "listed by hand": lambda: model(where(s**3 < c**3, k * y, -y), breakpoints=[c]),
    "kink": lambda: model(oda.abs(s - c) * y + k, domain=(0.1, 1)),
    "galerkin": lambda: galerkin(model(k * y + c), {"k": oda.Monomial(2), "c": oda.Hat([-0.5, 0.2, 0.6])}),
    "stacked": lambda: stacked(model(k * y + c * s), ["k"], [-2, 0.3, 2]),
    "flow": lambda: oda.flow(galerkin(model(k * oda.sin(y) + c), {"k": oda.Monomial(3)}), "y", "ld"),
    "moving start": lambda: model(oda.sin(y) + s, domain=(c, 1), initial={y: x * s + 1}),
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("way", ["discrete", "adjoint", "forward"])
def test_both_forms_agree_in_value_and_all_gradients(name: str, way: str):
    """Over samples whose domains run forward, backward, and have no length."""
    own = adaptive_depth(MIXED[name](), w * x + x**2 / 4)
    problem = Problem(own, Objective(y**2 * s, y**2 + s * w, (Observation((own.domain[0],), (y - seen) ** 2 * s, (seen,)),)))
    rng = np.random.default_rng(2)
    values = {leaf.name: 0.4 + 0.2 * rng.normal(size=getattr(leaf, "shape", ())) for leaf in own.parameters}
    values |= {"x": np.array([0.7, -0.9, 0.0, 1.2, -0.2]), "seen": [0.3], "w": 1.1}
    (value, gradient), (wanted, expected) = found(unit_domain(problem), values, way), found(problem, values, way)
    assert value == pytest.approx(wanted, rel=1e-10)
    assert all(np.allclose(gradient[key], expected[key], rtol=1e-8, atol=1e-10) for key in values)


# ---------------------------------------------------------------- refusals

REFUSED: dict[str, Any] = {
    r"the depth of 'model' uses 'y', which is no parameter or input of 'model'": lambda: adaptive_depth(model(), w * y),
    r"the depth of 'model' uses 's', which is no parameter": lambda: adaptive_depth(model(), s),
    r"the depth of 'model' uses 'k', which varies with depth.*one value for each sample": lambda: adaptive_depth(
        galerkin(model(), {"k": oda.Monomial(2)}), k
    ),
    r"the depth of 'model' has shape \(2,\), but needs \(\)": lambda: adaptive_depth(model(parameters=[k, z]), z),
    r"'w' is no expression": lambda: adaptive_depth(model(), "w"),
    r"the depth of 'model' is not finite|inf is no finite number": lambda: adaptive_depth(model(), float("inf")),
    r"galerkin of 'x', which stands in the domain": lambda: galerkin(adaptive_depth(model(), w * x), {"x": oda.Monomial(2)}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_depth_of_a_sample_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
