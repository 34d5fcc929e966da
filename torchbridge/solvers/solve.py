"""The one call behind which fixed and adaptive steps stand, and what it gives."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.controller import Controller, Tolerance
from odeanalysis.numerics.solvers.fixed import equal_steps, step_counts
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.pilot import Pilot
from odeanalysis.numerics.solvers.record import Schedule
from odeanalysis.numerics.solvers.solution import Statistics
from torchbridge.solvers.nodes import AtNodes
from torchbridge.solvers.places import places
from torchbridge.solvers.states import chosen
from torchbridge.solvers.tapes import Plan, Tape
from torchbridge.solvers.walk import Walk
from torchbridge.steps.stepper import State, Stepper


@dataclass(frozen=True)
class Steps:
    """How a solve chooses its steps: `count` equal ones over the domain, or as many as the error wants.

    throw: whether a sample that fails raises SolveError; else it has NaN for its states, and the others go on.
    """

    count: int | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    controller: Controller = field(default_factory=Controller)
    max_steps: int = 100_000
    throw: bool = True


@dataclass(frozen=True, eq=False)
class Trace:
    """A solve: its steps, the states at the nodes (each block [K+1, ...]), what is kept of the steps, counts, which samples failed."""

    schedule: Schedule
    nodes: State
    tape: Tape
    statistics: Statistics
    failed: np.ndarray


def solve(stepper: Stepper, grid: Grid, state: State, names: State, steps: Steps, plan: Plan) -> Trace:
    """Solves from a state at the first node through all nodes.

    grid: nodes [S, K+1] and flags, S = 1 where all samples share their steps, else one row for each of them.
    names: what the field reads beside depth and state.
    Raises SolveError where a solve fails, ModelError where a method without an error estimate is to control its error.
    """
    if steps.count is not None:
        return follow(stepper, grid, equal_steps(grid, step_counts(grid, steps.count)), state, names, plan)
    if not stepper.adaptive:
        raise ModelError(f"method {stepper.name!r} has no error estimate; give a number of steps, or take tsit5")
    walk = Walk(stepper, grid, state, names, steps.tolerance, plan, steps.throw)
    pilot = Pilot(walk, steps.controller)
    with np.errstate(all="ignore"):
        while pilot.live.any():
            pilot.iterate(steps.max_steps)
    return Trace(walk.schedule(), walk.nodes.states(walk.state), walk.tape, walk.statistics(), walk.failed)


def follow(stepper: Stepper, grid: Grid, schedule: Schedule, state: State, names: State, plan: Plan) -> Trace:
    """Takes exactly the steps of a schedule, which is known before; nothing waits for a device."""
    nodes = torch.as_tensor(grid.nodes, device=state[0].device)
    tape, at_nodes, keep = plan.tape(), AtNodes(grid.segments), plan.keeps_stages
    for k, place in enumerate(places(nodes, grid.pieces, schedule, state[0])):
        at_nodes.see(schedule, k, state)
        taken = stepper.step(place, state, names, keep=keep)
        tape.add(state, taken.kept)
        state = after(schedule, k, taken.after, state)
    count = schedule.accepted.sum(0)
    nothing = np.zeros(len(count), dtype=int)
    statistics = Statistics(count, nothing, count * stepper.stages, nothing.astype(bool))
    return Trace(schedule, at_nodes.states(state), tape, statistics, nothing.astype(bool))


def after(schedule: Schedule, k: int, moved: State, state: State) -> State:
    """The state after step k, in samples that take it."""
    return chosen(schedule.accepted[k], moved, state)


def replayed(stepper: Stepper, nodes: Tensor, grid: Grid, schedule: Schedule, state: State, names: State) -> State:
    """The states at the nodes by the same steps, between nodes [S, K+1] that may have moved: plain operations that autograd follows."""
    at_nodes = AtNodes(grid.segments)
    for k, place in enumerate(places(nodes, grid.pieces, schedule, state[0])):
        at_nodes.see(schedule, k, state)
        state = after(schedule, k, stepper.step(place, state, names).after, state)
    return at_nodes.states(state)
