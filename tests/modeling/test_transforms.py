"""Transforms: equal to models written by hand, equal to each other where the theory says so, and what they refuse."""

import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.parts import parts
from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import Chebyshev, Fourier, Hat, Legendre, Monomial, Radial, Spline
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import TRANSFORMS, flow, galerkin, regularize, stacked
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.explicit import explicit, explicit_formula
from odeanalysis.symbolic.functions import tanh, where
from tests.modeling.test_augmented_files import TABLES as AUGMENTED

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
    bases = {"W": Spline([0, 0.4, 1], 2), "x": Hat([0.2, 0.5, 0.9])}
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


# ---------------------------------------------------------------- flow


def test_flow_of_a_linear_field_grows_by_the_trace():
    matrix = ex.block("A", 2, 2)
    model: Any = flow(stated(field={z: matrix @ z}, initial={z: x}, domain=(0, 1.2), parameters=[matrix], inputs=[x]), "z", "ld")
    assert model.field[1:] == ((ld, ex.trace(matrix)),)
    assert model.initial[1:] == ((ld, 0),)


@pytest.mark.parametrize("names", [{}, {"W": Legendre(3)}], ids=["constant", "depth-varying"])
def test_flow_is_the_logarithm_of_the_determinant(names: Any):
    model: Any = flow(galerkin(network(), names), "z", "ld")
    problem = Problem(model, Objective(terminal=ld))
    values = drawn(problem)
    rows = []
    for i in range(2):
        one = Problem(model, Objective(terminal=z[i]))
        rows.append(solved(one, values)[1]["x"])
    assert solved(problem, values)[0] == pytest.approx(np.log(np.linalg.det(rows)), rel=1e-9)


def test_flow_of_states_that_move_together():
    model = stated(field={y: y * k, k: y - 2 * k}, initial={y: a, k: a}, domain=(0, 1), parameters=[a])
    grown: Any = flow(model, ["y", k], "ld").field
    assert sp.expand(grown[-1][1] - (k - 2)) == 0


def test_flow_conditioned_on_a_state_of_its_own():
    model = stated(field={y: y * k, k: -k}, initial={y: a, k: 1}, domain=(0, 1), parameters=[a])
    assert dict(flow(model, "y", "ld").field)[ld] == k


# ---------------------------------------------------------------- regularize


def test_regularize_adds_the_norms_of_field_and_jacobian():
    problem = Problem(network(), Objective(running=ex.sumsq(z), terminal=ex.sumsq(z)))
    found = regularize(problem, kinetic=0.01, jacobian=0.25)
    hidden = tanh(W @ z + s)
    slopes = V @ (ex.diag(1 - hidden**2) @ W)
    wanted = ex.sumsq(z) + ex.sumsq(V @ hidden - b) / 100 + ex.sumsq(slopes) / 4
    assert found.objective.running == wanted
    assert found.objective.terminal == problem.objective.terminal


FIELDS: dict[str, Any] = {
    "scalars": {y: sp.sin(y * k) * a, k: y**2 + k},
    "scalar and vector": {y: y * z[0], z: z * y + ex.concat(z[1], sp.sin(z[0]) * y)},
    "rotation": {z: ex.concat(-z[1], a * z[0])},
    "matrix": {ex.block("Z", 2, 2): tanh(ex.block("Z", 2, 2) @ T[0]) * a},
    "identity and outer product": {z: a * z, b: ex.outer(b, x) @ b},
}


@pytest.mark.parametrize("name", FIELDS)
def test_frobenius_norm_is_the_sum_over_all_entries(name: str):
    field = FIELDS[name]
    model = stated(field=field, initial={state: ex.zeros(*ex.shape_of(state)) for state in field}, domain=(0, 1), parameters=[a, T, x])
    found = regularize(Problem(model, Objective()), jacobian=1).objective.running
    names = [entry for state in field for entry in explicit(state).items]
    entries = [item for value in field.values() for item in explicit(value).items]
    assert sp.simplify(explicit(found).scalar - sum(sp.diff(e, n) ** 2 for e in entries for n in names)) == 0


def test_regularize_leaves_out_what_flow_adds_unless_asked():
    model: Any = flow(scalar_model(), "y", "ld")
    problem = Problem(model, Objective())
    assert regularize(problem, kinetic=1).objective.running == (1 - k * y) ** 2
    assert regularize(problem, kinetic=1, states=["y", "ld"]).objective.running == (1 - k * y) ** 2 + k**2


