"""Costs on the field: norms, their estimates, terms of the user's own, and integrals along abs(ds)."""

import warnings
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms.flow import flow
from odeanalysis.modeling.transforms.regularize import regularize
from odeanalysis.modeling.transforms.total_jacobian import total_jacobian
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.explicit import explicit
from odeanalysis.symbolic.functions import tanh
from tests.modeling.test_flow import over_all_signs

s, a, k, y, v = oda.depth, oda.block("a"), oda.block("k"), oda.block("y"), oda.block("v")
z, x, b = oda.block("z", 2), oda.block("x", 2), oda.block("b", 2)
W, V, T = oda.block("W", 3, 2), oda.block("V", 2, 3), oda.block("T", 2, 2, 2)
Z, dz, eps = oda.block("Z", 2, 2), oda.block("dz", 2), oda.block("eps", 2)


def scalar(objective: Any = None, **changes: Any) -> Any:
    """y' = 1 - k y on [0, 2]."""
    parts = {"field": {y: 1 - k * y}, "initial": {y: a}, "domain": (0, 2), "parameters": [k, a], **changes}
    return Problem(Model(**parts), objective or Objective())


def network(objective: Any = None) -> Problem:
    """z' = V tanh(W z + s) - b on [0, 1]."""
    return Problem(Model({z: V @ tanh(W @ z + s) - b}, {z: x}, (0, 1), [V, W, b], [x]), objective or Objective())


def of_field(field: Any) -> Problem:
    initial = {state: ex.zeros(*ex.shape_of(state)) for state in field}
    return Problem(Model(field, initial, (0, 1), [a, T, x]), Objective())


def cost(problem: Problem) -> Any:
    return problem.objective.running


# ---------------------------------------------------------------- norms


def test_regularize_adds_the_norms_of_field_and_jacobian():
    problem = network(Objective(running=ex.sumsq(z), terminal=ex.sumsq(z)))
    found = regularize(problem, kinetic=0.01, jacobian=0.25)
    hidden = tanh(W @ z + s)
    slopes = V @ (ex.diag(1 - hidden**2) @ W)
    assert cost(found) == ex.sumsq(z) + ex.sumsq(V @ hidden - b) / 100 + ex.sumsq(slopes) / 4
    assert found.objective.terminal == problem.objective.terminal


FIELDS: dict[str, Any] = {
    "scalars": {y: sp.sin(y * k) * a, k: y**2 + k},
    "scalar and vector": {y: y * z[0], z: z * y + ex.concat(z[1], sp.sin(z[0]) * y)},
    "rotation": {z: ex.concat(-z[1], a * z[0])},
    "matrix": {Z: tanh(Z @ T[0]) * a},
    "identity and outer product": {z: a * z, b: ex.outer(b, x) @ b},
}


@pytest.mark.parametrize("name", FIELDS)
def test_frobenius_norm_is_the_sum_over_all_entries(name: str):
    field = FIELDS[name]
    found = cost(regularize(of_field(field), jacobian=1))
    names = [entry for state in field for entry in explicit(state).items]
    entries = [item for value in field.values() for item in explicit(value).items]
    assert sp.simplify(explicit(found).scalar - sum(sp.diff(e, n) ** 2 for e in entries for n in names)) == 0


@pytest.mark.parametrize("name", FIELDS)
def test_the_mean_of_the_estimate_over_all_signs_is_the_norm(name: str):
    problem = of_field(FIELDS[name])
    noise = [f"e{i}" for i, _ in enumerate(FIELDS[name])]
    estimated = regularize(problem, jacobian=1, noise=noise)
    mean = over_all_signs(cost(estimated), list(estimated.model.inputs))
    assert sp.simplify(mean - explicit(cost(regularize(problem, jacobian=1))).scalar) == 0


def test_the_estimate_may_share_the_noise_of_a_flow():
    model = flow(network().model, "z", "ld", "eps")
    found = regularize(Problem(model, Objective()), jacobian=1, noise="eps")
    assert found.model == model
    assert cost(found) == ex.sumsq(W.T @ ((V.T @ eps) * (1 - tanh(W @ z + s) ** 2)))


@pytest.mark.parametrize("noise", [None, "eps"])
def test_regularize_leaves_out_what_was_derived_unless_asked(noise: Any):
    model = total_jacobian(flow(network().model, "z", "ld", noise), "z", "x", "J")
    found = cost(regularize(Problem(model, Objective()), kinetic=1))
    assert found == ex.sumsq(V @ tanh(W @ z + s) - b)
    assert cost(regularize(Problem(model, Objective()), 1, states=["z", "ld"])) == found + dict(model.field)[ex.block("ld")] ** 2


# ---------------------------------------------------------------- terms


