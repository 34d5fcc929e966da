"""Samples that fail: told by depth and sample, or left out, and then nothing of theirs reaches the others."""

from itertools import product

import numpy as np
import pytest
import torch

import odeanalysis as oda
from tests.torchbridge.solved import AGREED, gradients, on_tensors, tensors
from torchbridge.gradients.continuous import Backsolve, ContinuousAdjoint
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.problems.solving import solve
from torchbridge.solvers.tapes import Checkpointed, Full

WAYS = {
    "all stages kept": DiscreteAdjoint(Full()),
    "states kept": DiscreteAdjoint(Full(stages=False)),
    "checkpoints": DiscreteAdjoint(Checkpointed()),
    "one checkpoint": DiscreteAdjoint(Checkpointed(1)),
    "autograd": Direct(),
}
EVERY = {**WAYS, "adjoint": ContinuousAdjoint(), "backsolve": Backsolve()}
s = oda.depth
z, k, x, w, seen = (oda.block(name) for name in ("z", "k", "x", "w", "seen"))
STEPS = {"adaptive": oda.Settings("bosh3", rtol=1e-3, atol=1e-5), "fixed": oda.Settings("rk4", steps=30)}


def problem(field, end=1.5):
    """Costs of all kinds, which contain the parameter."""
    observed = oda.Observation((0, end / 3), (z - seen) ** 2 * k, (seen,))
    model = oda.Model({z: field}, {z: x}, (0, end), [k], [x, w], name="trial")
    return oda.Problem(model, oda.Objective(k * z**2, k * z, (observed,)), "sum")


# problems in which the second of three samples fails: it blows up, its field ends, or is not defined at its start
BAD = 1
VALUES = {"k": 1.1, "x": [0.3, 9.0, -0.4], "w": [0.2, 0.4, -0.1], "seen": [0.1, 0.2]}
FAILING = {
    "blows up": (problem(k * z**2 + w), VALUES),
    "ends inside": (problem(k * oda.sqrt(9.5 - z) / 3 + w), {**VALUES, "w": [0.2, 0.9, -0.1]}),
    "has no start": (problem(oda.log(9 - z) * k + w), VALUES),
    "ends elsewhere": (problem(k * z**2 + w, 1 + w), VALUES),
    "ends at a depth": (problem(k * oda.sqrt(1.25 - s) - z, 1 + w), VALUES),
    "grows beyond all numbers": (problem(k * oda.exp(705 * w), 300), {**VALUES, "w": [0.0, 1.0, 0.0]}),
    "ends in a piece of its own": (problem(oda.where(s < w, k * oda.sqrt(0.8 - s), z)), {**VALUES, "w": [0.2, 2.0, 0.6]}),
    "has an edge of its own": (problem(k * oda.sqrt(w - z)), {**VALUES, "x": [0.3, -4.9, -0.4], "w": [2.0, -5.0, 1.0]}),
}
GOOD = [0, 2]


def good_alone(values):
    return {name: np.asarray(value)[GOOD] if name in ("x", "w") else value for name, value in values.items()}


