"""Models that transforms made, beside the same equations written by hand: their states and gradients have to agree."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification.claim import Gap
from odeanalysis.verification.flows.jets import TINY, WAYS, Equation, Jets

FINE = Settings("dopri8", rtol=1e-11, atol=1e-12)
CLOSE = 1e-9
DIRECTIONS = 2
NONE = 1e-3  # the bound of a count that has to be 0

Array = np.ndarray
Values = Mapping[str, Any]


def _first(jets: Jets) -> Array:
    return jets[0].ravel()


@dataclass(frozen=True, eq=False)
class Stated:
    """A model with values, and how they make an equation by hand.

    read: jets at S -> the states of the model, one behind the other (default: those of the first group, in the order of derivatives).
    seen: the names of the states that are compared (default: all of them).
    """

    title: str
    model: Model
    values: Values
    by_hand: Callable[[Values], Equation]
    read: Callable[[Jets], Array] = _first
    seen: tuple[str, ...] = ()

    @property
    def states(self) -> list[Any]:
        return [state for state in self.model.states if not self.seen or state.name in self.seen]

    @property
    def problem(self) -> Problem:
        """The loss of the model is the squared length of its states at S."""
        return Problem(self.model, Objective(terminal=ex.add(*map(ex.sumsq, self.states))))

    @cached_property
    def run(self) -> Run:
        return solve_problem(self.problem, self.values, FINE)

    @property
    def final(self) -> Array:
        """The states at S, one behind the other, by our solver."""
        return np.concatenate([np.ravel(self.run.final[state.name]) for state in self.states])

    def starts(self, x: Array) -> Array:
        """h(x) for data x [B, n], from a domain without length: [B, n_z]."""
        resting = Problem(self.model.with_(domain=(0, 0)), Objective())
        return solve_problem(resting, {**self.values, "x": x}, FINE).solution.final

    def written(self, way: str, values: Values | None = None) -> Array:
        """The same from the equation by hand."""
        return self.read(WAYS[way](self.by_hand(self.values if values is None else values)))

    @cached_property
    def ends(self) -> dict[str, Array]:
        """The states at S, by our solver from the model and by SciPy from the equation by hand."""
        return {"solver": self.final, "SciPy": self.written("SciPy")}

    def hand_starts(self, x: Array) -> Array:
        """The starts of the first group by hand: [B, n_z]."""
        return np.array([self.by_hand({**self.values, "x": one}).starts[0][0] for one in x])

    def path(self, depths: Array) -> Array:
        """The states at depths [M], one behind the other: [M, n], by our solver."""
        return self.run.solution.dense(depths)[0]

    def with_values(self, **changes: Any) -> "Stated":
        return replace(self, values={**self.values, **changes})

    def another(self, model: Model) -> "Stated":
        """Another model beside the same equation."""
        return replace(self, model=model)


def states(one: Stated) -> Iterator[Gap]:
    """How far the states at S are from those by hand."""
    for way in WAYS:
        yield Gap(f"states, {one.title}", way, apart(one.final, one.written(way)), CLOSE)


def gradients(one: Stated, random: np.random.Generator) -> Iterator[Gap]:
    """How far the gradient of the loss is, along random directions in all values, from imaginary parts of the loss by hand."""
    found = DiscreteAdjoint().gradients(one.run)
    directions = [{name: random.standard_normal(np.shape(value)) for name, value in one.values.items()} for _ in range(DIRECTIONS)]
    for way in WAYS:
        missed = max(_missed(one, way, found, direction) for direction in directions)
        yield Gap(f"gradients, {one.title}", way, missed, CLOSE)


def _missed(one: Stated, way: str, gradient: Values, direction: Mapping[str, Array]) -> float:
    moved = {name: np.asarray(value) + 1j * TINY * direction[name] for name, value in one.values.items()}
    slope = float(np.sum(one.written(way, moved) ** 2).imag) / TINY
    terms = np.concatenate([np.ravel(gradient[name] * along) for name, along in direction.items()])
    return abs(float(np.sum(terms)) - slope) / float(np.sum(np.abs(terms)))


def apart(found: Array, known: Array) -> float:
    """The largest difference, in units of the largest entry where that is above 1."""
    return float(np.max(np.abs(found - known))) / max(1.0, float(np.max(np.abs(known))))


def against(one: Stated, known: Array, what: str) -> Iterator[Gap]:
    """How far the first states at S are from known ones, by our solver and by SciPy."""
    for way, found in one.ends.items():
        yield Gap(f"{what}, {one.title}", way, apart(found[: len(known)], known), CLOSE)


def same_bits(what: str, pairs: Mapping[str, tuple[Array, Array]]) -> Iterator[Gap]:
    """How many numbers differ that must have the same bits, up to the sign of zero.  pairs: way -> two arrays."""
    for way, (one, other) in pairs.items():
        yield Gap(f"bits of {what}", way, float(np.sum(one != other)), NONE)


def same_ends(what: str, one: Stated, other: Stated) -> Iterator[Gap]:
    """How many numbers differ between the states of two models at S."""
    yield from same_bits(f"{what}, {one.title}", {way: (one.ends[way], other.ends[way]) for way in one.ends})


def agreement(drawn: Iterable[Stated], random: np.random.Generator) -> list[Gap]:
    """States and gradients of models against the equations by hand."""
    return [gap for one in drawn for gap in (*states(one), *gradients(one, random))]
