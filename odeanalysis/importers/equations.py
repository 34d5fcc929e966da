"""Equations in SymPy's own words as a model: symbols of any assumptions, functions of the depth, derivatives on the left."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sympy as sp
from sympy.core.function import AppliedUndef

from odeanalysis.errors import ModelError
from odeanalysis.importers import assembling
from odeanalysis.importers.conversion import Conversion
from odeanalysis.importers.naming import Names, depth_among
from odeanalysis.modeling.model import Model
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.language import is_name
from odeanalysis.symbolic.nodes import Block


class Stated(NamedTuple):
    """One equation: what its left side names (a symbol, or a function of the depth), its right side, the depth where it is named."""

    state: Any
    right: Any
    depth: Any = None


def from_sympy(
    equations: Any,
    initial: Any = None,
    domain: tuple[Any, Any] = (0, 1),
    *,
    depth: Any = None,
    parameters: Iterable[Any] | None = None,
    inputs: Iterable[Any] = (),
    name: str = "model",
) -> Model:
    """The model that SymPy's equations state.

    equations: state -> right side, or a list of pairs or of Eq(x(t).diff(t), right side).
    initial: state -> value, or values in the order of the states; by default each state x starts at a parameter x0.
    depth: its symbol; by default the variable of the derivatives, else t or s where one of them is used.
    parameters: by default all other free symbols, in the order of the alphabet.
    Symbols become real ones of the same name; a name that models do not allow is changed with a warning (lambda becomes lambda_).
    Raises ModelError naming what has no place in a model.
    """
    stated = [_stated(one) for one in _pairs(equations)]
    if not stated:
        raise ModelError("there is no equation; give one for each state")
    given = assembling.by_state(initial, [one.state for one in stated], "initial") if initial is not None else {}
    everything = [*(one.right for one in stated), *given.values(), *domain]
    variable = _variable(stated, everything, depth)
    conversion = Conversion(_leaves(stated, everything, [*(parameters or ()), *inputs], variable), variable)
    field = {conversion(one.state): conversion(one.right) for one in stated}
    if len(field) < len(stated):
        raise ModelError(f"two equations are for one state, among {', '.join(str(one.state) for one in stated)}; keep one for each")
    start = {conversion(key): conversion(value) for key, value in given.items()}
    ends = tuple(conversion(end) for end in domain)
    listed = None if parameters is None else tuple(map(conversion, parameters))
    names = {leaf.name for leaf in conversion.leaves.values()}
    return assembling.assembled(
        field, start or assembling.starts(tuple(field), names), ends, conversion.depth, listed, tuple(map(conversion, inputs)), name
    )


def _pairs(equations: Any) -> list[Any]:
    if isinstance(equations, Mapping):
        return list(equations.items())
    if isinstance(equations, sp.Equality):
        return [equations]
    if isinstance(equations, (str, sp.Basic)) or not isinstance(equations, Iterable):
        raise ModelError(f"equations are {equations!r}; give a mapping from states to right sides, or a list of Eq(x(t).diff(t), ...)")
    return list(equations)


def _stated(one: Any) -> Stated:
    if isinstance(one, sp.Equality):
        if not isinstance(one.lhs, sp.Derivative):
            raise ModelError(f"{one} is not solved for a derivative; solve it for x(t).diff(t), and give Eq(x(t).diff(t), ...)")
        return _named(one.lhs, one.rhs)
    if not isinstance(one, Sequence) or len(one) != 2:
        raise ModelError(f"{one!r} is no equation; give a pair (state, right side) or Eq(x(t).diff(t), right side)")
    return _named(*one)


def _named(left: Any, right: Any) -> Stated:
    """What a left side names: x, x(t), or the derivative of either."""
    if isinstance(left, sp.Derivative):
        if left.derivative_count != 1:
            raise ModelError(f"{left} is of order {left.derivative_count}; name the lower derivatives as states of their own")
        return Stated(left.expr, right, left.variables[0])
    if isinstance(left, AppliedUndef) and len(left.args) == 1:
        return Stated(left, right, left.args[0])
    if not isinstance(left, (sp.Symbol, Block)):
        raise ModelError(f"the left side {left!r} names no state; give a symbol, x(t), or its first derivative")
    return Stated(left, right)


def _variable(stated: Sequence[Stated], everything: Iterable[Any], depth: Any) -> sp.Symbol:
    """The depth as the equations spell it."""
    found = {one.depth for one in stated if one.depth is not None}
    given = sp.Symbol(depth) if isinstance(depth, str) else depth
    if given is not None:
        found.add(given)
    if len({one.name if isinstance(one, sp.Symbol) else one for one in found}) > 1:
        raise ModelError(f"the equations have more than one depth: {', '.join(map(str, found))}; state each in the same one")
    if found:
        variable = next(iter(found))
        if not isinstance(variable, sp.Symbol):
            raise ModelError(f"the depth is {variable}, which is no symbol; give x(t) with a symbol t")
        return variable
    names = {symbol.name for symbol in _symbols(everything)}
    return sp.Symbol(depth_among(names, {one.state.name for one in stated}, "the model"))


def _symbols(expressions: Iterable[Any]) -> set[Any]:
    found = set()
    for one in expressions:
        if isinstance(one, sp.Basic):
            found |= one.atoms(sp.Symbol, Block) | one.atoms(AppliedUndef)
    return found


def _leaves(stated: Sequence[Stated], everything: Iterable[Any], more: Iterable[Any], depth: sp.Symbol) -> dict[Any, Any]:
    """Every symbol, block and function of the depth with what stands for it in the model."""
    states = [one.state for one in stated]
    others = {one for one in (*_symbols(everything), *_symbols(more)) if not isinstance(one, AppliedUndef) and one.name != depth.name}
    spelled = {one: str(one.name) for one in (depth, *states, *sorted(others - {*states}, key=str))}
    _check_distinct(list(spelled.values()))
    named = _renamed(spelled)
    return {one: ex.block(name, *getattr(one, "shape", ())) for one, name in named.items()}


def _check_distinct(names: Sequence[str]) -> None:
    alike = next((name for name in names if names.count(name) > 1), None)
    if alike is not None:
        why = "their assumptions differ, or one is a function"
        raise ModelError(f"two different symbols are named {alike!r} ({why}); rename one of them")


def _renamed(spelled: Mapping[Any, str]) -> dict[Any, str]:
    """Names that models allow: those that do already are given away first; a warning tells of each other one."""
    names = Names(name for name in spelled.values() if is_name(name))
    found = {one: name if is_name(name) else names.fresh(name) for one, name in spelled.items()}
    for one, name in found.items():
        if name != spelled[one]:
            warnings.warn(f"{spelled[one]!r} cannot be a name in a model; it is named {name!r}", stacklevel=4)
    return found
