"""Sums over the batch: as the sum of the samples' values, and without building the values where they are outer products."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.formula import Formula, formula, name_of, share
from odeanalysis.symbolic.nodes import Array, BatchSum, BatchTotal, shape_of
from odeanalysis.symbolic.rewrite import leaves
from odeanalysis.targets import emit
from odeanalysis.targets.callables import compile_numpy
from tests.targets.formulas import SHAPES, batched_values, closed, expressions, leaf, sizes
from tests.targets.reference import run_batched

ROUNDING = 1e-11
WHOLE = sp.Tuple(0, 3, 1)


def summed(expression: Any) -> Any:
    return BatchSum(expression) if isinstance(expression, Array) else BatchTotal(expression)


def outer(draw: Any) -> Any:
    return ex.outer(draw(expressions((2,), 1)), draw(expressions((3,), 1)))


def row(draw: Any) -> Any:
    return ex.place(draw(expressions((3,), 1)), (sp.Integer(draw(st.integers(0, 1))), WHOLE), (2, 3))


def corner(draw: Any) -> Any:
    return ex.place(outer(draw)[:1, 1:], (sp.Tuple(1, 1, 1), sp.Tuple(0, 2, 1)), (2, 3))


def entry(draw: Any) -> Any:
    return ex.place(draw(st.sampled_from([leaf((), 0), sp.Integer(2)])), (sp.Integer(0), sp.Integer(2)), (2, 3))


def nested(draw: Any) -> Any:
    inner = ex.place(draw(expressions((3,), 1)), (sp.Integer(1), WHOLE), (2, 3))
    both = ex.place(ex.add(inner, outer(draw)), (sp.Integer(0), sp.Tuple(0, 2, 1), WHOLE), (2, 2, 3))
    return ex.sum_to(both, (2, 3)) if draw(st.booleans()) else ex.index(both, 0)


def switched(draw: Any) -> Any:
    """A part that one scalar condition cuts off, or that it chooses."""
    condition = leaf((), 0) < leaf((), 1)
    one, other = (draw(st.sampled_from([outer, row, corner]))(draw) for _ in range(2))
    nothing = ex.zeros(2, 3)
    return fn.where(condition, *draw(st.sampled_from([(one, nothing), (nothing, one), (one, other), (one, leaf((2, 3), 0))])))


TERMS = (
    switched,
    switched,
    outer,
    outer,
    row,
    corner,
    entry,
    nested,
    lambda draw: ex.full(draw(expressions((), 1)), (2, 3)),
    lambda draw: leaf((2, 3), draw(st.integers(0, 1))),
    lambda draw: leaf((3,), 0),
    lambda draw: draw(expressions((2, 3), 2)),
)
FACTORS = st.sampled_from([1, -1, sp.Rational(1, 3), leaf((), 0), -2 * leaf((), 1), leaf((), 0) * leaf((), 1), sp.pi])


@st.composite
def matrices(draw: Any) -> Any:
    """Sums of scaled outer products, parts in zeros, constant arrays and anything else."""
    chosen = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=4))
    return ex.add(ex.zeros(2, 3), *(ex.mul(draw(FACTORS), term(draw)) for term in chosen))


def own_batch(expression: Any, known: dict[Any, np.ndarray]) -> tuple[int, ...]:
    values = [(known[one], len(shape_of(one))) for one in leaves(expression)]
    return np.broadcast_shapes(*(value.shape[: value.ndim - rank] for value, rank in values))


def expected_sum(expression: Any, known: dict[Any, np.ndarray]) -> np.ndarray:
    program, batch = closed(expression), own_batch(expression, known)
    (values,) = run_batched(program, batch, [known[one] for one in program.inputs])
    return values.sum(axis=tuple(range(len(batch))))


def check(inner: list[Any], program: Formula, values: list[np.ndarray]) -> None:
    known = dict(zip(program.inputs, values, strict=True))
    with np.errstate(all="ignore"):
        for found, expression in zip(compile_numpy(program)(*values), inner, strict=True):
            expected = expected_sum(expression, known)
            assert found.shape == shape_of(expression)
            np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * max(1.0, np.max(np.abs(expected))))


@given(st.data())
def test_a_sum_over_the_batch_is_the_sum_of_the_samples(data):
    inner = data.draw(st.lists(expressions(data.draw(st.sampled_from(SHAPES)), 2), min_size=1, max_size=2))
    program = closed(*map(summed, inner))
    check(inner, program, data.draw(batched_values(program))[1])


@given(st.data())
def test_sums_of_outer_products_and_parts_agree_too(data):
    inner = data.draw(st.lists(matrices(), min_size=1, max_size=3))
    inner += [ex.add(inner[0], inner[-1])]  # what is used twice has a name, which the sum looks through
    program = closed(*map(summed, inner))
    check(inner, program, data.draw(batched_values(program))[1])


def network_gradient(width: int) -> Formula:
    z, v, b, w = ex.block("z", 2), ex.block("V", 2, width), ex.block("b", width), ex.block("W", width, 2)
    network = formula("network", [z, v, b, w], {"z": v @ fn.tanh(w @ z + b)})
    program = vjp(network)
    return share(program.name, program.inputs, program.lets, {name: summed(value) for name, value in program.outputs})


def test_the_gradient_of_a_network_builds_no_matrix_for_each_sample():
    text = emit(network_gradient(4))
    assert text.count("outer_sum(") == 2 and "None, :]" not in text


@pytest.mark.parametrize("name", ["V", "b", "W"])
def test_the_gradient_of_a_network_is_the_sum_over_the_samples(name: str):
    program, rng = network_gradient(4), np.random.default_rng(0)
    known = {name_of(one): rng.normal(size=sizes(shape_of(one))) for one in program.inputs}
    known |= {name: rng.normal(size=(5, 2)) for name in ("z", "_bar_z")}
    place = list(program.output).index(name)
    samples = [{**known, "z": known["z"][i], "_bar_z": known["_bar_z"][i]} for i in range(5)]
    together, *alone = (compile_numpy(program)(*values.values())[place] for values in (known, *samples))
    np.testing.assert_allclose(together, sum(alone), rtol=1e-13, atol=1e-14)
