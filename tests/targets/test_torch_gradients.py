"""Gradients through printed torch programs: by autograd they are what `vjp` derives, also where a branch that is not taken is singular."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.targets.callables import compile_numpy
from odeanalysis.targets.guards import guarded
from tests.targets.formulas import apply, closed, formulas, random_values
from torchbridge.callables import compile_torch

ROUNDING = 1e-10  # relative to the largest entry: two orders of the same sums and products
a, b, u, v = ex.block("a"), ex.block("b"), ex.block("u", 3), ex.block("v", 3)
M, S = ex.block("M", 2, 3), ex.block("S", 3, 3)


def tensors(values: list[Any]) -> list[torch.Tensor]:
    return [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]


def by_autograd(program: Formula, inputs: list[torch.Tensor], weights: list[Any]) -> list[np.ndarray]:
    """The vector-Jacobian product of the printed program by torch's own reverse sweep."""
    pairs = [(out, torch.tensor(w)) for out, w in zip(compile_torch(program)(*inputs), weights, strict=True) if out.requires_grad]
    if not pairs:
        return [np.zeros(one.shape) for one in inputs]
    outputs, cotangents = zip(*pairs, strict=True)
    found = torch.autograd.grad(outputs, inputs, cotangents, allow_unused=True, materialize_grads=True)
    return [one.numpy() for one in found]


@given(st.data())
def test_autograd_agrees_with_the_derived_gradient_in_torch_and_in_numpy(data):
    program = data.draw(formulas().filter(lambda one: one.inputs))
    derived, count = vjp(program), len(program.inputs)
    values = random_values(derived, data.draw(st.integers(0, 1000)))
    with np.errstate(all="ignore"):
        expected = compile_numpy(derived)(*values)
    printed = compile_torch(derived)(*map(torch.tensor, values))
    swept = by_autograd(program, tensors(values[:count]), values[count:])
    for wanted, one, other in zip(expected, printed, swept, strict=True):
        scale = max(1.0, np.max(np.abs(wanted), initial=0.0))
        np.testing.assert_allclose(one.numpy(), wanted, rtol=0, atol=ROUNDING * scale)
        np.testing.assert_allclose(other, wanted, rtol=0, atol=ROUNDING * scale)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("step", "sign")])
