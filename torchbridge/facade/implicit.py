"""The derivative of an event's time and state, by the implicit function theorem.

Where g(T, y(T)) = 0 and y' = f(t, y), what moves y by dy moves the event by dT = -(g_y dy) / (g_t + g_y f), and the state there by
dy + f dT. Two steps of Newton's method from the event, of length 0 but for their derivatives, give just this, and second derivatives, too.
"""

import warnings

import torch
from torch import Tensor

from torchbridge.facade.border import Given
from torchbridge.facade.events import Event
from torchbridge.solvers.states import depth_like
from torchbridge.steps.stepper import State

ROUNDS = 2


def linked(given: Given, event: Event, time: Tensor, state: State) -> tuple[Tensor, State]:
    """The same time and state, with the derivatives of the event's.  state: with those of a state at a time that stays."""
    moment = time.to(torch.float64)
    for _ in range(ROUNDS):
        found = _rate(given, event, moment, state)
        if found is None:
            warnings.warn(
                f"event_fn does not change along the path at t = {float(time.detach()):.10g}, where it is to be 0: the event's time gets "
                "no gradient; give a function that crosses 0 with a slope",
                stacklevel=4,
            )
            return time, state
        value, rate, slopes = found
        delta = (value.detach() - value) / rate
        moment, state = moment + delta, _moved(given, moment, state, slopes, delta)
    return moment.to(time.dtype), state


def _rate(given: Given, event: Event, time: Tensor, state: State) -> tuple[Tensor, Tensor, State] | None:
    """g, dg/dt along the path, and the slopes of the path; None where g does not change."""
    slopes = given.field(depth_like(time, state[0]), state)
    shift = torch.zeros_like(time, requires_grad=True)
    ahead = tuple(y + depth_like(shift, y) * k for y, k in zip(state, slopes, strict=True))
    value = event(depth_like(time + shift, state[0]), ahead)
    if not value.requires_grad:
        return None
    rate = torch.autograd.grad(value, shift, create_graph=True, allow_unused=True)[0]
    return None if rate is None or float(rate.detach()) == 0 else (value.to(rate), rate, slopes)


def _moved(given: Given, time: Tensor, state: State, slopes: State, delta: Tensor) -> State:
    """A step of Heun's method: y + delta (f(t, y) + f(t + delta, y + delta f)) / 2."""
    step = depth_like(delta, state[0])
    ahead = given.field(depth_like(time + delta, state[0]), tuple(y + step * k for y, k in zip(state, slopes, strict=True)))
    return tuple(y + step * (k + then) / 2 for y, k, then in zip(state, slopes, ahead, strict=True))
