"""Problems that hold every awkward thing a gradient has been seen to fail on, beside those of the other files.

Each is small, with values that make the awkward thing happen.
"""

import numpy as np
import sympy as sp

import odeanalysis as oda
from odeanalysis.symbolic.rewrite import exact
from tests.problems.registry import case, names

NONE = float("nan")
s = oda.depth
q, p, k, w, x, seen, far = names("q p k w x seen far")


def stated(field, initial, domain, parameters, objective, inputs=(), breakpoints=(), name="hostile"):
    return oda.Problem(oda.Model(field, initial, domain, parameters, inputs, (), breakpoints, name=name), objective)


# ---------------------------------------------------------------- observations


@case(p=0.8, k=0.5, seen=[0.3, -0.2, 0.9, NONE, 1.1])
def observed_everywhere():
    """Observations at s0, at S, twice at one depth, unordered, and one datum missing."""
    one = oda.Observation((1, 0.4, 0, 0.7, 0.4), (q - seen) ** 2 * (1 + s) + k * seen, (seen,))
    return stated({q: oda.sin(p * q) + s}, {q: k}, (0, 1), (p, k), oda.Objective(q**2, q * p, (one,)))


@case(
    p=1.3,
    k=0.4,
    pair=[[[0.1, 0.2], [NONE, 0.4]], [[0.5, 0.1], [0.7, 0.3]]],
    far=[[NONE, 1.0], [0.3, NONE]],
)
def holes_of_their_own():
    """Two kinds of data, one of vectors, at depths they share, over a batch in which each sample misses others."""
    v, pair = oda.block("v", 2), oda.block("pair", 2)
    first = oda.Observation((0.5, 1), oda.sumsq(v - pair) * p, (pair,))
    second = oda.Observation((0.5, 0.25), (v[0] - far) ** 2 * s, (far,))
    objective = oda.Objective(0, 0, (first, second))
    return stated({v: oda.concat(v[1], -p * v[0])}, {v: oda.concat(k, p)}, (0, 1), (p, k), objective)


@case(k=0.7, w=[0.2, 0.8, 0.7], p=[0.6, 0.3, 0.7], seen=[[0.1, 0.2, 0.3], [NONE, 0.4, 0.5], [0.3, 0.1, NONE]])
def ragged_observations():
    """Observed depths of every sample's own, in different orders and once the same, around a switch that stands still."""
    one = oda.Observation((w, 0.5, p), (q - seen) ** 2 * (1 + s), (seen,))
    field = oda.where(s < 0.4, k * q, oda.cos(q))
    return stated({q: field}, {q: k}, (0, 1), (k,), oda.Objective(q, 0, (one,)), inputs=(w, p))


# ---------------------------------------------------------------- domains


@case(w=0.6, k=0.9, seen=[0.1, 0.2])
def everything_moves():
    """Both ends move with parameters that stand in field, initial value and costs too; an observation moves between them."""
    one = oda.Observation((0.3, w), (q - seen) ** 2 * s + k, (seen,))
    objective = oda.Objective(q**2 * s, q * s * k, (one,))
    return stated({q: -k * q + s**2}, {q: k * w + s}, (w - 1, 2 * k), (w, k), objective)


@case(w=0.3, k=0.7, seen=[0.5, 0.2])
def backward_with_a_switch():
    """A domain that runs backward, with a switch, observations, and depth in every place."""
    one = oda.Observation((0.9, -0.2), (q - seen) ** 2 * s, (seen,))
    field = oda.where(s < w, -k * q + s, oda.sin(q) * k)
    return stated({q: field}, {q: k + s}, (1, -0.5), (w, k), oda.Objective(q**2 * s, q**2 * s, (one,)))


@case(w=0.3, k=0.7)
def no_length():
    """A domain of length zero whose end moves: the running cost is nothing, its gradient in the end is not."""
    return stated({q: k * q + 1}, {q: k}, (0.3, w), (w, k), oda.Objective(q**2, q * s))


@case(w=0.3, k=0.7, p=0.3)
def no_length_with_a_switch():
    """A domain of length zero that moves as a whole, with a switch on it."""
    field = oda.where(s < p, k * q + 1, q**2)
    return stated({q: field}, {q: k}, (w, w), (w, k, p), oda.Objective(q**2 + s, q * s))


@case(w=0.3, k=0.7, seen=[0.4, 0.9])
def observed_without_length():
    """Observations at s0 of a domain of length zero whose end moves away from them."""
    one = oda.Observation((0.3, 0.3), (q - seen) ** 2, (seen,))
    return stated({q: k * q + 1}, {q: k}, (0.3, w), (w, k), oda.Objective(q**2, q * s, (one,)))


@case(a=0.2, b=[1.1, -0.4])
def named_depth():
    """Another name for depth, costs that mention the ends, and ends on both sides of the start."""
    t, a, b = sp.Symbol("t", real=True), oda.block("a"), oda.block("b")
    objective = oda.Objective(q**2 * t / (b - a), q * t / (b - a) ** 2)
    return oda.Problem(oda.Model({q: oda.sin(q) + t}, {q: 1 + t**2}, (a, b), (a, b), depth=t), objective)