def test_regularize_warns_on_a_domain_that_runs_backward():
    with pytest.warns(UserWarning, match=r"'model'.*runs backward, from 2 to 0.*reward speed"):
        regularize(Problem(scalar_model(domain=(2, 0)), Objective()), kinetic=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regularize(Problem(scalar_model(), Objective()), kinetic=1)


# ---------------------------------------------------------------- model files

HEAD = """
domain = [0, 1]
[state]
y = []
[parameters]
k = []
p = []
[field]
y = "-k*y"
[initial]
y = "p"
[objective]
terminal = "y"
running = "k"
[[transforms]]
"""
TABLES: dict[str, Any] = {
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "fourier"\nterms = 3\nperiod = 0.7': lambda m: galerkin(m, {"k": Fourier(3, 0.7)}),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "fourier"\nterms = 3\nperiod = "2*p"': lambda m: galerkin(
        m, {"k": Fourier(3, 2 * ex.block("p"))}
    ),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "chebyshev"\nterms = 3': lambda m: galerkin(m, {"k": Chebyshev(3)}),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "legendre"\nterms = 3\ninterval = [0, 2]': lambda m: galerkin(
        m, {"k": Legendre(3, (0, 2))}
    ),
    'kind = "galerkin"\nparameters = ["k", "p"]\nbasis = "monomial"\nterms = 2': lambda m: galerkin(
        m, {"k": Monomial(2), "p": Monomial(2)}
    ),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"\nknots = [0, 0.5, 1]': lambda m: galerkin(m, {"k": Hat([0, 0.5, 1])}),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "spline"\nknots = [0, 0.5, 1]\ndegree = 2': lambda m: galerkin(
        m, {"k": Spline([0, 0.5, 1], 2)}
    ),
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "radial"\ncenters = [0, 1]\nwidth = 0.5': lambda m: galerkin(
        m, {"k": Radial([0, 1], 0.5)}
    ),
    'kind = "stacked"\nparameters = ["k"]\nnodes = [0, "p/2", 1]': lambda m: stacked(m, ["k"], [0, ex.block("p") / 2, 1]),
    'kind = "flow"\nstate = "y"\nlog_det = "ld"': lambda m: flow(m, "y", "ld"),
    'kind = "regularize"\nkinetic = 0.01\njacobian = "p**2"\nstates = ["y"]': lambda m: regularize(
        m, 0.01, ex.block("p") ** 2, states=["y"]
    ),
}


def by_hand() -> Model:
    p = ex.block("p")
    return stated(field={y: -k * y}, initial={y: p}, domain=(0, 1), parameters=[k, p])


@pytest.mark.parametrize("table", TABLES)
def test_a_table_equals_the_transform_in_python(table: str):
    found, objective = oda.loads(HEAD + table), Objective(terminal=y, running=k)
    if "regularize" in table:
        assert found == TABLES[table](Problem(by_hand(), objective))
    else:
        assert found == Problem(TABLES[table](by_hand()), objective)


def test_every_transform_is_read_from_tables():
    tables = (*TABLES, *AUGMENTED)
    assert {kind for kind in TRANSFORMS if any(f'kind = "{kind}"' in table for table in tables)} == set(TRANSFORMS)


WRONG_TABLES = {
    'kind = "galerkin"\nbasis = "monomial"\nterms = 2': r"transforms\[0\] has no parameters; add parameters",
    'kind = "galerkin"\nparameters = ["k"]': r"transforms\[0\] has no basis; add basis",
    'kind = "galerkin"\nparameters = "k"\nbasis = "hat"': r"transforms\[0\]\.parameters is a string",
    'kind = "galerkin"\nparameters = [3]\nbasis = "hat"': r"transforms\[0\]\.parameters\[0\] is a whole number",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hats"': r"transforms\[0\]\.basis is 'hats', which is no basis; did you mean 'hat'",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"\nperiod = 1': r"\(basis 'hat'\) has the key 'period'.*knots",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"': r"\(basis 'hat'\) has no knots; add knots",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "hat"\nknots = 3': r"transforms\[0\]: knots is 3; give a list",
    'kind = "galerkin"\nparameters = ["k"]\nbasis = "monomial"\nterms = 2.5': r"terms is 5/2; give a whole number",
    'kind = "galerkin"\nparameters = ["q"]\nbasis = "monomial"\nterms = 2': r"'q' is no parameter or input",
    'kind = "galerkin"\nparameters = ["k", "k"]\nbasis = "monomial"\nterms = 2': r"'k' twice; name each once",
    'kind = "stacked"\nparameters = ["k"]\nnodes = [0, 0.5]': r"nodes from 0 to 1/2 do not contain the end 1 of the domain",
    'kind = "stacked"\nparameters = ["k"]\nnodes = 2': r"transforms\[0\]\.nodes is a whole number",
    'kind = "flow"\nstate = "y"': r"transforms\[0\] has no log_det; add log_det",
    'kind = "flow"\nstate = "y"\nlog_det = "sin"': r"log_det|'sin'",
    'kind = "regularize"': r"no weight above 0; give kinetic, jacobian or both",
    'kind = "regularize"\nkinetic = 1\nstates = ["w"]': r"'w' is no state of 'model'",
    'kind = "regularize"\nkinetic = "z"': r"transforms\[0\]\.kinetic",
}


@pytest.mark.parametrize("table", WRONG_TABLES)
def test_wrong_tables_are_refused_by_key(table: str):
    with pytest.raises(ModelError, match=WRONG_TABLES[table]):
        oda.loads(HEAD + table)


# ---------------------------------------------------------------- refusals in Python

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
    r"'w' is no state of 'model'": lambda: flow(scalar_model(), "w", "ld"),
    r"log_det is 'k', a name that 'model' has already": lambda: flow(scalar_model(), "y", "k"),
    r"flow of 'y'.*uses 'k', which moves with it.*join both": lambda: flow(
        stated(field={y: y * k, k: y}, initial={y: 1, k: 1}, domain=(0, 1)), "y", "ld"
    ),
    r"no weight above 0": lambda: regularize(Problem(scalar_model(), Objective())),
    r"'w' is no state": lambda: regularize(Problem(scalar_model(), Objective()), 1, states=["w"]),
    r"kinetic is 'x'": lambda: regularize(Problem(scalar_model(), Objective()), "x"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_transformed_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()
