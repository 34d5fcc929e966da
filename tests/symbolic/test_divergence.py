"""Derived divergences against the sum of SymPy's own derivatives; their structure; Hutchinson's estimate."""

from itertools import product
from typing import Any

import pytest
import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.divergence import divergence, hutchinson
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.explicit import explicit, explicit_formula
from odeanalysis.symbolic.formula import Formula, formula
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import walk
from tests.symbolic.moving import TOLERANCE, VECTORS, M, Z, a, assert_close, c, expected, stated, u, value, x, z

FIELDS = {name: expression for name, expression in VECTORS.items() if shape_of(expression) == (3,)}
n, h = sp.symbols("n h", integer=True, positive=True)


def found(of: Formula, sizes: Any = None) -> Any:
    return explicit_formula(of, sizes)["divergence"].scalar


def expressions(of: Formula) -> list[Any]:
    return [expression for _, expression in (*of.lets, *of.outputs)]


@pytest.mark.parametrize("case", FIELDS)
def test_divergence_is_the_sum_of_the_diagonal(case: str):
    wanted = sum(expected(FIELDS[case], z)[::4])
    assert abs(value(found(divergence(stated(y=FIELDS[case]), {z: "y"}))) - wanted) < TOLERANCE


@pytest.mark.parametrize("case", ["network", "gated", "concatenated scalars", "outer product"])
def test_divergence_can_be_differentiated_again(case: str):
    of = divergence(stated(y=FIELDS[case]), {z: "y"})
    rows = [explicit(FIELDS[case]).items[i].diff(explicit(z).items[i]) for i in range(3)]
    for leaf in (z, M, u):
        wanted = [value(sum(sp.diff(row, entry) for row in rows)) for entry in explicit(leaf).items]
        assert_close(explicit_formula(vjp(of, {"divergence": sp.Integer(1)}, [leaf]))[leaf.name].items, wanted)


def test_divergence_of_several_states_of_any_rank():
    outputs = {"p": a**3 * z[0], "q": fn.sin(z) * a, "r": fn.tanh(Z @ M) * Z}
    pairs = {a: "p", z: "q", Z: "r"}
    traces = [
        sp.diff(entry, name)
        for leaf, output in pairs.items()
        for entry, name in zip(explicit(outputs[output]).items, explicit(leaf).items, strict=True)
    ]
    assert abs(value(found(divergence(stated(**outputs), pairs))) - value(sum(traces))) < TOLERANCE


# ---------------------------------------------------------------- structure


def network(states: Any, hidden: Any) -> Formula:
    """V tanh(W z + b) - z."""
    state, bias = ex.block("z", states), ex.block("b", hidden)
    left, right = ex.block("V", states, hidden), ex.block("W", hidden, states)
    return formula("field", [state, left, right, bias], {"z": left @ fn.tanh(right @ state + bias) - state})


def inputs(of: Formula) -> Any:
    return of.inputs


def test_network_costs_what_one_pass_costs():
    """tr(V diag(d) W - I) = d . diag(W V) - n: no product of two matrices is formed."""
    field = network(n, h)
    state, left, right, bias = inputs(field)
    of = divergence(field, {state: "z"})
    slopes = 1 - fn.tanh(right @ state + bias) ** 2
    assert of.output["divergence"] == ex.dot(slopes, ex.sum_to(right.T * left, (h,))) - n
    products = [node for node in walk(expressions(of)) if isinstance(node, nodes.MatMul)]
    assert products and all(len(node.shape) == 1 for node in products)
    assert not any(isinstance(node, (nodes.Eye, nodes.Diag)) for node in walk(expressions(of)))


def test_two_hidden_layers_form_one_product_of_hidden_width():
    state, middle = ex.block("z", n), ex.block("U", h, h)
    left, right = ex.block("V", n, h), ex.block("W", h, n)
    field = formula("field", [state, left, middle, right], {"z": left @ fn.sin(middle @ fn.sin(right @ state))})
    of = divergence(field, {state: "z"})
    matrices = [node for node in walk(expressions(of)) if isinstance(node, nodes.MatMul) and len(node.shape) == 2]
    assert {node.shape for node in matrices} == {(h, n)}


def test_a_layer_that_is_a_sum_and_has_a_name_forms_no_matrix():
    """The Jacobian of a sum of activations is a sum, whose trace is taken term by term also behind a name."""
    field = network(n, h)
    state, left, right, bias = inputs(field)
    layer = fn.tanh(right @ state + bias) + fn.sigmoid(right @ state)
    shared = formula("f", field.inputs, {"z": left @ (fn.sin(layer) * fn.cos(layer))})
    assert any(isinstance(expression, nodes.Plus) for _, expression in shared.lets)
    of = divergence(shared, {state: "z"})
    assert all(len(node.shape) == 1 for node in walk(expressions(of)) if isinstance(node, nodes.MatMul))


