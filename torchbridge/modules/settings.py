"""How a module solves: method, steps and sensitivity, as one value."""

from dataclasses import dataclass, field

import torch

from odeanalysis.errors import ModelError
from odeanalysis.numerics.gradients.settings import Settings
from torchbridge.callables import target_on_tensors
from torchbridge.gradients.discrete import DiscreteAdjoint
from torchbridge.gradients.solving import Sensitivity
from torchbridge.modules.precision import TOLERANCES, tolerances
from torchbridge.solvers.replay import Replay
from torchbridge.steps.methods import on_tensors


@dataclass(frozen=True)
class Solver:
    """method: the name of a method of `odeanalysis.METHODS`; a Rosenbrock method takes steps of stated models alone.
    steps: None controls the error, N takes N equal steps over the domain.

    rtol, atol: None takes what suits the dtype (1e-8 and 1e-10 in float64, 1e-5 and 1e-6 in float32).
    own_steps: whether each sample of a batch has step sizes of its own; then they do not depend on the samples beside it. Else the whole
    batch takes common steps, which is faster where samples are alike.
    throw: whether a sample that fails raises SolveError; else its states are NaN, and it sends no gradient.
    target: what the steps of a stated model run as: `torch`, or on the CPU `loops`: products of matrices and loops that Numba compiles at
    the first solve, which takes seconds, and which then take a fraction of the time.
    replay: whether a solve takes the steps of the one before it as long as their error estimates allow: no step is rejected, and no device
    is waited for but once, Newton's iterations aside. `statistics` tells how often steps were recorded and taken again.
    Raises ModelError, when it is made or first used, as `odeanalysis.Settings` does, and for tolerances below what a dtype resolves.
    """

    method: str = "tsit5"
    rtol: float | None = None
    atol: float | None = None
    steps: int | None = None
    sensitivity: Sensitivity = field(default_factory=DiscreteAdjoint)
    own_steps: bool = True
    throw: bool = True
    max_steps: int = 100_000
    target: str = "torch"
    replay: bool = False

    def __post_init__(self) -> None:
        on_tensors(self.method)
        target_on_tensors(self.target)
        if self.replay and self.steps is not None:
            raise ModelError(f"replay=True with steps={self.steps}: equal steps are always the same; give one of the two")
        rtol, atol = TOLERANCES[torch.float64]
        Settings(
            self.method, rtol if self.rtol is None else self.rtol, atol if self.atol is None else self.atol, self.steps, self.max_steps
        )

    def recorder(self) -> Replay | None:
        """Where a module's solves record their steps, if they do."""
        return Replay() if self.replay else None

    def settings(self, dtype: torch.dtype) -> Settings:
        """The settings of a solve in a dtype."""
        return Settings(self.method, *tolerances(dtype, self.rtol, self.atol), self.steps, self.max_steps)
