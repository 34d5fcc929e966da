"""A printed torch program on tensors gives what the NumPy program gives on arrays, for every node and every mix of batch axes."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy.core.symbol import Str

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.formula import Formula, formula, share
from odeanalysis.targets import emit
from odeanalysis.targets.callables import compile_numpy
from odeanalysis.targets.torch_ import RULES
from tests.targets.formulas import batched_values, closed, expressions, formulas, random_values
from tests.targets.test_batch_sums import matrices, summed
from tests.targets.test_vocabulary import NODES, SCALARS, Unknown, of_size, unknown
from torchbridge.callables import compile_torch

ROUNDING = 1e-13  # relative to the largest entry of a node's value
SEVERAL = 1e-11  # of expressions of some depth, which let rounding grow


def agree(program: Formula, values: list[np.ndarray], rounding: float) -> None:
    with np.errstate(all="ignore"):
        expected = compile_numpy(program)(*values)
    for found, wanted in zip(compile_torch(program)(*map(torch.tensor, values)), expected, strict=True):
        assert isinstance(found, torch.Tensor) and found.shape == np.shape(wanted)
        scale = max(1.0, np.max(np.abs(wanted), initial=0.0))
        np.testing.assert_allclose(found.numpy(), wanted, rtol=0, atol=rounding * scale)


@pytest.mark.parametrize("examples", [*NODES.values(), *SCALARS.values()], ids=[cls.__name__ for cls in (*NODES, *SCALARS)])
def test_each_node_is_what_it_is_for_numpy(examples: list[Any]):
    for program in map(closed, examples):
        if program.inputs:
            agree(program, random_values(program, 3), ROUNDING)


@given(st.data())
def test_a_program_gives_what_it_gives_for_numpy(data):
    program = data.draw(formulas().filter(lambda one: one.inputs))
    agree(program, data.draw(batched_values(program))[1], SEVERAL)


q, u, v, w = ex.block("q"), ex.block("u", 3), ex.block("v", 3), ex.block("w", 2)
FACTORS = [u, q, 1 - u, 1 - q, 1 - u**2, 1 - u**3, fn.FUNCTIONS["step"](u), 1 / (2 + v), sp.Integer(-2)]
PRODUCTS = st.lists(st.sampled_from(FACTORS), min_size=1, max_size=6)
MAPS = [ex.block("M", 3, 2) @ w, w @ ex.block("N", 2, 3), ex.block("S", 3, 3) @ v]


@given(st.data())
def test_sums_of_products_are_those_of_numpy(data):
    terms = [ex.mul(*factors) for factors in data.draw(st.lists(PRODUCTS, min_size=1, max_size=4))]
    maps = data.draw(st.lists(st.sampled_from(MAPS), max_size=2))
    program = closed(ex.add(*terms, *maps, ex.mul(0, u)), ex.add(*terms))
    assume(program.inputs)
    agree(program, data.draw(batched_values(program))[1], SEVERAL)


@given(st.data())
def test_sums_over_the_batch_are_those_of_numpy(data):
    inner = data.draw(st.lists(matrices() | expressions(depth=2), min_size=1, max_size=2))
    program = closed(*map(summed, inner))
    assume(program.inputs)
    agree(program, data.draw(batched_values(program))[1], SEVERAL)


@pytest.mark.parametrize("cls", [*fn.SCALAR_CLASSES, *NODES], ids=lambda cls: cls.__name__)
def test_each_class_has_a_rule(cls: type):
    assert cls in RULES or cls is nodes.Block


@pytest.mark.parametrize("expression", [Unknown(Str("x")), ex.mul(2, Unknown(Str("x"))), unknown(sp.Symbol("a", real=True))])
def test_an_unknown_node_is_refused_by_name(expression: Any):
    with pytest.raises(TargetError, match=r"'torch' cannot write (Unknown|unknown)"):
        emit(closed(expression), "torch")


def test_symbolic_sizes_are_read_off_the_inputs():
    general, special = of_size(sp.Symbol("n", integer=True, positive=True)), of_size(sp.Integer(4))
    values = list(map(torch.tensor, random_values(special, 0)))
    for found, expected in zip(compile_torch(general)(*values), compile_torch(special)(*values), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)


@given(st.lists(st.sampled_from(["torch", "step", "slice", "matvec", "_v1", "x y", "lambda", "add", "np", ""]), unique=True, min_size=1))
def test_any_names_become_names_of_their_own(names: list[str]):
    leaves = [sp.Symbol(name, real=True) for name in names]
    weighted = sp.Add(*(2**k * leaf for k, leaf in enumerate(leaves)))
    program = formula("torch", leaves, {"out": fn.relu(weighted) + fn.FUNCTIONS["step"](weighted)})
    values = [torch.tensor(3.0**k) for k in range(len(names))]
    total = sum(2**k * value for k, value in enumerate(values))
    torch.testing.assert_close(compile_torch(program)(*values)[0], torch.as_tensor(total + 1))


# ---------------------------------------------------------------- stacks of matrices, as depth-varying weights have them

psi, z, c = ex.block("psi", 2), ex.block("z", 3), ex.block("c", 4)
W = ex.block("W", 2, 4, 3)
MIXED = psi[0] * W[0] + fn.sin(psi[1]) * W[1]
STACKED = formula("stacked", [psi, W, z, c], {"ahead": fn.tanh(MIXED @ z), "back": c @ MIXED, "twice": (MIXED @ z) * c + MIXED @ (2 * z)})


@given(st.data())
def test_the_gradient_of_a_mixed_stack_is_that_of_numpy(data):
    derived = vjp(STACKED)
    shared = data.draw(st.sets(st.sampled_from(["psi", "W", "z", "c"])))
    outputs = {name: summed(value) if name in shared else value for name, value in derived.outputs}
    program = share("gradient", derived.inputs, derived.lets, outputs)
    agree(program, data.draw(batched_values(program))[1], SEVERAL)


def layer(draw: Any) -> Any:
    """An outer product at one layer of a stack, times a scalar, where a condition holds."""
    number, size = draw(st.integers(0, 1)), draw(st.sampled_from([q, sp.Integer(1), 2 * q]))
    left, right = draw(st.sampled_from([w, 2 * w])), draw(st.sampled_from([u, v]))
    whole = ex.place(ex.outer(left, right), (sp.Integer(number), sp.Tuple(0, 2, 1), sp.Tuple(0, 3, 1)), (2, 2, 3))
    return draw(st.sampled_from([whole, ex.mul(size, whole), fn.where(q > 0, whole, 0), fn.where(q > 0, 0, ex.mul(size, whole))]))


@given(st.data())
def test_sums_of_layers_are_those_of_numpy(data):
    terms = [layer(data.draw) for _ in range(data.draw(st.integers(1, 4)))]
    program = closed(summed(ex.add(*terms, ex.zeros(2, 2, 3))))
    agree(program, data.draw(batched_values(program))[1], SEVERAL)


OUTERS = [ex.outer(w, u), 2 * ex.outer(w, v), ex.mul(q, ex.outer(2 * w, u)), ex.block("N", 2, 3)]


@given(st.data())
def test_outer_products_times_a_matrix_are_those_of_numpy(data):
    first, *more = (data.draw(st.lists(st.sampled_from(OUTERS[:3]), min_size=1)), data.draw(st.lists(st.sampled_from(OUTERS))))
    matrix = data.draw(st.sampled_from([ex.block("X", 2, 2, 3)[1], OUTERS[3], fn.sin(OUTERS[3]), OUTERS[0]]))
    program = closed(*(ex.total(ex.mul(ex.add(*first, *rest), matrix)) for rest in ([], *more)))
    agree(program, data.draw(batched_values(program))[1], SEVERAL)


def test_a_gradient_of_all_layers_is_one_sum_and_one_of_some_is_not():
    places = [(sp.Integer(j), sp.Tuple(0, 2, 1), sp.Tuple(0, 3, 1)) for j in range(2)]
    terms = [ex.mul(weight, ex.place(ex.outer(w, u), place, (2, 2, 3))) for weight, place in zip((q, 2 * q), places, strict=True)]
    assert "mixed_outer_sum(" in emit(closed(summed(ex.add(*terms))), "torch")
    assert "mixed_outer_sum(" not in emit(closed(summed(terms[0])), "torch")
    others = ex.add(terms[0], ex.mul(q, ex.place(ex.outer(w, v), places[1], (2, 2, 3))))
    assert "mixed_outer_sum(" not in emit(closed(summed(others)), "torch")
