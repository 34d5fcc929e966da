"""Pieces: conditions on depth, with break points that stand still or move."""

from typing import Any

import sympy as sp

import odeanalysis as oda
from tests.problems.registry import case, names, stated

s = oda.depth


def switched(condition: Any, names_: list[Any], domain: Any = (0, 1), breakpoints: Any = ()) -> Any:
    """A field and a running cost that are others where a condition on depth holds."""
    a, b, x, z = names("a b x z")
    return stated(
        oda.Objective(terminal=z**2, running=oda.where(condition, z**2, b * z)),
        field={z: oda.where(condition, a * z, b - z)},
        initial={z: x},
        domain=domain,
        parameters=[a, b, *names_],
        inputs=[x],
        breakpoints=breakpoints,
    )


SWITCHED = {"a": 0.8, "b": -0.5, "x": [0.7, -1.1]}


@case(**SWITCHED)
def switch():
    return switched(s < 0.35, [])


@case(**SWITCHED, s1=0.45)
def moving_switch():
    """The depth of the switch is a parameter."""
    s1 = oda.block("s1")
    return switched(s < s1, [s1])


@case(**SWITCHED, s1=0.45)
def backward_switch():
    s1 = oda.block("s1")
    return switched(s < s1, [s1], domain=(1, 0))


@case(**SWITCHED, s1=0.3, s2=0.8)
def window():
    """A condition that holds between two depths, one of them scaled."""
    s1, s2 = names("s1 s2")
    return switched(sp.And(s > s1, 2 * s < s1 + s2), [s1, s2])


@case(**SWITCHED, c=0.4)
def hand_given_breaks():
    """A condition that is not affine in depth, with its depths given by hand."""
    c = oda.block("c")
    return switched(oda.sin(2 * sp.pi * s) > 0, [c], breakpoints=(0.5, c))


@case(**{**SWITCHED, "x": [0.7, -1.1, 0.4]}, w=[0.0, 1.4, -0.6], c=0.5)
def vanishing_slope():
    """A condition that never switches for a sample whose slope is 0, whichever way the slope changes."""
    w, c = names("w c")
    return switched(w * s < c, [w, c])


@case(a=0.5, c=0.7, x=[0.4, -0.8])
def kinks_in_depth():
    a, c, x, z = names("a c x z")
    cost = oda.Objective(terminal=z**2, running=oda.maximum(s, c) * z)
    field = {z: a * oda.abs(s - c) * z + oda.relu(s - 0.3) - oda.minimum(2 * s, c)}
    return stated(cost, field=field, initial={z: x}, domain=(0, 1), parameters=[a, c], inputs=[x])


@case(a=0.5, u=[[0.2, 1.0, -0.4], [0.0, 0.5, 0.9]], x=[0.4, -0.8])
def interpolated_input():
    """An input signal, linear between its values at depths 0, 1/2, 1."""
    a, x, z, u = names("a x z u")
    knots = oda.block("u", 3)
    first = knots[0] + 2 * s * (knots[1] - knots[0])
    second = knots[1] + (2 * s - 1) * (knots[2] - knots[1])
    return stated(
        oda.Objective(terminal=z**2, running=u * z),
        field={z: -a * z + u},
        initial={z: x},
        domain=(0, 1),
        parameters=[a],
        inputs=[x, knots],
        functions={u: oda.where(s < sp.Rational(1, 2), first, second)},
    )
