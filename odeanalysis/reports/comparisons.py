"""What each datum of a cost is compared with: `log(hare) - log(seen)` compares `seen` with `hare`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import sympy as sp

from odeanalysis.modeling.model import Observation, Problem
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.nodes import Element, Leaf, Map, Plus, Power, shape_of
from odeanalysis.symbolic.rewrite import leaves, walk

HALF = sp.Rational(1, 2)
INVERSES: dict[str, Callable[[Any], Any]] = {"log": fn.exp, "exp": fn.log, "sqrt": lambda x: ex.power(x, 2)}


@dataclass(frozen=True)
class Comparison:
    """One entry of the data of an observation, and the scalar expression that the model predicts for it."""

    observation: int
    data: Leaf
    entry: tuple[int, ...]
    prediction: Any


def comparisons(problem: Problem) -> tuple[Comparison, ...]:
    """The comparisons that can be read off the costs: differences of (functions of) data and what holds no data."""
    found: dict[tuple[int, Leaf, tuple[int, ...]], Comparison] = {}
    for i, observation in enumerate(problem.objective.observations):
        for one in _of_observation(i, observation):
            found.setdefault((i, one.data, one.entry), one)
    return tuple(sorted(found.values(), key=lambda one: (one.observation, one.data.name, one.entry)))


def _of_observation(i: int, observation: Observation) -> Iterator[Comparison]:
    data = frozenset(observation.data)
    for node in walk([observation.cost]):
        if isinstance(node, Plus | sp.Add):
            yield from _of_sum(i, node, data)


def _of_sum(i: int, node: Any, data: frozenset[Leaf]) -> Iterator[Comparison]:
    with_data = [term for term in node.args if leaves(term) & data]
    rest = [term for term in node.args if not leaves(term) & data]
    if len(with_data) != 1 or not rest or not leaves(with_data[0]) <= data or not any(map(leaves, rest)):
        return
    factor, seen = _factor(with_data[0])
    seen, predicted = _unwrapped(seen, ex.mul(-1 / factor, ex.add(*rest)))
    shape = shape_of(seen)
    for place in product(*(range(int(size)) for size in shape)):
        entry = ex.part(seen, tuple(map(sp.Integer, place))) if place else seen
        wanted = ex.part(predicted, tuple(map(sp.Integer, place))) if place and shape_of(predicted) == shape else predicted
        yield from _compared(i, entry, wanted, data)


def _compared(i: int, entry: Any, predicted: Any, data: frozenset[Leaf]) -> Iterator[Comparison]:
    if shape_of(predicted):
        return
    if entry in data:
        yield Comparison(i, entry, (), predicted)
    elif isinstance(entry, Element) and entry.args[0] in data:
        yield Comparison(i, entry.args[0], tuple(int(index) for index in entry.args[1:]), predicted)


def _factor(term: Any) -> tuple[Any, Any]:
    """A number and what it multiplies."""
    if not shape_of(term):
        return term.as_coeff_Mul()
    scalar, arrays = ex.split(term)
    return (scalar, ex.mul(*arrays)) if scalar.is_number else (sp.Integer(1), term)


def _unwrapped(seen: Any, predicted: Any) -> tuple[Any, Any]:
    """log(data) ~ x becomes data ~ exp(x), as far as functions can be inverted."""
    while (name := _function(seen)) in INVERSES:
        predicted = _argument(predicted) if _function(predicted) == name else INVERSES[name](predicted)
        seen = _argument(seen)
    return seen, predicted


def _function(node: Any) -> str:
    if isinstance(node, Power | sp.Pow) and node.args[1] == HALF:
        return "sqrt"
    return node.name if isinstance(node, Map) else fn.SCALAR_CLASSES.get(type(node), "")


def _argument(node: Any) -> Any:
    return node.args[1] if isinstance(node, Map) else node.args[0]
