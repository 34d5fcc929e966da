"""Where steps end, and how the states at the times that are asked for are read off them.

A method that controls its error steps from the first time to the last, as if no other were asked for, and ends a step at these two, and at
`step_t` and `jump_t`, alone: the states between are dense output. A method whose steps are given ends them where its options say, or at the
times; between its steps it interpolates.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.fixed import given_steps
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.facade.border import Given
from torchbridge.facade.options import Fixed
from torchbridge.solvers.dense import Dense
from torchbridge.steps.interpolants import Interpolation
from torchbridge.steps.segments import current, ends
from torchbridge.steps.stepper import State


@dataclass(frozen=True, eq=False)
class Route:
    """nodes: [1, K+1+M], nodes and the times between them, with their gradients.  grid: the nodes on the host.  dense: those times.
    order: [T], where in the states at nodes and those times each time stands.
    """

    nodes: Tensor
    grid: Grid
    dense: Dense | None
    order: np.ndarray

    def at_times(self, block: Tensor) -> Tensor:
        """A block [K+1+M, ...] at the times: [T, ...]."""
        if len(block) == len(self.order) and (self.order == np.arange(len(block))).all():
            return block
        return block[torch.as_tensor(self.order, device=block.device)]


def route(times: Tensor, nodes: Tensor, interpolation: Interpolation, sided: bool = False) -> Route:
    """From node to node [K+1], the first and the last time among them.  sided: whether the field is to know the segment it is in."""
    path, asked = _host(nodes), _host(times)
    way = 1.0 if path[-1] >= path[0] else -1.0
    place = np.searchsorted(way * path, way * asked)
    between = path[place] != asked
    segment = place[between] - 1
    fraction = (asked[between] - path[segment]) / (path[segment + 1] - path[segment])
    order = np.where(between, len(path) + np.cumsum(between) - 1, place)
    dense = Dense(segment, fraction, interpolation) if between.any() else None
    moving = torch.cat([nodes, times[torch.as_tensor(between, device=times.device)]])[None]
    return Route(moving, grid(path, sided), dense, order)


def grid(path: np.ndarray, sided: bool) -> Grid:
    """A path on the host, [K+1]; its segments know their ends where the field is to know them."""
    return Grid(path[None], ends(path[None])) if sided else Grid(path[None])


def with_breaks(times: Tensor, breaks: np.ndarray) -> Tensor:
    """The first time, the breaks between, the last time: [K+1]."""
    first, last = (float(times[i].detach()) for i in (0, -1))
    inner = breaks[(breaks > min(first, last)) & (breaks < max(first, last))]
    ordered = inner if last > first else inner[::-1]
    return torch.cat([times[:1], torch.as_tensor(ordered.copy(), device=times.device), times[-1:]])


def given_route(options: Fixed, given: Given, t: Tensor) -> tuple[Route, Schedule | None]:
    """The route of a method whose steps are given, and the steps; None: one in each segment."""
    if options.step_size is None:
        nodes = given.times if options.grid_constructor is None else _constructed(options, given, t)
        return route(given.times, nodes, options.interpolation, options.perturb), None
    ticks = _ticks(t, float(options.step_size))
    if options.perturb:
        return route(given.times, _moved(ticks, given.times), options.interpolation, True), None
    whole = len(ticks) - 2  # steps of that size; the last one ends at the last time
    nodes = _moved(ticks[[0, -1]] if whole == 0 else ticks[[0, -2, -1]], given.times)
    found = route(given.times, nodes, options.interpolation)
    fractions = [(ticks[:-1] - ticks[0]) / (ticks[-2] - ticks[0])] if whole else []
    return found, given_steps(found.grid, [*fractions, np.array([0.0, 1.0])])


def _ticks(t: Tensor, size: float) -> np.ndarray:
    """t[0], t[0] + size, ..., t[-1], rounded in the dtype of t as torchdiffeq does."""
    times = t.detach()
    way = 1 if times[-1] > times[0] else -1
    first, last = way * times[0], way * times[-1]
    count = int(torch.ceil((last - first) / size + 1))
    inner = torch.arange(count, dtype=t.dtype, device=t.device) * size + first
    inner = inner[:-1][(inner[:-1] < last)]
    return way * _host(torch.cat([inner, last[None]]))


def _moved(ticks: np.ndarray, times: Tensor) -> Tensor:
    """Ticks [K+1] that keep their distance to the first time, but for the last one, which is the last time."""
    offsets = torch.as_tensor(ticks[:-1] - ticks[0], device=times.device)
    return torch.cat([times[0] + offsets, times[-1:]])


def _constructed(options: Fixed, given: Given, t: Tensor) -> Tensor:
    assert options.grid_constructor is not None
    found = options.grid_constructor(given.func, given.shown(given.state), t)
    nodes = found.to(given.times)
    host = _host(nodes)
    ends_meet = len(host) > 1 and host[0] == float(t[0]) and host[-1] == float(t[-1])
    if not ends_meet or not ((np.diff(host) > 0).all() or (np.diff(host) < 0).all()):
        raise ModelError(
            f"grid_constructor gives {len(host)} times from {host[:1]} to {host[-1:]}; give them in strict order, from t[0] = "
            f"{float(t[0])} to t[-1] = {float(t[-1])}"
        )
    return nodes


@dataclass(frozen=True, eq=False)
class Sided:
    """A field that may jump at the ends of a segment: it is evaluated one rounding inside of it, so that each piece is seen from inside."""

    given: Given

    def __call__(self, depth: Tensor, blocks: State) -> State:
        segment = current()
        assert segment is not None
        start, end = (torch.as_tensor(float(one[0]), dtype=depth.dtype, device=depth.device) for one in (segment.start, segment.end))
        first, last = torch.nextafter(start, end), torch.nextafter(end, start)
        now = depth.detach()
        inside = torch.clamp(now, torch.minimum(first, last), torch.maximum(first, last))
        return self.given.field(depth + (inside - now), blocks)


def _host(values: Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()
