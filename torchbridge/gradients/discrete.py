"""The exact gradient of the steps that were taken: one derived vector-Jacobian product for each, and no autograd tape."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.gradients.solving import Gradients, Task, through
from torchbridge.solvers.dense import BackReading
from torchbridge.solvers.nodes import starting
from torchbridge.solvers.places import places
from torchbridge.solvers.states import chosen
from torchbridge.solvers.tapes import Full, Plan, Reversible
from torchbridge.solvers.waiting import after
from torchbridge.steps.reversible import ReversibleStepper, halves, tell_if_lost, tell_if_parted
from torchbridge.steps.stepper import State


@dataclass(frozen=True)
class DiscreteAdjoint:
    """The reverse sweep over the accepted steps (default), with a memory plan: `Full()`, `Checkpointed()` or `Reversible()`."""

    plan: Plan = field(default_factory=Full)
    name = "discrete"

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State:
        if isinstance(self.plan, Reversible):
            return _reversibly(task, self.plan, nodes, state, names)
        return through(task, self.plan, sweep, nodes, state, names)


def _reversibly(task: Task, plan: Reversible, nodes: Tensor, state: State, names: State) -> State:
    """The states of the method made reversible, which begins from two equal ones."""
    if task.grid.samples > 1:
        raise ModelError("Reversible() is for steps that all samples share; take own_steps=False, or Checkpointed()")
    if task.dense is not None:
        raise ModelError("Reversible() gives no states between the nodes; take Checkpointed() for dense output")
    doubled = replace(task, stepper=ReversibleStepper(task.stepper, plan.coupling))
    found = through(doubled, plan, sweep, nodes, (*state, *state), names)
    tell_if_parted(found)
    task.trace = replace(doubled.solved, nodes=halves(doubled.solved.nodes)[0])
    return halves(found)[0]


def sweep(task: Task, nodes: Tensor, state: State, names: State, bars: State) -> Gradients:
    """The reverse sweep: cotangents of the states at the nodes -> those of nodes, first state and names."""
    trace, stepper, last = task.solved, task.stepper, task.grid.segments
    with torch.set_grad_enabled(nodes.requires_grad):
        schedule, where = trace.schedule, places(nodes, task.grid.pieces, trace.schedule, state[0])
    gathered = Gathered(len(names))
    inner = None if task.dense is None else BackReading(task.dense, stepper, schedule, nodes, names, tuple(bar[last + 1 :] for bar in bars))

    def again(k: int, before: State) -> State:
        return after(schedule, k, last, stepper.step(where[k], before, names).after, before)

    def undo(k: int, after_it: State) -> State:
        assert isinstance(stepper, ReversibleStepper)
        return stepper.undo(where[k], after_it, names)

    cotangent, before = tuple(bar[last] for bar in bars), state
    for k, before, kept in trace.tape.backwards(again, undo):
        if inner is None:
            back = stepper.reverse(where[k], before, names, kept, cotangent)
        else:
            back = inner.step(k, where[k], before, kept, cotangent)
        gathered.take(back.names, back.depth, back.step)
        cotangent = with_costs(schedule, k, back.state, bars)
    if isinstance(stepper, ReversibleStepper) and len(schedule):
        tell_if_lost(before, trace.nodes)
    moved = (gathered.to_nodes(nodes, schedule), None if inner is None else inner.to_nodes())
    return (_total(moved), *cotangent, *gathered.names)


def _total(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    known = [part for part in parts if part is not None]
    return torch.stack(known).sum(0) if known else None


def with_costs(schedule: Schedule, k: int, cotangent: State, bars: State) -> State:
    """The cotangent of the state before step k, with that of the node it stands on, where it stands on one."""
    for j, rows in starting(schedule, k):
        added = tuple(c + bar[j] for c, bar in zip(cotangent, bars, strict=True))
        cotangent = chosen(rows, added, cotangent)
    return cotangent


class Gathered:
    """What the steps send to the names and to their depths, the last step first."""

    def __init__(self, names: int):
        self.names: list[Tensor | None] = [None] * names
        self.depths: list[Tensor] = []
        self.steps: list[Tensor] = []

    def take(self, names: tuple[Tensor | None, ...], depth: Tensor | None, step: Tensor | None) -> None:
        for i, found in enumerate(names):
            if found is not None:
                known = self.names[i]
                self.names[i] = found.clone() if known is None else known.add_(found)
        if step is not None:
            self.depths.append(torch.zeros_like(step) if depth is None else depth)
            self.steps.append(step)

    def to_nodes(self, nodes: Tensor, schedule: Schedule) -> Tensor | None:
        """s = a + t (b - a) and h = dt (b - a): their cotangents reach the segment's ends a and b."""
        if not self.depths:
            return None
        depth, step = (torch.stack([one.expand(len(nodes)) for one in found[::-1]]).to(nodes) for found in (self.depths, self.steps))
        t, dt = (torch.as_tensor(part, device=nodes.device) for part in (schedule.start, schedule.fraction))
        segment = torch.as_tensor(schedule.segment, device=nodes.device)
        found = torch.zeros_like(nodes)
        found.scatter_add_(1, segment.T, (depth * (1 - t) - step * dt).T)
        found.scatter_add_(1, segment.T + 1, (depth * t + step * dt).T)
        return found
