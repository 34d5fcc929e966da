"""The costate at a depth by what it means: how the loss from there on moves with the state there, by differences of SciPy's losses."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Observation, Problem
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.symbolic.formula import like
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent.interpreter import evaluate

Values = Mapping[str, Any]


def slope(problem: Problem, values: Values, depth: float, states: Values, direction: Values) -> float:
    """The derivative of the value from a depth on along a direction of the states there, a^T d, summed over the samples.

    states, direction: state -> array, with a leading axis where there is a batch.
    """
    left, kept = from_there(problem, values, depth)
    bound = bind(left, {**kept, **{_there(name): state for name, state in states.items()}})
    return independent.directional(left, bound, {_there(name): one for name, one in direction.items()})


def from_there(problem: Problem, values: Values, depth: float) -> tuple[Problem, dict[str, Any]]:
    """The problem from a depth on, whose states start at parameters of their own, and the values that are left for it.

    Ends and depths of observations have to be the same for all samples.
    """
    model, starts = problem.model, {z: like(z, _there(z.name)) for z in problem.model.states}
    changed = model.with_(domain=(depth, model.domain[1]), initial=starts, parameters=(*model.parameters, *starts.values()))
    kept: dict[str, Any] = {name.name: values[name.name] for name in model.names}
    observed = []
    for one in problem.objective.observations:
        after = _after(problem, values, depth, one)
        observed.append(replace(one, at=tuple(at for at, later in zip(one.at, after, strict=True) if later)))
        kept |= {name.name: np.compress(after, values[name.name], -1 - len(shape_of(name))) for name in one.data if after.any()}
    objective = replace(problem.objective, observations=tuple(one for one in observed if one.at))
    return replace(problem, model=changed, objective=objective), kept


def _there(name: str) -> str:
    return f"{name}_there"


def _after(problem: Problem, values: Values, depth: float, one: Observation) -> Array:
    """Which depths of an observation a path meets after a depth."""
    end = float(evaluate(problem.model.domain[1], values))
    return np.array([(float(evaluate(at, values)) - depth) * (end - depth) > 0 for at in one.at])


def observed(problem: Problem, values: Values, depth: float, states: Values, direction: Values) -> float:
    """sum_i (dL_i/dz)^T d over what is observed at a depth, summed over the samples as the value weighs them."""

    def costs(size: float) -> float:
        moved = {name: state + size * direction[name] for name, state in states.items()}
        found = [_cost(problem, {**one, **_of_sample(problem, moved, b)}, depth) for b, one in enumerate(samples)]
        return float(np.mean(found) if problem.reduction == "mean" else np.sum(found))

    samples = independent.samples(bind(problem, values))
    coarse, fine = ((costs(size) - costs(-size)) / (2 * size) for size in (independent.STEP, independent.STEP / 2))
    return (4 * fine - coarse) / 3


def _of_sample(problem: Problem, states: Values, b: int) -> dict[str, Any]:
    ranks = {z.name: len(shape_of(z)) for z in problem.model.states}
    return {name: state[b] if np.ndim(state) > ranks[name] else state for name, state in states.items()}


def _cost(problem: Problem, values: Values, depth: float) -> float:
    """What one sample pays at a depth."""
    total, here = 0.0, {**values, problem.model.depth.name: depth}
    for one in problem.objective.observations:
        for j in np.nonzero(np.array([float(evaluate(at, values)) == depth for at in one.at]))[0]:
            total += float(evaluate(one.cost, {**here, **{name.name: values[name.name][j] for name in one.data}}))
    return total
