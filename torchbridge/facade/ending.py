"""The solve up to an event."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.numerics.solvers.fixed import equal_steps
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.facade.border import Shown
from torchbridge.facade.events import EventFn, Finder, event, horizon
from torchbridge.facade.options import Fixed
from torchbridge.facade.routes import Route, grid
from torchbridge.facade.solving import Request, renamed, solved
from torchbridge.solvers.dense import Dense
from torchbridge.solvers.settings import Steps
from torchbridge.solvers.solve import solve
from torchbridge.solvers.tapes import Nothing
from torchbridge.steps.interpolants import Interpolation, polynomial

MOST_GIVEN = 20_000  # steps that are given, as in torchdiffeq


def at_event(asked: Request, function: EventFn) -> tuple[Tensor, Shown]:
    """The time of the event, which has no gradient here, and the states at the first time and at it: each tensor [2, ...].

    Raises SolveError where there is no event, ModelError for more than two times, which say where and which way the solve goes.
    """
    given, t = asked.given, asked.t
    if len(t) != 2:
        raise ModelError(f"t has {len(t)} times for a solve that ends at an event; give two: the first one, and one on the side to go to")
    start = t[0].detach().to(given.state[0].dtype.to_real())
    sought = event(given, function, start)
    value = sought.number(start, given.state)
    if value == 0:
        return t[0].detach(), given.shown(tuple(torch.stack([block, block]) for block in given.state))
    way = _open_ended(asked)
    path, schedule, fraction = _met(asked, way, Finder(sought, value))
    time = float(path.depth(schedule.segment[-1], np.array([fraction]))[0])
    states = solved(asked, _route(given.times, path, time, fraction, way.interpolation), _again(asked.steps, schedule))
    return torch.as_tensor(time, dtype=t.dtype, device=given.times.device), states


@dataclass(frozen=True, eq=False)
class OpenEnded:
    """A path that goes further than the event."""

    grid: Grid
    steps: Steps
    interpolation: Interpolation


def _open_ended(asked: Request) -> OpenEnded:
    first, then = (float(one) for one in asked.given.times.detach())
    if not isinstance(asked.options, Fixed):
        breaks = asked.options.breaks()
        path = grid(horizon(first, then, breaks), len(breaks) > 0)
        return OpenEnded(path, asked.steps, polynomial(asked.method.tableau.order))
    if asked.options.step_size is None or asked.options.perturb:
        raise ModelError(f"an event with {asked.method.name!r}: give step_size (and neither grid_constructor nor perturb), or take dopri5")
    far = first + np.sign(then - first) * MOST_GIVEN * float(asked.options.step_size)
    path = grid(np.array([first, far]), False)
    return OpenEnded(path, _again(asked.steps, equal_steps(path, np.array([[MOST_GIVEN]]))), asked.options.interpolation)


def _again(steps: Steps, schedule: Schedule) -> Steps:
    return replace(steps, count=None, given=schedule)


def _met(asked: Request, way: OpenEnded, finder: Finder) -> tuple[Grid, Schedule, float]:
    """The path as far as it was walked, the steps up to and with the one of the event, and at which fraction of the last segment it is."""
    stepper, steps = asked.stepper(way.grid), replace(way.steps, watches=(*asked.steps.watches, finder))
    try:
        with torch.no_grad():
            trace = solve(stepper, way.grid, asked.given.state, (), steps, Nothing())
    except SolveError as error:
        raise SolveError(f"no event until {renamed(error)}", depth=error.depth) from error
    schedule = trace.schedule
    if finder.crossing is None:
        end = way.grid.nodes[0, -1]
        raise SolveError(
            f"no event in {len(schedule)} steps up to t = {end:.10g}; give an event_fn that changes its sign on the way", depth=end
        )
    share = finder.crossing.share(finder.event, stepper, way.interpolation)
    last = int(schedule.segment[-1, 0])
    visited = Grid(way.grid.nodes[:, : last + 2], way.grid.pieces[:, : last + 1])
    return visited, schedule, float(schedule.start[-1, 0] + share * schedule.fraction[-1, 0])


def _route(times: Tensor, path: Grid, time: float, fraction: float, interpolation: Interpolation) -> Route:
    """From the first time, which may move, over nodes that stay, to the time of the event."""
    behind = torch.as_tensor([*path.nodes[0, 1:], time], dtype=times.dtype, device=times.device)
    dense = Dense(np.array([path.segments - 1]), np.array([fraction]), interpolation)
    return Route(torch.cat([times[:1], behind])[None], path, dense, np.array([0, path.segments + 1]))