@pytest.mark.parametrize(("way", "steps"), [*product(WAYS, STEPS), ("adjoint", "fixed"), ("backsolve", "fixed")])
@pytest.mark.parametrize("name", FAILING)
def test_the_others_go_on_as_if_it_were_not_there(name, way, steps):
    """Those of the continuous ways share the steps of their way back, so that only fixed ones are the same without it."""
    stated, values = FAILING[name]
    given, how = tensors(values), EVERY[way]
    found = solve(stated, given, STEPS[steps], how, throw=False)
    assert found.statistics["failed"] == [BAD]
    assert found.losses.isnan().tolist() == [False, True, False]
    assert found.final["z"].isnan().tolist() == [False, True, False] and found.observed(0)["z"][:, BAD].isnan().all()
    alone = on_tensors(stated, good_alone(values), STEPS[steps], how)
    loss = found.losses[GOOD].sum()
    assert loss.item() == pytest.approx(alone.value, rel=AGREED)
    slopes = gradients(loss, given)
    for key, gradient in alone.gradients.items():
        rows = slopes[key][GOOD] if key in ("x", "w") else slopes[key]
        np.testing.assert_allclose(rows, gradient, rtol=AGREED, atol=AGREED)
    assert slopes["x"][BAD] == 0 and slopes["w"][BAD] == 0


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("way", WAYS)
def test_what_comes_back_to_a_sample_that_failed_is_dropped(way, steps):
    """Autograd multiplies the masked entries by zero, and NaN stays NaN."""
    stated, values = FAILING["blows up"]
    given = tensors(values)
    final = solve(stated, given, STEPS[steps], WAYS[way], throw=False).final["z"]
    found = gradients(torch.where(final.isnan(), 0, final**2).sum(), given)
    alone = tensors(good_alone(values))
    known = gradients((solve(stated, alone, STEPS[steps], WAYS[way]).final["z"] ** 2).sum(), alone)
    assert found["k"] == pytest.approx(known["k"], rel=AGREED)


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("way", EVERY)
@pytest.mark.parametrize("name", ["blows up", "has no start"])
def test_where_all_fail_nothing_is_sent(name, way, steps, common):
    stated, values = FAILING[name]
    given = tensors({**values, **{key: [values[key][BAD]] * 3 for key in ("x", "w")}})
    found = solve(stated, given, STEPS[steps], EVERY[way], throw=False, own_steps=not common)
    assert found.losses.isnan().all() and found.final["z"].isnan().all()
    assert not any(gradient.any() for gradient in gradients(found.losses.nansum(), given).values())


def test_a_batch_that_shares_adaptive_steps_fails_together():
    stated, values = FAILING["blows up"]
    found = solve(stated, values, STEPS["adaptive"], throw=False, own_steps=False)
    assert found.final["z"].isnan().all() and found.losses.isnan().all()


def test_second_derivatives_leave_it_out_too():
    stated, values = FAILING["ends inside"]
    products = []
    for kept, own in ((GOOD, values), ([0, 1], good_alone(values))):
        given = tensors(own)
        loss = solve(stated, given, STEPS["fixed"], throw=False).losses[kept].sum()
        first = torch.autograd.grad(loss, given["k"], create_graph=True)[0]
        products.append(gradients(first, given)["k"])
    assert products[0] == pytest.approx(products[1], rel=AGREED)


# ---------------------------------------------------------------- what is said

TOLD = {
    "blows up": "the step size vanished at depth 0.1",
    "ends inside": "no step, however short, ends in a finite state at depth 0.",
    "has no start": "the field is not finite at depth 0 of sample 1",
    "has an edge of its own": "the field is not finite at depth 0 of sample 1",
}


def refusal(name, settings, **options):
    stated, values = FAILING[name]
    with pytest.raises(oda.SolveError) as caught:
        solve(stated, values, settings, **options)
    return caught.value


@pytest.mark.parametrize("common", [False, True])
@pytest.mark.parametrize("name", TOLD)
def test_adaptive_steps_tell_what_happened_at_which_depth_to_which_sample(name, common):
    error = refusal(name, STEPS["adaptive"], own_steps=not common)
    assert str(error).startswith(TOLD[name]) and "of sample 1; " in str(error)
    assert error.sample == BAD and 0 <= error.depth < 0.6


def test_a_state_that_outgrows_all_numbers_is_told_though_its_error_is_none():
    stated = oda.Problem(oda.Model({z: 10**306}, {z: x}, (0, 300), [], [x]), oda.Objective(z))
    with pytest.raises(oda.SolveError, match=r"^the state overflows at depth 179\.\d+ of sample 0; the solution grows beyond"):
        solve(stated, {"x": [0.0, 1.0]}, STEPS["adaptive"])


@pytest.mark.parametrize("name", FAILING)
def test_fixed_steps_tell_the_first_step_that_ends_nowhere(name):
    error = refusal(name, STEPS["fixed"])
    assert "a step ends in a state that is not finite at depth" in str(error) and "of sample 1; end the domain" in str(error)
    with pytest.raises(oda.SolveError) as caught:
        oda.solve_problem(*FAILING[name], STEPS["fixed"])
    assert (error.depth, error.sample) == (pytest.approx(caught.value.depth), caught.value.sample)
