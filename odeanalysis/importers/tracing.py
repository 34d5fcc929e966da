"""A Python function as a model: it is called once with symbols, and what it gives back is the right side."""

import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.importers import assembling
from odeanalysis.importers.naming import depth_among
from odeanalysis.importers.repeating import check_repeats
from odeanalysis.modeling.model import Model
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.nodes import Array, Block, Leaf, shape_of

WRITE = "write odeanalysis's own functions (oda.exp, oda.where, oda.maximum, ...) in place of those of NumPy and math, and of if and =="
# what Python says of an operation that symbols do not have: a word of it, and what was done
CAUSES = {
    "truth value": "branches on a symbol, or compares one with chains, `and`, `or` or `not`",
    "ufunc": "calls a function of NumPy on a symbol",
    "Cannot convert expression to float": "calls a function of math on a symbol, or makes a float of it",
    "must be real number": "calls a function of math on an array of symbols",
    "Cannot convert symbols to int": "makes a whole number of a symbol",
}
ODD = (TypeError, AttributeError, ValueError, IndexError, KeyError, ZeroDivisionError, OverflowError)


def from_function(
    f: Callable[..., Any],
    state: Any,
    initial: Any = None,
    domain: tuple[Any, Any] = (0, 1),
    *,
    depth: str | None = None,
    parameters: Any = None,
    inputs: Any = (),
    name: str | None = None,
) -> Model:
    """The model whose right side a Python function computes: `from_function(lambda t, z, k: -k*z, "z")`.

    f: takes states, the depth, parameters and inputs by their names, in any order, and gives back the right side: of one state as a number,
    a list or an array; of several as a list in their order, or as a mapping from their names.
    state, parameters, inputs: a name (a number), a block, or a list of them.  parameters: by default the other arguments of f, as numbers.
    initial: as in `from_sympy`; by default each state z starts at a parameter z0.  depth: its name; by default t or s, where f takes one.
    Raises ModelError where f does to symbols what they cannot do, or gives other values for numbers than for symbols.
    """
    title = name or _called(f)
    asked = _arguments(f, title)
    states, given_inputs = _leaves(state), _leaves(inputs)
    listed = None if parameters is None else _leaves(parameters)
    declared = {leaf.name: leaf for leaf in (*states, *given_inputs, *(listed or ()))}
    spelled = depth or depth_among(asked, declared, title)
    known = {**declared, spelled: ex.block(spelled)}
    if listed is None:
        known |= {one: ex.block(one) for one in asked if one not in known}
    _check_arguments(title, asked, known, states)
    arguments = {one: known[one] for one in asked}
    field = _field(_traced(f, title, arguments), states, title)
    start = assembling.by_state(initial, states, "initial") if initial is not None else assembling.starts(states, known)
    wanted = None if listed is None else (*listed, *(one for one in start.values() if initial is None))
    model = assembling.assembled(field, start, domain, known[spelled], wanted, given_inputs, title)
    check_repeats(f, title, arguments, [right for _, right in model.field], lambda found: list(_field(found, states, title).values()))
    return model


def _called(f: Any) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    return name if name.isidentifier() else "model"


def _arguments(f: Any, title: str) -> list[str]:
    """The names of what f takes; its defaults stay what they are."""
    if not callable(f):
        raise ModelError(f"{f!r} is no function; give one that takes states and parameters by name")
    found = inspect.signature(f).parameters.values()
    loose = [one.name for one in found if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if loose:
        raise ModelError(f"{title} takes *{loose[0]}, whose names cannot be read off; write its arguments one by one")
    return [one.name for one in found if one.default is one.empty]


def _leaves(given: Any) -> tuple[Leaf, ...]:
    one = isinstance(given, (str, sp.Symbol, Block))
    return tuple(ex.block(leaf) if isinstance(leaf, str) else leaf for leaf in ((given,) if one else given))


def _check_arguments(title: str, asked: Sequence[str], known: Mapping[str, Leaf], states: Iterable[Leaf]) -> None:
    strange = [one for one in asked if one not in known]
    if strange:
        raise ModelError(f"{title} takes {strange[0]!r}, which is no state, parameter, input or depth; list it under parameters")
    for leaf in known.values():
        if not all(isinstance(size, int) for size in shape_of(leaf)):
            raise ModelError(f"{leaf.name!r} of {title} has the shape {shape_of(leaf)}; give its sizes as numbers")
    if not any(state.name in asked for state in states):
        names = ", ".join(repr(state.name) for state in states)
        raise ModelError(f"{title} takes none of the states, {names}; name its arguments as the states are named")


def _traced(f: Callable[..., Any], title: str, arguments: Mapping[str, Any]) -> Any:
    """What f gives for symbols; every way in which symbols are no numbers ends in one message."""
    try:
        return f(**arguments)
    except ModelError as error:
        raise ModelError(f"{title}{_place(error, f)}: {error}") from error
    except ODD as error:
        cause = next((cause for word, cause in CAUSES.items() if word in str(error)), f"cannot be called with symbols ({error})")
        raise ModelError(f"{title}{_place(error, f)}: it {cause}; {WRITE}") from error


def _place(error: BaseException, f: Any) -> str:
    """The line of f's file at which it failed."""
    file = getattr(getattr(f, "__code__", None), "co_filename", None)
    lines = [one.lineno for one in traceback.extract_tb(error.__traceback__) if one.filename == file]
    return f", line {lines[-1]}" if lines else ""


def _field(found: Any, states: Sequence[Leaf], title: str) -> dict[Leaf, Any]:
    """The right side of each state, in its shape."""
    if isinstance(found, np.ndarray):
        found = found.tolist()
    if len(states) == 1 and not isinstance(found, Mapping):
        found = {states[0].name: found}
    elif isinstance(found, Array):
        found = [*cast(Any, found)]
    values = assembling.by_state(found, states, f"what {title} gives back")
    return {state: _shaped(value, state, title) for state, value in values.items()}


def _shaped(value: Any, state: Leaf, title: str) -> Any:
    """A list of numbers as a vector, a list of one as the number it holds for a scalar state."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        value = ex.concat(*value) if shape_of(state) else value[0] if len(value) == 1 else value
    if isinstance(value, (list, tuple)) or value is None:
        raise ModelError(f"{title} gives back {value!r} for {state.name!r}, of shape {shape_of(state)}; give back one value for each state")
    return ex.as_expression(value)
