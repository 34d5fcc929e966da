"""A solve of a bound problem: path, trajectory and losses, which every sensitivity starts from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.derivations.parts import COST
from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients import costs, kinks
from odeanalysis.numerics.gradients.meetings import check_meetings
from odeanalysis.numerics.gradients.methods import bound_method
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.setting import Setting
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.solvers.solution import Solution
from odeanalysis.numerics.solvers.solving import solve
from odeanalysis.symbolic.printing.text import text


@dataclass(frozen=True, eq=False)
class Run:
    """A solved setting.  losses: [B]."""

    setting: Setting
    settings: Settings
    solution: Solution
    losses: Array

    @cached_property
    def method(self) -> Any:
        """The stepper that took the steps, or one of SciPy's solvers."""
        return bound_method(self.setting, self.settings)

    @cached_property
    def crossings(self) -> kinks.Crossings:
        """The kinks that the path crosses inside its steps."""
        return kinks.crossings(self.setting, self.solution)

    def warn_of_kinks(self, harm: str = kinks.FIRST) -> None:
        """Says that derivatives of the steps are asked for where the path crosses kinks, and what harm that does."""
        kinks.warn(self.setting, self.crossings, harm)

    @property
    def value(self) -> Any:
        return self.setting.weights @ self.losses

    @property
    def final(self) -> dict[str, Array]:
        """The states at S, without a batch axis where nothing is batched."""
        states = self.setting.layout.unpack(self.solution.final)
        found = {name: state for name, state in states.items() if name != COST.name}
        return found if self.setting.bound.batch is not None else {name: state[0] for name, state in found.items()}


def solve_setting(setting: Setting, settings: Settings) -> Run:
    """Solves, and adds up the losses.

    Raises SolveError with the depth, the component and its equation, and ModelError where marks of a path meet so that the loss has no
    derivative in their depths.
    """
    solution = solved(setting, settings)
    check_meetings(setting, solution)
    with np.errstate(all="ignore"):
        return Run(setting, settings, solution, costs.losses(setting, solution))


def solved(setting: Setting, settings: Settings) -> Solution:
    """The trajectory alone. Raises SolveError as `solve_setting` does."""
    try:
        with np.errstate(all="ignore"):
            method = bound_method(setting, settings)
            options = {
                "rtol": settings.rtol,
                "atol": settings.atol,
                "steps": settings.steps,
                "max_steps": settings.max_steps,
            }
            return solve(method, setting.path.grid, setting.y0, **options)
    except SolveError as error:
        raise explained(setting, error) from error


def explained(setting: Setting, error: SolveError) -> SolveError:
    """The error of a solver with the component's name and equation."""
    if error.component is None:
        return error
    stated = setting.problem
    entry = setting.layout.entry(error.component)
    name = entry.split("[")[0]
    equation = {z.name: f for z, f in stated.model.field}.get(name, stated.objective.running)
    label = "the running cost" if name == COST.name else f"component {entry}"
    place = str(error).replace(f"component {error.component}", label)
    written = f"{name}' = {text(equation)}" if name != COST.name else f"running = {text(equation)}"
    message = f"{stated.name!r}: {place} (its equation is {written})"
    return SolveError(message, depth=error.depth, sample=error.sample, component=error.component)
