"""Where mutants are tried: solves of few steps, at the values given and at values drawn around them.

Few steps are enough, because the discrete gradient is exact at any step; and they show errors of order h, which fine steps would hide.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np

from odeanalysis.errors import OdeAnalysisError
from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.differences import ComplexStep
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array, Compiled, Program
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.independent import taylor
from odeanalysis.verification.independent.compare import relative_difference
from odeanalysis.verification.mutation.exchange import Exchanged, backward

STEPS = 6
METHOD = "heun2"
DIRECTIONS = 3
BOUND = 1e-9
ROUTE, TAYLOR = f"route {ComplexStep.name}", "Taylor slope"  # as certificates name these checks
COMPUTATION = "the computation itself"
ROUNDING = 1e-12
POINTS = 25
ATTEMPTS = 75

FAILED = (
    OdeAnalysisError,
    ValueError,
    FloatingPointError,
)  # a value out of a field's domain, and what NumPy says to shapes that do not fit


def settings_of(asked: Settings) -> Settings:
    """The solve on which mutants are tried: heun2, or the method asked for where it uses the Jacobian, with 6 steps."""
    return Settings(asked.method if asked.stiff else METHOD, steps=STEPS)


@dataclass(frozen=True, eq=False)
class Trial:
    """A solve with its right gradient, and the checks that a wrong one is put before: complex steps, and Taylor remainders."""

    run: Run
    right: dict[str, Array]
    reference: dict[str, Array]
    lines: tuple[taylor.Line, ...]

    def gradient(self, program: Program | None) -> dict[str, Array] | None:
        """The gradient that a program computes; None where it fails to."""
        if program is None:
            return None
        try:
            with np.errstate(all="ignore"):
                return DiscreteAdjoint().gradients(replace(self.run, setting=replace(self.run.setting, program=program)))
        except FAILED:
            return None

    def refuses(self, gradient: dict[str, Array] | None) -> bool:
        """Whether a check sees that a gradient is wrong, or there is none."""
        return any(self.refusals(gradient))

    def refusals(self, gradient: dict[str, Array] | None) -> Iterator[str]:
        """The names of the checks that see that a gradient is wrong, one after the other as they are made."""
        if gradient is None:
            yield COMPUTATION
            return
        if relative_difference(gradient, self.reference) > BOUND:
            yield ROUTE
        yield from (f"{TAYLOR} {i}" for i, line in enumerate(self.lines, 1) if not _falls(line, gradient))

    def differs(self, gradient: dict[str, Array]) -> bool:
        """Whether a gradient is another one than the right one, beyond rounding."""
        return relative_difference(gradient, self.right) > ROUNDING

    @cached_property
    def received(self) -> dict[str, list[tuple[Array, ...]]]:
        """What each formula of the backward pass is called with, by its name."""
        program, method = self.run.setting.program, self.run.settings.method
        calls: dict[str, list[tuple[Array, ...]]] = {name: [] for name in backward(program, method)}
        watched = {name: _watched(one, calls[name]) for name, one in backward(program, method).items()}
        self.gradient(Exchanged.of(program, method, watched))
        return calls


def _falls(line: taylor.Line, gradient: dict[str, Array]) -> bool:
    """Whether a remainder has the slope of a right gradient; one that is not finite has none."""
    with np.errstate(all="ignore"):
        return taylor.slope(line, gradient).passed


def _watched(one: Compiled, calls: list[tuple[Array, ...]]) -> Compiled:
    def function(*arrays: Array) -> tuple[Array, ...]:
        calls.append(arrays)
        return one.function(*arrays)

    return replace(one, function=function)


def trial(problem: Problem, values: Mapping[str, Any], settings: Settings, seed: int) -> Trial:
    """The trial at some values. Raises as `solve_problem` does."""
    run = solve_problem(problem, values, settings)
    with np.errstate(all="ignore"):
        right, reference = DiscreteAdjoint().gradients(run), ComplexStep().gradients(run)
    return Trial(run, right, reference, tuple(taylor.lines(run, taylor.directions(run, DIRECTIONS, seed))))


def first_trial(problem: Problem, values: Mapping[str, Any], asked: Settings, seed: int) -> Trial:
    """The trial at the values given, with 6 steps, or half as many again until not all are of length 1, which would hide a missing h."""
    settings = settings_of(asked)
    for more in count(STEPS, STEPS // 2):
        settings = replace(settings, steps=more)
        if not _all_of_length_one(solve_problem(problem, values, settings)):
            break
    return trial(problem, values, settings, seed)


def _all_of_length_one(run: Run) -> bool:
    record, grid = run.solution.record, run.setting.path.grid
    assert record is not None
    steps = (np.abs(grid.place(record.segment[k], record.start[k], record.fraction[k]).step) for k in range(len(record)))
    return all(np.all(np.abs(step[step > 0] - 1) < ROUNDING) for step in steps if np.any(step > 0)) and bool(np.any(grid.lengths))


def drawn_trials(first: Trial, seed: int) -> Iterator[Trial]:
    """Trials at values drawn around those of a first one, and in the problem's ranges, at which the right gradient is accepted.

    Values at which there is no solution, or which a kink makes undecidable, are drawn again, 75 times at most for 25 trials.
    """
    random, found = np.random.default_rng(seed), 0
    for attempt in range(ATTEMPTS):
        try:
            one = trial(
                first.run.setting.problem, _drawn(first.run, DRAWS[attempt % len(DRAWS)], random), first.run.settings, seed + attempt
            )
        except FAILED:
            continue
        if not one.refuses(one.right):
            found += 1
            yield one
        if found == POINTS:
            return


Draw = Callable[[Array, Array], Array]


def near(value: Array, normal: Array) -> Array:
    return value + 0.3 * normal * np.where(value == 0, 0.3, np.abs(value))


# near the values; of their sign and of another size; of any sign; and small, where functions that are saturated are not
DRAWS: tuple[Draw, ...] = (
    near,
    lambda value, normal: value * np.exp(normal),
    lambda value, normal: 3 * normal * (np.abs(value) + 1),
    lambda value, normal: 0.03 * normal * (np.abs(value) + 1),
    lambda value, normal: 0.01 * normal * (np.abs(value) + 1),
    lambda value, normal: 0.001 * normal * (np.abs(value) + 1),
)


def _drawn(run: Run, draw: Draw, random: np.random.Generator) -> dict[str, Array]:
    """Other values of the same shapes, those with a range inside it; data that are missing stay missing."""
    ranges = dict(run.setting.problem.ranges)
    found = {}
    for name, array in run.setting.bound.arrays.items():
        moved = draw(array, random.standard_normal(array.shape))
        if name in ranges:
            moved = np.clip(moved, *ranges[name]) if draw is near else random.uniform(*ranges[name], size=array.shape)
        found[name] = np.where(np.isnan(array), np.nan, moved)
    return found
