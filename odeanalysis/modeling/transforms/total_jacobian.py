"""The total derivative of a state in a name, as a state of its own: also where the field is conditioned on that name.

z(s0) = h(c),  z' = f(s, z, c):   J = dz/dc,   J' = f_z J + f_c,   J(s0) = dh/dc

Where the initial value is c itself, J(s0) = I, and log abs(det J) is what the change of variables from z(s0) to z(S) asks for; the
divergence of the field misses f_c.  Source: Massaroli et al. 2020, Sec. 5.1 (conditional flows), whose densities leave f_c out.
"""

from collections.abc import Iterable
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from odeanalysis.errors import ModelError
from odeanalysis.modeling import tables
from odeanalysis.modeling.model import Model, describe
from odeanalysis.modeling.transforms.transform import (
    Parse,
    Table,
    Transform,
    checked,
    field_formula,
    initial_formula,
    inlined,
    located,
    new_leaf,
    one_of,
)
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus.directions import Lets, narrowed
from odeanalysis.symbolic.calculus.jacobian import block_of
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import abs as absolute
from odeanalysis.symbolic.functions import log
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves, substitute, walk
from odeanalysis.symbolic.shapes import show

KEYS = {"state": True, "wrt": True, "jacobian": True}
EXAMPLES = {"state": 'state = "z"', "wrt": 'wrt = "c"', "jacobian": 'jacobian = "J"'}
LARGEST = 4  # a determinant written out has n! terms


def total_jacobian(model: Model, state: str | Leaf, wrt: str | Leaf, jacobian: str | Leaf) -> Model:
    """Adds the total derivative of a state in a parameter or input, at fixed depth.

        J = dz/dc,   J' = f_z J + f_c,   J(s0) = dh/dc

    state, wrt: each a scalar or a vector.  jacobian: the new state's name; its shape is that of the state, then that of wrt.
    With h = c, J(s0) = I; where the field does not see c besides, J is D phi_s. On a domain that runs backward s0 is the upper end.
    Raises ModelError for unknown and taken names and higher ranks, and where a part would be missing: depths that move with wrt, and
    other states in the field that depend on it.
    """
    z, c = one_of(state, model.states, "state", model), one_of(wrt, model.names, "parameter or input", model)
    _check_ranks(model, z, c)
    written = _written(model, c)
    _refuse_moving_depths(written, c)
    _refuse_other_ways(written, z, c)
    added = new_leaf(model, jacobian, (*shape_of(z), *shape_of(c)), "jacobian")
    return model.with_(
        field=(*model.field, (added, growth(model, z, c, added))),
        initial=(*model.initial, (added, start(model, z, c))),
    )


def growth(model: Model, state: Leaf, wrt: Leaf, jacobian: Any) -> Any:
    """f_z J + f_c, as one expression."""
    field = field_formula(_written(model, wrt))
    moved = _block(field, state, state)
    carried = ex.mul(moved, jacobian) if shape_of(state) == () else ex.matmul(moved, jacobian)
    return ex.add(carried, _block(field, state, wrt))


def start(model: Model, state: Leaf, wrt: Leaf) -> Any:
    """dh/dc, as one expression."""
    return _block(initial_formula(_written(model, wrt)), state, wrt)


def is_jacobian(model: Model, state: Leaf) -> bool:
    """Whether a state is one that `total_jacobian` adds, of a state that depends on the name at all."""
    field, initial = dict(model.field), dict(model.initial)
    pairs = ((z, c) for z in model.states if z != state for c in model.names if shape_of(state) == (*shape_of(z), *shape_of(c)))
    flat = ((z, c) for z, c in pairs if max(len(shape_of(z)), len(shape_of(c))) <= 1 and _sees(model, z, c))
    return any(initial[state] == start(model, z, c) and field[state] == growth(model, z, c, state) for z, c in flat)


def _sees(model: Model, state: Leaf, wrt: Leaf) -> bool:
    """Whether the equations of a state mention a name."""
    written = _written(model, wrt)
    return wrt in leaves(dict(written.field)[state], dict(written.initial)[state])


