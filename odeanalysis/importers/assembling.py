"""What the importers of Python's own expressions share: starts that nobody gave, parameters that nobody listed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.importers.naming import Names
from odeanalysis.modeling.model import Model
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import exact, leaves


def starts(states: Sequence[Leaf], taken: Iterable[str]) -> dict[Leaf, Leaf]:
    """A parameter for the start of each state: x0 for x, of its shape."""
    names = Names(taken)
    return {state: ex.block(names.fresh(f"{state.name}0", f"{state.name}_start"), *shape_of(state)) for state in states}


def by_state(values: Any, states: Sequence[Leaf], what: str) -> dict[Leaf, Any]:
    """One value for each state, given as a mapping from states or their names, as a list in their order, or for a single state alone."""
    if isinstance(values, Mapping):
        return _named(values, states, what)
    listed: list[Any] = list(values) if isinstance(values, (list, tuple)) else _entries(values)
    if len(listed) != len(states):
        raise ModelError(
            f"{what} has {len(listed)} entries for {len(states)} states; give one for each of {_listed(states)}, in this order"
        )
    return dict(zip(states, listed, strict=True))


def _entries(values: Any) -> list[Any]:
    """The entries of one of SymPy's matrices; anything else alone."""
    return values.flat() if isinstance(values, sp.MatrixBase) else [values]


def _named(values: Mapping[Any, Any], states: Sequence[Leaf], what: str) -> dict[Leaf, Any]:
    known = {state.name: state for state in states}
    found: dict[Leaf, Any] = {}
    for key, value in values.items():
        name = str(getattr(key, "name", key))
        if name not in known:
            raise ModelError(f"{what} has an entry for {name!r}, which is no state; the states are {_listed(states)}")
        found[known[name]] = value
    missing = [state for state in states if state not in found]
    if missing:
        raise ModelError(f"{what} has no entry for {_listed(missing)}; give one for each state")
    return {state: found[state] for state in states}


def _listed(states: Sequence[Leaf]) -> str:
    return ", ".join(repr(state.name) for state in states)


def assembled(
    field: Mapping[Leaf, Any],
    initial: Mapping[Leaf, Any],
    domain: tuple[Any, Any],
    depth: sp.Symbol,
    parameters: Sequence[Leaf] | None,
    inputs: Sequence[Leaf],
    name: str,
) -> Model:
    """A model whose parameters, where they are not listed, are all other names it uses, in the order of the alphabet."""
    if parameters is None:
        used = leaves(*map(exact, (*field.values(), *initial.values(), *domain)))
        parameters = tuple(sorted(used - {*field, depth, *inputs}, key=lambda leaf: leaf.name))
    return Model(field, initial, domain, parameters, inputs, depth=depth, name=name)