# ---------------------------------------------------------------- switches


@case(w=0.6, k=0.9, seen=[0.1, 0.2, NONE, 0.5])
def observed_on_a_switch():
    """A switch at a depth that is a parameter, with an observation there that moves along, and a kink in depth."""
    one = oda.Observation((0.3, w, 1, 0.3), (q - seen) ** 2 * s + k, (seen,))
    field = oda.where(s < w, -k * q, oda.sin(q) + k) + abs(s - 0.25)
    return stated({q: field}, {q: k * w + s}, (w - 1, 2 * k), (w, k), oda.Objective(q**2 * s, q * s * k, (one,)))


@case(w=-0.5, p=1.5, k=0.9)
def switch_outside():
    """Switches before the start and behind the end: their depths have no gradient."""
    field = oda.where(s < w, -k * q, oda.sin(q) + k) + oda.where(s > p, q * s, 1)
    return stated({q: field}, {q: k}, (0, 1), (w, p, k), oda.Objective(q**2, q))


@case(w=0.3, k=0.8)
def switched_costs():
    """Switches in the costs and in the initial value: a cost sees the side of s0, the initial value the first piece."""
    one = oda.Observation((0.5, 0.8), oda.where(s <= 0.5, q**2, k * q), ())
    initial = oda.where(s < 0.5, k, 3 * k)
    objective = oda.Objective(oda.where(s < 1, q * k, 5 * q), oda.where(s < w, q**2, k * q), (one,))
    return stated({q: oda.where(s < 0.5, k * q, -q)}, {q: initial}, (0, 1), (w, k), objective)


@case(w=[0.2, 0.8, 2.0, -1.0], p=[0.6, 0.3, 0.5, 3.0], x=[0.0, 0.3, -0.2, 0.5], k=0.7)
def ragged_switches():
    """Two switches that the samples meet in different order, or not at all, before or behind an end of their own."""
    field = oda.where(s < w, k * q, oda.cos(q)) + oda.where(s < p, q * s, -k)
    return stated({q: field}, {q: k + x}, (0, 1 + x), (k,), oda.Objective(q**2, q * k), inputs=(w, p, x))


@case(w=0.5, k=0.9)
def breakpoints_by_hand():
    """Conditions that are not affine in depth, with their depths listed; one of them moves."""
    field = oda.where(s**2 < w, k * q, -q) + oda.where(oda.sin(10 * s) > 0, 1, 0)
    points = (oda.sqrt(w), *(exact(n * np.pi / 10) for n in (1, 2, 3)))
    return stated({q: field}, {q: k}, (0, 1), (w, k), oda.Objective(q**2, q * k), breakpoints=points)


# ---------------------------------------------------------------- values and functions


@case(A=[[[0.1, 0.5], [-0.3, 0.2]], [[0.7, -0.2], [0.4, -0.6]]], b=[0.3, -0.5], k=0.8)
def own_matrices():
    """A matrix of every sample's own beside a shared input."""
    v, A, b = oda.block("v", 2), oda.block("A", 2, 2), oda.block("b", 2)
    return stated({v: oda.tanh(A @ v + b)}, {v: b * k}, (0, 1), (A, k), oda.Objective(oda.sumsq(v)), inputs=(b,))


@case(b=[0.9, 0.8, 1.1, 1.2, 0.9, 1.3])
def saturated():
    """Activations far out on both sides, where naive formulas overflow."""
    v, b = oda.block("v", 6), oda.block("b", 6)
    first = (oda.tanh(40 * v[0]), oda.sigmoid(900 * v[1]), oda.softplus(-800 * v[2]), oda.softplus(800 * v[3]) / 800)
    field = oda.concat(*first, oda.gelu(-60 * v[4]), oda.silu(-900 * v[5])) - b * v
    return stated({v: field}, {v: b}, (0, 1), (b,), oda.Objective(oda.sumsq(v)))


@case(b=[-0.53, -0.61, 0.43, 0.71], k=0.9)
def kinks():
    """The state crosses the kinks of relu, abs, maximum and minimum."""
    v, b = oda.block("v", 4), oda.block("b", 4)
    field = oda.concat(oda.relu(v[0]) + 1, abs(v[1]) + 1, oda.maximum(v[2], 0.2) - k, oda.minimum(v[3], k * s) - 1)
    return stated({v: field}, {v: b}, (0, 1), (b, k), oda.Objective(oda.sumsq(v)))


@case(k=0.9, x=[-0.4, 0.3])
def continuous_condition():
    """A condition on the state that is continuous by its form, and elu, whose second derivative jumps."""
    field = oda.elu(q) + oda.where(q > 0, q * k, 0) + k
    return stated({q: field}, {q: x}, (0, 1), (k,), oda.Objective(q**2), inputs=(x,))
