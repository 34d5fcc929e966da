"""Objects as the code that makes them: what a failing example is printed as, to be pasted into a test."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from odeanalysis.errors import ModelError
from odeanalysis.modeling.bases import Basis
from odeanalysis.modeling.model import Model, Objective, Observation, Problem
from odeanalysis.modeling.modelfile import loads
from odeanalysis.modeling.writing import dumps
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.language import parse
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.printing.text import text
from odeanalysis.symbolic.rewrite import is_leaf, leaves

QUOTES = '"""'


class Text(str):
    """A text of several lines, whose repr has them too."""

    __slots__ = ()

    def __repr__(self) -> str:
        plain = "\\" not in self and QUOTES not in self
        return f"{QUOTES}\n{self}{QUOTES}" if plain else super().__repr__()


def read_model(text: str) -> Model:
    """The model of a TOML text, without the objective: `loads(text).model`. Raises as `loads` does."""
    return loads(text).model


def model_text(model: Model) -> Text:
    """The text that `read_model` reads."""
    return Text(dumps(Problem(model, Objective())))


def problem_text(problem: Problem) -> Text:
    """The text that `loads` reads, of a problem whose reduction is the mean."""
    return Text(dumps(problem))


def code(thing: Any) -> str:
    """The code that makes an equal object: an expression of Python.

    thing: a model, problem, objective, observation, basis, block or expression; an array or number; dicts, tuples, lists of these.
    The names in it are those of `odeanalysis`, `read_model` of `odeanalysis.testing`, `array`, `nan` and `inf` of NumPy, and
    `dataclasses.replace`. Raises ModelError for what has no such text, such as the functions of depth that a transform made.
    """
    for kind, write in WAYS.items():
        if isinstance(thing, kind):
            return write(thing)
    raise ModelError(f"there is no code for {type(thing).__name__} {thing!r}; give a model or a part of one, an array or number")


def _problem(problem: Problem) -> str:
    written = f"loads({problem_text(replace(problem, reduction='mean'))!r})"
    return written if problem.reduction == "mean" else f"replace({written}, reduction={problem.reduction!r})"


def _expression(expression: Any) -> str:
    if is_leaf(expression):
        return _leaf(expression)
    if isinstance(expression, sp.Integer):
        return str(expression)
    names = {leaf.name: leaf for leaf in sorted(leaves(expression), key=lambda leaf: leaf.name)}
    written = text(expression)
    if parse(written, names) != expression:
        raise ModelError(f"{written} reads as another expression; state its numbers exactly, such as 1/2 for 0.5")
    return f"parse({written!r}, {_mapping(names)})"


def _leaf(leaf: Leaf) -> str:
    return f"block({', '.join([repr(leaf.name), *map(code, shape_of(leaf))])})"


def _object(thing: Any) -> str:
    """A dataclass by its arguments, without those that are the default."""
    assert is_dataclass(thing)
    given = {one.name: getattr(thing, one.name) for one in fields(thing)}
    told = {one.name: given[one.name] for one in fields(thing) if given[one.name] != one.default}
    return f"{type(thing).__name__}({', '.join(f'{name}={code(value)}' for name, value in told.items())})"


def _mapping(given: Mapping[Any, Any]) -> str:
    return f"{{{', '.join(f'{code(key)}: {code(value)}' for key, value in given.items())}}}"


def _tuple(given: tuple[Any, ...]) -> str:
    return f"({', '.join(map(code, given))}{',' if len(given) == 1 else ''})"


def _array(array: np.ndarray) -> str:
    kind = "" if array.dtype == float else f", dtype={array.dtype.name!r}"
    return f"array({array.tolist()!r}{kind})" if array.size else f"array([]{kind}).reshape({array.shape})"


WAYS: dict[Any, Callable[[Any], str]] = {
    Problem: _problem,
    Model: lambda model: f"read_model({model_text(model)!r})",
    (Objective, Observation, Basis): _object,
    (sp.Basic, nodes.Array): _expression,
    np.ndarray: _array,
    np.generic: lambda number: code(number.item()),
    Mapping: _mapping,
    tuple: _tuple,
    list: lambda given: f"[{', '.join(map(code, given))}]",
    (str, int, float, type(None)): repr,
}
