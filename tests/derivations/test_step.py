"""A step as a formula is the step that the solvers take, and its vector-Jacobian product is its transpose.

The step of an implicit method is no formula: its tangent is compared with the complex step of the solver's own.
"""

from functools import cache

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.derivations.parts import COST, H, parts
from odeanalysis.derivations.step import step, step_jvp, step_vjp
from odeanalysis.numerics.gradients.discrete import step_values
from odeanalysis.numerics.gradients.program import compiled
from odeanalysis.tableaus import METHODS, tableau
from tests.cases import CASES, in_turn

EVERY = pytest.mark.parametrize("name", CASES)
TINY = 1e-40
EXPLICIT = tuple(name for name in METHODS if tableau(name).explicit)
ROSENBROCK = ("rosenbrock23", "rodas5p")
IMPLICIT = ("radau", "kvaerno5")
SAMPLED = ("closed_form", "everything_moves", "observed_on_a_switch", "network_batch", "per_sample_parameters", "state_blocks")


@cache
def solved(name, method):
    case = CASES[name]
    return oda.solve_problem(case.problem(), case.values(), oda.Settings(method, steps=8))


@cache
def stepping(name, method):
    return compiled(step(parts(CASES[name].problem()), tableau(method)))


@cache
def reverse(name, method):
    return compiled(step_vjp(parts(CASES[name].problem()), tableau(method)))


def packed(run, found, before):
    """The state behind a step, with the integral of the running cost carried on: [B, n]."""
    carried = run.setting.layout.unpack(before).get(COST.name, 0)
    return run.setting.layout.pack({**found, COST.name: found[COST.name] + carried}, (run.setting.batch,))


def behind(run, k):
    """The recorded states behind step k: [B, n]."""
    record = run.solution.record
    rows, segment = np.arange(run.setting.batch), record.segment[k]
    inside = record.states[min(k + 1, len(record) - 1)]
    return np.where(record.closes[k][:, None], run.solution.node_states[rows, segment + 1], inside)


def matches_the_solver(name, method):
    run = solved(name, method)
    for k in range(len(run.solution.record)):
        taken = run.solution.record.accepted[k]
        found = packed(run, stepping(name, method)(step_values(run, k)), run.solution.record.states[k])
        assert found[taken] == pytest.approx(behind(run, k)[taken], rel=1e-12, abs=1e-13)


@EVERY
def test_it_is_the_step_that_the_solver_takes(name):
    matches_the_solver(name, "rk4")


@pytest.mark.parametrize("method", [*EXPLICIT, *ROSENBROCK])
@pytest.mark.parametrize("name", SAMPLED)
def test_it_is_so_for_every_method(name, method):
    matches_the_solver(name, method)


def by_complex_step(name, method):
    def tangent(values, moved):
        found = stepping(name, method)({**values, **{key: values[key] + 1j * TINY * dot for key, dot in moved.items()}})
        return {key: np.imag(array) / TINY for key, array in found.items()}

    return tangent


def by_formula(name, method):
    derived = compiled(step_jvp(parts(CASES[name].problem()), tableau(method)))
    return lambda values, moved: derived({**values, **{f"_dot_{key}": dot for key, dot in moved.items()}})


