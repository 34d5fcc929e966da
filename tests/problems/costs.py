"""Costs: running, terminal, and at observed depths."""

from typing import Any

import odeanalysis as oda
from tests.problems.registry import case, names, stated

s = oda.depth
NONE = float("nan")


@case(theta=0.7, w=-0.4, x=[0.5, 1.1])
def running_cost():
    """Parameters in every cost; the depth stands in all of them."""
    theta, w, x, z = names("theta w x z")
    cost = oda.Objective(running=theta**2 * z**2 + w * s * z, terminal=s * w**2 + theta * z + x**2)
    return stated(cost, field={z: -theta * z + s * x}, initial={z: x + w}, domain=(0, 1.2), parameters=[theta, w], inputs=[x])


def observed(domain: Any, *observations: Any, **more: Any) -> Any:
    """A pendulum with friction under observations."""
    a, angle0, angle, speed = names("a angle0 angle speed")
    return stated(
        oda.Objective(observations=observations, **more),
        field={angle: speed, speed: -oda.sin(angle) - a * speed},
        initial={angle: angle0, speed: 0},
        domain=domain,
        parameters=[a, angle0],
    )


def seen_angle(*at: Any) -> Any:
    angle, a, seen = names("angle a seen")
    return oda.Observation(at, (1 + a**2) * (angle - seen) ** 2, [seen])


PENDULUM = {"a": 0.3, "angle0": 0.9}


@case(**PENDULUM, seen=[0.8])
def observed_at_start():
    return observed((0, 2), seen_angle(0))


@case(**PENDULUM, seen=[0.1])
def observed_at_end():
    return observed((0, 2), seen_angle(2), terminal=oda.block("speed") ** 2)


@case(**PENDULUM, seen=[0.5, 0.1, 0.6, 0.8])
def observed_unordered():
    """One depth twice, none in order."""
    return observed((0, 2), seen_angle(1, 1.7, 1, 0.4))


@case(**PENDULUM, seen=[0.7, 0.2], rate=[[0.0, -0.5], [-0.1, -0.6]])
def observed_twice():
    """Two observations with their own data, one shared, one for each sample; they meet at one depth."""
    angle, speed, rate = names("angle speed rate")
    return observed((0, 2), seen_angle(0.6, 1.5), oda.Observation([0, 0.6], oda.abs(s) + (speed - rate) ** 2 * angle, [rate]))


@case(**PENDULUM, seen=[[0.8, NONE, 0.3], [NONE, 0.6, 0.1], [NONE, NONE, NONE]])
def missing_data():
    return observed((0, 2), seen_angle(0.3, 1, 1.9))


@case(a=0.3, angle0=0.9, seen=[0.6, 0.5])
def moving_observation():
    """Depths of observations that are expressions in a parameter."""
    a = oda.block("a")
    return observed((0, 2), seen_angle(2 * a, 1 + a**2))