def test_a_term_may_be_anything():
    found = regularize(scalar(Objective(running=y)), 0.5, term=0.1 * k**2 + s * y)
    assert cost(found) == y + (1 - k * y) ** 2 / 2 + k**2 / 10 + s * y


@pytest.mark.parametrize("field", [{v: y}, {"v": "y"}, [("v", y)]], ids=str)
def test_a_term_may_name_a_derivative(field: Any):
    assert cost(regularize(scalar(), term=(v - a) ** 2, field=field)) == (1 - k * y - a) ** 2


def test_a_term_may_name_a_function_of_depth():
    """|f - g(s)|^2 for a g in a basis: in a problem whose field does not use g."""
    model = oda.galerkin(scalar(parameters=[k, a, v]).model, {"v": oda.Monomial(2)})
    found = regularize(Problem(model, Objective()), term=(ex.block("dy") - v) ** 2, field={"dy": y})
    values = {"k": 0.7, "a": 0.4, "v": [0.3, -0.2]}
    value = oda.value_and_gradient(found, values, rtol=1e-11, atol=1e-13)[0]
    depths, weights = np.polynomial.legendre.leggauss(20)
    slopes = (1 - 0.7 * 0.4) * np.exp(-0.7 * (depths + 1))
    assert value == pytest.approx(weights @ (slopes - 0.3 + 0.2 * (depths + 1)) ** 2, rel=1e-10)


# ---------------------------------------------------------------- domains that run backward


def test_regularize_warns_on_a_domain_that_runs_backward():
    with pytest.warns(UserWarning, match=r"'model'.*runs backward, from 2 to 0.*reward speed"):
        regularize(scalar(domain=(2, 0)), kinetic=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regularize(scalar(), kinetic=1)
        regularize(scalar(domain=(2, 0)), kinetic=1, measure="absolute")


def stay(problem: Problem) -> Problem:
    return problem


WARNED = {"signed": "the domain of 'model' runs backward", "absolute": "the domain of 'model' has no length"}


@pytest.mark.parametrize("bring", [stay, oda.unit_domain])
def test_the_absolute_measure_penalises_in_both_directions(bring: Any):
    """z' = c over [0, w x]: int c^2 ds = c^2 w x, of which a solve warns; int c^2 abs(ds) = c^2 abs(w x) warns of its kink."""
    c, w = oda.block("c"), oda.block("w")
    model = oda.adaptive_depth(Model({y: c}, {y: a}, (0, 1), [c, w], [a]), w * a)
    lengths = np.array([0.9, -1.6, 0.0])
    values = {"c": 1.5, "w": 2.0, "a": lengths / 2}
    for measure, signs in {"signed": np.ones(3), "absolute": np.sign(lengths)}.items():
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            value, gradient = oda.value_and_gradient(bring(regularize(Problem(model, Objective()), 1, measure=measure)), values)
        assert [str(one.message).split(" for sample")[0].split(" in sample")[0] for one in told] == [WARNED[measure]] * (bring is stay)
        total = np.mean(signs * lengths)
        assert value == pytest.approx(1.5**2 * total, rel=1e-12)
        assert gradient["w"] == pytest.approx(1.5**2 * total / 2.0, rel=1e-11)
        assert gradient["c"] == pytest.approx(2 * 1.5 * total, rel=1e-11)


# ---------------------------------------------------------------- refusals

REFUSED: dict[str, Any] = {
    r"no weight above 0 and no term; give kinetic, jacobian or term": lambda: regularize(scalar()),
    r"'w' is no state": lambda: regularize(scalar(), 1, states=["w"]),
    r"kinetic is 'x'": lambda: regularize(scalar(), "x"),
    r"measure is 'both'; use one of absolute, signed": lambda: regularize(scalar(), 1, measure="both"),
    r"has noise, but no weight for the Jacobian.*give jacobian": lambda: regularize(scalar(), 1, noise="e"),
    r"noise has 1 names for the states 'y', 'z'": lambda: regularize(of_field({y: y, z: z}), jacobian=1, noise="e"),
    r"term has shape \(2,\), but needs \(\)": lambda: regularize(network(), term=z),
    r"term uses 'q', which is no state, parameter or input of 'model'.*under field": lambda: regularize(scalar(), term=ex.block("q")),
    r"field names 'v', which the term does not use": lambda: regularize(scalar(), 1, field={"v": "y"}),
    r"'w' is no state of 'model'": lambda: regularize(scalar(), term=v, field={"v": "w"}),
    r"field is 'k', a name that 'model' has already": lambda: regularize(scalar(), term=k, field={"k": "y"}),
    r"field is 'v' of shape \(\); give a name, or one of shape \(2,\)": lambda: regularize(network(), term=v, field={v: z}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_cost_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
