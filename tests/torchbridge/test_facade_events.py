"""Events: their times and states against closed forms, in both directions, and the derivatives of both by the implicit function theorem."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import torchbridge
from odeanalysis.errors import ModelError, SolveError
from tests.torchbridge.facade_cases import DOUBLE, OURS, PEERS, Decay, double
from torchbridge.facade import ending

LIBRARIES = {"ours": torchbridge, **PEERS}
INTERFACES = ("odeint", "odeint_adjoint")


class Ball(nn.Module):
    """A ball that falls from a height and bounces, losing a share of its speed: the demonstration of events."""

    def __init__(self) -> None:
        super().__init__()
        self.gravity, self.start, self.height = (nn.Parameter(double([one])) for one in (9.8, 0.1, 10.0))
        self.speed, self.radius, self.loss = (nn.Parameter(double([one])) for one in (0.5, 0.2, 0.2))

    def forward(self, t: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        _, speed, radius = state
        return speed, -self.gravity, torch.zeros_like(radius)

    def touches(self, t: Tensor, state: tuple[Tensor, ...]) -> Tensor:
        height, _, radius = state
        return height - radius

    def bounces(self, library, interface: str, count: int) -> list[Tensor]:
        """The times at which it touches the ground, by events."""
        t0, state, times = self.start, (self.height, self.speed, self.radius), []
        for _ in range(count):
            t, found = library.odeint_event(
                self, state, t0, event_fn=self.touches, rtol=1e-9, atol=1e-9, odeint_interface=getattr(library, interface)
            )
            height, speed, radius = (block[-1] for block in found)
            t0, state = t, (height + 1e-7, -speed * (1 - self.loss), radius)
            times.append(t)
        return times

    def exact(self, count: int) -> list[Tensor]:
        """The same by the quadratic formula."""
        t, height, speed, times = self.start, self.height - self.radius, self.speed, []
        for _ in range(count):
            fall = (speed + torch.sqrt(speed**2 + 2 * self.gravity * height)) / self.gravity
            t, height, speed = t + fall, 1e-7, (self.gravity * fall - speed) * (1 - self.loss)
            times.append(t)
        return times


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("interface", INTERFACES)
def test_a_bouncing_ball(interface, library):
    """Three bounces: their times, and the derivatives of the last one in everything, through all bounces before. Polynomials of degree 2
    are solved to rounding, so that ours are exact to it; torchdiffeq's are as exact as its bisection."""
    ball, bound = Ball(), 1e-10 if library == "ours" else 1e-7
    found, exact = ball.bounces(LIBRARIES[library], interface, 3), ball.exact(3)
    for one, other in zip(found, exact, strict=True):
        assert abs(float(one.detach()) - float(other.detach())) < bound
    slopes = [torch.cat(torch.autograd.grad(times[-1].sum(), list(ball.parameters()))) for times in (found, exact)]
    assert torch.allclose(*slopes, rtol=0, atol=20 * bound)


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "backward"])
@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize("method", ["dopri5", "dopri8", "tsit5", "bosh3"])
def test_a_circle(method, interface, reverse):
    """x' = v, v' = -w^2 x from (a, 0) at t0: x is 0 a quarter of a turn later or before; time and state with all their derivatives."""
    w, start, t0 = double(2.0, grad=True), double([1.5, 0.0], grad=True), double(0.3, grad=True)

    def field(t, y):
        return torch.stack([y[1], -(w**2) * y[0]])

    more = {"adjoint_params": (w,)} if interface == "odeint_adjoint" else {}
    loose = method == "bosh3"
    tolerances = {"rtol": 1e-7, "atol": 1e-8} if loose else {"rtol": 1e-10, "atol": 1e-12}
    time, states = torchbridge.odeint_event(
        field,
        start,
        t0,
        event_fn=lambda t, y: y[0],
        reverse_time=reverse,
        odeint_interface=OURS[interface],
        method=method,
        **tolerances,
        **more,
    )
    sign = -1 if reverse else 1
    turn = math.pi / 2 - torch.atan2(-start[1] * sign, w * start[0])  # the angle to go, for a start near (a, 0)
    exact = torch.stack([t0 + sign * turn / w, -sign * torch.sqrt((w * start[0]) ** 2 + start[1] ** 2)])
    found = torch.stack([time, states[-1][1]])
    bound = 1e-4 if loose else 1e-8
    assert torch.equal(states[0], start) and abs(states[-1][0]) < 1e-12
    assert torch.allclose(found, exact, rtol=0, atol=bound)
    for i in range(2):
        ours, theirs = (
            torch.cat([one.reshape(-1) for one in torch.autograd.grad(both[i], (w, start, t0), retain_graph=True)])
            for both in (found, exact)
        )
        assert torch.allclose(ours, theirs, rtol=0, atol=10 * bound)


