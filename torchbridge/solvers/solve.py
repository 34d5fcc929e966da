"""The one call behind which fixed and adaptive steps stand, and what it gives."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.numerics.solvers.fixed import equal_steps, step_counts
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.pilot import Pilot
from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.solution import Statistics
from odeanalysis.numerics.solvers.stepper import Array
from torchbridge.solvers.dense import Dense, reading
from torchbridge.solvers.failing import Failed
from torchbridge.solvers.failure import located
from torchbridge.solvers.nodes import AtNodes
from torchbridge.solvers.places import in_turn, places
from torchbridge.solvers.replay import RECORDED, Replay, Worst
from torchbridge.solvers.settings import Steps
from torchbridge.solvers.states import chosen, finite
from torchbridge.solvers.tapes import Plan, Tape
from torchbridge.solvers.waiting import Waiting
from torchbridge.solvers.walk import Walk
from torchbridge.solvers.watching import Watch
from torchbridge.steps.interpolants import Around
from torchbridge.steps.stepper import State, Stepper, evaluated

__all__ = ["Steps", "Trace", "follow", "replayed", "solve"]


@dataclass(frozen=True, eq=False)
class Trace:
    """A solve: its steps, the states at the nodes (each block [K+1, ...], or [K+1+M, ...] with M depths of dense output behind the nodes),
    what is kept of the steps, counts, and which samples failed, where any can have.
    """

    schedule: Schedule
    nodes: State
    tape: Tape
    statistics: Statistics
    failed: Failed | None


def solve(
    stepper: Stepper, grid: Grid, state: State, names: State, steps: Steps, plan: Plan, dense: Dense | None = None, batch: int | None = None
) -> Trace:
    """Solves from a state at the first node through all nodes, or until one who watches is done.

    grid: nodes [S, K+1] and flags, S = 1 where all samples share their steps, else one row for each of them.
    names: what the field reads beside depth and state.  dense: depths between the nodes whose states are wanted, too.
    batch: how many samples the state has where they share their steps; None: it has no axis of samples.
    Raises SolveError where a solve fails, ModelError where a method without an error estimate is to control its error.
    """
    if steps.given is not None or steps.count is not None:
        schedule = steps.given or equal_steps(grid, step_counts(grid, steps.count or 1))
        return follow(stepper, grid, schedule, state, names, plan, dense, steps, batch)
    if not stepper.adaptive:
        raise ModelError(f"method {stepper.name!r} has no error estimate; give a number of steps, or take tsit5")
    trace = None if steps.replay is None else _taken_again(steps.replay, stepper, grid, state, names, steps, plan, dense, batch)
    return trace or _chosen_steps(stepper, grid, state, names, steps, plan, dense, batch)


def _taken_again(
    replay: Replay,
    stepper: Stepper,
    grid: Grid,
    state: State,
    names: State,
    steps: Steps,
    plan: Plan,
    dense: Dense | None,
    batch: int | None,
) -> Trace | None:
    """The recorded steps, as long as they serve."""
    known = replay.known(grid)
    if known is None:
        return None
    worst = Worst(steps.norm, grid.samples, state[0])
    try:
        trace = follow(stepper, grid, known.schedule, state, names, plan, dense, replace(steps, watches=(*steps.watches, worst)), batch)
    except SolveError:
        return None
    if not known.serves(float(worst.found), stepper.error_order):
        return None
    replay.replays += 1
    return trace


def _chosen_steps(
    stepper: Stepper, grid: Grid, state: State, names: State, steps: Steps, plan: Plan, dense: Dense | None, batch: int | None
) -> Trace:
    """As many steps as the error wants."""
    if steps.replay is not None:
        steps = replace(steps, measure=replace(steps.norm, share=RECORDED))
    walk = Walk(stepper, grid, state, names, steps, plan, dense, batch)
    pilot = Pilot(walk, steps.controller)
    with np.errstate(all="ignore"):
        while pilot.live.any() and not _done(steps.watches):
            pilot.size = np.clip(pilot.size, steps.shortest, steps.longest)
            pilot.iterate(steps.max_steps)
    if steps.replay is not None and walk.failed is None:
        steps.replay.record(grid, walk.schedule(), RECORDED * walk.worst)
    return Trace(walk.schedule(), walk.nodes.states(walk.states.final), walk.tape, walk.statistics(), walk.failed)


def follow(
    stepper: Stepper,
    grid: Grid,
    schedule: Schedule,
    state: State,
    names: State,
    plan: Plan,
    dense: Dense | None = None,
    asked: Steps | None = None,
    batch: int | None = None,
) -> Trace:
    """Takes exactly the steps of a schedule, which is known before. Nothing waits for a device but, at the end and where a sample that
    fails is to raise, the question whether one did.
    """
    asked = asked or Steps()
    nodes = torch.as_tensor(grid.nodes, device=state[0].device)
    tape, at_nodes, keep = (
        plan.tape(),
        AtNodes(grid.segments, reading(dense, stepper, names, like=nodes)),
        plan.keeps_stages and asked.throw,
    )
    states, given, moving = Waiting(state, grid.segments), state, has_length(grid, schedule)
    evaluations = np.zeros(grid.samples, dtype=int)
    for k, place in enumerate(in_turn(nodes, grid.pieces, schedule, state[0])):
        state = states.start
        at_nodes.see(schedule, k, state)
        for watch in asked.watches:
            watch.tried(place, state)
        taken = stepper.step(place, state, names, keep=keep)
        evaluations = evaluations + schedule.accepted[k] * evaluated(stepper, taken)
        at_nodes.look(schedule, k, Around(stepper, place, state, names, taken))
        tape.add(state, taken.kept)
        for watch in asked.watches:
            watch.accepted(place, state, taken)
        states.advance(schedule, k, chosen(moving[k], taken.after, state))
        if _done(asked.watches):
            schedule = first_steps(schedule, k + 1)
            break
    count = schedule.accepted.sum(0)
    nothing = np.zeros(len(count), dtype=int)
    statistics = Statistics(count, nothing, evaluations, nothing.astype(bool))
    samples = batch if grid.samples == 1 else grid.samples
    good = finite(states.final, samples or 1)
    if asked.throw and not bool(good.all()):
        raise located(stepper, grid, schedule, given, names, samples)
    return Trace(schedule, at_nodes.states(states.final), tape, statistics, None if asked.throw else Failed(~good))


def has_length(grid: Grid, schedule: Schedule) -> Array:
    """Which steps go anywhere: [N, S]. Those in a segment without length leave a state as it is, whatever the field is there."""
    return grid.lengths[np.arange(grid.samples), schedule.segment] != 0


def replayed(
    stepper: Stepper, nodes: Tensor, grid: Grid, schedule: Schedule, state: State, names: State, dense: Dense | None = None
) -> State:
    """The states at the nodes, and at M depths of dense output, by the same steps between nodes and depths [S, K+1] or [1, K+1+M] that may
    have moved: plain operations that autograd follows.
    """
    at_nodes = AtNodes(grid.segments, reading(dense, stepper, names, nodes))
    states = Waiting(state, grid.segments)
    for k, place in enumerate(places(nodes, grid.pieces, schedule, state[0])):
        state = states.start
        at_nodes.see(schedule, k, state)
        taken = stepper.step(place, state, names)
        at_nodes.look(schedule, k, Around(stepper, place, state, names, taken))
        states.advance(schedule, k, taken.after)
    return at_nodes.states(states.final)


def first_steps(schedule: Schedule, count: int) -> Schedule:
    """The first steps of a schedule, and no more."""
    return Schedule(schedule.start[:count], schedule.fraction[:count], schedule.segment[:count], schedule.closes[:count])


def _done(watches: tuple[Watch, ...]) -> bool:
    return any(watch.done for watch in watches)
