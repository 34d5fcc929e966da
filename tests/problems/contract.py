"""The models of the contract, stated in Python."""

import sympy as sp

import odeanalysis as oda
from tests.problems.registry import case, names, network, stated

s = oda.depth


@case(theta=0.4, z0=1.2)
def closed_form():
    theta, z0, z = names("theta z0 z")
    cost = oda.Objective(running=theta**2 * z**2)
    return stated(cost, field={z: theta * z}, initial={z: z0}, domain=(0, 1.5), parameters=[theta, z0])


@case(k=[1.0, 0.3, -0.4], z0=0.5, seen=[0.3, 0.8])
def fourier_and_observations():
    """What the Galerkin transform makes of the model: k(s) in three Fourier functions of period 2."""
    k, z0, z, seen = names("k z0 z seen")
    weights = oda.block("k", 3)
    return stated(
        oda.Objective(terminal=z**2, observations=(oda.Observation([0.5, 1.5], (z - seen) ** 2, [seen]),)),
        field={z: 1 - k * z},
        initial={z: z0},
        domain=(0, 2),
        parameters=[weights, z0],
        functions={k: weights[0] + weights[1] * oda.cos(sp.pi * s) + weights[2] * oda.sin(sp.pi * s)},
    )


@case(A=[[-0.744, 0.385, 0.717], [-0.3, 0.545, 1.043], [-0.207, -0.814, 0.348]], x=[0.248, 1.099, -1.285])
def linear_flow():
    """What the flow transform makes of the model: a second state that grows by the divergence."""
    z, x, A, ld = oda.block("z", 3), oda.block("x", 3), oda.block("A", 3, 3), oda.block("ld")
    return stated(
        oda.Objective(terminal=oda.sumsq(z) - ld),
        field={z: A @ z, ld: oda.trace(A)},
        initial={z: x, ld: 0},
        domain=(0, 1.2),
        parameters=[A],
        inputs=[x],
    )


@case(
    W=[[0.034, 1.36], [1.225, -0.51], [-0.298, -0.527], [0.57, -0.056]],
    b=[0.747, -1.847, 1.567, -0.096],
    V=[[0.68, -0.137, -0.379, 0.463], [0.825, -0.203, -0.153, 0.686]],
    x=[[-0.87, -1.514], [0.395, -0.671], [-1.92, -0.814]],
    y=[[-0.468, -1.193], [-1.492, 0.037], [0.897, -0.233]],
)
def network_batch():
    """Three samples, each with its own inputs; the weights are shared."""
    return network(2, 4, field=lambda z, x, W, b, V: V @ oda.tanh(W @ z + b) + s * x)


@case(w=1.7, c=-1.1, x=[0.8, -0.5])
def signed_depth():
    """The domain of the second sample runs backward."""
    w, c, x, z = names("w c x z")
    return stated(
        oda.Objective(running=z, terminal=(z + x) ** 2),
        field={z: c},
        initial={z: x},
        domain=(0, w * x),
        parameters=[w, c],
        inputs=[x],
    )
