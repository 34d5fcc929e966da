"""Costs on the field itself, which keep solutions easy to solve for: l + kinetic |f|^2 + jacobian |df/dz|_F^2 + term.

Source: Massaroli et al. 2020, Sec. 6; Finlay et al. 2020.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.modeling.bases.basis import is_number, scalar
from odeanalysis.modeling.model import Model, Pairs, Problem
from odeanalysis.modeling.transforms.flow import is_log_det
from odeanalysis.modeling.transforms.noise import Noise, with_noise
from odeanalysis.modeling.transforms.total_jacobian import is_jacobian
from odeanalysis.modeling.transforms.transform import (
    Parse,
    Table,
    Transform,
    checked,
    field_formula,
    inlined,
    located,
    new_leaf,
    one_of,
    one_or_more,
    texts,
)
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.directions import Lets, narrowed
from odeanalysis.symbolic.calculus.jacobian import flat_blocks
from odeanalysis.symbolic.calculus.structure import squared_norm
from odeanalysis.symbolic.functions import sign
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute

KEYS: dict[str, bool] = dict.fromkeys(("kinetic", "jacobian", "states", "noise", "term", "field", "measure"), False)
MEASURES: dict[str, Callable[[Any], Any]] = {
    "signed": lambda length: 1,  # int l ds
    "absolute": sign,  # int l abs(ds) = int sign(S - s0) l ds
}


def regularize(
    problem: Problem,
    kinetic: Any = 0,
    jacobian: Any = 0,
    states: Iterable[str | Leaf] | None = None,
    *,
    noise: Noise | None = None,
    term: Any = 0,
    field: Pairs = (),
    measure: str = "signed",
) -> Problem:
    """Adds costs on the speed of the state, on the Jacobian of the field, and any others, along the path.

        running + kinetic |f|^2 + jacobian |df/dz|_F^2 + term
        with noise:  |eps^T df/dz|^2 in place of |df/dz|_F^2, which is its mean

    kinetic, jacobian: weights, numbers or expressions in parameters and inputs.  states: over which blocks (default: all but those
    that `flow` and `total_jacobian` add); |df/dz|_F is that of all of them together.
    noise: an input of the state's shape as in `flow`, with which it may be shared.
    term: a running cost of any form.  field: new name -> state, whose derivative the name means in `term`.
    measure: "signed" for int ds, "absolute" for int abs(ds), which penalises also where a domain runs backward, by sign(S - s0).
    Warns, here or when values are known, where a signed domain runs backward, so that speed would be rewarded. An absolute measure has a
    kink where S = s0: gradients there are the mean of both sides, and say so.
    Raises ModelError for unknown states and measures, for noise without a weight for the Jacobian, and where nothing is added.
    """
    model = problem.model
    weights = scalar(kinetic, "kinetic"), scalar(jacobian, "jacobian")
    if weights == (0, 0) and term == 0:
        raise ModelError(f"regularize of {problem.name!r} has no weight above 0 and no term; give kinetic, jacobian or term")
    one_way = _runs_one_way(problem, measure)
    named = _chosen(model, states)
    added = [_term(model, term, field)]
    if weights[0] != 0:
        added.append(weights[0] * kinetic_energy(model, named))
    model, draws = _noisy(model, noise, named, weights[1])
    if weights[1] != 0:
        added.append(weights[1] * (jacobian_norm(model, named) if draws is None else jacobian_estimate(model, draws)))
    start, end = model.domain
    extra = ex.mul(MEASURES[measure](end - start), ex.add(*added))
    objective = replace(problem.objective, running=ex.add(problem.objective.running, extra))
    return replace(problem, model=model, objective=objective, one_way=one_way)


def kinetic_energy(model: Model, states: tuple[Leaf, ...]) -> Any:
    """|f|^2 over some states."""
    field = dict(model.field)
    return ex.add(*(ex.power(field[z], 2) if shape_of(z) == () else ex.sumsq(field[z]) for z in states))


def jacobian_norm(model: Model, states: tuple[Leaf, ...]) -> Any:
    """|df/dz|_F^2 over some states, all of them together."""
    field, lets = field_formula(model), Lets()
    blocks = [block for z in states for block in flat_blocks(narrowed(field, z.name), z.name, states, lets)]
    return inlined((*field.lets, *lets.items), ex.add(*map(squared_norm, blocks)))


def jacobian_estimate(model: Model, draws: Mapping[Leaf, Leaf]) -> Any:
    """|eps^T df/dz|^2 over some states, by one vector-Jacobian product; its mean over the noise is |df/dz|_F^2."""
    field, lets = field_formula(model), Lets()
    pulled = lets.pulled(field, {z.name: eps for z, eps in draws.items()}, tuple(draws))
    return inlined((*field.lets, *lets.items), ex.add(*map(squared_norm, pulled.values())))


def _noisy(model: Model, noise: Noise | None, states: tuple[Leaf, ...], weight: Any) -> tuple[Model, Mapping[Leaf, Leaf] | None]:
    if noise is None:
        return model, None
    if weight == 0:
        raise ModelError(f"regularize of {model.name!r} has noise, but no weight for the Jacobian that it would estimate; give jacobian")
    return with_noise(model, noise, states)


def derivatives(model: Model, field: Pairs) -> dict[Leaf, Any]:
    """New names for the derivatives of states, and the field that each stands for.  field: name -> state."""
    known, found = dict(model.field), {}
    for name, state in checks.pairs(field, "field"):
        z = one_of(state, model.states, "state", model)
        found[new_leaf(model, name, shape_of(z), "field")] = known[z]
    return found


def _term(model: Model, term: Any, field: Pairs) -> Any:
    """A running cost of the user's, in which the names of derivatives are replaced by the field."""
    named = derivatives(model, field)
    unused = set(named) - leaves(ex.as_expression(term))
    if unused:
        raise ModelError(f"field names {min(one.name for one in unused)!r}, which the term does not use; use it there or remove it")
    known = (model.depth, *model.states, *model.names, *model.varying, *named)
    declare = f"no state, parameter or input of {model.name!r}; declare it, or name a derivative under field"
    return substitute(checks.expression(term, (), known, "term", declare), named)


