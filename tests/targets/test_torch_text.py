"""The text of a torch program: exactly the helpers that it calls, fused calls where torch has them, nothing that waits or copies."""

import ast
from typing import Any

import pytest
import sympy as sp
import torch
from hypothesis import given

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.formula import Formula, formula
from odeanalysis.symbolic.nodes import BatchSum
from odeanalysis.targets import emit
from odeanalysis.targets.torch_ import program
from tests.targets.formulas import closed, formulas
from torchbridge.callables import compile_torch

a, b = ex.block("a"), ex.block("b")
u, v, w = ex.block("u", 3), ex.block("v", 3), ex.block("w", 2)
M, S, W = ex.block("M", 2, 3), ex.block("S", 3, 3), ex.block("W", 2, 2, 3)
WHOLE = sp.Tuple(0, 3, 1)


def returned(*expressions: Any) -> str:
    """The text behind `return`."""
    return emit(closed(*expressions), "torch").split("return ")[1].strip()


def test_a_program_as_it_reads():
    h = fn.tanh(S @ u + v)
    layer = formula("layer", [S, u, v], {"out": a * 0 + ex.total(h)}, "one layer")
    assert emit(vjp(layer), "torch") == (
        "import torch\n\nfrom torchbridge.prelude import vecmat, affine\n\n\n"
        "def layer_vjp(S, u, v, _bar_out):\n"
        "    _t1 = torch.ops.aten.tanh_backward(_bar_out[..., None], torch.tanh(affine(S, u, v)))\n"
        "    return (_t1[..., None]*u[..., None, :], vecmat(_t1, S), _t1)\n"
    )


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (M @ u, "(matvec(M, u),)"),
        (M @ u + w, "(affine(M, u, w),)"),
        (M @ u - w, "(matvec(M, u) - w,)"),
        (M @ u + w + 2 * M[:, 0], "(affine(M, u, w).add(M[..., :, 0], alpha=2.0),)"),
        (w @ M, "(vecmat(w, M),)"),
        (2 * u - sp.Rational(1, 2), "(2.0*u - 0.5,)"),
        (u + 2 * v, "(u.add(v, alpha=2.0),)"),
        (2 * u + 3 * v - 1, "((2.0*u - 1.0).add(v, alpha=3.0),)"),
        (a - b / 2, "(a.add(b, alpha=-0.5),)"),
        (a * u + 2 * a * v, "(a[..., None]*u.add(v, alpha=2.0),)"),
        (ex.diag(w) @ M, "(w[..., :, None]*M,)"),
        (ex.dot(u, v), "((u*v).sum(-1),)"),
        (ex.sumsq(M), "((M*M).sum((-2, -1)),)"),
        (ex.trace(M @ M.T), "((M*M).sum((-2, -1)),)"),
        (ex.total(ex.outer(w, u) * M), "((w*matvec(M, u)).sum(-1),)"),
        (ex.trace(M @ (w[1] - M.T)), "((M*(w[..., 1][..., None, None] - M.mT).mT).sum((-2, -1)),)"),
        (ex.trace(M @ (M.T + u[0])), "((M*(M.mT + u[..., 0][..., None, None]).mT).sum((-2, -1)),)"),
        (M * u, "(M*u[..., None, :],)"),
        (u[::-1], "(u.flip(-1),)"),
        (u[2:0:-1], "(u[..., 1:3].flip(-1),)"),
        (ex.concat(a, 1), "(stack(a, a.new_full((), 1.0)),)"),
        (fn.maximum(u, 0), "(torch.maximum(u, u.new_full((), 0.0)),)"),
        (fn.where(a < b, 1, 0), "(torch.where(_v1, a.new_full((), 1.0), 0.0),)"),
        (a * (1 - b**2), "(torch.ops.aten.tanh_backward(a, b),)"),
        (-2 * u * (1 - v**2), "(-2.0*torch.ops.aten.tanh_backward(u, v),)"),
        (u * v * (1 - v), "(torch.ops.aten.sigmoid_backward(u, v),)"),
        (u * v * v * (1 - v), "(torch.ops.aten.sigmoid_backward(u*v, v),)"),
        (a * b * (1 - b), "(torch.ops.aten.sigmoid_backward(a, b),)"),
        (v * (1 - v), "(v*(1.0 - v),)"),
        (a * (1 - b**3), "(a*(1.0 - b*b*b),)"),
        (u * fn.FUNCTIONS["step"](v), "(torch.ops.aten.threshold_backward(u, v, 0.0),)"),
        (ex.eye(3) + S, "(torch.eye(3, dtype=S.dtype, device=S.device) + S,)"),
        (ex.place(u, (sp.Integer(0), WHOLE), (2, 3)) + ex.place(v, (sp.Integer(1), WHOLE), (2, 3)),
         "(join(-2, 2, u[..., None, :], v[..., None, :]),)"),
        (ex.place(u, (sp.Integer(2), WHOLE), (4, 3)) + ex.place(v, (sp.Integer(0), WHOLE), (4, 3)),
         "(join(-2, 2, v[..., None, :], u.new_zeros((1, 3)), u[..., None, :], u.new_zeros((1, 3))),)"),
        (ex.place(u, (WHOLE,), (6,)) + ex.place(v, (sp.Tuple(3, 3, 1),), (6,)), "(concat(u, v),)"),
        (ex.place(u, (WHOLE,), (5,)) + ex.place(v, (sp.Tuple(2, 3, 1),), (5,)),
         "(place((5,), ((..., slice(0, 3, 1)), u), ((..., slice(2, 5, 1)), v)),)"),
    ],
)  # fmt: skip
def test_nothing_is_written_that_is_not_needed(expression: Any, text: str):
    assert returned(expression) == text