def transposed(name, method, tangent):
    """<bar, J u> by the tangent along u, and <J^T bar, u> by the derived product."""
    run, random = solved(name, method), np.random.default_rng(3)
    values = step_values(run, len(run.solution.record) // 2)
    inputs = [leaf.name for leaf in reverse(name, method).formula.inputs if not leaf.name.startswith(("_bar_", "_piece", "_q"))]
    moved = {key: random.normal(0, 0.5, np.shape(values[key])) for key in inputs}
    advanced = tangent(name, method)(values, moved)
    bars = {f"_bar_{key}": random.normal(0, 1, np.shape(array)) for key, array in advanced.items() if not key.startswith("_q")}
    bars.setdefault(f"_bar_{COST.name}", np.zeros(run.setting.batch))
    found = reverse(name, method)({**values, **bars})
    forward = sum(np.sum(bar * advanced[key.removeprefix("_bar_")]) for key, bar in bars.items())
    backward = [np.sum(np.broadcast_to(found[key] * moved[key], reach(found[key], moved[key]))) for key in inputs]
    return forward, sum(backward), sum(map(abs, backward))


def reach(one, other):
    return np.broadcast_shapes(np.shape(one), np.shape(other))


@EVERY
def test_its_product_is_its_transpose(name):
    forward, backward, size = transposed(name, "heun2", by_complex_step)
    assert forward == pytest.approx(backward, abs=1e-13 * size)


@pytest.mark.parametrize("method", [*EXPLICIT, *ROSENBROCK])
@pytest.mark.parametrize("name", SAMPLED)
def test_so_is_that_of_every_method(name, method):
    forward, backward, size = transposed(name, method, by_complex_step)
    assert forward == pytest.approx(backward, abs=1e-12 * size)


@pytest.mark.parametrize(("name", "method"), in_turn(*IMPLICIT))
def test_the_product_of_an_implicit_step_is_the_transpose_of_its_tangent(name, method):
    forward, backward, size = transposed(name, method, by_formula)
    assert forward == pytest.approx(backward, abs=1e-12 * size)


@pytest.mark.parametrize("method", IMPLICIT)
@pytest.mark.parametrize("name", SAMPLED)
def test_the_tangent_of_an_implicit_step_is_the_complex_step_of_the_solvers(name, method):
    """Of next states and of stages, along a direction of state, depth and length."""
    run, random = solved(name, method), np.random.default_rng(4)
    k = len(run.solution.record) // 2
    values, record = step_values(run, k), run.solution.record
    place = run.setting.path.grid.place(record.segment[k], record.start[k], record.fraction[k])
    state, depth, length = (random.normal(0, 0.5, array.shape) for array in (record.states[k], place.depth, place.step))
    s, h, y = (at + 1j * TINY * dot for at, dot in ((place.depth, depth), (place.step, length), (record.states[k], state)))
    ahead = np.imag(run.method.attempt(s, h, y, place.pieces, None).y1) / TINY - state
    stages = np.imag(run.method.stages(s, h, y, place.pieces)) / TINY
    moved = {run.setting.program.parts.depth.name: depth, "_h": length, **run.setting.layout.unpack(state)}
    still = {leaf.name: np.zeros_like(values[leaf.name]) for leaf in run.setting.program.parts.names}
    found = by_formula(name, method)(values, {**still, **moved})
    change = {key: found[key] - moved.get(key, 0) for key in run.setting.layout.names if key != COST.name}
    assert run.setting.layout.pack({**change, COST.name: found[COST.name]}, (run.setting.batch,)) == pytest.approx(
        ahead, rel=1e-9, abs=1e-12
    )
    for i, stage in enumerate(stages):
        assert found[f"_q{i}"] == pytest.approx(stage, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("method", [*EXPLICIT, *ROSENBROCK])
@pytest.mark.parametrize("name", SAMPLED)
def test_a_null_step_is_exactly_the_identity(name, method):
    """So that ragged batches can be padded with it: not a digit of states or costs changes."""
    run = solved(name, method)
    values = {**step_values(run, 0), "_h": np.zeros(run.setting.batch)}
    advanced = stepping(name, method)(values)
    assert all((advanced[z.name] == values[z.name]).all() for z in run.setting.program.parts.states)
    assert not np.any(advanced[COST.name])


@pytest.mark.parametrize("method", [*EXPLICIT, *ROSENBROCK, *IMPLICIT])
@pytest.mark.parametrize("name", SAMPLED)
def test_its_product_is_exactly_the_identity_too(name, method):
    run = solved(name, method)
    values = {**step_values(run, 0), "_h": np.zeros(run.setting.batch)}
    values |= {key: np.zeros_like(stage) for key, stage in values.items() if key.startswith("_q")}
    layout = run.setting.layout
    bars = {f"_bar_{key}": part for key, part in layout.unpack(np.random.default_rng(0).normal(size=run.setting.y0.shape)).items()}
    bars.setdefault(f"_bar_{COST.name}", np.zeros(run.setting.batch))
    found = reverse(name, method)({**values, **bars})
    assert all((found[z.name] == bars[f"_bar_{z.name}"]).all() for z in run.setting.program.parts.states)
    assert not any(np.any(found[leaf.name]) for leaf in (*run.setting.program.parts.names, oda.depth) if leaf.name in found)


@pytest.mark.parametrize("method", ["radau", "kvaerno5"])
def test_an_implicit_step_is_refused(method):
    with pytest.raises(oda.DerivationError, match=f"method '{method}' is .*: its step is the root of an equation"):
        step(parts(CASES["closed_form"].problem()), tableau(method))


def test_inputs_that_stand_still_have_no_cotangent():
    stated = parts(CASES["closed_form"].problem())
    whole, less = (step_vjp(stated, tableau("rk4"), still) for still in ((), (stated.depth, H)))
    assert set(whole.output) - set(less.output) == {stated.depth.name, "_h"}
