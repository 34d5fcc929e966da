"""Arguments that do not fit are refused where they come in, by name, with what to do."""

from typing import Any

import pytest
import torch

import torchbridge
from odeanalysis.errors import ModelError, SolveError
from tests.torchbridge.facade_cases import DOUBLE, OURS, Decay, double

ONE, TIMES = double([1.0]), double([0.0, 1.0])
STARTS: dict[str, tuple[Any, str]] = {
    "numbers": (1.0, "y0 is float; give a tensor, or a tuple of tensors"),
    "list": ([ONE], "y0 is list"),
    "nothing": ((), "y0 is tuple"),
    "integers": (torch.tensor([1, 2]), "y0 has dtype torch.int64"),
    "integers in a tuple": ((ONE, torch.tensor(1)), r"y0\[1\] has dtype torch.int64"),
    "mixed": ((ONE, torch.ones(1)), "torch.float32 on cpu and torch.float64 on cpu"),
}
TIMES_REFUSED: dict[str, tuple[Any, str]] = {
    "list": ([0.0, 1.0], "t is list; give a tensor"),
    "integers": (torch.tensor([0, 1]), "t is torch.int64"),
    "number": (double(0.0), r"t has shape \(\)"),
    "matrix": (double([[0.0, 1.0]]), r"t has shape \(1, 2\)"),
    "none": (torch.zeros(0, dtype=DOUBLE), r"t has shape \(0,\)"),
    "repeats": (double([0.0, 0.5, 0.5, 1.0]), r"t\[1\] = 0.5 and t\[2\] = 0.5 are not in order"),
    "turning": (double([0.0, 1.0, 0.5]), r"t\[1\] = 1 and t\[2\] = 0.5"),
    "turning back": (double([1.0, 0.0, 0.5]), r"t\[1\] = 0 and t\[2\] = 0.5"),
    "nan": (double([0.0, float("nan"), 1.0]), r"t\[0\] = 0 and t\[1\] = nan"),
}
METHODS = {
    "explicit_adams": "multistep method.*take rk4",
    "implicit_adams": "multistep method",
    "fixed_adams": "multistep method",
    "scipy_solver": "has no gradients",
    "dorpi5": "did you mean 'dopri5'",
    "radau": "there is no method 'radau'",
}
FIELDS: dict[str, tuple[Any, Any, str]] = {
    "shape": (lambda t, y: torch.ones(3, dtype=DOUBLE), double([1.0, 2.0]), r"func returns shape \(3,\) for y0 of shape \(2,\)"),
    "larger": (lambda t, y: torch.ones(2, 2, dtype=DOUBLE), double([1.0, 2.0]), r"func returns shape \(2, 2\)"),
    "number": (lambda t, y: 1.0, ONE, "func returns float for y0"),
    "tuple": (lambda t, y: (y,), ONE, "func returns tuple for y0"),
    "count": (lambda t, y: y[:1], (ONE, ONE), "func returns 1 entries for a state of 2 tensors"),
    "tensor": (lambda t, y: y[0], (ONE, ONE), "func returns Tensor for a state of 2 tensors"),
    "entry": (lambda t, y: (y[0], torch.ones(3, dtype=DOUBLE)), (ONE, ONE), r"func returns shape \(3,\) for y0\[1\]"),
    "complex": (lambda t, y: 1j * y, ONE, "func returns torch.complex128 for y0"),
}
TOLERANCES: dict[str, tuple[dict[str, Any], str]] = {
    "negative": ({"rtol": -1e-3}, "rtol = -0.001"),
    "not finite": ({"atol": float("nan")}, "give finite numbers"),
    "gradient": ({"rtol": double(1e-3, grad=True)}, "rtol requires a gradient"),
    "shape": ({"atol": double([1e-3, 1e-3])}, r"atol has shape \(2,\) beside a state of shape \(1,\)"),
}


def solved(func: Any = None, y0: Any = ONE, t: Any = TIMES, **more: Any) -> Any:
    return torchbridge.odeint(func or Decay(), y0, t, **more)


