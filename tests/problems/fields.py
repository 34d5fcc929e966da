"""Fields: linear, coupled, networks, stiff; parameters shared and one for each sample."""

import sympy as sp

import odeanalysis as oda
from tests.problems.registry import case, drawn, names, network, stated

s, t = oda.depth, sp.Symbol("t", real=True)


@case(a=-0.7, b=0.4, z0=1.3)
def scalar_linear():
    a, b, z0, z = names("a b z0 z")
    return stated(oda.Objective(terminal=z**2), field={z: a * z + b}, initial={z: z0}, domain=(0, 2), parameters=[a, b, z0])


@case(
    alpha=0.9,
    beta=0.6,
    gamma=1.1,
    delta=0.5,
    hare0=1.4,
    lynx0=0.8,
    seen=[[1.4, 0.8], [2.0, 1.1], [1.2, 2.0], [0.6, 1.3], [1.0, 0.7]],
)
def predator_prey():
    alpha, beta, gamma, delta, hare0, lynx0, hare, lynx = names("alpha beta gamma delta hare0 lynx0 hare lynx")
    seen = oda.block("seen", 2)
    error = oda.log(oda.concat(hare, lynx)) - oda.log(seen)
    model = oda.Model(
        field={hare: alpha * hare - beta * hare * lynx, lynx: -gamma * lynx + delta * hare * lynx},
        initial={hare: hare0, lynx: lynx0},
        domain=(0, 6),
        parameters=[alpha, beta, gamma, delta, hare0, lynx0],
        depth=t,
        name="predator_prey",
    )
    objective = oda.Objective(observations=(oda.Observation([0, 1, 2.5, 4, 6], oda.sumsq(error), [seen]),))
    positive = dict.fromkeys(("alpha", "beta", "gamma", "delta", "hare0", "lynx0", "seen"), (0.3, 2))
    return oda.Problem(model, objective, "mean", positive)


@case(W=drawn(1, 3, 2), b=drawn(2, 3), V=drawn(3, 2, 3), x=drawn(4, 2, 2), y=drawn(5, 2, 2))
def symbolic_sizes():
    """A network whose sizes are symbols until values are known."""
    n, m = sp.Symbol("n", integer=True), sp.Symbol("m", integer=True)
    return network(n, m, field=lambda z, x, W, b, V: V @ oda.tanh(W @ z + b) + s * x)


@case(W=[[0.4, -0.3], [0.2, 0.5], [-0.6, 0.1]], b=[1.1, -1.2, 1.4], V=drawn(8, 2, 3), x=[0.9, -0.6], y=[-0.7, -1.4])
def kinked_network():
    """Conditions on the state that are continuous by their form; this path stays on one side of each."""
    return network(2, 3, field=lambda z, x, W, b, V: V @ oda.relu(W @ z + b) / 2 + oda.maximum(z, x / 3 - 4) / 3 - oda.abs(z - 3) / 4)


@case(A=drawn(11, 2, 2), B=drawn(12, 2, 2), c=0.3, x=drawn(13, 2, 2))
def state_blocks():
    """A vector, a matrix and a scalar that drive each other."""
    z, M, r = oda.block("z", 2), oda.block("M", 2, 2), oda.block("r")
    A, B, c, x = oda.block("A", 2, 2), oda.block("B", 2, 2), oda.block("c"), oda.block("x", 2)
    return stated(
        oda.Objective(terminal=oda.sumsq(M - B) + oda.dot(z, M @ z) + r**2, running=oda.trace(M.T @ M) / 5),
        field={z: oda.tanh(M @ z) + r * x, M: A @ M - M @ A.T + oda.outer(z, x), r: -c * r + M[0, 1] * oda.sum(z)},
        initial={z: x, M: oda.eye(2) + B, r: c},
        domain=(0, 1),
        parameters=[A, B, c],
        inputs=[x],
    )


@case(rate=60.0, z0=0.4)
def stiff_linear():
    """A fast approach to a slow solution."""
    rate, z0, z = names("rate z0 z")
    cost = oda.Objective(terminal=z**2, running=(z - oda.cos(s)) ** 2)
    return stated(cost, field={z: -rate * (z - oda.cos(s))}, initial={z: z0}, domain=(0, 1), parameters=[rate, z0])


@case(a=[0.5, -0.3, 0.8], b=0.2, x=[1.0, -0.4, 0.7])
def per_sample_parameters():
    a, b, x, z = names("a b x z")
    cost = oda.Objective(terminal=(z - b) ** 2 + a**2)
    return stated(cost, field={z: a * oda.sin(z) + b * s}, initial={z: x + a}, domain=(0, 1), parameters=[a, b], inputs=[x])


@case(a=0.6, idle=[1.0, 2.0], x=[0.3, -0.9], aside=0.1)
def unused_names():
    a, x, z, aside = names("a x z aside")
    idle = oda.block("idle", 2)
    cost = oda.Objective(terminal=z**2)
    return stated(cost, field={z: a * z}, initial={z: x}, domain=(0, 1), parameters=[a, idle], inputs=[x, aside])
