"""Paths of a flow from many starting values: by our solver, and by SciPy from the stated field, which share nothing but the statement."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.independent.interpreter import evaluate
from odeanalysis.verification.strategies.flows import Flow

END: tuple[float, ...] = ()
FINE = Settings("dopri8", rtol=1e-10, atol=1e-11)
EDGE = 1e-12

Way = Callable[..., Array]


def by_solver(flow: Flow, x: Array, depths: Iterable[float] = END, state: str = "z") -> Array:
    """The states [B, M, n] at depths [M] (default: the end) from starting values [B, n]; or another state that was added to the model."""
    run = solve_problem(Problem(flow.model, Objective()), {**flow.values, "x": x}, FINE)
    solution, wanted = run.solution, np.array(list(depths))
    states = solution.dense(wanted) if wanted.size else solution.final[:, None]
    return run.setting.layout.unpack(states)[state]


def by_scipy(flow: Flow, x: Array, depths: Iterable[float] = END) -> Array:
    """The same from the stated field, all starting values side by side, afresh at every node."""
    cuts = _cuts(flow.model)
    wanted = list(map(float, depths)) or cuts[-1:]
    state = np.asarray(x, dtype=float)
    found = {cuts[0]: state}
    for ends in pairwise(cuts):
        inside = sorted({depth for depth in wanted if ends[0] < depth <= ends[1]} | {ends[1]})
        states = _segment(flow, x, ends, state, inside)
        found |= zip(inside, states, strict=True)
        state = states[-1]
    return np.stack([found[depth] for depth in wanted], axis=1)


WAYS: dict[str, Way] = {"solver": by_solver, "SciPy": by_scipy}


def _cuts(model: Model) -> list[float]:
    """The ends of the domain, and the nodes and break points inside it."""
    start, end = map(float, model.domain)
    stated = {*map(float, model.breakpoints), *(float(node) for nodes in model.nodes for node in nodes)}
    return [start, *sorted(cut for cut in stated if start < cut < end), end]


def _segment(flow: Flow, x: Array, ends: tuple[float, float], state: Array, depths: list[float]) -> Array:
    """The states [M, B, n] at depths [M] of a segment, in which conditions are decided just inside."""
    low, high = ends
    edge = EDGE * (high - low)
    (_, field), *_ = flow.model.field

    def slope(s: float, flat: Array) -> Array:
        here = {**flow.values, flow.model.depth.name: min(max(s, low + edge), high - edge)}
        here |= {name.name: evaluate(value, here) for name, value in flow.model.functions}
        return np.concatenate([evaluate(field, {**here, "z": z, "x": one}) for z, one in zip(flat.reshape(x.shape), x, strict=True)])

    found = solve_ivp(slope, ends, state.ravel(), "DOP853", depths, rtol=1e-10, atol=1e-12)
    return found.y.T.reshape(-1, *x.shape)
