"""The logarithm of the volume that a flow spans, as a state of its own: d/ds log det D phi_s(x) = (div f)(s, phi_s(x)).

Source: Massaroli et al. 2020, Sec. 5.1; Liouville's formula; Hutchinson's estimate as in Grathwohl et al. 2018.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms.noise import Noise, with_noise
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
)
from odeanalysis.symbolic.calculus.divergence import DIVERGENCE, divergence, hutchinson
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves

KEYS = {"state": True, "log_det": True, "noise": False}
EXAMPLES = {"state": 'state = "z"', "log_det": 'log_det = "ld"', "noise": 'noise = "eps"'}


def flow(model: Model, state: str | Leaf | Iterable[str | Leaf], log_det: str | sp.Symbol, noise: Noise | None = None) -> Model:
    """Adds a scalar state that starts at 0 and grows by the divergence of the field, derived by structure, or by its estimate.

        ld' = div f = tr df/dz,   ld(s0) = 0,   ld(S) = log det D phi_S
        with noise:  ld' = eps^T df/dz eps,   E[ld(S)] = log det D phi_S

    state: a state, or several that move together.  log_det: the new state's name.  noise: the name of an input of the state's shape (a
    list with one for each of several states), drawn with mean 0 and variance 1 and held along the path; it is added where it is missing.
    A field may depend on inputs: D phi is the derivative in the initial value alone. Where an input is the initial value at the same time,
    `total_jacobian` has the determinant that is meant.
    Raises ModelError for unknown and taken names, and where the field uses another state that moves with these: its part of the determinant
    would be missing. Raises DerivationError where a symbolic size meets a node whose Jacobian has no structure.
    """
    named = (state,) if isinstance(state, (str, sp.Basic)) else checks.items(state, "flow: state")
    states = tuple(one_of(name, model.states, "state", model) for name in named)
    if not states:
        raise ModelError(f"flow of {model.name!r} names no state; give one, or several that move together")
    _refuse_entangled(model, states)
    model, draws = (model, None) if noise is None else with_noise(model, noise, states)
    added = new_leaf(model, log_det, (), "log_det")
    return model.with_(field=(*model.field, (added, growth(model, states, draws))), initial=(*model.initial, (added, sp.Integer(0))))


def growth(model: Model, states: tuple[Leaf, ...], draws: Mapping[Leaf, Leaf] | None = None) -> Any:
    """div f over some states, or its estimate with the noise of each, as one expression."""
    field, pairs = field_formula(model), {state: state.name for state in states}
    derived = divergence(field, pairs) if draws is None else hutchinson(field, pairs, draws)
    return inlined(derived.lets, derived.output[DIVERGENCE])


def is_log_det(model: Model, state: Leaf) -> bool:
    """Whether a state is one that `flow` adds: it starts at 0 and grows by the divergence of others, or by an estimate of that."""
    if shape_of(state) != () or dict(model.initial)[state] != 0:
        return False
    found = dict(model.field)[state]
    others = tuple(one for one in model.states if one != state)
    groups = [*((one,) for one in others), others]
    return any(found == growth(model, group, draws) for group in groups if group for draws in _draws(model, found, group))


def _draws(model: Model, found: Any, group: tuple[Leaf, ...]) -> Iterable[Mapping[Leaf, Leaf] | None]:
    """No noise, and every noise that an expression can hold for some states."""
    used = [one for one in model.inputs if one in leaves(found)]
    fitting = [[one for one in used if shape_of(one) == shape_of(state)] for state in group]
    return (None, *(dict(zip(group, chosen, strict=True)) for chosen in product(*fitting) if len(set(chosen)) == len(chosen)))


def _refuse_entangled(model: Model, states: tuple[Leaf, ...]) -> None:
    uses = {state: leaves(expression) for state, expression in model.field}
    moved, grown = set(states), True
    while grown:
        found = {state for state, used in uses.items() if used & moved}
        grown = not found <= moved
        moved |= found
    for state in states:
        others = uses[state] & (moved - set(states))
        if others:
            other = min(leaf.name for leaf in others)
            raise ModelError(
                f"flow of {state.name!r} in {model.name!r}: its field uses {other!r}, which moves with it, so that the divergence in "
                f"{state.name!r} alone misses a part of the determinant; join both in one state"
            )


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: state, log_det, noise."""
    given = checked(table, where, KEYS, EXAMPLES)
    state = one_or_more(given["state"], f"{where}.state", EXAMPLES["state"])
    log_det = tables.text(given["log_det"], f"{where}.log_det", EXAMPLES["log_det"])
    noise = one_or_more(given["noise"], f"{where}.noise", EXAMPLES["noise"]) if "noise" in given else None
    with located(where):
        return flow(model, state, log_det, noise)


TRANSFORM = Transform("model", KEYS, from_table)
