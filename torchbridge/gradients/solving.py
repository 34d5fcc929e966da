"""What every sensitivity is, and the autograd function that a backward rule makes of a solve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from torchbridge.gradients.task import Task, wants_gradients, way_back
from torchbridge.solvers.solve import replayed, solve
from torchbridge.solvers.tapes import Nothing, Plan
from torchbridge.steps.stepper import State

Gradients = tuple[Tensor | None, ...]
"""Cotangents of nodes, of the blocks of the first state, and of the names."""


class Sensitivity(Protocol):
    """A way to differentiate.

    nodes: [S, K+1] in float64, the nodes of the grid as a tensor; gradients flow to it, to the state at the first node, and to the names.
    Gives the states at the nodes, each block [K+1, ...].
    """

    @property
    def name(self) -> str: ...

    def states(self, task: Task, nodes: Tensor, state: State, names: State) -> State: ...


Rule = Callable[[Task, Tensor, State, State, State], Gradients]
"""(task, nodes, first state, names, cotangents of the states at the nodes) -> cotangents."""


def through(task: Task, plan: Plan, rule: Rule, nodes: Tensor, state: State, names: State) -> State:
    """The states at the nodes, with a rule for their gradient. Differentiated once more, the recorded steps are taken again as plain
    operations, which autograd follows to any order.
    """
    plan = plan if wants_gradients(nodes, *state, *names) else Nothing()
    return _Through.apply(task, plan, rule, len(state), nodes, *state, *names)


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, task: Task, plan: Plan, rule: Rule, blocks: int, nodes: Tensor, *tensors: Tensor) -> State:
        task.trace = solve(task.stepper, task.grid, tensors[:blocks], tensors[blocks:], task.steps, plan, task.dense, task.batch)
        ctx.task, ctx.rule, ctx.blocks = way_back(task), rule, blocks
        ctx.save_for_backward(nodes, *tensors)
        return task.blanked(task.trace.nodes, torch.nan)

    @staticmethod
    def backward(ctx: Any, *bars: Tensor) -> tuple[Any, ...]:
        nodes, *tensors = ctx.saved_tensors
        state, names = tuple(tensors[: ctx.blocks]), tuple(tensors[ctx.blocks :])
        known, failed = ctx.task.blanked(bars, 0.0), ctx.task.solved.failed
        if failed is not None and failed.everyone:
            return (*(None,) * 4, *(torch.zeros_like(one) for one in (nodes, *tensors)))
        if torch.is_grad_enabled():
            return (*(None,) * 4, *_taped(ctx.task, nodes, state, names, known, ctx.needs_input_grad[4:]))
        found = ctx.rule(ctx.task, *ctx.task.inputs(nodes, state, names), known)
        return (*(None,) * 4, *_or_zeros(ctx.task, found, (nodes, *state, *names), ctx.needs_input_grad[4:]))


def _taped(task: Task, nodes: Tensor, state: State, names: State, bars: State, wanted: tuple[bool, ...]) -> Gradients:
    """The gradients of the recorded steps by autograd, so that they can be differentiated again."""
    gate = _Gate()
    nodes, *start = (_Gated.apply(gate, one) for one in (nodes, *state))
    path, first, read = task.inputs(nodes, tuple(start), names)
    found = replayed(task.stepper, path, task.grid, task.solved.schedule, first, read, task.dense)
    inputs = [one for one, flag in zip((nodes, *start, *names), wanted, strict=True) if flag]
    gradients = iter(torch.autograd.grad(found, inputs, bars, create_graph=True, allow_unused=True, materialize_grads=True))
    gate.open = True
    return tuple(next(gradients) if flag else None for flag in wanted)


@dataclass(eq=False)
class _Gate:
    open: bool = False


class _Gated(torch.autograd.Function):
    """The identity. While its gate is shut no gradient passes: what a first state owes to a name is counted behind the solve, not in it."""

    @staticmethod
    def forward(ctx: Any, gate: _Gate, value: Tensor) -> Tensor:
        ctx.gate = gate
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *bars: Tensor) -> tuple[None, Tensor | None]:
        return None, bars[0] if ctx.gate.open else None


def _or_zeros(task: Task, found: Gradients, inputs: State, wanted: tuple[bool, ...]) -> Gradients:
    """Zeros where nothing depends on an input, or no sample is left: a solve gives a gradient to everything that asks for one."""
    failed = task.solved.failed

    def known(bar: Tensor | None, one: Tensor) -> Tensor:
        nothing = torch.zeros_like(one)
        return nothing if bar is None else bar if failed is None else failed.unless_all(bar, nothing)

    return tuple(known(bar, one) if flag else None for bar, one, flag in zip(found, inputs, wanted, strict=True))
