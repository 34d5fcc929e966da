"""Names that vary with depth: equal to models written by hand, equal to each other where the theory says so, and what they refuse."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.parts import parts
from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import Chebyshev, Fourier, Hat, Monomial, Spline
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.explicit import explicit, explicit_formula
from odeanalysis.symbolic.functions import tanh, where

s = ex.depth
a, k, y, ld = ex.block("a"), ex.block("k"), ex.block("y"), ex.block("ld")
z, x, b = ex.block("z", 2), ex.block("x", 2), ex.block("b", 2)
W, V, T = ex.block("W", 3, 2), ex.block("V", 2, 3), ex.block("T", 2, 2, 2)
DRAWN = np.random.default_rng(3)


def stated(**parts: Any) -> Any:
    """A model; lists and mappings are taken as they are."""
    return Model(**parts)


def scalar_model(**changes: Any) -> Any:
    """y' = 1 - k y on [0, 2]."""
    return Model(**{"field": {y: 1 - k * y}, "initial": {y: a}, "domain": (0, 2), "parameters": [k, a], **changes})


def network(**changes: Any) -> Any:
    """z' = V tanh(W z + s) - b on [0, 1]."""
    default = {"field": {z: V @ tanh(W @ z + s) - b}, "initial": {z: x}, "domain": (0, 1), "parameters": [V, W, b], "inputs": [x]}
    return Model(**{**default, **changes})


def drawn(problem: Problem) -> dict[str, Any]:
    return {leaf.name: DRAWN.normal(0, 0.6, [int(str(n)) for n in ex.shape_of(leaf)]) for leaf in problem.model.names}


def solved(problem: Problem, values: dict[str, Any]) -> Any:
    return oda.value_and_gradient(problem, values, method="tsit5", rtol=1e-11, atol=1e-13)


# ---------------------------------------------------------------- galerkin


def test_coefficients_keep_the_name_and_gain_an_axis():
    model = galerkin(network(), {"W": Fourier(5, period=1), b: Monomial(2), "x": Hat([0, 1])})
    assert model.parameters == (V, ex.block("W", 5, 3, 2), ex.block("b", 2, 2))
    assert model.inputs == (ex.block("x", 2, 2),)
    assert model.varying == (W, b, x)
    assert model.field == network().field


@pytest.mark.parametrize("leaf", [k, b, W, T], ids=str)
def test_a_name_is_the_sum_of_coefficients_times_functions(leaf: Any):
    basis = Chebyshev(4)
    model = galerkin(stated(field={y: y}, initial={y: 0}, domain=(0, 2), parameters=[leaf]), {leaf: basis})
    ((_, value),) = model.functions
    coefficient, functions = explicit(model.parameters[0]).items, basis.functions(s, (0, 2))
    size = len(explicit(leaf).items)
    wanted = [sum(psi * coefficient[j * size + i] for j, psi in enumerate(functions)) for i in range(size)]
    assert all(sp.expand(one - two) == 0 for one, two in zip(explicit(value).items, wanted, strict=True))


def test_vectors_are_a_product_with_a_matrix():
    ((_, value),) = galerkin(network(), {"b": Monomial(3)}).functions
    assert value == ex.concat(1, s, s**2) @ ex.block("b", 3, 2)


def test_galerkin_equals_the_model_written_by_hand():
    """The contract's example: k(s) in three Fourier functions of period 2, with observations."""
    seen = ex.block("seen")
    objective = Objective(terminal=y**2, observations=(oda.Observation([0.5, 1.5], (y - seen) ** 2, [seen]),))
    problem = Problem(galerkin(scalar_model(), {"k": Fourier(3, period=2)}), objective)
    weights = ex.block("k", 3)
    rate = weights[0] + weights[1] * sp.cos(sp.pi * s) + weights[2] * sp.sin(sp.pi * s)
    written = Problem(scalar_model(field={y: 1 - rate * y}, parameters=[weights, a]), objective)
    values = {"k": [1.0, 0.3, -0.4], "a": 0.5, "seen": [0.3, 0.8]}
    (value, gradient), (wanted, expected) = solved(problem, values), solved(written, values)
    assert value == pytest.approx(wanted, rel=1e-10)
    assert all(np.allclose(gradient[name], expected[name], rtol=1e-9) for name in values)


def test_a_cost_and_an_initial_value_mean_the_name_at_their_depth():
    model = galerkin(scalar_model(initial={y: k}, domain=(0.5, 2)), {"k": Monomial(2)})
    problem = parts(Problem(model, Objective(terminal=k * y, running=k)))
    weights = ex.block("k", 2)
    at = ex.dot(ex.concat(1, s), weights)
    assert explicit(problem.initial.output["y"]) == explicit(at)
    assert explicit(problem.terminal.output["terminal"] / y) == explicit(at)
    assert explicit_formula(problem.field)["_cost"] == explicit(at)


def test_a_period_may_be_learned():
    """dell/dperiod has the part sum_j alpha_j dpsi_j/dperiod, here against differences."""
    p = ex.block("p")
    problem = Problem(galerkin(scalar_model(parameters=[k, a, p]), {"k": Fourier(3, period=p)}), Objective(terminal=y))
    values = {"k": [0.5, 0.3, -0.4], "a": 0.5, "p": 1.7}
    _, gradient = solved(problem, values)
    above, below = (solved(problem, {**values, "p": 1.7 + step})[0] for step in (1e-4, -1e-4))
    assert gradient["p"] == pytest.approx((above - below) / 2e-4, rel=1e-6)


