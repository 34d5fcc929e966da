"""Autograd through the steps: every operation on the tape. It reaches whatever the field reads, and differentiates to any order."""

from dataclasses import dataclass

import torch
from torch import Tensor

from torchbridge.gradients.solving import Task, where_solved
from torchbridge.solvers.solve import replayed, solve
from torchbridge.solvers.tapes import Nothing
from torchbridge.steps.stepper import State


@dataclass(frozen=True)
class Direct:
    """Solves once to learn the steps, and takes them again under autograd."""

    name = "direct"

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State:
        with torch.no_grad():
            task.trace = solve(task.stepper, task.grid, state, names, task.steps, Nothing())
        found = replayed(task.stepper, nodes, task.grid, task.trace.schedule, state, names)
        return where_solved(task, found, torch.nan)
