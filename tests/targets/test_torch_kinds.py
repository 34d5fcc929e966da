"""Printed torch programs keep the kind of their inputs, and run under all that torch transforms functions with."""

from typing import Any

import pytest
import torch

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.formula import Formula, formula, name_of
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.nodes import BatchSum, BatchTotal, shape_of
from odeanalysis.symbolic.rewrite import leaves
from tests.targets.formulas import apply, closed, sizes
from tests.targets.test_torch import STACKED
from tests.targets.test_vocabulary import NODES, SCALARS
from torchbridge.callables import compile_torch

KINDS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
SUMS = ("BatchSum", "BatchTotal")
a, b, u, v = ex.block("a"), ex.block("b"), ex.block("u", 3), ex.block("v", 3)
W1, W2, b1 = ex.block("W1", 4, 3), ex.block("W2", 3, 4), ex.block("b1", 4)
NETWORK = formula("network", [W1, W2, b1, u], {"out": W2 @ fn.tanh(W1 @ u + b1) + u})


def stated() -> dict[str, Formula]:
    """A program for each node, scalar class and function, of all the expressions that stand for it."""
    examples = {cls.__name__: [one for one in group if leaves(one)] for cls, group in {**NODES, **SCALARS}.items()}
    functions = {name: [apply(name, *pair[: one.arity]) for pair in ((u, v), (a, b))] for name, one in FUNCTIONS.items()}
    return {name: closed(*group) for name, group in {**examples, **functions}.items()}


def summed_gradient(program: Formula) -> Formula:
    """The derived gradient, summed over the batch for all inputs but the last, which is the state."""
    derived = vjp(program)
    outputs = {name: value if name == name_of(program.inputs[-1]) else BatchSum(value) for name, value in derived.outputs}
    return Formula("summed", derived.inputs, derived.lets, tuple(outputs.items()))


PROGRAMS = stated()
SMOOTH = [name for name in PROGRAMS if name not in (*SUMS, "sign", "step")]


def values(program: Formula, dtype: torch.dtype = torch.float64, batch: tuple[int, ...] = (), device: str = "cpu") -> list[torch.Tensor]:
    """Values inside the domain of every function."""
    generator = torch.Generator().manual_seed(0)
    drawn = (torch.rand(batch + sizes(shape_of(leaf)), generator=generator) for leaf in program.inputs)
    return [(0.1 + 0.8 * one).to(device, dtype) for one in drawn]


def check_all(call: Any, program: Formula, batch: tuple[int, ...] = (4,)) -> None:
    inputs = values(program, batch=batch)
    for found, expected in zip(call(*inputs), compile_torch(program)(*inputs), strict=True):
        torch.testing.assert_close(found, expected.expand(found.shape))


# ---------------------------------------------------------------- dtypes and devices


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_outputs_have_the_dtype_and_the_device_of_the_inputs(name: str, dtype: torch.dtype):
    """On a device without memory nothing can be read: what runs there waits for no value."""
    function = compile_torch(PROGRAMS[name])
    for device in ("cpu", "meta"):
        results = function(*values(PROGRAMS[name], dtype, (4,), device))
        assert all(one.dtype == dtype and one.device.type == device for one in results)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_have_the_dtype_and_the_device_of_the_inputs(name: str):
    derived = vjp(PROGRAMS[name])
    results = compile_torch(derived)(*values(derived, torch.bfloat16, (4,), "meta"))
    assert all(one.dtype == torch.bfloat16 and one.device.type == "meta" for one in results)


