"""Costs on the field itself, which keep solutions easy to solve for: l + kinetic |f|^2 + jacobian |df/dz|_F^2.

Source: Massaroli et al. 2020, Sec. 6; Finlay et al. 2020.
"""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks
from odeanalysis.modeling.bases.basis import is_number, scalar
from odeanalysis.modeling.model import Model, Problem
from odeanalysis.modeling.transforms.flow import growth
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, field_formula, inlined, located, one_of, texts
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.directions import Lets, narrowed
from odeanalysis.symbolic.calculus.jacobian import flat_blocks
from odeanalysis.symbolic.calculus.structure import squared_norm
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves

KEYS = {"kinetic": False, "jacobian": False, "states": False}


def regularize(problem: Problem, kinetic: Any = 0, jacobian: Any = 0, states: Iterable[str | Leaf] | None = None) -> Problem:
    """Adds costs on the speed of the state, and on the Jacobian of the field, along the path.

        running + kinetic |f|^2 + jacobian |df/dz|_F^2

    kinetic, jacobian: weights, numbers or expressions in parameters and inputs.  states: over which blocks (default: all but those
    that `flow` adds); |df/dz|_F is that of all of them together.
    Warns where the domain runs backward: the integral is signed, so that speed would be rewarded.
    Raises ModelError for unknown states and where both weights are 0.
    """
    model = problem.model
    weights = scalar(kinetic, "kinetic"), scalar(jacobian, "jacobian")
    if weights == (0, 0):
        raise ModelError(f"regularize of {problem.name!r} has no weight above 0; give kinetic, jacobian or both")
    named = (
        _default(model) if states is None else tuple(one_of(name, model.states, "state", model) for name in checks.items(states, "states"))
    )
    _warn_backward(problem)
    running = ex.add(problem.objective.running, *(w * term(model, named) for w, term in zip(weights, TERMS, strict=True) if w != 0))
    return replace(problem, objective=replace(problem.objective, running=running))


def kinetic_energy(model: Model, states: tuple[Leaf, ...]) -> Any:
    """|f|^2 over some states."""
    field = dict(model.field)
    return ex.add(*(ex.power(field[z], 2) if shape_of(z) == () else ex.sumsq(field[z]) for z in states))


def jacobian_norm(model: Model, states: tuple[Leaf, ...]) -> Any:
    """|df/dz|_F^2 over some states, all of them together."""
    field, lets = field_formula(model), Lets()
    blocks = [block for z in states for block in flat_blocks(narrowed(field, z.name), z.name, states, lets)]
    return inlined((*field.lets, *lets.items), ex.add(*map(squared_norm, blocks)))


TERMS = (kinetic_energy, jacobian_norm)


def _default(model: Model) -> tuple[Leaf, ...]:
    """The states without the logarithms of determinants."""
    kept = tuple(state for state in model.states if not _is_log_det(model, state))
    return kept or model.states


def _is_log_det(model: Model, state: Leaf) -> bool:
    """Whether a state is one that `flow` adds: it starts at 0, nothing depends on it, and it grows by the divergence of others."""
    others = tuple(one for one in model.states if one != state)
    used = leaves(*(expression for _, expression in model.field))
    if shape_of(state) != () or state in used or dict(model.initial)[state] != 0 or not others:
        return False
    found = dict(model.field)[state]
    return any(growth(model, group) == found for group in ((one,) for one in others)) or growth(model, others) == found


def _warn_backward(problem: Problem) -> None:
    start, end = problem.model.domain
    if is_number(start) and is_number(end) and end < start:
        warnings.warn(
            f"regularize of {problem.name!r}: the domain runs backward, from {start} to {end}, and its integrals are signed: the weights "
            "reward speed instead of limiting it; give negative weights, or reverse the domain",
            stacklevel=3,
        )


def from_table(problem: Problem, table: Table, where: str, parse: Parse) -> Problem:
    """A table of a model file: kinetic, jacobian, states."""
    given = checked(table, where, KEYS, {})
    weights = {key: parse(given[key], f"{where}.{key}") for key in ("kinetic", "jacobian") if key in given}
    states = texts(given["states"], f"{where}.states", 'states = ["z"]') if "states" in given else None
    with located(where):
        return regularize(problem, **weights, states=states)


TRANSFORM = Transform("problem", KEYS, from_table)
