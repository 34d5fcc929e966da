"""A solve with torchdiffeq's arguments, under any sensitivity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from odeanalysis.errors import SolveError
from odeanalysis.numerics.solvers.grid import Grid
from torchbridge.facade.border import Given, Shown
from torchbridge.facade.callbacks import watches
from torchbridge.facade.methods import Method
from torchbridge.facade.options import Adaptive, Fixed, read
from torchbridge.facade.routes import Route, Sided, given_route, route, with_breaks
from torchbridge.gradients.solving import Sensitivity, Task
from torchbridge.solvers.settings import Steps
from torchbridge.steps.interpolants import full_order
from torchbridge.steps.opaque import OpaqueStepper


@dataclass(frozen=True, eq=False)
class Request:
    """All that a solve is asked for.  t: the times as given.  names: the tensors besides that receive gradients."""

    given: Given
    t: Tensor
    method: Method
    options: Adaptive | Fixed
    steps: Steps
    sensitivity: Sensitivity
    names: Sequence[Tensor]

    def stepper(self, grid: Grid) -> OpaqueStepper:
        """The method on the field, which sees every segment from inside where segments know their ends."""
        return OpaqueStepper(self.method.tableau, Sided(self.given) if grid.pieces.size else self.given.field)


def request(
    given: Given,
    t: Tensor,
    tolerances: tuple[Any, Any],
    method: Method,
    options: Mapping[str, Any] | None,
    sensitivity: Sensitivity,
    names: Sequence[Tensor],
) -> Request:
    """A request, with its options read.  tolerances: rtol and atol."""
    told = watches(given, method)
    if not method.adaptive:
        return Request(given, t, method, read(Fixed, method, options), Steps(1, watches=told), sensitivity, names)
    known = read(Adaptive, method, options)
    steps = replace(known.steps(given, *tolerances), watches=told)
    given.check_finite()
    return Request(given, t, method, known, steps, sensitivity, names)


def at_times(asked: Request) -> Shown:
    """The states at all times: each tensor of the state with an axis of times in front."""
    given = asked.given
    if len(given.times) == 1:
        return given.shown(tuple(block[None] for block in given.state))
    if isinstance(asked.options, Fixed):
        way, schedule = given_route(asked.options, given, asked.t)
        return solved(asked, way, asked.steps if schedule is None else replace(asked.steps, count=None, given=schedule))
    breaks = asked.options.breaks()
    return solved(asked, route(given.times, with_breaks(given.times, breaks), full_order, len(breaks) > 0), asked.steps)


def solved(asked: Request, way: Route, steps: Steps) -> Shown:
    """The states at the times of a route. Raises SolveError for a solve that fails."""
    task = Task(asked.stepper(way.grid), way.grid, steps, way.dense)
    try:
        blocks = asked.sensitivity.states(task, way.nodes, asked.given.state, tuple(asked.names))
    except SolveError as error:
        raise renamed(error) from error
    return asked.given.shown(tuple(map(way.at_times, blocks)))


def renamed(error: SolveError) -> SolveError:
    """The error, in the words of the options that were given."""
    return SolveError(str(error).replace("max_steps", "options['max_num_steps']"), depth=error.depth, component=error.component)
