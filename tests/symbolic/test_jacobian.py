"""Derived Jacobians against SymPy's own derivatives of the entries, at random points; their structure; symbolic sizes."""

from typing import Any

import pytest
import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.jacobian import flat_jacobian, jacobian
from odeanalysis.symbolic.explicit import explicit, explicit_formula
from odeanalysis.symbolic.formula import Formula, formula
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.rewrite import walk
from tests.symbolic.moving import (
    OTHERS,
    SCALARS,
    VECTORS,
    V,
    W,
    Z,
    a,
    assert_close,
    c,
    expected,
    stated,
    u,
    value,
    x,
    z,
)

CASES = {
    **{name: (expression, z) for name, expression in (VECTORS | SCALARS).items()},
    **OTHERS,
}


@pytest.mark.parametrize("case", CASES)
def test_jacobian_is_the_derivative_of_every_entry(case: str):
    expression, wrt = CASES[case]
    found = jacobian(stated(y=expression), "y", wrt)
    assert found.shapes == {"jacobian": shape_of(expression) + shape_of(wrt)}
    assert_close(explicit_formula(found)["jacobian"].items, expected(expression, wrt))


@pytest.mark.parametrize("case", VECTORS)
def test_columns_are_the_tangents_along_unit_directions(case: str):
    rows, whole = int(str(shape_of(VECTORS[case])[0])), stated(y=VECTORS[case])
    matrix = explicit_formula(jacobian(whole, "y", z))["jacobian"]
    for j in range(3):
        column = explicit_formula(jvp(whole, {z: ex.place(sp.Integer(1), (sp.Integer(j),), (3,))}))["y"]
        assert_close([matrix.at((i, j)) for i in range(rows)], map(value, column.items))


@pytest.mark.parametrize("wrt", [z, u, a, Z], ids=str)
def test_flat_jacobian_puts_blocks_behind_each_other(wrt: Any):
    outputs = {
        "p": ex.dot(z, u) * a + Z[0, 0],
        "q": fn.tanh(Z @ z) + a,
        "r": fn.sin(ex.outer(x, z) * Z),
        "k": sp.Integer(3),
    }
    wrts = (wrt, ex.block("absent"), c, ex.block("gone", 2))
    found = explicit_formula(flat_jacobian(stated(**outputs), tuple(outputs), wrts))["jacobian"]
    rows, columns = 1 + 2 + 6 + 1, len(explicit(wrt).items) + 4
    assert found.shape == (rows, columns)
    entries = [item for expression in outputs.values() for item in explicit(expression).items]
    names = [entry for leaf in wrts for entry in explicit(leaf).items]
    assert_close(found.items, [value(sp.diff(entry, name)) for entry in entries for name in names])


def test_flat_jacobian_of_scalar_states_has_one_entry_for_each_pair():
    hare, lynx = ex.block("hare"), ex.block("lynx")
    field = formula("field", [hare, lynx, a, c], {"hare": a * hare - c * hare * lynx, "lynx": hare * lynx - lynx})
    found = flat_jacobian(field, ("hare", "lynx"), (hare, lynx)).output["jacobian"]
    assert explicit(found).items == (a - c * lynx, -c * hare, lynx, hare - 1)


# ---------------------------------------------------------------- structure

n, h = sp.symbols("n h", integer=True, positive=True)


def network(states: Any, hidden: Any) -> Formula:
    """V tanh(W z + b)."""
    state, bias = ex.block("z", states), ex.block("b", hidden)
    left, right = ex.block("V", states, hidden), ex.block("W", hidden, states)
    return formula("field", [state, left, right, bias], {"z": left @ fn.tanh(right @ state + bias)})


def at_sizes(found: Formula, sizes: dict[Any, int]) -> tuple[Any, ...]:
    return next(iter(explicit_formula(found, sizes).values())).items


def test_network_of_symbolic_width_has_the_textbook_jacobian():
    stated = network(n, h)
    inputs: Any = stated.inputs
    state, left, right, bias = inputs
    hidden = fn.tanh(right @ state + bias)
    assert jacobian(stated, "z", state).output["jacobian"] == left @ (ex.diag(1 - hidden**2) @ right)


def test_symbolic_sizes_give_what_numbers_give():
    symbolic, numeric = network(n, h), network(2, 3)
    found = at_sizes(jacobian(symbolic, "z", symbolic.inputs[0]), {n: 2, h: 3})
    assert found == at_sizes(jacobian(numeric, "z", numeric.inputs[0]), {})


def test_symbolic_sizes_pass_through_concatenations_and_slices():
    p, q = ex.block("p", n), ex.block("q", n)
    both = formula("f", [p, q], {"y": ex.concat(fn.sin(p), p * q)})
    found = at_sizes(jacobian(both, "y", p), {n: 2})
    wanted = [sp.diff(entry, name) for entry in explicit(both.output["y"], {n: 2}).items for name in explicit(p, {n: 2}).items]
    assert list(found) == wanted


def test_no_structure_and_no_size_is_refused_by_name():
    p, q = ex.block("p", n), ex.block("q", n)
    moving = formula("f", [p, q], {"y": fn.tanh(ex.outer(p, q)) @ q})
    with pytest.raises(DerivationError, match=r"(?s)Map in .*moves with 'p'.*substitute numbers"):
        jacobian(moving, "y", p)
    with pytest.raises(DerivationError, match=r"'p' of shape \(n,\).*substitute numbers"):
        flat_jacobian(formula("f", [p], {"y": fn.sin(ex.outer(p, p))}), ["y"], [p])


def test_unknown_outputs_are_refused_by_name():
    with pytest.raises(DerivationError, match=r"no output 'w'; it has z"):
        jacobian(network(2, 3), "w", z)


def test_the_jacobian_of_a_let_is_named_once():
    hidden = fn.tanh(W @ z)
    field = V @ (hidden * hidden) + u * ex.sumsq(hidden) + V @ fn.sin(hidden)
    found = jacobian(stated(y=field), "y", z)
    expressions = [expression for _, expression in found.lets] + [found.output["jacobian"]]
    products = [node for node in walk(expressions) if isinstance(node, nodes.MatMul) and W in node.args]
    assert [product.args[1] for product in products].count(W) == 1
    assert_close(explicit_formula(found)["jacobian"].items, expected(field, z))
