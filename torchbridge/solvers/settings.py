"""How a solve chooses its steps."""

from dataclasses import dataclass, field
from functools import cached_property
from math import inf

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.controller import Controller, Tolerance
from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.solvers.measure import Measure
from torchbridge.solvers.replay import Replay
from torchbridge.solvers.watching import Watch


@dataclass(frozen=True)
class Steps:
    """How a solve chooses its steps: `count` equal ones over the domain, those `given`, or as many as the error wants.

    throw: whether a sample that fails raises SolveError; else it has NaN for its states, and the others go on.
    measure: how errors are measured, in the place of the tolerance.
    first: the size of the first step; None: one that fits the field.
    shortest, longest: steps are cut to `longest`; one not longer than `shortest` is accepted whatever its error.
    watches: who is told of the steps, where all samples share them.
    replay: where the steps that a solve chose are recorded, and taken from as long as they serve.
    """

    count: int | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    controller: Controller = field(default_factory=Controller)
    max_steps: int = 100_000
    throw: bool = True
    given: Schedule | None = None
    measure: Measure | None = None
    first: float | None = None
    shortest: float = 0.0
    longest: float = inf
    watches: tuple[Watch, ...] = ()
    replay: Replay | None = None

    def __post_init__(self) -> None:
        if self.first is not None and not 0 < self.first < inf:
            raise ModelError(f"a first step of size {self.first}; give a positive number, also on a domain that runs backward")
        if not 0 <= self.shortest <= self.longest or self.longest == 0:
            raise ModelError(f"steps between {self.shortest} and {self.longest}; give two numbers, not negative, the smaller one first")

    @cached_property
    def norm(self) -> Measure:
        """How errors are measured."""
        return self.measure or Measure(float(self.tolerance.rtol), float(self.tolerance.atol))