def test_a_stack_is_mixed_by_one_call():
    mixed = W[0] + a * W[1]
    assert returned(mixed @ u) == "(mixed_matvec(_v1, W, u),)"
    assert returned(w @ mixed) == returned(mixed.T @ w) == "(mixed_vecmat(_v1, W, w),)"
    assert "_v1 = stack(W.new_full((), 1.0), a)\n" in emit(closed(mixed @ u), "torch")


@pytest.mark.parametrize(
    "matrix",
    [
        ex.block("T", 3, 2, 3)[0] + a * ex.block("T", 3, 2, 3)[1],
        W[0] + a * W[0][:, ::-1],
        a * W[1],
        W[0] + a * W[1] + M,
        W[0] + a * ex.block("V", 2, 2, 3)[1],
    ],
)
def test_what_is_no_whole_stack_is_mixed_one_by_one(matrix: Any):
    assert "mixed" not in emit(closed(matrix @ u), "torch")


def test_the_gradient_of_a_mixed_stack_builds_no_matrix_for_each_sample():
    field = formula("field", [a, W, w, u], {"out": fn.tanh((W[0] + a * W[1]) @ u)})
    derived = vjp(field)
    outputs = {name: BatchSum(value) if name == "W" else value for name, value in derived.outputs}
    text = emit(Formula("gradient", derived.inputs, derived.lets, tuple(outputs.items())), "torch")
    assert text.count("mixed_outer_sum(") == text.count("forms(") == 1 and "None, :]" not in text


def test_a_term_that_has_a_name_is_not_written_again():
    assert emit(closed(a * u + 2 * a * v, fn.tanh(a * u)), "torch").count("a[..., None]*u") == 1


@pytest.mark.parametrize("shape", [(), (2,)])
def test_long_sums_are_cut(shape: tuple[int, ...]):
    names = [ex.block(f"x{k}", *shape) for k in range(600)]
    program = formula("long", names, {"out": ex.add(*((k + 2) * name for k, name in enumerate(names)))})
    (found,) = compile_torch(program)(*[torch.ones(shape, dtype=torch.float64)] * 600)
    assert bool((found == sum(range(2, 602))).all())
    assert max(line.count(".add(") for line in emit(program, "torch").splitlines()) < 30


@given(formulas())
def test_exactly_the_helpers_that_are_called_are_imported(formula: Formula):
    tree = ast.parse(emit(formula, "torch"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == called - {"slice"} == set(program(formula).helpers)


@given(formulas())
def test_nothing_is_copied_from_the_host_or_to_it(formula: Formula):
    text = emit(formula, "torch")
    assert not any(word in text for word in ("torch.tensor", "new_tensor", ".item(", ".cpu(", "numpy", "np."))