def test_values_placed_at_a_symbolic_index_have_a_trace():
    """The last scalar of a concatenation stands behind a vector of symbolic length."""
    p, q = ex.block("p", n), ex.block("q", n + 1)
    field = formula("f", [p, q], {"q": ex.concat(fn.sin(q[:n]) * p, q @ q)})
    numbers = {n: 2}
    traced = found(divergence(field, {q: "q"}), numbers)
    entries = zip(explicit(field.output["q"], numbers).items, explicit(q, numbers).items, strict=True)
    assert sp.expand(traced - sum(sp.diff(entry, name) for entry, name in entries)) == 0


def test_symbolic_sizes_give_what_numbers_give():
    symbolic, numeric = network(n, h), network(2, 3)
    of = divergence(symbolic, {symbolic.inputs[0]: "z"})
    assert sp.expand(found(of, {n: 2, h: 3}) - found(divergence(numeric, {numeric.inputs[0]: "z"}))) == 0


def test_scalar_entries_that_do_not_count_are_not_formed():
    """A rotation has no divergence, and a mechanistic field only its diagonal."""
    w = ex.block("w", 2)
    rotation = formula("f", [w], {"w": ex.concat(-w[1], w[0])})
    assert divergence(rotation, {w: "w"}).output["divergence"] == 0
    decay = formula("f", [w, a], {"w": ex.concat(-a * w[0] + fn.sin(w[1]), a * w[1])})
    assert divergence(decay, {w: "w"}).outputs == (("divergence", sp.Integer(0)),)


def test_depth_of_a_residual_network_costs_linearly():
    """Every layer is used twice, so taking sums apart without names would double the work at each."""
    state, matrix = ex.block("z", n), ex.block("W", n, n)
    layer: Any = state
    for _ in range(40):
        layer = layer + fn.tanh(matrix @ layer)
    field = formula("field", [state, matrix], {"z": ex.outer(layer, layer) @ layer + layer[0] * layer})
    assert len(list(walk(expressions(divergence(field, {state: "z"}))))) < 4000


# ---------------------------------------------------------------- Hutchinson


def test_hutchinson_is_exact_in_the_mean_over_signs():
    noise, draws = ex.block("noise", 3), ex.block("draws", 2)
    field = stated(y=FIELDS["gated"], w=fn.sin(x) * z[0] + ex.concat(x[1], 0))
    of = hutchinson(field, {z: "y", x: "w"}, {z: noise, x: draws})
    assert of.inputs[-2:] == (noise, draws)
    entries = explicit(noise).items + explicit(draws).items
    estimate = found(of)
    signs = [dict(zip(entries, one, strict=True)) for one in product((-1, 1), repeat=5)]
    mean = sum(value(estimate.xreplace(one)) for one in signs) / len(signs)
    assert abs(mean - value(found(divergence(field, {z: "y", x: "w"})))) < TOLERANCE


def test_hutchinson_of_one_state_takes_the_noise_alone():
    noise = ex.block("noise", 3)
    of = hutchinson(stated(y=M @ z), {z: "y"}, noise)
    assert sp.expand(found(of) - explicit(noise @ (M @ noise)).scalar) == 0


# ---------------------------------------------------------------- refusals


def test_what_has_no_divergence_is_refused():
    with pytest.raises(DerivationError, match="no output 'w'; it has y"):
        divergence(stated(y=z), {z: "w"})
    with pytest.raises(DerivationError, match=r"'y', of shape \(2,\), in 'z', of shape \(3,\), is not defined"):
        divergence(stated(y=x), {z: "y"})
    with pytest.raises(DerivationError, match=r"noise for 'z' needs shape \(3,\), got \(2,\)"):
        hutchinson(stated(y=z), {z: "y"}, ex.block("noise", 2))
    with pytest.raises(DerivationError, match=r"noise for 'c' needs shape \(\), got none"):
        hutchinson(stated(y=z, k=c), {z: "y", c: "k"}, {z: ex.block("noise", 3)})


def test_a_symbolic_size_without_structure_is_refused():
    p = ex.block("p", n)
    with pytest.raises(DerivationError, match="substitute numbers"):
        divergence(formula("f", [p], {"p": fn.tanh(ex.outer(p, p)) @ p}), {p: "p"})
