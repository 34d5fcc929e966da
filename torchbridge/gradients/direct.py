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
    """Solves under autograd. Where the nodes move, or samples have steps of their own, of which some are rejected while others are not, it
    solves once to learn the steps, and takes them again from node to node.
    """

    name = "direct"

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State:
        moves = (nodes.requires_grad or task.grid.samples > 1) and torch.is_grad_enabled()
        with torch.set_grad_enabled(torch.is_grad_enabled() and not moves):
            task.trace = solve(task.stepper, task.grid, state, names, task.steps, Nothing(), None if moves else task.dense)
        found = task.trace.nodes
        if moves:
            found = replayed(task.stepper, nodes, task.grid, task.trace.schedule, state, names, task.dense)
        return where_solved(task, found, torch.nan)
