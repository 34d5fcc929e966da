"""What a memory plan keeps and what it computes again, counted: states, not seconds."""

import math

import pytest
import torch

import odeanalysis as oda
from tests.cases import CASES
from tests.torchbridge.solved import gradients, tensors
from tests.torchbridge.test_samples import LOOSE, NARROW
from torchbridge.gradients.direct import Direct
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.integration import integrate
from torchbridge.problems.solving import solve
from torchbridge.solvers.solve import Steps
from torchbridge.solvers.tapes import Checkpointed, Full

COUNTS = (0, 1, 2, 3, 7, 8, 9, 100, 1000, 4097)


class Numbered:
    """A state that knows which step it starts, and counts how many like it are alive."""

    alive = 0

    def __init__(self, number):
        self.number = number
        Numbered.alive += 1

    def __del__(self):
        Numbered.alive -= 1


def swept(plan, count):
    """The most states of a solve that are held at once on its way, and on the way back, and how often each step was taken again."""
    tape, again = plan.tape(), [0] * count
    on_the_way = on_the_way_back = 0
    for k in range(count):
        tape.add((Numbered(k),), ())
        on_the_way = max(on_the_way, Numbered.alive)

    def step(k, state):
        assert state[0].number == k
        again[k] += 1
        return (Numbered(k + 1),)

    wanted = count - 1
    for k, state, _ in tape.backwards(step):
        assert (k, state[0].number) == (wanted, wanted)
        wanted, on_the_way_back = wanted - 1, max(on_the_way_back, Numbered.alive)
    assert wanted == -1
    return on_the_way, on_the_way_back, again


@pytest.fixture(autouse=True)
def none_alive():
    assert Numbered.alive == 0


@pytest.mark.parametrize("count", COUNTS)
def test_a_full_tape_takes_no_step_again(count):
    held, back, again = swept(Full(), count)
    assert held == back == count and not any(again)


@pytest.mark.parametrize("count", COUNTS)
def test_checkpoints_hold_the_root_of_the_steps_and_take_each_once_more(count):
    held, back, again = swept(Checkpointed(), count)
    assert held <= 2 * math.sqrt(2 * count) + 3 and back <= 4 * math.sqrt(count) + 3
    assert max(again, default=0) <= 1


@pytest.mark.parametrize("slots", [1, 2, 5])
@pytest.mark.parametrize("count", COUNTS)
def test_few_slots_hold_their_number_times_a_logarithm(count, slots):
    held, back, again = swept(Checkpointed(slots), count)
    depth = math.log2(count + 1) + 2
    assert held <= 2 * slots + 2 and back <= 4 * slots + depth + 2
    assert max(again, default=0) <= depth


def test_a_root_is_told_from_a_share():
    """The control: four times the steps need twice the states, and no more."""
    small, large = (swept(Checkpointed(), count)[1] for count in (1024, 4096))
    assert small > 32 and large < 2.2 * small and swept(Full(), 4096)[1] == 4096


def states_on(run):
    """How many states the tape of a solve holds."""
    return len(getattr(run.trace.tape, "states", ()))


@pytest.mark.parametrize("steps", [oda.Settings("rk4", steps=60), oda.Settings("bosh3", rtol=1e-5, atol=1e-7)], ids=["fixed", "adaptive"])
@pytest.mark.parametrize("name", ["network_batch", "adaptive", "observed_on_a_switch"])
def test_all_plans_give_the_gradient_of_the_same_steps(name, steps):
    found, kept, taken = [], [], 0
    for plan in (Full(), Full(stages=False), Checkpointed(), Checkpointed(1), Checkpointed(3)):
        given = tensors(CASES[name].values())
        run = solve(CASES[name].problem(), given, steps, DiscreteAdjoint(plan))
        found.append(gradients(run.value, given))
        kept.append(states_on(run))
        taken = len(run.trace.schedule)
    assert kept[:2] == [taken, taken] and kept[2] <= 3 * math.sqrt(taken) and kept[3] <= 2 and kept[4] <= 6
    for other in found[1:]:
        for key, one in found[0].items():
            assert abs(other[key] - one).max() <= 1e-13 * max(1, abs(one).max())


def test_a_step_that_is_rejected_is_not_on_the_tape():
    problem, values = NARROW["behind the end"]
    run = solve(problem, tensors({"k": values["k"], "x": values["x"][0], "w": values["w"][0]}), LOOSE)
    assert run.statistics["rejected"] > 0
    assert states_on(run) == len(run.trace.schedule) == run.statistics["steps"]


@pytest.mark.parametrize("without", ["no_grad", "no gradients wanted"])
def test_nothing_is_kept_where_nobody_goes_back(without):
    given = tensors(CASES["network_batch"].values()) if without == "no_grad" else CASES["network_batch"].values()
    with torch.set_grad_enabled(without != "no_grad"):
        run = solve(CASES["network_batch"].problem(), given, oda.Settings("rk4", steps=9))
    assert states_on(run) == 0 and not run.states[0].requires_grad


@pytest.mark.parametrize("plan", [Full(), Checkpointed(1)])
def test_the_way_back_can_be_gone_twice(plan):
    given = tensors(CASES["network_batch"].values())
    value = solve(CASES["network_batch"].problem(), given, oda.Settings("rk4", steps=9), DiscreteAdjoint(plan)).value
    first, again = (torch.autograd.grad(value, given["W"], retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, again)


def test_the_way_back_of_a_called_field_evaluates_it_as_often_as_a_step_does():
    """Once for each stage on the way, and once more on the way back: no tape of the whole solve is made."""
    calls = []

    def field(s, z):
        calls.append(torch.is_grad_enabled())
        return (-z[0],)

    start = torch.ones(2, requires_grad=True)
    (found,), _ = integrate(field, (start,), [0.0, 1.0], method="rk4", steps=Steps(10), sensitivity=DiscreteAdjoint())
    assert calls == [False] * 40
    found[-1].sum().backward()
    assert calls == [False] * 40 + [True] * 40
    calls.clear()
    integrate(field, (start,), [0.0, 1.0], method="rk4", steps=Steps(10), sensitivity=Direct())
    assert calls == [True] * 40


def test_slots_are_counted_from_one():
    with pytest.raises(oda.ModelError, match=r"^Checkpointed\(slots=0\); give 1 or more, or None"):
        Checkpointed(0)
