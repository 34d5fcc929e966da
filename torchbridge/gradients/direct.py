"""Autograd through the steps: every operation on the tape. It reaches whatever the field reads, and differentiates to any order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.gradients.task import Task, way_back
from torchbridge.solvers.solve import first_steps, replayed, solve
from torchbridge.solvers.tapes import Nothing
from torchbridge.steps.stepper import State


@dataclass(frozen=True)
class Direct:
    """Solves under autograd. Where the nodes move, samples may fail, or have steps of their own, of which some are rejected while others
    are not, it solves once to learn the steps, and takes them again from node to node.
    """

    name = "direct"

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State:
        again = (nodes.requires_grad or task.grid.samples > 1 or not task.steps.throw) and torch.is_grad_enabled()
        with torch.set_grad_enabled(torch.is_grad_enabled() and not again):
            task.trace = solve(task.stepper, task.grid, state, names, task.steps, Nothing(), None if again else task.dense, task.batch)
        found = task.trace.nodes
        if again:
            known = way_back(task)
            nodes, state, names = known.inputs(nodes, state, names)
            found = replayed(task.stepper, nodes, known.grid, _taken(known), state, names, task.dense)
        return task.blanked(found, torch.nan)


def _taken(task: Task) -> Schedule:
    """The steps to be taken again: none where no sample is left for which they could be."""
    failed, schedule = task.solved.failed, task.solved.schedule
    return schedule if failed is None or not (failed.everyone or bool(failed.flags.all())) else first_steps(schedule, 0)