def test_second_derivatives_of_an_event():
    """A fall from h takes sqrt(2 h / g), whose Hessian is known; the speed at the end is -sqrt(2 h g)."""
    inputs = double([5.0, 9.8], grad=True)
    for name, interface in OURS.items():
        h, g = inputs.unbind()
        more: dict[str, Any] = {"adjoint_params": (g,)} if name == "odeint_adjoint" else {}
        time, states = torchbridge.odeint_event(
            lambda t, y, g=g: torch.stack([y[1], -g]),
            torch.stack([h, 0 * h]),
            double(0.0),
            event_fn=lambda t, y: y[0],
            odeint_interface=interface,
            **more,
        )
        for found, exact in ((time, torch.sqrt(2 * h / g)), (states[-1][1], -torch.sqrt(2 * h * g))):
            hessians = []
            for value in (found, exact):
                (slope,) = torch.autograd.grad(value, inputs, create_graph=True)
                hessians.append(torch.stack([torch.autograd.grad(one, inputs, retain_graph=True)[0] for one in slope]))
            assert torch.allclose(*hessians, rtol=0, atol=1e-9) and hessians[1].abs().max() > 1e-2


def test_what_an_event_reads_receives_gradients():
    """exp(-t) meets a level c at -ln(c)."""
    level = double(0.3, grad=True)
    time, states = torchbridge.odeint_event(lambda t, y: -y, double([1.0]), double(0.0), event_fn=lambda t, y: y[0] - level)
    slopes = [torch.autograd.grad(one, level, retain_graph=True)[0] for one in (time, states[-1][0])]
    assert abs(time.detach() + math.log(0.3)) < 1e-7
    assert abs(slopes[0] + 1 / 0.3) < 1e-6 and abs(slopes[1] - 1) < 1e-6


def test_an_event_may_depend_on_time():
    """y = c + t meets 3 t at c / 2, where y is 3 c / 2."""
    start = double([0.8], grad=True)
    time, states = torchbridge.odeint_event(lambda t, y: y**0, start, double(0.0), event_fn=lambda t, y: y - 3 * t)
    slopes = [torch.autograd.grad(one, start, retain_graph=True)[0] for one in (time, states[-1][0])]
    assert abs(time.detach() - 0.4) < 1e-12 and abs(slopes[0] - 0.5) < 1e-9 and abs(slopes[1] - 1.5) < 1e-9


def test_the_first_of_several_events_ends_the_solve():
    """Whichever way each of them crosses 0."""
    for levels, first in (([0.5, 0.8], 0.8), ([0.5, 0.2], 0.5)):
        time, _ = torchbridge.odeint_event(
            lambda t, y: -y, double([1.0]), double(0.0), event_fn=lambda t, y, levels=levels: double([1, -1]) * (y - double(levels))
        )
        assert abs(time + math.log(first)) < 1e-7


def test_an_event_at_the_start():
    """Is met at once, as torchdiffeq has it."""
    for library in LIBRARIES.values():
        time, states = library.odeint(lambda t, y: -y, double([1.0]), double([0.25, 1.0]), event_fn=lambda t, y: y[0] - 1)
        assert float(time) == 0.25 and torch.equal(states, double([[1.0], [1.0]]))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", INTERFACES)
def test_odeint_alone_differentiates_at_a_time_that_stays(name, library):
    """The state at the event's time, as if that were given: what `odeint_event` of either library builds on."""
    func, y0 = Decay(), double([1.0], grad=True)
    time, states = getattr(LIBRARIES[library], name)(func, y0, double([0.0, 1.0]), event_fn=lambda t, y: y[0] - 0.6, rtol=1e-9, atol=1e-11)
    exact = func.exact(y0, torch.stack([double(0.0), time.detach()]))
    assert abs(states[-1].detach() - 0.6) < 1e-7
    for found, other in ((states, exact),):
        slopes = [torch.cat([one.reshape(-1) for one in torch.autograd.grad(both[-1].sum(), (y0, func.k))]) for both in (found, other)]
        assert torch.allclose(*slopes, rtol=0, atol=1e-7)


