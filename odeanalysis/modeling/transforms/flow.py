"""The logarithm of the volume that a flow spans, as a state of its own: d/ds log det D phi_s(x) = (div f)(s, phi_s(x)).

Source: Massaroli et al. 2020, Sec. 5.1; Liouville's formula.
"""

from collections.abc import Iterable
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks, tables
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked, field_formula, inlined, located, one_of
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.divergence import DIVERGENCE, divergence
from odeanalysis.symbolic.nodes import Leaf
from odeanalysis.symbolic.rewrite import leaves

KEYS = {"state": True, "log_det": True}
EXAMPLES = {"state": 'state = "z"', "log_det": 'log_det = "ld"'}


def flow(model: Model, state: str | Leaf | Iterable[str | Leaf], log_det: str | sp.Symbol) -> Model:
    """Adds a scalar state that starts at 0 and grows by the divergence of the field, derived by structure.

        ld' = div f = tr df/dz,   ld(s0) = 0,   ld(S) = log det D phi_S

    state: a state, or several that move together.  log_det: the new state's name.
    Raises ModelError for unknown and taken names, and where the field uses another state that moves with these: its part of the determinant
    would be missing. Raises DerivationError where a symbolic size meets a node whose Jacobian has no structure.
    """
    named = (state,) if isinstance(state, (str, sp.Basic)) else checks.items(state, "flow: state")
    states = tuple(one_of(name, model.states, "state", model) for name in named)
    added = checks.symbol(ex.block(log_det) if isinstance(log_det, str) else log_det, "log_det")
    if added.name in {leaf.name for leaf in (*model.states, *model.names, *model.varying, model.depth)}:
        raise ModelError(f"log_det is {added.name!r}, a name that {model.name!r} has already; choose another one")
    _refuse_entangled(model, states)
    return model.with_(field=(*model.field, (added, growth(model, states))), initial=(*model.initial, (added, sp.Integer(0))))


def growth(model: Model, states: tuple[Leaf, ...]) -> Any:
    """div f over some states, as one expression."""
    derived = divergence(field_formula(model), {state: state.name for state in states})
    return inlined(derived.lets, derived.output[DIVERGENCE])


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
    """A table of a model file: state, log_det."""
    given = checked(table, where, KEYS, EXAMPLES)
    state, log_det = (tables.text(given[key], f"{where}.{key}", EXAMPLES[key]) for key in KEYS)
    with located(where):
        return flow(model, state, log_det)


TRANSFORM = Transform("model", KEYS, from_table)
