"""The same checks on functions of torch tensors, whose precision and device are kept."""

import subprocess
import sys

import pytest
import torch

from odeanalysis.testing import NotMeasurable, assert_adjoint_identity, assert_gradient, assert_products, taylor_slopes


class Slipped(torch.autograd.Function):
    """sin, whose backward has another sign."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, *grad_outputs):
        (x,) = ctx.saved_tensors
        return -x.cos() * grad_outputs[0]


def loss(values):
    return (torch.tanh(values["W"] @ values["x"]) ** 2).sum()


AT = {"W": torch.tensor([[0.5, -1.0], [1.0, 0.2]], dtype=torch.float64), "x": torch.tensor([0.3, -0.7], dtype=torch.float64)}


def test_autograd_of_a_function_is_checked_by_itself():
    found = assert_gradient(loss, at=AT)
    assert set(found.slopes) == {"'W'", "'x'"} and found.gap < 1e-8
    assert all(one.passed for one in taylor_slopes(loss, at=AT))


def test_a_wrong_backward_is_found():
    with pytest.raises(AssertionError, match="its sign is wrong throughout"):
        assert_gradient(lambda x: Slipped.apply(x).sum(), at=AT["x"])
    assert_gradient(lambda x: x.sin().sum(), at=AT["x"])


def test_gradients_by_hand_and_by_torch():
    def gradient(values):
        return torch.func.grad(loss)(values)

    assert_gradient(loss, gradient, at=AT)
    with pytest.raises(AssertionError, match="in 'W' is wrong"):
        assert_gradient(loss, lambda values: {**gradient(values), "W": gradient(values)["W"].T}, at=AT)


def test_a_tensor_that_the_function_does_not_use_has_no_gradient():
    """`grad` is None there."""
    assert_gradient(lambda a, b: (a**3).sum(), at=(AT["x"], torch.ones(2, dtype=torch.float64)))


def test_modules_with_their_parameters():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()

    def of_parameters(parameters):
        return torch.func.functional_call(module, parameters, (AT["x"],)).sum()

    assert set(assert_gradient(of_parameters, at=dict(module.named_parameters())).slopes) == {
        "'0.weight'", "'0.bias'", "'2.weight'", "'2.bias'",
    }  # fmt: skip
    assert all(parameter.grad is None for parameter in module.parameters())


def test_single_precision_is_kept():
    def cubes(x):
        assert x.dtype == torch.float32
        return (x**3).sum()

    at = AT["x"].float()
    assert_gradient(cubes, at=at)
    with pytest.raises(NotMeasurable):
        assert_gradient(cubes, at=at, rtol=1e-8)
    with pytest.raises(AssertionError, match="is wrong"):
        assert_gradient(cubes, lambda x: 3.2 * x**2, at=at)


def test_convolution_and_its_adjoint():
    kernel = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def apply(u):
        return torch.nn.functional.conv1d(u, kernel)

    def adjoint(v):
        return torch.nn.functional.conv_transpose1d(v, kernel)

    assert_adjoint_identity(apply, adjoint, like=torch.zeros(1, 3, 7, dtype=torch.float64))
    assert_adjoint_identity(lambda u: apply(u).float(), lambda v: adjoint(v.double()), like=torch.zeros(1, 3, 7, dtype=torch.float64))
    with pytest.raises(AssertionError, match="not adjoint to each other"):
        assert_adjoint_identity(
            apply, lambda v: torch.nn.functional.conv_transpose1d(v, kernel.flip(-1)), like=torch.zeros(1, 3, 7, dtype=torch.float64)
        )


def test_products_of_torch():
    def function(x):
        return torch.tanh(AT["W"] @ x)

    def jvp(x, d):
        return torch.func.jvp(function, (x,), (d,))[1]

    def vjp(x, v):
        return torch.func.vjp(function, x)[1](v)[0]

    assert_products(function, jvp, vjp, at=AT["x"])
    with pytest.raises(AssertionError, match=r"jvp.*factor 0.5"):
        assert_products(function, lambda x, d: 2 * jvp(x, d), at=AT["x"])
    with pytest.raises(AssertionError, match=r"not adjoint to each other"):
        assert_products(function, jvp, lambda x, v: -vjp(x, v), at=AT["x"])


def test_the_checks_do_not_import_torch_or_sympy():
    script = """
import sys
from odeanalysis.testing import assert_gradient, taylor_slopes, assert_adjoint_identity, assert_products, assert_order
assert_gradient(lambda x: x * x, lambda x: 2 * x, at=0.5)
sys.exit(str([name for name in ("torch", "sympy", "scipy", "numba", "hypothesis") if name in sys.modules] or ""))
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert found.returncode == 1 and found.stderr.strip() == ""