def test_constants_of_a_program_without_inputs_are_of_the_default_kind():
    (value,) = compile_torch(formula("constant", [], {"out": ex.ones(2)}))()
    torch.testing.assert_close(value, torch.ones(2))
    assert compile_torch(formula("nothing", [a], {}))(torch.ones(())) == ()


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_run_under_autocast(name: str):
    function, inputs = compile_torch(PROGRAMS[name]), values(PROGRAMS[name], torch.float32, (4,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        results = function(*inputs)
    for found, expected in zip(results, function(*inputs), strict=True):
        torch.testing.assert_close(found.float(), expected, rtol=0.03, atol=0.03)  # products carry three digits


def test_products_are_in_bfloat16_under_autocast():
    inputs = values(NETWORK, torch.float32, (4,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (product,) = compile_torch(closed(W1 @ u))(inputs[0][0], inputs[3])
    assert product.dtype == torch.bfloat16


# ---------------------------------------------------------------- torch.func


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in SUMS])
def test_vmap_is_a_batch(name: str):
    check_all(torch.func.vmap(compile_torch(PROGRAMS[name])), PROGRAMS[name])


@pytest.mark.parametrize("program", [NETWORK, STACKED, vjp(NETWORK), vjp(STACKED)], ids=["network", "stack", "network_vjp", "stack_vjp"])
@pytest.mark.parametrize("mapped", range(4))
def test_vmap_over_one_input_shares_the_others(program: Formula, mapped: int):
    function, inputs = compile_torch(program), values(program)
    inputs[mapped] = torch.stack([inputs[mapped], 2 * inputs[mapped]])
    axes = tuple(0 if place == mapped else None for place in range(len(inputs)))
    for found, expected in zip(torch.func.vmap(function, axes)(*inputs), function(*inputs), strict=True):
        torch.testing.assert_close(found, expected.expand(found.shape))


@pytest.mark.parametrize("name", SMOOTH)
def test_forward_and_reverse_sweeps_are_transposes(name: str):
    function, inputs = compile_torch(PROGRAMS[name]), values(PROGRAMS[name], batch=(2,))
    directions = [one.sin() for one in inputs]
    outputs, moved = torch.func.jvp(function, tuple(inputs), tuple(directions))[:2]
    weights = tuple(one.cos() for one in outputs)
    pulled = torch.func.vjp(function, *inputs)[1](weights)
    ahead = sum((weight * one).sum() for weight, one in zip(weights, moved, strict=True))
    back = sum((one * direction).sum() for one, direction in zip(pulled, directions, strict=True))
    torch.testing.assert_close(ahead, back)


@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivatives_are_those_of_differences(name: str):
    function, inputs = compile_torch(PROGRAMS[name]), [one.requires_grad_() for one in values(PROGRAMS[name])]
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("program", [vjp(NETWORK), vjp(STACKED)], ids=["network", "stack"])
def test_derived_gradients_can_be_differentiated_twice(program: Formula):
    function, inputs = compile_torch(program), [one.requires_grad_() for one in values(program, batch=(2,))]
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


def test_a_hessian_is_the_derivative_of_the_derived_gradient():
    energy = formula("energy", [W1, W2, b1, u], {"out": ex.sumsq(NETWORK.output["out"])})
    inputs, place = values(energy), 3
    hessian = torch.func.hessian(compile_torch(energy), argnums=place)(*inputs)[0]
    gradient = compile_torch(vjp(energy))
    jacobian = torch.func.jacrev(lambda x: gradient(*inputs[:place], x, torch.ones((), dtype=x.dtype))[place])(inputs[place])
    torch.testing.assert_close(hessian, jacobian)


# ---------------------------------------------------------------- torch.compile


def test_every_node_compiles_into_one_graph():
    program = closed(*(expression for group in (*NODES.values(), *SCALARS.values()) for expression in group if leaves(expression)))
    check_all(torch.compile(compile_torch(program), fullgraph=True, backend="eager"), program)


@pytest.mark.parametrize("program", [summed_gradient(NETWORK), summed_gradient(STACKED)], ids=["network", "stack"])
def test_summed_gradients_compile_into_one_graph(program: Formula):
    check_all(torch.compile(compile_torch(program), fullgraph=True, backend="aot_eager"), program)


@pytest.mark.slow
@pytest.mark.parametrize("program", [vjp(NETWORK), vjp(STACKED)], ids=["network", "stack"])
def test_gradients_compile_to_machine_code_for_any_batch(program: Formula):
    compiled = torch.compile(compile_torch(program), fullgraph=True, dynamic=True)
    for batch in ((4,), (7,)):
        check_all(compiled, program, batch)


# ---------------------------------------------------------------- sums over the batch


def test_a_summed_gradient_is_the_gradient_of_a_shared_value():
    weights = [one.requires_grad_() for one in values(NETWORK)[:3]]
    state, cotangent = (torch.rand(5, 3, dtype=torch.float64) for _ in range(2))
    (out,) = compile_torch(NETWORK)(*weights, state)
    swept = torch.autograd.grad(out, weights, cotangent)
    for found, expected in zip(compile_torch(summed_gradient(NETWORK))(*weights, state, cotangent)[:3], swept, strict=True):
        torch.testing.assert_close(found, expected)


def test_a_summed_scalar_counts_the_samples_that_share_it():
    program = formula("counted", [a, u], {"out": BatchTotal(ex.total(a * u)), "same": BatchTotal(a)})
    total, alone = compile_torch(program)(torch.tensor(2.0), torch.ones(5, 3))
    assert total == 30 and alone == 2
