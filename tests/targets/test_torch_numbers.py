"""The functions of the torch target, far out and near their kinks, and their slopes by autograd, against thirty digits and more."""

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import FUNCTIONS
from tests.targets.formulas import closed
from tests.targets.test_complex import differentiable_at
from tests.targets.test_numbers import FAR, POINTS, TINY, ULPS, condition
from torchbridge.callables import compile_torch

UNARY = [name for name, function in FUNCTIONS.items() if function.arity == 1]
a, b = ex.block("a"), ex.block("b")


def value_and_slopes(name: str, point: float) -> list[float]:
    """A function at a point, its slope, and the slope of its slope."""
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    (value,) = compile_torch(closed(FUNCTIONS[name](a)))(x)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    (second,) = torch.autograd.grad(slope, x, materialize_grads=True) if slope.requires_grad else (torch.zeros(()),)
    return [value.item(), slope.item(), second.item()]


@pytest.mark.parametrize("name", UNARY)
def test_a_function_is_exact_to_rounding(name: str):
    function = FUNCTIONS[name]
    call = compile_torch(closed(function(a)))
    for point in map(float, POINTS.get(name, FAR)):
        exact = float(function.meaning(sp.Rational(point)).evalf(400, maxn=5000))
        found = call(torch.tensor(point, dtype=torch.float64))[0].item()
        assert found == pytest.approx(exact, rel=ULPS * condition(name, point), abs=TINY)


@pytest.mark.parametrize(
    ("name", "point"),
    [(n, p) for n in UNARY if n not in ("step", "sign") for p in (-1000.0, -0.75, 0.0, 0.375, 1000.0) if differentiable_at(n, p)],
)
def test_slopes_by_autograd_are_exact_to_rounding(name: str, point: float):
    x = sp.Symbol("x", real=True)
    with mpmath.workdps(50):
        function = sp.lambdify(x, FUNCTIONS[name].meaning(x), "mpmath")
        exact = [float(mpmath.diff(function, mpmath.mpf(point), order)) for order in (0, 1, 2)]
    orders = 2 if name == "elu" and point == 0 else 3  # the second derivative of elu jumps there
    for found, wanted in list(zip(value_and_slopes(name, point), exact, strict=True))[:orders]:
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("step", "sign")])
def test_a_value_that_is_no_number_stays_one(name: str):
    program = closed(FUNCTIONS[name](*(a, b)[: FUNCTIONS[name].arity]))
    assert compile_torch(program)(*map(torch.tensor, [np.nan, 1.0][: FUNCTIONS[name].arity]))[0].isnan()


@pytest.mark.parametrize(
    ("name", "value"), [("step", 0.0), ("sign", 0.0), ("relu", 0.0), ("elu", 0.0), ("abs", 0.0), ("softplus", np.log(2))]
)
def test_a_function_at_zero(name: str, value: float):
    assert compile_torch(closed(FUNCTIONS[name](a)))(torch.zeros((), dtype=torch.float64))[0].item() == value


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-6), (torch.bfloat16, 1.6e-2), (torch.float16, 2e-3)])
@pytest.mark.parametrize("name", UNARY)
def test_a_function_is_exact_to_the_rounding_of_its_kind(name: str, dtype: torch.dtype, digits: float):
    point = torch.tensor(0.375, dtype=dtype)  # exact in each
    exact = float(FUNCTIONS[name].meaning(sp.Rational(3, 8)))
    assert compile_torch(closed(FUNCTIONS[name](a)))(point)[0].item() == pytest.approx(exact, rel=digits)
