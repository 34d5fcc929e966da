"""What a change of the problem or of the batch must do to value and gradient, and nothing else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.modeling.values import bind
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.verification.independent.compare import relative_difference
from tests.cases import CASES
from tests.gradients.solved import EVERY, TOLERANCE, conditioning, discrete, solved

# one sample takes its own steps in a batch and alone; only sums over the batch may round in another order
ROUNDING = 1e-13
SETTINGS = {"rtol": TOLERANCE, "atol": TOLERANCE}
BATCHED = tuple(name for name, case in CASES.items() if bind(case.problem(), case.values()).batch is not None)
ALONE = tuple(name for name in CASES if name not in BATCHED)
WAYS = ("discrete", "adjoint", "forward")


def scaled(problem, factor):
    """The problem with all costs multiplied by a number."""
    objective = problem.objective
    observations = tuple(replace(one, cost=factor * one.cost) for one in objective.observations)
    return replace(problem, objective=oda.Objective(factor * objective.terminal, factor * objective.running, observations))


def of_sample(name, sample):
    """The values of one sample by itself."""
    run, values = solved(name), CASES[name].values()
    return {key: array[sample] if key in run.setting.bound.batched else array for key, array in values.items()}


def shuffled(name, order):
    run, values = solved(name), CASES[name].values()
    return {key: array[order] if key in run.setting.bound.batched else array for key, array in values.items()}


@EVERY
def test_ten_times_the_loss_has_ten_times_the_gradient(name):
    """With fixed steps, since a running cost takes part in the error control."""
    problem, values = CASES[name].problem(), CASES[name].values()
    value, gradient = oda.value_and_gradient(problem, values, method="rk4", steps=10)
    times_ten = oda.value_and_gradient(scaled(problem, 10), values, method="rk4", steps=10)
    assert times_ten[0] == pytest.approx(10 * value, rel=1e-13)
    assert relative_difference(times_ten[1], {key: 10 * array for key, array in gradient.items()}) < 1e-11


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["network_batch", "everything_moves", "holes_of_their_own"])
def test_it_does_so_in_every_way(name, way):
    problem, values, sensitivity = CASES[name].problem(), CASES[name].values(), oda.SENSITIVITIES[way]
    once, tenfold = (oda.value_and_gradient(one, values, sensitivity=sensitivity)[1] for one in (problem, scaled(problem, 10)))
    assert relative_difference(tenfold, {key: 10 * array for key, array in once.items()}) < 1e-6 * conditioning(name)


@pytest.mark.parametrize("name", BATCHED)
def test_the_sum_is_the_batch_times_the_mean(name):
    run = solved(name)
    value, gradient = oda.value_and_gradient(CASES[name].problem(), CASES[name].values(), reduction="sum", **SETTINGS)
    batch = run.setting.batch
    assert value == pytest.approx(batch * float(run.value), rel=ROUNDING)
    assert relative_difference(gradient, {key: batch * array for key, array in discrete(name).items()}) < ROUNDING


@pytest.mark.parametrize("name", BATCHED)
def test_a_batch_is_the_stack_of_its_samples(name):
    run, problem = solved(name), replace(CASES[name].problem(), reduction="sum")
    value, gradient = oda.value_and_gradient(problem, CASES[name].values(), **SETTINGS)
    alone = [oda.value_and_gradient(problem, of_sample(name, b), **SETTINGS) for b in range(run.setting.batch)]
    assert value == pytest.approx(sum(one for one, _ in alone), rel=1e-12)
    expected: dict[str, Any] = {
        key: (np.stack if key in run.setting.bound.batched else sum)([one[key] for _, one in alone]) for key in gradient
    }
    assert relative_difference(gradient, expected) < 1e-11


@pytest.mark.parametrize("name", BATCHED)
@settings(max_examples=3)
@given(data=st.data())
def test_permuted_samples_have_permuted_gradients(name, data):
    run = solved(name)
    order = data.draw(st.permutations(range(run.setting.batch)))
    value, gradient = oda.value_and_gradient(CASES[name].problem(), shuffled(name, order), **SETTINGS)
    expected: dict[str, Any] = {key: array[order] if key in run.setting.bound.batched else array for key, array in discrete(name).items()}
    assert value == pytest.approx(float(run.value), rel=1e-12)
    assert relative_difference(gradient, expected) < 1e-11


@pytest.mark.parametrize("name", ALONE)
def test_a_batch_of_one_is_no_batch(name):
    """Everything per sample, with one sample: the same numbers behind a leading axis of one."""
    values = {key: array[None] for key, array in CASES[name].values().items()}
    value, gradient = oda.value_and_gradient(CASES[name].problem(), values, **SETTINGS)
    assert value == pytest.approx(float(solved(name).value), rel=1e-13)
    assert all(gradient[key].shape == array.shape for key, array in values.items())
    assert relative_difference({key: array[0] for key, array in gradient.items()}, discrete(name)) < ROUNDING


@pytest.mark.parametrize("name", ["network_batch", "kinked_network", "state_blocks", "ragged_switches"])
def test_equal_samples_share_the_gradient(name):
    """A shared value given to each of three samples instead: the sum of its gradients is the shared gradient."""
    run, problem = solved(name), CASES[name].problem()
    values = {key: np.stack([array] * 3) for key, array in of_sample(name, 0).items()}
    shared = {key: array for key, array in of_sample(name, 0).items() if key not in run.setting.bound.batched}
    own = oda.value_and_gradient(problem, values, **SETTINGS)[1]
    common = oda.value_and_gradient(problem, {**values, **shared}, **SETTINGS)[1]
    assert relative_difference({key: own[key].sum(axis=0) for key in shared}, {key: common[key] for key in shared}) < 1e-11


# ---------------------------------------------------------------- another scale of depth


def stretched(problem, factor):
    """The same problem over depths that are `factor` times as large: s = sigma / factor, ds = dsigma / factor."""
    model, objective = problem.model, problem.objective
    slow = {model.depth: model.depth / factor}

    def along(expression):
        return substitute(expression, slow)

    other = model.with_(
        field=[(z, along(f) / factor) for z, f in model.field],
        initial=[(z, along(h)) for z, h in model.initial],
        domain=tuple(factor * end for end in model.domain),
        functions=[(name, along(f)) for name, f in model.functions],
        breakpoints=tuple(factor * depth for depth in model.breakpoints),
        nodes=tuple(tuple(factor * depth for depth in nodes)[:: 1 if factor > 0 else -1] for nodes in model.nodes),
    )
    observations = tuple(oda.Observation([factor * at for at in one.at], along(one.cost), one.data) for one in objective.observations)
    costs = oda.Objective(along(objective.terminal), along(objective.running) / factor, observations)
    return replace(problem, model=other, objective=costs)


HALVED = [pytest.param(name, sp.Rational(-1, 2), id=name) for name in CASES]
DOUBLED = [pytest.param(name, 2, id=f"{name}-twice") for name in ("network_batch", "everything_moves", "observed_twice")]


@pytest.mark.parametrize(("name", "factor"), [*HALVED, *DOUBLED])
def test_another_scale_of_depth_changes_nothing(name, factor):
    """With fixed steps, which scale along: also where depth then runs the other way."""
    problem, values = CASES[name].problem(), CASES[name].values()
    value, gradient = oda.value_and_gradient(problem, values, method="rk4", steps=10)
    other_value, other = oda.value_and_gradient(stretched(problem, factor), values, method="rk4", steps=10)
    assert other_value == pytest.approx(value, rel=1e-12)
    assert relative_difference(other, gradient) < 1e-11
