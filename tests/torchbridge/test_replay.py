"""Steps that are recorded and taken again: they serve while their errors allow it, and are chosen anew where they do not."""

import copy
import pickle
from functools import cache

import pytest
import torch

import odeanalysis as oda
from odeanalysis.errors import SolveError
from torchbridge import Direct, DiscreteAdjoint, FieldODE, StatedODE, solve
from torchbridge.solvers.replay import Replay

z, x, k = oda.block("z", 2), oda.block("x", 2), oda.block("k")
SETTINGS = oda.Settings("bosh3", rtol=1e-5, atol=1e-7)


@cache
def turning() -> oda.Problem:
    """z turns at the rate k, and a little with its own size."""
    turned = oda.concat(-k * z[1], k * z[0]) - z * oda.sumsq(z) / 10
    return oda.Problem(oda.Model({z: turned}, {z: x}, (0, 2), (k,), (x,)), oda.Objective(oda.sumsq(z - 1)))


def values(rate: float = 3.0, batch: int = 3) -> dict[str, torch.Tensor]:
    drawn = torch.randn(batch, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return {"k": torch.tensor(rate, dtype=torch.float64, requires_grad=True), "x": drawn}


def run(replay: Replay | None, given: dict[str, torch.Tensor], **options):
    return solve(turning(), given, SETTINGS, replay=replay, **options)


@pytest.mark.parametrize("own", [True, False], ids=["own steps", "common steps"])
def test_the_same_solve_takes_the_recorded_steps(own):
    replay = Replay()
    first, again = (run(replay, values(), own_steps=own) for _ in range(2))
    assert (replay.recordings, replay.replays) == (1, 1)
    assert (again.trace.schedule.fraction == first.trace.schedule.fraction).all()
    torch.testing.assert_close(again.value, first.value, rtol=1e-14, atol=0)
    assert again.statistics["rejected"] == 0 < first.statistics["rejected"]


def test_gradients_are_those_of_the_steps_taken():
    replay, given = Replay(), values()
    run(replay, given)
    moved = values(3.001)
    one, other = (
        torch.autograd.grad(solve(turning(), moved, SETTINGS, way, replay=replay).value, moved["k"])[0]
        for way in (DiscreteAdjoint(), Direct())
    )
    assert replay.replays == 2
    torch.testing.assert_close(one, other, rtol=1e-12, atol=0)
    eps = 1e-5
    ends = [run(replay, values(3.001 + sign * eps)).value for sign in (1, -1)]
    assert replay.replays == 4
    torch.testing.assert_close((ends[0] - ends[1]) / (2 * eps), one, rtol=1e-8, atol=0)


def test_steps_that_are_too_long_are_chosen_anew():
    replay = Replay()
    run(replay, values(3.0))
    faster = run(replay, values(9.0))
    assert (replay.recordings, replay.replays) == (2, 0)
    torch.testing.assert_close(faster.value, run(None, values(9.0)).value, rtol=1e-4, atol=0)


def test_steps_that_are_too_short_are_chosen_anew():
    replay = Replay()
    many = run(replay, values(9.0)).statistics["steps"]
    few = run(replay, values(1.0)).statistics["steps"]
    assert (replay.recordings, replay.replays) == (2, 0) and few < many / 2


def test_steps_that_cannot_be_longer_serve():
    """The end of the domain, and a careful beginning, cut steps far below what is allowed: that is no reason to choose them again."""
    replay = Replay()
    for _ in range(3):
        assert solve(turning(), values(0.01), oda.Settings("bosh3", rtol=0.1, atol=0.1), replay=replay).statistics["steps"] <= 3
    assert (replay.recordings, replay.replays) == (1, 2)


def test_other_numbers_of_samples_have_steps_of_their_own():
    replay = Replay()
    for batch in (3, 2, 3, 2):
        run(replay, values(batch=batch))
    assert (replay.recordings, replay.replays) == (2, 2)
    common = Replay()
    for batch in (3, 2, 3):
        run(common, values(batch=batch), own_steps=False)
    assert common.recordings + common.replays == 3 and len(common.records) == 1


def test_what_leaves_the_numbers_is_solved_again_and_told():
    growing = oda.Problem(oda.Model({z: k * z * oda.sumsq(z)}, {z: x}, (0, 1), (k,), (x,)), oda.Objective(oda.sumsq(z)))
    replay, start = Replay(), torch.ones(1, 2, dtype=torch.float64)
    solve(growing, {"k": 0.1, "x": start}, SETTINGS, replay=replay)
    with pytest.raises(SolveError, match=r"vanished|finite"):
        solve(growing, {"k": 9.0, "x": start}, SETTINGS, replay=replay)
    kept = solve(growing, {"k": 9.0, "x": torch.cat([start, 0 * start])}, SETTINGS, replay=replay, throw=False)
    assert kept.statistics["failed"] == [0] and (2, 2) not in replay.records and replay.recordings == 1
    solve(growing, {"k": 0.1, "x": start}, SETTINGS, replay=replay)
    assert replay.replays == 1


def test_recorded_steps_that_leave_the_numbers_are_chosen_anew():
    """z' = -k z sqrt(z): steps that are long beside 1/k jump below zero, where there is no field."""
    falling = oda.Problem(oda.Model({z: -k * z * oda.sqrt(z)}, {z: x}, (0, 1), (k,), (x,)), oda.Objective(oda.sumsq(z)))
    replay, start = Replay(), torch.ones(2, dtype=torch.float64)
    solve(falling, {"k": 0.1, "x": start}, SETTINGS, replay=replay)
    found = solve(falling, {"k": 60.0, "x": start}, SETTINGS, replay=replay)
    torch.testing.assert_close(found.final["z"], start / (1 + 60 / 2) ** 2, rtol=1e-3, atol=0)
    assert (replay.recordings, replay.replays) == (2, 0)


@pytest.mark.parametrize("own", [True, False])
def test_modules_tell_how_often(own):
    stated = StatedODE(turning(), method="bosh3", rtol=1e-5, atol=1e-7, replay=True, own_steps=own, dtype=torch.float64, values={"k": 3.0})
    field = FieldODE(torch.nn.Linear(2, 2).double(), method="bosh3", rtol=1e-5, atol=1e-7, replay=True)
    for module in (stated, field):
        optimizer = torch.optim.SGD(module.parameters(), 1e-4)
        for _ in range(5):
            optimizer.zero_grad()
            module(values()["x"]).square().mean().backward()
            optimizer.step()
        assert module.statistics["recordings"] == 1 and module.statistics["replays"] == 4
        for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            other(values()["x"])
            assert other.statistics["replays"] == 5
        assert module.statistics["replays"] == 4


def test_equal_steps_are_not_recorded():
    with pytest.raises(oda.ModelError, match="replay=True with steps=5"):
        StatedODE(turning(), steps=5, method="rk4", replay=True)
