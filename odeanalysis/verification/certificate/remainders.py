"""The Taylor tests of a certificate: remainders of order 0, 1 and 2 along random directions, and what they decide."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.second import hessian_vector
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.functions import FUNCTIONS, SCALAR_CLASSES
from odeanalysis.symbolic.rewrite import walk
from odeanalysis.verification.claim import Check, Floor
from odeanalysis.verification.independent import taylor

DIRECTIONS = 3
SPARE = 4
DECIDED = 0.5  # of a slope: a wrong Hessian has slope 2, a right one 3
BENT = ("elu", "where")  # beside those that the table of functions marks as kinks
NO_SECOND = "the statement has kinks, and this path meets them: the loss has no second derivative there"


@dataclass(frozen=True, eq=False)
class Taylor:
    """The Taylor tests of a run.  kinked: whether the path crosses kinks of the state, which steps resolve to their length only.

    Three lines are drawn, and nine more where those do not decide.
    """

    run: Run
    gradient: Mapping[str, Array]
    kinked: bool
    seed: int

    @cached_property
    def directions(self) -> list[dict[str, Array]]:
        return taylor.directions(self.run, DIRECTIONS * SPARE, self.seed)

    @cached_property
    def lines(self) -> list[taylor.Line]:
        return taylor.lines(self.run, self.directions[:DIRECTIONS])

    @cached_property
    def spare(self) -> list[taylor.Line]:
        return taylor.lines(self.run, self.directions[DIRECTIONS:])

    @cached_property
    def first(self) -> list[taylor.Slope]:
        """Three slopes of order 1, those that pass first. More are looked at only where the state crosses kinks: a line on which a stage
        does so at a small size decides nothing. A wrong gradient has slope 1 on every line."""
        return self._decisive(lambda line: taylor.slope(line, self.gradient), self.kinked)

    @cached_property
    def second(self) -> list[taylor.Slope]:
        """Three slopes of order 2, those that pass first. On a line on which third derivatives nearly cancel, the slope appears only at
        sizes that rounding hides. A wrong Hessian has slope 2 on every line."""
        return self._decisive(lambda line: taylor.slope(line, self.gradient, self._curvature(line)), True)

    def _decisive(self, slope: Callable[[taylor.Line], taylor.Slope], may_draw: bool) -> list[taylor.Slope]:
        found = [slope(line) for line in self.lines]
        if may_draw and not all(one.passed for one in found):
            found += [slope(line) for line in self.spare]
        return sorted(found, key=lambda one: not one.passed)[:DIRECTIONS]

    def _curvature(self, line: taylor.Line) -> float:
        """d.H d."""
        product = hessian_vector(self.run, line.direction)
        return float(sum(np.sum(product[name] * d) for name, d in line.direction.items()))


# ---------------------------------------------------------------- checks


def first_order(found: Taylor) -> Iterator[Check]:
    """Slope 2 for a right gradient. On a path across kinks a slope that fails decides nothing."""
    for i, one in enumerate(found.first, 1):
        undecided = np.isnan(one.measured) or (found.kinked and not one.passed)
        yield Floor(f"Taylor slope {i}", one.measured, one.bound, None if undecided else one.passed)


def second_order(slopes: Iterable[taylor.Slope]) -> Iterator[Check]:
    """Slope 3 for a right Hessian, on which the conditioning stands; between 2.5 and 2.9 nothing is decided."""
    for i, one in enumerate(slopes, 1):
        undecided = np.isnan(one.measured) or one.due - DECIDED < one.measured < one.bound
        yield Floor(f"Hessian slope {i}", one.measured, one.bound, None if undecided else one.passed)


def control(found: Taylor) -> Check:
    """A zero gradient must fail the Taylor test, with the slope 1 of a remainder of order 0, unless the gradient is zero."""
    zero = {name: np.zeros(array.shape) for name, array in found.gradient.items()}
    if not any(np.any(array) for array in found.gradient.values()):
        return Check("zero gradient refused", float("nan"), 1.9, None)
    slopes = [taylor.slope(line, zero) for line in found.lines]
    measured = min((one.measured for one in slopes if not np.isnan(one.measured)), default=float("nan"))
    return Check("zero gradient refused", measured, 1.9, measured < 1.9 or None)


def is_smooth(run: Run) -> bool:
    """Whether every function in the statement has continuous second derivatives, beside conditions on the depth."""
    stated = run.setting.program.parts
    formulas = (stated.field, stated.initial, stated.terminal, *stated.observations)
    return not any(_is_bent(node) for f in formulas for node in walk([value for _, value in (*f.lets, *f.outputs)]))


def _is_bent(node: object) -> bool:
    name = node.name if isinstance(node, nodes.Map) else SCALAR_CLASSES.get(type(node), "")
    return name in BENT or (name in FUNCTIONS and FUNCTIONS[name].kink is not None)
