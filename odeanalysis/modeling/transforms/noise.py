"""Noise for Hutchinson's estimates: inputs whose entries are drawn with mean 0 and variance 1, independently of each other.

E[eps^T J eps] = tr J,   E|eps^T J|^2 = |J|_F^2
"""

from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling import checks
from odeanalysis.modeling.model import Model, describe
from odeanalysis.modeling.transforms.transform import new_leaf
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import leaves

Noise = str | Leaf | Iterable[str | Leaf]


def with_noise(model: Model, noise: Noise, states: tuple[Leaf, ...]) -> tuple[Model, dict[Leaf, Leaf]]:
    """The model with an input for the noise of each state, and those inputs by state. Inputs that are there already are used.

    noise: a name (or leaf) for one state, a list with one for each of several: each has the shape of its state.
    Raises ModelError for another number of names, for shapes that do not fit, and for noise that the field itself depends on.
    """
    given = (noise,) if isinstance(noise, (str, sp.Basic)) else checks.items(noise, "noise")
    if len(given) != len(states):
        shown = ", ".join(repr(state.name) for state in states)
        raise ModelError(f"noise has {len(given)} names for the states {shown}; give one for each, whose draws are its own")
    draws = {state: _input(model, name, state) for name, state in zip(given, states, strict=True)}
    _check_independent(model, draws)
    added = tuple(one for one in draws.values() if one not in model.inputs)
    return model.with_(inputs=(*model.inputs, *added)), draws


def _input(model: Model, given: Any, state: Leaf) -> Leaf:
    """The input that a name or a leaf stands for, of the shape of a state."""
    known = next((one for one in model.inputs if one.name == getattr(given, "name", given)), None)
    if known is not None and shape_of(known) != shape_of(state):
        raise ModelError(f"noise {describe(known)} does not fit the state {describe(state)}; name an input of its shape, or a new name")
    return known or new_leaf(model, given, shape_of(state), "noise")


def _check_independent(model: Model, draws: Mapping[Leaf, Leaf]) -> None:
    names = [one.name for one in draws.values()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"noise names {twice!r} twice; each state needs draws of its own")
    field = dict(model.field)
    for state in draws:
        used = leaves(field[state]) & set(draws.values())
        if used:
            raise ModelError(
                f"the field of {state.name!r} in {model.name!r} uses {min(one.name for one in used)!r}, the noise: the estimate would be "
                "biased; name another input"
            )