@pytest.mark.parametrize("library", PEERS or {"ours": torchbridge})
def test_the_interfaces_of_two_libraries_work_together(library):
    """`odeint_event` of one on the `odeint` of the other."""
    other = {"ours": torchbridge, **PEERS}[library]
    for outer, inner in ((other, torchbridge), (torchbridge, other)):
        y0 = double([1.0], grad=True)
        time, _ = outer.odeint_event(
            lambda t, y: -2 * y, y0, double(0.0), event_fn=lambda t, y: y[0] - 0.25, odeint_interface=inner.odeint, rtol=1e-9, atol=1e-11
        )
        assert abs(time.detach() - math.log(4) / 2) < 1e-8 and abs(torch.autograd.grad(time, y0)[0] - 0.5) < 1e-6


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("interp", ["linear", "cubic"])
@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("end", [1.0, -1.0])
def test_given_steps_end_at_an_event(end, method, interp, library):
    """Steps of 0.07, of which the last is read inside: y' = 1 is exact for all of them, y' = 1 + t for cubics on steps that are."""
    solve = LIBRARIES[library].odeint
    options = {"step_size": 0.07, "interp": interp}
    time, states = solve(
        lambda t, y: torch.ones_like(y), double([0.0]), double([0.0, end]), method=method, options=options, event_fn=_passed(0.4 * end)
    )
    assert abs(time - 0.4 * end) < 1e-8 and abs(states[-1] - 0.4 * end) < 1e-8
    if method == "rk4" and interp == "cubic":
        time, states = solve(
            lambda t, y: 1 + t * y**0,
            double([0.0]),
            double([0.0, end]),
            method=method,
            options=options,
            event_fn=lambda t, y: t - 0.4 * end,
        )
        assert abs(states[-1] - (0.4 * end + 0.08)) < 1e-8


def _passed(level: float):
    return lambda t, y: y[0] - level


def test_steps_that_a_device_would_take_are_as_many_as_needed():
    """The field is not evaluated far behind the event."""
    seen: list[float] = []

    def field(t, y):
        seen.append(float(t))
        return torch.ones_like(y)

    torchbridge.odeint(field, double([0.0]), double([0.0, 1.0]), method="rk4", options={"step_size": 0.1}, event_fn=_passed(0.55))
    assert max(seen) < 0.61


def test_breaks_are_met_on_the_way_to_an_event():
    """y' jumps from 1 to 3 at t = 0.7: the event at y = 2.5 is at 1.3, to rounding."""
    options = {"jump_t": double([0.7, 7.0])}

    def field(t, y):
        return torch.ones_like(y) * (1 if t < 0.7 else 3)

    time, states = torchbridge.odeint(field, double([0.0]), double([0.0, 1.0]), options=options, event_fn=_passed(2.5))
    assert abs(time - 1.3) < 1e-12 and abs(states[-1] - 2.5) < 1e-12


REFUSED = {
    "three times": ({"t": [0.0, 1.0, 2.0]}, ModelError, "t has 3 times"),
    "no number": ({"event_fn": lambda t, y: 1.0}, ModelError, "event_fn returns float"),
    "a truth": ({"event_fn": lambda t, y: y[0] > 0.5}, ModelError, "event_fn returns torch.bool"),
    "never": (
        {"event_fn": lambda t, y: y[0] + 1, "options": {"max_num_steps": 60}},
        SolveError,
        r"no event until .*options\['max_num_steps'\]",
    ),
    "never, in given steps": (
        {"event_fn": lambda t, y: y[0] + 1, "method": "euler", "options": {"step_size": 0.1}},
        SolveError,
        "no event in 50 steps up to t = 5;",
    ),
    "not finite": ({"event_fn": lambda t, y: torch.log(y[0] - 0.5)}, SolveError, "event_fn is nan at t = "),
    "no step size": ({"method": "rk4", "options": {}}, ModelError, "give step_size"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_event_is_told(case, monkeypatch):
    monkeypatch.setattr(ending, "MOST_GIVEN", 50)
    given, error, message = REFUSED[case]
    asked = {"event_fn": lambda t, y: y[0] - 0.5, **given}
    with pytest.raises(error, match=message):
        torchbridge.odeint(lambda t, y: -y * 0.99, double([1.0]), double(asked.pop("t", [0.0, 1.0])), **asked)


def test_an_event_that_jumps_gets_no_gradient_and_says_so():
    y0 = double([1.0], grad=True)
    with pytest.warns(UserWarning, match="event_fn does not change along the path at t = "):
        time, states = torchbridge.odeint_event(lambda t, y: -y, y0, double(0.0), event_fn=lambda t, y: torch.sign(y[0] - 0.5))
    assert abs(time - math.log(2)) < 1e-7 and not time.requires_grad and states.requires_grad


def test_t0_is_one_number():
    wrong: list[Any] = [0.0, double([0.0, 1.0]), torch.tensor(0)]
    for t0 in wrong:
        with pytest.raises(ModelError, match="t0 is "):
            torchbridge.odeint_event(lambda t, y: -y, torch.ones(1, dtype=DOUBLE), t0, event_fn=lambda t, y: y[0] - 0.5)
