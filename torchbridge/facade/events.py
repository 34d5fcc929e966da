"""Solves that end at an event: where a function g(t, y) first changes its sign at the end of a step, found inside that step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError, SolveError
from torchbridge.facade.border import Given
from torchbridge.solvers.watching import Watch
from torchbridge.steps.interpolants import Around, Interpolation
from torchbridge.steps.stepper import Place, State, Stepper, Taken

EventFn = Callable[[Tensor, Any], Tensor]
DOUBLINGS = 60


@dataclass(frozen=True, eq=False)
class Event:
    """min_i sign_i g_i(t, y), with the signs at the start: positive until the first of the g_i meets 0."""

    given: Given
    function: EventFn
    signs: Tensor

    def __call__(self, time: Tensor, blocks: State) -> Tensor:
        return torch.min(self.function(time, self.given.shown(blocks)) * self.signs)

    def number(self, time: Tensor, blocks: State) -> float:
        """Its value. Raises SolveError where it is no finite number."""
        with torch.no_grad():
            value = float(self(time, blocks))
        if not np.isfinite(value):
            raise SolveError(
                f"event_fn is {value} at t = {float(time):.10g}; give a function that is finite along the path", depth=float(time)
            )
        return value


def event(given: Given, function: EventFn, start: Tensor) -> Event:
    """The event of a function, from its signs at the start. Raises ModelError for what returns no real numbers."""
    with torch.no_grad():
        value = function(start, given.shown(given.state))
    if not isinstance(value, Tensor) or not value.is_floating_point() or not value.numel():
        shown = f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ModelError(f"event_fn returns {shown}; return a tensor of real numbers, whose first change of sign is the event")
    return Event(given, function, torch.sign(value))


@dataclass(frozen=True, eq=False)
class Crossing:
    """A step in which the event's value changes its sign."""

    place: Place
    state: State
    taken: Taken
    before: float
    after: float

    def share(self, event: Event, stepper: Stepper, interpolation: Interpolation) -> float:
        """At which share of the step the value is 0, on the path inside the step: by Brent's method, to rounding."""
        path = interpolation(Around(stepper, self.place, self.state, (), self.taken), 1)
        ends = {0.0: self.before, 1.0: self.after}

        def value(share: float) -> float:
            inside = path(torch.tensor([share], dtype=torch.float64, device=self.place.depth.device))
            return event.number(self.place.depth + share * self.place.step, tuple(block[0] for block in inside))

        return _root(lambda share: ends.get(share) or value(share)) if self.after else 1.0


def _root(value: Callable[[float], float]) -> float:
    """Where between 0 and 1 a function is 0."""
    from scipy.optimize import brentq  # late: it takes longer to import than most events to find

    found: Any = brentq(value, 0.0, 1.0, xtol=1e-16)
    return float(found)


@dataclass(eq=False)
class Finder(Watch):
    """Watches a solve until an event."""

    event: Event
    value: float
    crossing: Crossing | None = field(default=None)

    @property
    def done(self) -> bool:
        return self.crossing is not None

    def tried(self, place: Place, state: State) -> None: ...

    def rejected(self, place: Place, state: State) -> None: ...

    def accepted(self, place: Place, state: State, taken: Taken) -> None:
        value = self.event.number(place.depth + place.step, taken.after)
        if np.sign(value) != np.sign(self.value):
            self.crossing = Crossing(place, state, taken, self.value, value)
        self.value = value


def horizon(first: float, then: float, breaks: np.ndarray) -> np.ndarray:
    """Nodes of a path without an end, from `first` in the direction of `then`: at distances that double, and at breaks."""
    nodes = first + (then - first) * (2.0 ** np.arange(DOUBLINGS) - 1)
    way = np.sign(then - first)
    ahead = breaks[(way * (breaks - first) > 0) & (way * (nodes[-1] - breaks) > 0)]
    return way * np.unique(way * np.concatenate([nodes, ahead]))
