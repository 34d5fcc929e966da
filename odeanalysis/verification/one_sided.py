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

BESIDE = 1e-8  # how near to the kink the adjoint looks at its sides
ACROSS = 1e-5  # which leaves second derivatives times that of what it finds


@dataclass(frozen=True)
class Kink:
    """A problem at values where its loss has a kink in one of them, a scalar."""

    problem: Problem
    values: Mapping[str, Any]
    name: str

    def by_adjoint(self, beside: float) -> float:
        """The derivative a little beside the kink."""
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
            "adjoint, at both sides": self.by_adjoint(BESIDE) - self.by_adjoint(-BESIDE),
            "SciPy, one-sided differences": self.by_scipy(1) - self.by_scipy(-1),
        }

    def gaps(self, title: str, wanted: float) -> list[Gap]:
        """How far the jump is from that wanted, relative to it, or to 1 where it is smaller."""
        return [Gap(title, way, abs(jump - wanted) / max(1.0, abs(wanted)), ACROSS) for way, jump in self.jumps.items()]
