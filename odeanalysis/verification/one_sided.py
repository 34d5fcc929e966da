"""Losses that have two one-sided derivatives in a number: both, by the adjoint beside the kink and by differences of SciPy's losses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import bind
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.verification.claim import Gap
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.measure import TIGHT

ACROSS = 1e-9
# the derivative at the kink from four beside it, f(0) = 4 f(h) - 6 f(2 h) + 4 f(3 h) - f(4 h), but for the fourth power of h
BESIDE, LIMIT = 5e-4, {1: 4.0, 2: -6.0, 3: 4.0, 4: -1.0}


@dataclass(frozen=True)
class Kink:
    """A problem at values where its loss has a kink in one of them, a scalar."""

    problem: Problem
    values: Mapping[str, Any]
    name: str

    def at_both_sides(self, side: int) -> float:
        """The limit of the adjoint's derivative from the right (1) or from the left (-1)."""
        return sum(weight * self.by_adjoint(side * k * BESIDE) for k, weight in LIMIT.items())

    def by_adjoint(self, beside: float) -> float:
        """The derivative beside the kink, or what is found at it."""
        run = solve_problem(self.problem, {**self.values, self.name: self.values[self.name] + beside}, TIGHT)
        return float(ContinuousAdjoint().gradients(run)[self.name])

    def by_scipy(self, side: int) -> float:
        """The derivative at the kink, from the right (1) or from the left (-1)."""
        bound = bind(self.problem, self.values)
        return side * independent.one_sided(self.problem, bound, {self.name: np.array(float(side))})

    @property
    def jumps(self) -> dict[str, float]:
        """The derivative from the right less that from the left."""
        return {
            "adjoint, at both sides": self.at_both_sides(1) - self.at_both_sides(-1),
            "SciPy, one-sided differences": self.by_scipy(1) - self.by_scipy(-1),
        }

    def gaps(self, title: str, wanted: float) -> list[Gap]:
        """How far the jump is from that wanted, relative to it, or to 1 where it is smaller."""
        return [Gap(title, way, abs(jump - wanted) / max(1.0, abs(wanted)), ACROSS) for way, jump in self.jumps.items()]
