"""How often the fields of neural ODEs are evaluated, on the way forward and on the way back."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from torch import Tensor, nn

from torchbridge.gradients.solving import Sensitivity
from torchbridge.gradients.task import Task
from torchbridge.modules import NeuralODE
from torchbridge.steps.stepper import Back, Place, State, Stepper, Taken


@dataclass(eq=False)
class Evaluations:
    """Evaluations of fields on a batch, each counted once however many samples the batch has.

    forward: those of the steps that are tried.  backward: those of the way back, alone or with a vector-Jacobian product. Where autograd
    goes back along its own tape (`Direct()`), nothing is evaluated again.
    """

    forward: int = 0
    backward: int = 0

    def reset(self) -> None:
        self.forward = self.backward = 0


@contextmanager
def counted(modules: Iterable[nn.Module], evaluations: Evaluations) -> Iterator[None]:
    """Counts those of all neural ODEs among modules while it is open."""
    solvers = {module: module.solver for module in modules if isinstance(module, NeuralODE)}
    for module, solver in solvers.items():
        module.solver = replace(solver, sensitivity=counting(solver.sensitivity, evaluations))
    try:
        yield
    finally:
        for module, solver in solvers.items():
            module.solver = solver


def counting(sensitivity: Sensitivity, evaluations: Evaluations) -> Sensitivity:
    """A copy of a sensitivity that counts. It is of the same class, so that whoever asks for that gets the same answer."""
    found = copy.copy(sensitivity)
    object.__setattr__(found, "states", partial(_states, sensitivity, evaluations))
    return found


def _states(sensitivity: Sensitivity, evaluations: Evaluations, task: Task, nodes: Tensor, state: State, names: State) -> State:
    stepper = CountingStepper(task.stepper, evaluations)
    task.stepper = cast(Stepper, stepper)
    found = sensitivity.states(task, nodes, state, names)
    stepper.way = "backward"
    return found


class CountingStepper:
    """A stepper that tells how often it evaluates its field."""

    def __init__(self, stepper: Stepper, evaluations: Evaluations):
        self.stepper, self.evaluations, self.way = stepper, evaluations, "forward"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stepper, name)

    def slopes(self, place: Place, state: State, names: State) -> State:
        self._count(1)
        return self.stepper.slopes(place, state, names)

    def step(self, place: Place, state: State, names: State, first: State | None = None, keep: bool = False) -> Taken:
        self._count(self.stepper.stages - (first is not None))
        return self.stepper.step(place, state, names, first, keep)

    def reverse(self, place: Place, state: State, names: State, kept: tuple[Tensor, ...], bars: State) -> Back:
        """Only the next step would use the slope at the end of a method that ends with it."""
        self._count(self.stepper.stages - self.stepper.reuses)
        return self.stepper.reverse(place, state, names, kept, bars)

    def pull(self, place: Place, state: State, names: State, bars: State) -> Back:
        self._count(1)
        return self.stepper.pull(place, state, names, bars)

    def _count(self, evaluations: int) -> None:
        setattr(self.evaluations, self.way, getattr(self.evaluations, self.way) + evaluations)
