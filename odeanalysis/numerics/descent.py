"""The search of a fit: L-BFGS-B on scaled variables, started again where a wall stops it, then Newton steps.

Source: Byrd, Lu, Nocedal, Zhu 1995 (L-BFGS-B), through SciPy.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound
from odeanalysis.numerics.curvature import Curvature
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.run import Run, solve_setting
from odeanalysis.numerics.gradients.setting import prepare
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.variables import Array, Variables

TIGHT = 1e-9
POLISHED = 1e-11
LEVEL = 1e-14
MEMORY = 20
WALL = 10.0
RESTARTS = 20
POLISHING_STEPS = 8
STOPPED = 2  # SciPy's status of a line search that found nothing
# a trial is far: how many times 1 + |start| an entry is from its start, and how many times the work of the start its solve is at least
FAR = ((1e6, 1), (1e3, 100))
LEVELLING = 1e-3  # the part of its first slope that a descent to a minimum 1000 times further away has lost

Listener = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class Point:
    """A solved trial.

    x, gradient: [p].  slope: the gradient in the scaled variables, 0 where a bound holds the entry.
    warned: what the gradient warns of, which concerns the fit only if the search ends here.
    """

    x: Array
    value: float
    gradient: Array
    slope: Array
    run: Run
    warned: tuple[Warning | str, ...] = ()

    @property
    def norm(self) -> float:
        return float(np.max(np.abs(self.slope), initial=0))

    @property
    def work(self) -> int:
        return int(np.sum(self.run.solution.statistics.evaluations))


@dataclass(eq=False)
class Task:
    """What is fitted, and what has been tried so far."""

    problem: Problem
    bound: Bound
    moved: Variables
    settings: Settings
    curvature: Curvature
    listener: Listener | None = None
    evaluations: int = 0
    iterations: int = 0
    start: Point | None = None
    best: Point | None = None

    def point(self, x: Array) -> Point:
        """Solves and differentiates at x. Raises SolveError where that fails or is not finite."""
        self.evaluations += 1
        arrays = {**self.bound.arrays, **self.moved.unpack(x)}
        run = solve_setting(prepare(self.problem, replace(self.bound, arrays=arrays)), self.settings)
        with np.errstate(all="ignore"), warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            value, gradient = float(run.value), self.moved.pack(DiscreteAdjoint().gradients(run))
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise SolveError(
                f"the objective of {self.problem.name!r} is {value}, or its gradient is not finite; change the starting values"
            )
        slope = np.where(self.moved.held(x, gradient), 0, gradient * self.moved.rate(x))
        found = Point(x, value, gradient, slope, run, tuple(one.message for one in heard))
        self.start = self.start or found
        if self.best is None or value < self.best.value:
            self.best = found
        return found

    def guarded(self, u: Array, unit: float) -> tuple[float, Array]:
        """Value and gradient in scaled variables, as multiples of a unit.

        A trial that cannot be solved is a wall, from which a line search steps back. Raises SolveError for one that has run away.
        """
        try:
            found = self.point(self.moved.unscaled(u))
        except (SolveError, ModelError):
            assert self.best is not None
            return (self.best.value + WALL * max(unit, abs(self.best.value))) / unit, np.zeros_like(u)
        if self.start is not None and found is self.best:
            check_runaway(self, self.start, found)
        return found.value / unit, found.gradient * self.moved.rate(found.x) / unit

    def count(self, value: float) -> None:
        self.iterations += 1
        if self.listener is not None:
            self.listener(self.iterations, value)

    def hessian(self, point: Point) -> Array:
        """The Hessian in scaled variables: d2/du2 = x' H x' + g x'', where x'' = x' for logarithms and 0 else."""
        rate = self.moved.rate(point.x)
        inner = self.curvature.hessian(point.run, self.moved) * np.outer(rate, rate)
        return inner + np.diag(np.where(self.moved.positive, point.gradient * rate, 0))


def check_runaway(task: Task, start: Point, lowest: Point) -> None:
    """Raises SolveError where the lowest point is far from the start, and the objective g still falls there as steeply:

    g'(x) . d <= (1 - LEVELLING) g'(x0) . d,   d = x - x0,

    so that a parabola through both slopes has its minimum, if any, 1/LEVELLING times further away. Entries with a range cannot run away.
    """
    travelled = lowest.x - start.x
    fall, first = lowest.gradient @ travelled, start.gradient @ travelled
    distance = np.where(task.moved.bounded, 0, np.abs(travelled) / (1 + np.abs(start.x)))
    far = any(distance.max(initial=0) > reach and lowest.work >= times * start.work for reach, times in FAR)
    if far and fall < 0 and fall <= (1 - LEVELLING) * first:
        worst = int(np.argmax(distance))
        entry, name = task.moved.entries[worst], task.moved.owner(worst)
        raise SolveError(
            f"the objective of {task.problem.name!r} seems to fall without bound as {entry} runs to {lowest.x[worst]:.3g}: it is "
            f"{lowest.value:.3g} there and no less steep than at the start; give {name} its range under [ranges], or fix it with --free"
        )


def descend(task: Task, start: Point, max_iterations: int) -> tuple[Point, str]:
    """The lowest point of a search from the start, and what the search said at last.

    A search that a wall has stopped starts again from its lowest point, as long as that helps.
    """
    point, message = start, ""
    for _ in range(RESTARTS):
        stopped, message = _search(task, point, max_iterations - task.iterations)
        before, point = point, task.best or point
        if not stopped or before.value - point.value <= LEVEL * abs(point.value):
            break
    return point, message


def _search(task: Task, start: Point, iterations: int) -> tuple[bool, str]:
    """One run of L-BFGS-B, in units of the slope at its start: whether it was stopped, and what it says."""
    from scipy.optimize import OptimizeResult, minimize

    moved, unit = task.moved, start.norm or 1.0

    def heard(intermediate_result: OptimizeResult) -> None:
        task.count(float(intermediate_result.fun) * unit)

    found = minimize(
        task.guarded,
        moved.scaled(start.x),
        args=(unit,),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(moved.scaled(moved.low), moved.scaled(moved.high), strict=True)),
        callback=heard,
        options={"maxiter": iterations, "maxfun": 20 * iterations, "gtol": TIGHT, "ftol": LEVEL, "maxcor": MEMORY},
    )
    return found.status == STOPPED, str(found.message)


def polish(task: Task, start: Point) -> tuple[Point, Array]:
    """Newton steps with one Hessian while they shrink the gradient; the point, and the Hessian in scaled variables there."""
    hessian = task.hessian(start)
    point, better = start, start
    for _ in range(POLISHING_STEPS):
        if better is None or point.norm <= POLISHED * np.linalg.norm(hessian, 2):
            break
        better = _newton(task, point, hessian)
        point = better or point
    return point, hessian if point is start else task.hessian(point)


def _newton(task: Task, point: Point, hessian: Array) -> Point | None:
    """One Newton step among the entries that no bound holds; None where it does not shrink the gradient."""
    loose = ~task.moved.held(point.x, point.gradient)
    try:
        factor = np.linalg.cholesky(hessian[np.ix_(loose, loose)])
    except np.linalg.LinAlgError:
        return None
    step = np.zeros_like(point.x)
    step[loose] = np.linalg.solve(factor.T, np.linalg.solve(factor, -point.slope[loose]))
    try:
        found = task.point(task.moved.unscaled(task.moved.scaled(point.x) + step))
    except (SolveError, ModelError):
        return None
    task.count(found.value)
    return found if found.norm < point.norm / 2 else None
