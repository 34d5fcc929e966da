"""The logarithm of a determinant as a state: the divergence by structure and by Hutchinson's estimate, labels, refusals."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms.flow import flow, is_log_det
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.explicit import explicit
from odeanalysis.symbolic.functions import tanh

s, ld, k = oda.depth, oda.block("ld"), oda.block("k")
y, z, M = oda.block("y"), oda.block("z", 2), oda.block("M", 2, 2)
a, x, eps = oda.block("a"), oda.block("x", 2), oda.block("eps", 2)
W, V = oda.block("W", 3, 2), oda.block("V", 2, 3)
A = oda.block("A", 2, 2)
NOISE: Any = {y: "e1", z: "e2", M: "e3"}


def stated(field: dict[Any, Any], **more: Any) -> Any:
    """A model whose states start at zeros, over all the names of this file."""
    initial = {state: ex.zeros(*ex.shape_of(state)) for state in field}
    return Model(**{"field": field, "initial": initial, "domain": (0, 1), "parameters": [a, A, W, V], "inputs": [x], **more})


def log_det(model: Any) -> Any:
    return dict(model.field)[ld]


def solved(problem: Problem, values: dict[str, Any]) -> Any:
    return oda.value_and_gradient(problem, values, rtol=1e-11, atol=1e-13)


# ---------------------------------------------------------------- the divergence by structure


def test_flow_of_a_linear_field_grows_by_the_trace():
    model: Any = flow(stated({z: A @ z}), "z", "ld")
    assert model.field[1:] == ((ld, oda.trace(A)),)
    assert model.initial[1:] == ((ld, 0),)


@pytest.mark.parametrize("names", [{}, {"W": oda.Legendre(3)}], ids=["constant", "depth-varying"])
def test_flow_is_the_logarithm_of_the_determinant(names: Any):
    model = flow(oda.galerkin(stated({z: V @ tanh(W @ z + s)}, initial={z: x}), names), "z", "ld")
    rng = np.random.default_rng(3)
    values = {leaf.name: rng.normal(0, 0.6, getattr(leaf, "shape", ())) for leaf in model.names}
    rows = [solved(Problem(model, Objective(terminal=z[i])), values)[1]["x"] for i in range(2)]
    assert solved(Problem(model, Objective(terminal=ld)), values)[0] == pytest.approx(np.log(np.linalg.det(rows)), rel=1e-9)


def test_flow_of_states_that_move_together():
    grown = flow(stated({y: y * k, k: y - 2 * k}), ["y", k], "ld")
    assert sp.expand(log_det(grown) - (k - 2)) == 0


def test_flow_conditioned_on_a_state_of_its_own():
    assert log_det(flow(stated({y: y * k, k: -k}), "y", "ld")) == k


# ---------------------------------------------------------------- Hutchinson's estimate

FIELDS: dict[str, dict[Any, Any]] = {
    "scalar": {y: sp.sin(y) * a},
    "network": {z: V @ tanh(W @ z + s) - x},
    "matrix": {M: tanh(M @ M) * a},
    "blocks that move together": {y: y * z[0], z: z * y**2 + V @ tanh(W @ z)},
}


def over_all_signs(expression: Any, noise: list[Any]) -> Any:
    """The mean over all vectors of signs, exactly."""
    names = [entry for one in noise for entry in explicit(one).items]
    signs = list(product((-1, 1), repeat=len(names)))
    value = explicit(expression).scalar
    return sp.Add(*(value.xreplace(dict(zip(names, map(sp.Integer, one), strict=True))) for one in signs)) / len(signs)


@pytest.mark.parametrize("name", FIELDS)
def test_the_mean_of_the_estimate_over_all_signs_is_the_divergence(name: str):
    model = stated(FIELDS[name])
    estimated = flow(model, list(FIELDS[name]), "ld", [NOISE[state] for state in FIELDS[name]])
    mean = over_all_signs(log_det(estimated), list(estimated.inputs[1:]))
    exact = explicit(log_det(flow(model, list(FIELDS[name]), "ld"))).scalar
    assert exact != 0 and sp.simplify(mean - exact) == 0


def test_the_estimate_is_one_vector_jacobian_product():
    model = flow(stated({z: V @ tanh(W @ z)}), "z", "ld", "eps")
    slopes = 1 - tanh(W @ z) ** 2
    assert model.inputs == (x, eps)
    assert log_det(model) == oda.dot(eps, W.T @ ((V.T @ eps) * slopes))


def test_the_mean_of_the_solutions_over_all_signs_is_the_logarithm_of_the_determinant():
    """Each draw is held along its path, so that the mean of the integrals is the integral of the mean."""
    field = {z: V @ tanh(W @ z + s)}
    rng = np.random.default_rng(4)
    values = {"a": 0.0, "A": np.zeros((2, 2)), "W": rng.normal(size=(3, 2)), "V": rng.normal(size=(2, 3)), "x": [0.3, -0.8]}
    signs = [list(map(float, one)) for one in product((-1, 1), repeat=2)]
    estimated = Problem(flow(stated(field, initial={z: x}), "z", "ld", "eps"), Objective(ld))
    exact = Problem(flow(stated(field, initial={z: x}), z, ld), Objective(ld))
    found, wanted = solved(estimated, {**values, "eps": signs}), solved(exact, values)
    assert found[0] == pytest.approx(wanted[0], rel=1e-10)
    assert all(np.allclose(found[1][name], wanted[1][name], rtol=1e-8, atol=1e-10) for name in values)


def test_noise_may_be_an_input_that_is_there():
    model = stated({z: V @ tanh(W @ z)}, inputs=[x, eps])
    assert flow(model, "z", "ld", "eps") == flow(model, "z", "ld", eps)
    assert flow(model, "z", "ld", "eps").inputs == (x, eps)


@pytest.mark.parametrize("noise", [None, "eps"])
def test_what_flow_adds_is_known_again(noise: Any):
    model = flow(stated({z: V @ tanh(W @ z)}), "z", "ld", noise)
    assert is_log_det(model, ld) and not is_log_det(model, z)
    other = model.with_(field={**dict(model.field), ld: log_det(model) + 1})
    assert not is_log_det(other, ld)


# ---------------------------------------------------------------- flows conditional on a label


def test_a_field_may_be_conditioned_on_a_label():
    """z' = A(label) z: the determinant is that of each label's own flow, and both densities have mass 1."""
    label = oda.block("label")
    model = flow(Model({y: (1 + label) * y + label}, {y: k}, (0, 1), (), (k, label)), y, "ld")
    assert log_det(model) == 1 + label
    labels = np.array([0.0, 0.5, -2.0])
    run = oda.solve_problem(Problem(model, Objective()), {"k": 0.3, "label": labels}, oda.Settings(rtol=1e-11, atol=1e-13))
    assert np.allclose(run.final["ld"], 1 + labels, rtol=1e-10)
    moved = oda.solve_problem(Problem(model, Objective()), {"k": 1.3, "label": labels}, oda.Settings(rtol=1e-11, atol=1e-13))
    assert np.allclose(moved.final["y"] - run.final["y"], np.exp(run.final["ld"]), rtol=1e-9)


def test_the_flow_of_a_galerkin_model_on_depths_of_its_own_is_the_integral_of_the_trace():
    """z' = A(s) z with A(s) = A_0 + A_1 s: log det = tr A_0 S + tr A_1 S^2/2, also where S < 0."""
    w = oda.block("w")
    model = Model({z: A @ z}, {z: x}, (0, 1), (A, w), (x,))
    model = flow(oda.adaptive_depth(oda.galerkin(model, {"A": oda.Monomial(2)}), w * x[0]), "z", "ld")
    coefficients = np.random.default_rng(5).normal(size=(2, 2, 2))
    values = {"A": coefficients, "w": 0.8, "x": [[1.1, 0.2], [-0.9, 1.0], [0.0, 1.0]]}
    first, second = np.trace(coefficients, axis1=1, axis2=2)
    ends = 0.8 * np.array(values["x"])[:, 0]
    for problem in (Problem(model, Objective(ld)), oda.unit_domain(Problem(model, Objective(ld)))):
        run = oda.solve_problem(problem, values, oda.Settings(rtol=1e-11, atol=1e-13))
        assert np.allclose(run.final["ld"], first * ends + second * ends**2 / 2, rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------- refusals

NO_NAME: Any = 3
REFUSED: dict[str, Any] = {
    r"'w' is no state of 'model'": lambda: flow(stated({y: y}), "w", "ld"),
    r"log_det is 'a', a name that 'model' has already": lambda: flow(stated({y: y}), "y", "a"),
    r"flow of 'y'.*uses 'k', which moves with it.*join both": lambda: flow(stated({y: y * k, k: y}), "y", "ld"),
    r"flow of 'model' names no state": lambda: flow(stated({y: y}), [], "ld"),
    r"noise has 1 names for the states 'y', 'z'; give one for each": lambda: flow(stated({y: y, z: z}), ["y", "z"], "ld", "e"),
    r"noise names 'e' twice": lambda: flow(stated({y: y, k: k}), ["y", "k"], "ld", ["e", "e"]),
    r"noise 'x' of shape \(2,\) does not fit the state 'y' of shape \(\)": lambda: flow(stated({y: y}), "y", "ld", "x"),
    r"noise is 'eps' of shape \(2,\); give a name, or one of shape \(\)": lambda: flow(stated({y: y}), "y", "ld", eps),
    r"noise is 'a', a name that 'model' has already": lambda: flow(stated({y: y}), "y", "ld", "a"),
    r"the field of 'z' in 'model' uses 'x', the noise.*biased": lambda: flow(stated({z: z * x}), "z", "ld", "x"),
    r"noise is 3; give a list": lambda: flow(stated({y: y}), "y", "ld", NO_NAME),
    r"log_det is 'eps' of shape \(2,\)": lambda: flow(stated({y: y}), "y", eps),
    r"log_det is 'e', a name that 'model' has already": lambda: flow(stated({y: y}), "y", "e", "e"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_has_no_determinant_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
