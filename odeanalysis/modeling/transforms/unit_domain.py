"""The change of variable that brings the domain of every sample to [0, 1]: sigma = (s - s0)/(S - s0).

dz/dsigma = (S - s0) f(s0 + sigma (S - s0), x, z),   int l ds = int (S - s0) l dsigma

Source: Massaroli et al. 2020, Sec. 5.2: adaptive depths on one grid. Exact also on domains that run backward or have no length.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from odeanalysis.modeling.depths import switch
from odeanalysis.modeling.model import Model, Problem
from odeanalysis.modeling.transforms.transform import Parse, Table, Transform, checked
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.functions import where as choose
from odeanalysis.symbolic.rewrite import substitute

KEYS: dict[str, bool] = {}
UNIT = (sp.Integer(0), sp.Integer(1))


def unit_domain(problem: Problem) -> Problem:
    """The same problem on [0, 1], equal in value and in all gradients.

        dz/dsigma = (S - s0) f,   running cost (S - s0) l,   depths sigma_i = (s_i - s0)/(S - s0)

    Everywhere the depth's symbol, which means sigma now, is replaced by s0 + sigma (S - s0): in functions of depth and in conditions too.
    Costs that are added afterwards are integrals over sigma, of a field that is S - s0 times as large.
    """
    change = _Change(problem.model)
    objective = problem.objective
    observations = tuple(
        replace(one, at=tuple(map(change.depth, one.at)), cost=change.expression(one.cost)) for one in objective.observations
    )
    costs = replace(
        objective,
        terminal=change.expression(objective.terminal),
        running=ex.mul(change.length, change.expression(objective.running)),
        observations=observations,
    )
    claims = tuple(one.rewritten(change.expression) for one in problem.claims)
    return replace(problem, model=change.changed(), objective=costs, claims=claims)


@dataclass(frozen=True)
class _Change:
    """From depths s of a model to depths sigma on [0, 1]."""

    model: Model

    @property
    def length(self) -> Any:
        start, end = self.model.domain
        return end - start

    @cached_property
    def along(self) -> dict[Any, Any]:
        """What takes the place of the depth's symbol."""
        return {self.model.depth: self.model.domain[0] + self.model.depth * self.length}

    def expression(self, value: Any) -> Any:
        return substitute(value, self.along)

    def depth(self, value: Any) -> Any:
        """sigma of a depth, in the form of those read off conditions, so that equal ones meet.

        Where a sample's domain has no length it is infinite or NaN, no place on the path; where none has, it lies behind the path.
        """
        if value == self.model.domain[0]:
            return UNIT[0]
        found = switch(self.along[self.model.depth] - value, self.model.depth)
        return UNIT[1] + 1 if found is None else found

    def nodes(self, depths: tuple[Any, ...]) -> tuple[Any, ...]:
        """Increasing depths as increasing values of sigma, turned round where the domain runs backward; 0, 1, ... where it has none."""
        start, _ = self.model.domain
        has_length = sp.Abs(self.length) > 0
        divisor = choose(has_length, self.length, 1)
        placed = [choose(has_length, (depth - start) / divisor, i) for i, depth in enumerate(depths)]
        return tuple(choose(self.length < 0, last, first) for first, last in zip(placed, reversed(placed), strict=True))

    def changed(self) -> Model:
        model = self.model
        return model.with_(
            field=[(z, ex.mul(self.length, self.expression(f))) for z, f in model.field],
            initial=[(z, self.expression(h)) for z, h in model.initial],
            functions=[(name, self.expression(value)) for name, value in model.functions],
            domain=UNIT,
            breakpoints=tuple(map(self.depth, model.breakpoints)),
            nodes=tuple(map(self.nodes, model.nodes)),
        )


def from_table(problem: Problem, table: Table, where: str, parse: Parse) -> Problem:
    """A table of a model file: no key beside `kind`."""
    checked(table, where, KEYS, {})
    return unit_domain(problem)


TRANSFORM = Transform("problem", KEYS, from_table)
