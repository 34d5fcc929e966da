"""A formula in two parts gives what it gives whole, and keeps between them what is dear to compute again, and no more."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.calculus.reverse import sweep
from odeanalysis.symbolic.formula import Formula, formula, share
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.splitting import split
from odeanalysis.targets.callables import compile_numpy
from tests.targets.formulas import formulas, random_values

a, z = ex.block("a"), ex.block("z", 3)
W, V = ex.block("W", 2, 3, 3), ex.block("V", 2, 3)
MIXED = fn.cos(a) * W[0] + fn.sin(a) * W[1]
LAYERS = formula("layers", [a, W, V, z], {"out": V @ fn.tanh(MIXED @ fn.tanh(MIXED @ z))})


def both_ways(program: Formula) -> Formula:
    """A formula and its vector-Jacobian product as one."""
    cotangents = {name: ex.block(f"_bar_{name}", *shape) for name, shape in program.shapes.items()}
    lets, gradients = sweep(program, cotangents, program.inputs)
    outputs = {**program.output, **{f"_bar_{leaf.name}": value for leaf, value in gradients.items()}}
    return share(program.name, (*program.inputs, *cotangents.values()), (*program.lets, *lets), outputs)


def parts_of(program: Formula) -> tuple[Formula, Formula]:
    late = [ex.block(f"_bar_{name}", *shape) for name, shape in program.shapes.items()]
    return split(both_ways(program), late, program.output)


def run(parts: tuple[Formula, Formula], known: dict[str, Any]) -> dict[str, Any]:
    for part in parts:
        results = compile_numpy(part)(*(known[leaf.name] for leaf in part.inputs))
        known = {**known, **dict(zip(part.output, results, strict=True))}
    return known


@given(st.data())
def test_the_parts_give_what_the_whole_gives(data: Any):
    program = data.draw(formulas() | st.just(LAYERS))
    whole = both_ways(program)
    values = dict(zip((leaf.name for leaf in whole.inputs), random_values(whole, data.draw(st.integers(0, 1000))), strict=True))
    with np.errstate(all="ignore"):
        expected = dict(zip(whole.output, compile_numpy(whole)(*values.values()), strict=True))
        found = run(parts_of(program), values)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12 * max(1, np.max(np.abs(value), initial=0)))


def test_activations_are_kept_and_computed_once():
    early, late = parts_of(LAYERS)
    assert [shape_of(early.output[name]) for name in early.output if name != "out"].count((3,)) == 2
    assert not [leaf for leaf, value in late.lets if "tanh" in str(value)]


def test_matrices_that_scalars_mix_are_not_kept_but_their_scalars():
    early, late = parts_of(LAYERS)
    kept = [name for name in early.output if name not in LAYERS.output]
    assert all(len(shape_of(early.output[name])) < 2 for name in kept)
    assert {leaf.name for leaf in late.inputs} <= {"a", "W", "V", "z", *kept, "_bar_out"}


@pytest.mark.parametrize("matrix", [fn.tanh(W[0]), W[0] * W[1], W[0] + W[0] * W[1], ex.outer(z, z)])
def test_matrices_that_take_work_are_kept(matrix: Any):
    early, _ = parts_of(formula("worked", [W, V, z], {"out": V @ (matrix @ fn.tanh(matrix @ z))}))
    assert any(len(shape_of(value)) == 2 for name, value in early.output.items() if name != "out")