def _written(model: Model, wrt: Leaf) -> Model:
    """The model with those depth-varying names written out that depend on a name."""
    hidden = {leaf: value for leaf, value in model.functions if wrt in leaves(value)}
    if not hidden:
        return model
    parts = {part: [(z, substitute(value, hidden)) for z, value in getattr(model, part)] for part in ("field", "initial")}
    return model.with_(**parts, functions=[(leaf, value) for leaf, value in model.functions if leaf not in hidden])


def _block(formula: Formula, state: Leaf, wrt: Leaf) -> Any:
    """The Jacobian of one equation in one name, as one expression."""
    one, lets = narrowed(formula, state.name), Lets()
    value = block_of(one, state.name, wrt, lets)
    return inlined((*one.lets, *lets.items), value)


def log_abs_det(jacobian: Any) -> Any:
    """log abs(det J), written out: the logarithm of the factor by which a map scales volumes.

    jacobian: a scalar, or a square matrix of at most LARGEST rows.  It is -inf where J is singular, and a map has no density there.
    Raises ModelError for other shapes.
    """
    shape = shape_of(jacobian)
    if shape == ():
        return log(absolute(jacobian))
    if len(shape) != 2 or shape[0] != shape[1] or not isinstance(shape[0], int) or shape[0] > LARGEST:
        raise ModelError(f"log_abs_det needs a scalar or a square matrix of 1 to {LARGEST} rows, got shape {show(shape)}")
    entries = sp.Matrix(shape[0], shape[0], lambda i, j: ex.index(jacobian, (int(i), int(j))))
    return log(absolute(entries.det(method="berkowitz")))


# ---------------------------------------------------------------- refusals


def _check_ranks(model: Model, state: Leaf, wrt: Leaf) -> None:
    for leaf in (state, wrt):
        if len(shape_of(leaf)) > 1:
            raise ModelError(f"total_jacobian of {model.name!r} names {describe(leaf)}, no scalar or vector; state it as one")
    if any(leaf.name == wrt.name for leaf in model.varying):
        raise ModelError(
            f"total_jacobian of {model.name!r} in {wrt.name!r}, which varies with depth; name a parameter or input that does not"
        )


def _refuse_moving_depths(model: Model, wrt: Leaf) -> None:
    """An end or a break point that moves with a name adds a term of its own to the derivative in it."""
    depths = {"the domain": model.domain, "the breakpoints": model.breakpoints, "a condition on depth": _conditions(model)}
    place = next((place for place, expressions in depths.items() if wrt in leaves(*expressions)), None)
    if place is not None:
        raise ModelError(
            f"total_jacobian of {model.name!r} in {wrt.name!r}, which stands in {place}: the part of a moving depth would be missing; "
            "bring the problem to the domain [0, 1] by unit_domain first, or use another name there"
        )


def _conditions(model: Model) -> Iterable[Any]:
    written = walk(value for _, value in model.field)
    return [node for node in written if isinstance(node, Relational) and model.depth in leaves(node)]


def _refuse_other_ways(model: Model, state: Leaf, wrt: Leaf) -> None:
    """No other state of which the field makes use depends on the name, or on the state itself."""
    field, initial = dict(model.field), dict(model.initial)
    seen, waiting = {state}, leaves(field[state]) & set(model.states) - {state}
    while waiting:
        other = min(waiting, key=lambda one: one.name)
        used = leaves(field[other], initial[other])
        if used & {state, wrt}:
            raise ModelError(
                f"total_jacobian of {model.name!r}: the field of {state.name!r} depends on {other.name!r}, which depends on "
                f"{state.name!r} or {wrt.name!r} itself: its part would be missing; join both in one state"
            )
        seen.add(other)
        waiting = (waiting | used & set(model.states)) - seen


def from_table(model: Model, table: Table, where: str, parse: Parse) -> Model:
    """A table of a model file: state, wrt, jacobian."""
    given = checked(table, where, KEYS, EXAMPLES)
    state, wrt, jacobian = (tables.text(given[key], f"{where}.{key}", EXAMPLES[key]) for key in KEYS)
    with located(where):
        return total_jacobian(model, state, wrt, jacobian)


TRANSFORM = Transform("model", KEYS, from_table)