# ---------------------------------------------------------------- which states, which way


def _chosen(model: Model, states: Iterable[str | Leaf] | None) -> tuple[Leaf, ...]:
    """The states that are named; by default all but those that a transform derived from others, and on which nothing depends."""
    if states is not None:
        return tuple(one_of(name, model.states, "state", model) for name in checks.items(states, "states"))
    return tuple(state for state in model.states if not _accompanies(model, state)) or model.states


def _accompanies(model: Model, state: Leaf) -> bool:
    used = leaves(*(expression for other, expression in model.field if other != state))
    return state not in used and len(model.states) > 1 and (is_log_det(model, state) or is_jacobian(model, state))


def _runs_one_way(problem: Problem, measure: str) -> bool:
    """Whether a solve has to warn of domains that run backward; where both ends are numbers that is told here."""
    if measure not in MEASURES:
        raise ModelError(f"measure is {tables.show(measure)}; {tables.suggestion(str(measure), MEASURES)}")
    start, end = problem.model.domain
    known = is_number(start) and is_number(end)
    if measure == "signed" and known and end < start:
        warnings.warn(
            f"regularize of {problem.name!r}: the domain runs backward, from {start} to {end}, and its integrals are signed: the weights "
            'reward speed instead of limiting it; give measure = "absolute", or reverse the domain',
            stacklevel=3,
        )
    return problem.one_way or (measure == "signed" and not known)


def from_table(problem: Problem, table: Table, where: str, parse: Parse) -> Problem:
    """A table of a model file: kinetic, jacobian, states, noise, term, field, measure."""
    given = checked(table, where, KEYS, {})
    listed = tables.table(given.pop("field", {}), f"{where}.field")
    field = {name: tables.text(state, f"{where}.field.{name}", 'field = { v = "z" }') for name, state in listed.items()}
    with located(where):
        named = derivatives(problem.model, field)
    read: dict[str, Callable[[Any, str], Any]] = {
        **dict.fromkeys(("kinetic", "jacobian"), parse),
        "term": lambda value, key: parse(value, key, named),
        "states": lambda value, key: texts(value, key, 'states = ["z"]'),
        "noise": lambda value, key: one_or_more(value, key, 'noise = "eps"'),
        "measure": lambda value, key: tables.text(value, key, 'measure = "absolute"'),
    }
    found = {key: read[key](value, f"{where}.{key}") for key, value in given.items()}
    with located(where):
        return regularize(problem, **found, field=field)


TRANSFORM = Transform("problem", KEYS, from_table)
