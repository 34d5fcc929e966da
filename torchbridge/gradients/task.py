"""A solve that is to be differentiated, and how the way back sees it: where samples failed, others stand in for them."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.solvers.dense import Dense
from torchbridge.solvers.solve import Steps, Trace
from torchbridge.steps.stepper import State, Stepper


@dataclass(eq=False)
class Task:
    """A solve that is to be differentiated; `trace` is there once it has been run.

    dense: depths between the nodes whose states are wanted, too, where all samples share their steps: `nodes` below are then [1, K+1+M],
    nodes and those depths, and states at nodes [K+1+M, ...]. `Direct()` and `DiscreteAdjoint()` know it.
    batch: how many samples the state has; None: it has no axis of samples, or nobody asks which of them fails.
    """

    stepper: Stepper
    grid: Grid
    steps: Steps
    dense: Dense | None = None
    trace: Trace | None = field(default=None)
    batch: int | None = None

    @property
    def solved(self) -> Trace:
        assert self.trace is not None
        return self.trace

    def blanked(self, blocks: State, value: float) -> State:
        """Blocks [K+1, ...] at the nodes, with a value in the place of those of samples that failed."""
        failed = self.solved.failed
        return blocks if failed is None else failed.blanked(blocks, value)

    def inputs(self, nodes: Tensor, state: State, names: State) -> tuple[Tensor, State, State]:
        """What the steps of the way back are taken from."""
        failed = self.solved.failed
        if failed is None or failed.rows is None:
            return nodes, state, names
        path = nodes.index_select(0, failed.rows) if len(nodes) > 1 else nodes
        return path, failed.stood_in(state), self.stepper.of_rows(names, failed.rows)


def way_back(task: Task) -> Task:
    """The task as the graph keeps it.

    Its nodes are cut off from the graph, which they would keep alive when nobody else does.
    """
    trace = replace(task.solved, nodes=tuple(node.detach() for node in task.solved.nodes))
    failed, rows = trace.failed, None if trace.failed is None else trace.failed.rows
    if failed is None or rows is None:
        return replace(task, trace=trace)
    trace = replace(trace, nodes=failed.stood_in(trace.nodes, 1), tape=trace.tape.of_rows(rows))
    return replace(task, trace=trace) if task.grid.samples == 1 else _of_rows(task, trace, rows)


def _of_rows(task: Task, trace: Trace, rows: Tensor) -> Task:
    """With the paths and steps of other samples, too."""
    own = rows.cpu().numpy()
    taken = trace.schedule
    schedule = Schedule(taken.start[:, own], taken.fraction[:, own], taken.segment[:, own], taken.closes[:, own])
    grid = Grid(task.grid.nodes[own], task.grid.pieces[own], task.grid.turning)
    return replace(task, grid=grid, trace=replace(trace, schedule=schedule))


def wants_gradients(*tensors: Tensor) -> bool:
    """Whether there will be a way back."""
    return torch.is_grad_enabled() and any(one.requires_grad for one in tensors)