def test_a_gradient_is_kept_by_every_function(name: str):
    function = apply(name, *(u, v)[: FUNCTIONS[name].arity])
    inputs = tensors([[0.3, -0.2, 0.5], [0.1, 0.2, -0.4]][: FUNCTIONS[name].arity])
    assert compile_torch(closed(function))(*inputs)[0].requires_grad


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (fn.relu(a), [0.0]),
        (fn.abs(a), [0.0]),
        (fn.elu(a), [0.0]),
        (fn.maximum(a, b), [0.5, 0.5]),
        (fn.minimum(a, b), [0.5, 0.5]),
        (fn.maximum(a, 0), [0.0]),
        (ex.total(fn.minimum(u, 0)), [[0.0, 1.0, -1.0]]),
        (fn.where(a > b, a, 2 * b), [0.5, 0.5]),
    ],
)
def test_at_a_kink_the_gradient_is_the_derived_one(expression: Any, values: list[Any]):
    program = closed(expression)
    expected = compile_numpy(vjp(program))(*map(np.float64, values), np.float64(1))
    for found, wanted in zip(by_autograd(program, tensors(values), [1.0]), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


# ---------------------------------------------------------------- branches that are not taken

NOTHING = [[0.0] * 3] * 3
SHIFTED = fn.where(a > 0, fn.sqrt(a), 0)
SINGULAR = {
    "root": (SHIFTED, [-1.0], [0.0]),
    "root at the edge": (SHIFTED, [0.0], [0.0]),
    "root, taken": (SHIFTED, [0.25], [1.0]),
    "root in the other branch": (fn.where(a <= 0, b, b * fn.sqrt(a)), [0.0, 3.0], [0.0, 1.0]),
    "logarithm": (fn.where(a > 0, a * fn.log(a), 0), [0.0], [0.0]),
    "quotient": (fn.where(a > 0, b / a, 1), [0.0, 2.0], [0.0, 0.0]),
    "fraction as a power": (fn.where(a > 0, ex.power(a, sp.Rational(1, 3)), a), [0.0], [1.0]),
    "power": (fn.where(a > 0, ex.power(a, b), 0), [0.0, -1.0], [0.0, 0.0]),
    "arc sine": (fn.where(a < 1, fn.asin(a), 2), [1.0], [0.0]),
    "arc cosine": (fn.where(a < 1, fn.acos(a), 2), [3.0], [0.0]),
    "overflow": (fn.where(a < 700, fn.exp(a) + fn.sinh(a) - fn.cosh(a), b), [1000.0, 1.0], [0.0, 1.0]),
    "overflowing power": (fn.where(a < 700, ex.power(2, a), 0), [10000.0], [0.0]),
    "nested": (fn.where(a > 0, fn.where(b > 0, fn.log(b), 1 / a), a), [0.0, 0.0], [1.0, 0.0]),
    "nested, inner branch": (fn.where(a > 0, fn.where(b > 0, fn.log(b), 1 / a), a), [2.0, 0.0], [-0.25, 0.0]),
    "one inside another": (fn.where(a > 0, fn.sqrt(fn.log(1 / a)), a), [0.0], [1.0]),
    "entries": (ex.total(fn.where(u > 0, fn.sqrt(u), 0)), [[-1.0, 0.0, 0.25]], [[0.0, 0.0, 1.0]]),
    "a scalar for all entries": (ex.total(fn.where(u > 0, fn.sqrt(a) * u, 0)), [0.0, [-1.0, -2.0, 0.0]], [0.0, [0.0, 0.0, 0.0]]),
    "below a sum": (fn.where(a > 0, ex.total(fn.sqrt(u)), a), [0.0, [0.0, 1.0, 0.0]], [1.0, [0.0, 0.0, 0.0]]),
    "below an array of one value": (ex.total(fn.where(u > 0, ex.full(1 / a, (3,)), u)), [0.0, [0.0, -1.0, -2.0]], [0.0, [1.0] * 3]),
    "linear equations": (
        fn.where(a > 0, ex.total(ex.solve(S, u)), a),
        [[[0.0] * 3] * 3, 0.0, [1.0] * 3],
        [[[0.0] * 3] * 3, 1.0, [0.0] * 3],
    ),
    "a name for the root": (SHIFTED + fn.where(a > 0, 2 * fn.sqrt(a), 0) * fn.tanh(SHIFTED), [-1.0], [0.0]),
}


@pytest.mark.parametrize("case", SINGULAR)
def test_a_branch_that_is_not_taken_leaves_no_trace(case: str):
    expression, values, expected = SINGULAR[case]
    inputs = tensors(values)
    found = torch.autograd.grad(compile_torch(closed(expression))(*inputs)[0], inputs)
    for one, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.numpy(), wanted)


def test_a_name_given_before_the_condition_leaves_no_trace():
    root, twice = ex.block("_t1"), ex.block("_t2")
    lets = ((root, fn.sqrt(a)), (twice, 2 * root))
    program = Formula("f", (a,), lets, (("cut", fn.where(a > 0, twice, 0)), ("whole", twice)))
    inputs = tensors([-1.0])
    cut, whole = compile_torch(program)(*inputs)
    assert torch.autograd.grad(cut, inputs)[0] == 0
    assert whole.isnan()


@pytest.mark.parametrize("case", [case for case in SINGULAR if case != "linear equations"])
def test_second_derivatives_are_numbers_too(case: str):
    expression, values, _ = SINGULAR[case]
    function = compile_torch(closed(expression))
    hessian = torch.func.hessian(lambda *x: function(*x)[0], tuple(range(len(values))))(*tensors(values))
    assert all(bool(block.isfinite().all()) for row in hessian for block in row)


@given(formulas())
def test_a_guarded_program_has_the_same_values(program: Formula):
    """To roundings: a factor that stands in a branch may be multiplied in another order."""
    values = random_values(program, 0)
    with np.errstate(all="ignore"):
        for found, expected in zip(compile_numpy(guarded(program))(*values), compile_numpy(program)(*values), strict=True):
            size = np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
            np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14 * size)


def test_a_program_without_conditions_is_left_as_it_is():
    program = closed(fn.sqrt(a) / b)
    assert guarded(program) is program
