"""What torch programs call: each function stands alone, is documented, and its text is read without torch."""

import ast
import inspect
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given

from odeanalysis.errors import TargetError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.formula import Formula
from odeanalysis.targets import sources
from odeanalysis.targets.sources import torch_helper
from odeanalysis.targets.torch_ import HELPERS, program
from tests.targets.formulas import closed, formulas, random_values
from torchbridge import prelude
from torchbridge.callables import compile_torch

S, u = ex.block("S", 3, 3), ex.block("u", 3)


def test_every_helper_is_listed_and_documented():
    defined = dict(inspect.getmembers(prelude, inspect.isfunction))
    assert set(defined) == set(HELPERS)
    assert all(helper.__doc__ for helper in defined.values())


@pytest.mark.parametrize("name", HELPERS)
def test_the_text_of_a_helper_stands_alone(name: str):
    namespace: dict[str, Any] = {"torch": torch}
    exec(torch_helper(name), namespace)
    read = {node.id for node in ast.walk(ast.parse(torch_helper(name))) if isinstance(node, ast.Name)}
    assert not read & (set(HELPERS) - {name})
    assert callable(namespace[name])


@given(formulas())
def test_a_program_runs_with_the_text_of_its_helpers_in_place_of_the_import(formula: Formula):
    written = program(formula)
    text = "\n\n".join(["import torch", *map(torch_helper, written.helpers), written.definition])
    namespace: dict[str, Any] = {}
    exec(compile(text, "<standalone>", "exec"), namespace)
    values = list(map(torch.tensor, random_values(formula, 0)))
    for found, expected in zip(namespace[written.name](*values), compile_torch(formula)(*values), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


def test_the_text_is_read_without_torch():
    script = "import sys; from odeanalysis.targets.sources import torch_helper; torch_helper('place'); assert 'torch' not in sys.modules"
    root = Path(prelude.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, check=False).returncode == 0


def test_an_unknown_helper_is_refused():
    with pytest.raises(TargetError, match=r"no helper 'matmat'.*matvec"):
        torch_helper("matmat")


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    with pytest.raises(TargetError, match="torchbridge"):
        sources._file(sources.HELPERS)


def test_a_callable_shows_its_text():
    function = compile_torch(closed(S @ u))
    assert function.text == program(closed(S @ u)).text
    with pytest.raises(RuntimeError, match="shape"):
        function(torch.eye(3), torch.ones(4))


# ---------------------------------------------------------------- products, for every mix of batch axes

# what each is for one sample, in the words of einsum, and the shapes of its arguments
PRODUCTS = {
    "matvec": ("ij,j->i", (2, 3), (3,)),
    "vecmat": ("i,ij->j", (2,), (2, 3)),
    "mixed_matvec": ("k,kij,j->i", (4,), (4, 2, 3), (3,)),
    "mixed_vecmat": ("k,kij,i->j", (4,), (4, 2, 3), (2,)),
    "forms": ("i,kij,j->k", (2,), (4, 2, 3), (3,)),
}
SUMMED = {"outer_sum": ("i,j->ij", (2,), (3,)), "mixed_outer_sum": ("k,i,j->kij", (4,), (2,), (3,))}
BATCHES = ((), (5,), (1,), (6, 5))


def by_einsum(words: str, arguments: list[torch.Tensor]) -> torch.Tensor:
    """The value for each sample, with all batch axes in front."""
    inputs, output = words.split("->")
    return torch.einsum(f"{','.join(f'...{one}' for one in inputs.split(','))}->...{output}", *arguments)


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_that_of_each_sample(name: str):
    words, *shapes = PRODUCTS[name]
    for batches in product(BATCHES, repeat=len(shapes)):
        arguments = [torch.rand(batch + shape, dtype=torch.float64) for batch, shape in zip(batches, shapes, strict=True)]
        torch.testing.assert_close(getattr(prelude, name)(*arguments), by_einsum(words, arguments))


def test_joined_arrays_have_the_batch_axes_of_all():
    for batches in product(BATCHES, repeat=2):
        upper, lower = (torch.rand((*batch, rows, 3)) for batch, rows in zip(batches, (2, 1), strict=True))
        batch = torch.broadcast_shapes(*batches)
        expected = torch.cat([upper.expand(*batch, 2, 3), lower.expand(*batch, 1, 3)], -2)
        torch.testing.assert_close(prelude.join(-2, 2, upper, lower), expected)
        torch.testing.assert_close(prelude.concat(upper[..., 0], lower[..., 0]), expected[..., 0])


def test_an_affine_map_is_that_of_each_sample():
    for batches in product(BATCHES, repeat=3):
        shapes = [batch + core for batch, core in zip(batches, ((2, 3), (3,), (2,)), strict=True)]
        matrix, vector, bias = (torch.rand(shape, dtype=torch.float64) for shape in shapes)
        torch.testing.assert_close(prelude.affine(matrix, vector, bias), by_einsum("ij,j->i", [matrix, vector]) + bias)


@pytest.mark.parametrize("name", SUMMED)
@pytest.mark.parametrize("wider", [None, (7, 6, 5)])
def test_a_summed_product_is_the_sum_over_the_samples(name: str, wider: tuple[int, ...] | None):
    words, *shapes = SUMMED[name]
    rank = len(words.split("->")[1])
    for batches in product(BATCHES, repeat=len(shapes)):
        arguments = [torch.rand(batch + shape, dtype=torch.float64) for batch, shape in zip(batches, shapes, strict=True)]
        samples = by_einsum(words, arguments)
        samples = samples.expand(*(wider or samples.shape[: samples.ndim - rank]), *samples.shape[samples.ndim - rank :])
        expected = samples.sum(tuple(range(samples.ndim - rank))) if samples.ndim > rank else samples
        torch.testing.assert_close(getattr(prelude, name)(*arguments, batch=wider), expected)


def test_several_outer_products_are_summed_together():
    vectors = [torch.rand(batch + core, dtype=torch.float64) for batch, core in zip(BATCHES, ((2,), (3,)) * 2, strict=True)]
    expected = sum(prelude.outer_sum(*pair, batch=(6, 5)) for pair in (vectors[:2], vectors[2:]))
    torch.testing.assert_close(prelude.outer_sum(*vectors), expected)


# ---------------------------------------------------------------- corners


def test_singular_samples_leave_the_others_alone():
    matrices = torch.stack([torch.eye(3), torch.zeros(3, 3), 2 * torch.eye(3)]).requires_grad_()
    (found,) = compile_torch(closed(ex.solve(S, u)))(matrices, torch.ones(3))
    torch.testing.assert_close(found, torch.tensor([[1.0] * 3, [torch.nan] * 3, [0.5] * 3]), equal_nan=True)
    (slopes,) = torch.autograd.grad(found[[0, 2]].sum(), matrices)
    assert bool(slopes[[0, 2]].isfinite().all())


def test_one_singular_matrix_for_all_samples():
    (found,) = compile_torch(closed(ex.solve(S, u)))(torch.zeros(3, 3), torch.ones(4, 3))
    assert found.shape == (4, 3) and bool(found.isnan().all())


@pytest.mark.parametrize("batch", [(), (0,), (4,), (2, 3)])
def test_axes_of_length_zero(batch: tuple[int, ...]):
    e = ex.block("e", 0)
    formula = closed(ex.total(e), ex.concat(e, ex.block("a")), ex.block("E", 2, 0) @ e, e @ ex.block("F", 0, 2), e[::-1])
    values = [torch.ones(batch + tuple(map(int, getattr(leaf, "shape", ())))) for leaf in formula.inputs]
    shapes = [tuple(result.shape) for result in compile_torch(formula)(*values)]
    assert shapes == [batch + core for core in ((), (1,), (2,), (2,), (0,))]


@pytest.mark.parametrize("step", [1, 2, 3, -1, -2])
@pytest.mark.parametrize("start", [0, 1, 2])
def test_placed_values_stand_where_the_slice_says(start: int, step: int):
    size, value = 8, torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    first = start if step > 0 else size - 1 - start
    stop = first + 2 * step
    key = slice(first, stop if stop >= 0 else None, step)
    expected = torch.zeros(2, 8)
    expected[:, torch.arange(8)[[first, first + step]]] = value
    torch.testing.assert_close(prelude.place((size,), ((..., key), value)), expected)
