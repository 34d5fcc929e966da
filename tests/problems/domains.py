"""Domains: ends that move, run backward, or meet."""

import odeanalysis as oda
from tests.problems.registry import case, names, stated

s = oda.depth


@case(a=0.2, b=0.7, c=-0.5, x=[0.6, 1.4])
def moving_ends():
    """Both ends are expressions, one for each sample, and stand in the costs and in the initial value."""
    a, b, c, x, z = names("a b c x z")
    return stated(
        oda.Objective(terminal=s * z**2, running=z * s / (b + x)),
        field={z: c * z + oda.sin(s)},
        initial={z: x + s**2},
        domain=(a * x, b + x**2),
        parameters=[a, b, c],
        inputs=[x],
    )


@case(a=0.4, b=-0.3, x=[[0.5, -0.2], [1.0, 0.3]], seen=[0.2, 0.6])
def backward_domain():
    a, b, seen = names("a b seen")
    z, x = oda.block("z", 2), oda.block("x", 2)
    return stated(
        oda.Objective(oda.sumsq(z), b * oda.sum(z) * s, (oda.Observation([1.5, 0.5], (z[0] - seen) ** 2, [seen]),)),
        field={z: a * z + oda.cos(s) * x + b},
        initial={z: x},
        domain=(2, 0.5),
        parameters=[a, b],
        inputs=[x],
    )


@case(a=0.4, x=[0.5, -0.2], seen=[0.1, 0.3])
def zero_length():
    a, x, z, seen = names("a x z seen")
    observation = oda.Observation([1, 1], a * (z - seen) ** 2, [seen])
    cost = oda.Objective(a * z**2, z, (observation,))
    return stated(cost, field={z: a * z}, initial={z: x + a}, domain=(1, 1), parameters=[a], inputs=[x])


@case(a=0.4, b=0.9, x=[0.5, 0.0, -0.3])
def some_of_zero_length():
    """A domain that runs forward, has length zero, and runs backward, by sample."""
    a, b, x, z = names("a b x z")
    cost = oda.Objective(running=z**2, terminal=b * z)
    return stated(cost, field={z: a * z + s}, initial={z: b}, domain=(0, x), parameters=[a, b], inputs=[x])