@pytest.mark.parametrize("case", STARTS)
def test_states(case):
    with pytest.raises(ModelError, match=STARTS[case][1]):
        solved(y0=STARTS[case][0])


@pytest.mark.parametrize("case", TIMES_REFUSED)
def test_times(case):
    with pytest.raises(ModelError, match=TIMES_REFUSED[case][1]):
        solved(t=TIMES_REFUSED[case][0])


@pytest.mark.parametrize("name", METHODS)
def test_methods(name):
    for solve in OURS.values():
        with pytest.raises(ModelError, match=METHODS[name]):
            solve(Decay(), ONE, TIMES, method=name)


@pytest.mark.parametrize("case", FIELDS)
@pytest.mark.parametrize("method", ["dopri5", "euler"])
def test_fields(case, method):
    func, y0, message = FIELDS[case]
    with pytest.raises(ModelError, match=message):
        solved(func, y0, method=method)


@pytest.mark.parametrize("case", TOLERANCES)
def test_tolerances(case):
    more, message = TOLERANCES[case]
    with pytest.raises(ModelError, match=message):
        solved(**more)


def test_tolerances_of_a_tuple():
    with pytest.raises(ModelError, match="rtol has 3 entries for a state of 2 tensors"):
        solved(lambda t, y: y, (ONE, ONE), rtol=(1e-3, 1e-3, 1e-3))


def test_slopes_that_are_meant_are_taken():
    """In the dtype of the state, spread out like it, and in tuples with other axes: as torchdiffeq takes them."""
    plain = solved(lambda t, y: -y, torch.ones(3, 1))
    for func in (lambda t, y: -y.double(), lambda t, y: -y[:1], lambda t, y: -y[0]):
        assert torch.allclose(solved(func, torch.ones(3, 1)), plain, rtol=0, atol=1e-6)
    found = solved(lambda t, y: (-y[0].reshape(-1), [y[1]][0].sum()), (torch.ones(3, 1), torch.ones(1)))
    assert found[0].dtype == torch.float32 and torch.allclose(found[0], plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_start_that_is_not_finite(value):
    with pytest.raises(SolveError, match="y0 has entries that are not finite"):
        solved(y0=double([1.0, value]))
    with pytest.raises(SolveError, match="not finite"):
        solved(y0=double([1.0, value]), method="euler")


def test_given_steps_that_leave_the_numbers():
    with pytest.raises(SolveError, match="a step ends in a state that is not finite"):
        solved(lambda t, y: y**3, 5 * ONE, torch.linspace(0, 10, 11, dtype=DOUBLE), method="rk4")


def test_a_field_that_is_not_finite():
    with pytest.raises(SolveError, match="the field is not finite at depth 0"):
        solved(lambda t, y: y / t)


def test_a_solution_that_blows_up():
    """y' = y^2 from 1 ends at t = 1, where torchdiffeq asserts that dt does not underflow."""
    with pytest.raises(SolveError) as told:
        solved(lambda t, y: y**2, t=double([0.0, 2.0]))
    assert abs((told.value.depth or 0) - 1) < 1e-3


def test_adjoint_params():
    wrong: Any = ("k",)
    with pytest.raises(ModelError, match=r"func is function and no nn.Module.*give adjoint_params"):
        torchbridge.odeint_adjoint(lambda t, y: -y, ONE, TIMES)
    with pytest.raises(ModelError, match="adjoint_params has str"):
        torchbridge.odeint_adjoint(lambda t, y: -y, ONE, TIMES, adjoint_params=wrong)
    k = double(0.5, grad=True)
    with pytest.raises(ModelError, match="another that is computed from it"):
        torchbridge.odeint_adjoint(lambda t, y: -y * k**2, ONE, TIMES, adjoint_params=(k, k**2))
    assert torchbridge.odeint_adjoint(lambda t, y: -y, ONE, TIMES, adjoint_params=()).shape == (2, 1)