def test_gradients_in_a_network_are_those_of_differences():
    """Weights in one basis, an input signal in another; every basis is tried in `test_galerkin`."""
    bases: Any = {"W": Spline([0, 0.4, 1], 2), "x": Hat([0.2, 0.5, 0.9])}
    problem = Problem(galerkin(network(), bases), Objective(terminal=ex.sumsq(z), running=ex.sumsq(W) + ex.dot(x, z)))
    values = drawn(problem)
    _, gradient = solved(problem, values)
    direction = drawn(problem)
    step = 1e-4
    above, below = (solved(problem, {n: v + e * direction[n] for n, v in values.items()})[0] for e in (step, -step))
    assert sum(np.sum(gradient[n] * direction[n]) for n in values) == pytest.approx((above - below) / (2 * step), rel=1e-6)


# ---------------------------------------------------------------- stacked


def test_stacked_is_a_chain_of_conditions():
    model = stacked(scalar_model(), ["k"], [0, 0.5, 1.5, 2])
    weights = ex.block("k", 3)
    chain = where(s < sp.Rational(1, 2), weights[0], where(s < sp.Rational(3, 2), weights[1], weights[2]))
    assert model.functions == ((k, chain),)
    assert model.nodes == ((0, sp.Rational(1, 2), sp.Rational(3, 2), 2),)
    (leaf, _), *_ = stacked(network(), ["W"], [0, 1]).functions
    assert leaf == W


@pytest.mark.parametrize("domain", [(0, 1), (1, 0)])
def test_stacked_equals_galerkin_with_indicators(domain: Any):
    """Splines of degree 0 are the indicator functions of the pieces."""
    nodes = [0, 0.3, 0.8, 1]
    objective = Objective(terminal=ex.sumsq(z), running=ex.sumsq(W))
    one = Problem(stacked(network(domain=domain), ["W", "b"], nodes), objective)
    two = Problem(galerkin(network(domain=domain), dict.fromkeys(["W", "b"], Spline(nodes, degree=0))), objective)
    values = drawn(one)
    (value, gradient), (wanted, expected) = solved(one, values), solved(two, values)
    assert value == pytest.approx(wanted, rel=1e-12)
    assert all(np.allclose(gradient[name], expected[name], rtol=1e-9, atol=1e-12) for name in values)


def test_stacked_equals_the_composition_of_its_pieces():
    nodes, final, weights = [0, 0.7, 2], 0.5, [1.3, -0.4]
    whole = Problem(stacked(scalar_model(), ["k"], nodes), Objective(terminal=y))
    for ends, weight in zip(pairwise(nodes), weights, strict=True):
        final = solved(Problem(scalar_model(domain=ends), Objective(terminal=y)), {"k": weight, "a": final})[0]
    assert solved(whole, {"k": weights, "a": 0.5})[0] == pytest.approx(final, rel=1e-9)


def test_nodes_may_be_learned():
    """dell/ds_i = a(s_i)^T (f_{i-1} - f_i), here against differences."""
    node = ex.block("node")
    problem = Problem(stacked(scalar_model(parameters=[k, a, node]), ["k"], [0, node, 2]), Objective(terminal=y**2))
    values = {"k": [1.3, -0.4], "a": 0.5, "node": 0.9}
    _, gradient = solved(problem, values)
    above, below = (solved(problem, {**values, "node": 0.9 + step})[0] for step in (1e-4, -1e-4))
    assert gradient["node"] == pytest.approx((above - below) / 2e-4, rel=1e-6)


# ---------------------------------------------------------------- refusals

NO_BASIS: Any = "fourier"
REFUSED: dict[str, Any] = {
    r"galerkin of 'k', which varies with depth already.*once": lambda: galerkin(stacked(scalar_model(), ["k"], [0, 2]), {"k": Monomial(2)}),
    r"stacked of 'k', which varies with depth already": lambda: stacked(galerkin(scalar_model(), {k: Monomial(2)}), [k], [0, 2]),
    r"'y' is no parameter or input of 'model'": lambda: galerkin(scalar_model(), {"y": Monomial(2)}),
    r"galerkin gives 'k' the basis 'fourier'": lambda: galerkin(scalar_model(), {"k": NO_BASIS}),
    r"galerkin of 'a', which stands in the domain of 'model'": lambda: galerkin(scalar_model(domain=(0, a)), {"a": Monomial(2)}),
    r"stacked of 'a', which stands in the breakpoints": lambda: stacked(scalar_model(breakpoints=[a]), ["a"], [0, 2]),
    r"galerkin of 'a', which stands in the nodes": lambda: galerkin(stacked(scalar_model(), ["k"], [0, a, 2]), {"a": Monomial(2)}),
    r"galerkin of 'a', which stands in the depth-varying 'k'": lambda: galerkin(
        galerkin(scalar_model(), {"k": Fourier(3, period=a)}), {"a": Monomial(2)}
    ),
    r"nodes\[1\] is 0, not above nodes\[0\], which is 0": lambda: stacked(scalar_model(), ["k"], [0, 0, 2]),
    r"nodes from 1 to 2 do not contain the end 0": lambda: stacked(scalar_model(), ["k"], [1, 2]),
    r"nodes from 0 to 1 do not contain the end 2": lambda: stacked(scalar_model(domain=(2, a)), ["k"], [0, 1]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_transformed_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
