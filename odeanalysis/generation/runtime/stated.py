"""The model that the other files see: z' = u - [s < 1/2] p z on [0, p], z(0) = u.

Modules have tables and functions of the same names, for their own model.
"""

import numpy as np

NAME = "example"
STATES = {"z": ()}
PARAMETERS = {"p": ()}
INPUTS = {"u": ()}
OBSERVATIONS = ({"marks": (3,), "data": {"seen": ()}},)
MARKS = ("0", "p", "1/2", "1/4")
FIXED = (0, 2, 3)
BREAKS = (2,)
MEETS = (1,)
SWITCHES = (2,)
NODES = ()
REDUCTION = "mean"
RUNNING = True
MOVES = True


def field(s, z, p, u, _p0):
    return u - _p0 * p * z, z * z


def hamiltonian_gradient(s, z, p, u, _p0, a_z, weight):
    return 0.0 * s, 2.0 * weight * z - _p0 * a_z * p, np.sum(-_p0 * a_z * z), a_z


def initial(s, p, u, _p0):
    return (u,)


def initial_vjp(s, p, u, _p0, bar_z):
    return 0.0 * s, np.sum(0.0 * bar_z), bar_z


def terminal(s, z, p, u, _p0):
    return (s * z,)


def terminal_vjp(*given):
    s, z, *_, bar = given
    return bar * z, bar * s, np.sum(0.0 * bar), 0.0 * bar


def observation0(s, z, p, u, _p0, seen):
    return ((z - seen) ** 2,)


def observation0_vjp(*given):
    _, z, *_, seen, bar = given
    slope = 2.0 * bar * (z - seen)
    return 0.0 * bar, slope, np.sum(0.0 * bar), 0.0 * bar, -slope


def flags(s, p, u):
    return (np.where(s < 0.5, 1.0, 0.0),)


def marks(p, u):
    return 0.0, p, 0.5, 0.25


def marks_vjp(p, u, met1, bar0, bar1, bar2, bar3):
    return np.sum(bar1), 0.0 * u


def nodes(p, u):
    return ()


COSTS = ((observation0, observation0_vjp),)
METHODS = {
    "heun2": {
        "order": 2,
        "estimate": 1,
        "c": (0.0, 1.0),
        "a": ((), (1.0,)),
        "b": (0.5, 0.5),
        "error": (-0.5, 0.5),
    },
}
