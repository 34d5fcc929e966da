"""Descent in function space: a function of depth is found in a basis, which grows while the gradient has energy outside its span.

SciPy's search moves in coordinates in which the inner product of functions is the Euclidean one, so that its steps are those of function
space, whatever the basis. Source: Byrd, Lu, Nocedal, Zhu 1995 (L-BFGS-B).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.modeling.bases import Basis
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.transforms.galerkin import galerkin
from odeanalysis.numerics.descent import LEVEL, MEMORY, WALL
from odeanalysis.numerics.functional.family import family
from odeanalysis.numerics.functional.gradient import FunctionalGradient, of_run
from odeanalysis.numerics.functional.span import Span, constant, reexpressed, span
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.settings import Settings

TIGHT = Settings("dopri8", 1e-12, 1e-14)
TERMS = 200
ITERATIONS = 500
PROBE = 1e-3

Grow = Callable[[Basis, FunctionalGradient], Basis]
Listener = Callable[[int, float], None]


def refined(basis: Basis, gradient: FunctionalGradient) -> Basis:
    """About twice as many functions, whatever the gradient."""
    return basis.refined()


@dataclass(frozen=True)
class Stage:
    """What the search in one basis came to.

    terms: of the basis.  iterations: in it.  value: the objective.  norm: the gradient's length, in L2 where the basis may grow, else in
    the span.  outside: the share of its energy outside the span, None where the basis may not grow.
    """

    terms: int
    iterations: int
    value: float
    norm: float
    outside: float | None


@dataclass(frozen=True, eq=False)
class FunctionalFit:
    """A function of depth at which a value is lowest.

    basis, coefficients: the function, [terms, *shape], behind an axis for the samples where each has its own.  value: the objective.
    gradient: the function-space gradient there; its run has the problem and the values with the function in them.
    stages: one for each basis.
    """

    basis: Basis
    coefficients: Array
    value: float
    gradient: FunctionalGradient
    stages: tuple[Stage, ...]
    converged: bool
    message: str

    def __call__(self, depths: Any) -> Array:
        """The function at depths, [...] -> [..., *shape], behind an axis for the samples where each has its own."""
        at, setting = np.asarray(depths, dtype=float), self.gradient.run.setting
        psi = family(setting, self.basis)(np.broadcast_to(np.ravel(at), (setting.batch, at.size)))
        own = self.gradient.own
        found = np.einsum("bkp,bp...->bk..." if own else "kp,p...->k...", psi if own else psi[0], self.coefficients)
        return found.reshape((*found.shape[:own], *at.shape, *self.gradient.shape))


def functional_descent(
    problem: Problem,
    values: Mapping[str, Any],
    name: str,
    basis: Basis,
    *,
    inner: str = "L2",
    grow: Grow | None = refined,
    tolerance: float = 1e-6,
    settings: Settings = TIGHT,
    on_iteration: Listener | None = None,
) -> FunctionalFit:
    """Minimises a value over a parameter or input as a function of depth.

    values: what the name has is the constant function from which the search starts.  basis: what it starts in.
    inner: the inner product in which the gradient points down, "L2", or "H1", which prefers smooth steps.
    grow: (basis, gradient) -> a basis whose span contains that of the last one, asked for whenever more of the gradient's energy lies
    outside the span than inside.  None keeps the basis.
    tolerance: the search ends where the gradient's length has fallen to this part of its first one: in L2, or, if the basis may not grow,
    in the span.
    on_iteration: called with the number of terms and the value.

    Returns a FunctionalFit, `converged` or not. Raises ModelError for a name that has no gradient in function space, or one with point
    masses if the basis may grow, and SolveError where the start cannot be solved.
    """
    given = of_run(solve_problem(problem, values, settings), name)
    task = Task(problem, given, inner, grow is not None, tolerance, settings, on_iteration)
    start, stages = constant(given, basis, given.run.setting.bound.arrays[given.name]), []
    while True:
        found = search(task, basis, start)
        stages.append(found.stage)
        wider = grow(basis, found.point.gradient) if grow is not None and found.lacks_a_mode else basis
        if not basis.terms < wider.terms <= TERMS:
            return _concluded(basis, found, tuple(stages))
        start = reexpressed(found.point.gradient, basis, found.point.coefficients, wider)
        basis = wider


def _concluded(basis: Basis, found: "Found", stages: tuple[Stage, ...]) -> FunctionalFit:
    point = found.point
    fell = f"the gradient's length is {found.balance.norm:.3g}"
    if found.is_level:
        message = "converged"
    elif found.lacks_a_mode:
        message = f"not converged: {fell}, most of it outside the span of {basis.terms} functions; start in a larger basis, or let it grow"
    else:
        message = f"not converged: the search stopped with {found.message.strip()!r}, where {fell}; start elsewhere, or solve more tightly"
    return FunctionalFit(basis, point.coefficients, point.value, point.gradient, stages, found.is_level, message)


# ---------------------------------------------------------------- in one basis


@dataclass(frozen=True, eq=False)
class Task:
    """What is minimised, and when to stop.  given: the gradient at the constant function."""

    problem: Problem
    given: FunctionalGradient
    inner: str
    growing: bool
    tolerance: float
    settings: Settings
    listener: Listener | None

    @property
    def name(self) -> str:
        return self.given.name


@dataclass(frozen=True, eq=False)
class Point:
    """A solved trial: its place y in the coordinates of the search, its coefficients, the gradient in function space, and that in y."""

    y: Array
    coefficients: Array
    gradient: FunctionalGradient
    slope: Array

    @property
    def value(self) -> float:
        return float(self.gradient.run.value)


@dataclass(frozen=True)
class Balance:
    """The gradient's energy, inside a span and outside it; outside there is none where a basis may not grow."""

    inside: float
    outside: float

    @property
    def norm(self) -> float:
        return (self.inside + self.outside) ** 0.5


@dataclass(frozen=True, eq=False)
class Found:
    """Where the search in one basis ended."""

    point: Point
    balance: Balance
    stage: Stage
    is_level: bool
    message: str

    @property
    def lacks_a_mode(self) -> bool:
        return not self.is_level and self.balance.outside > self.balance.inside


def search(task: Task, basis: Basis, start: Array) -> Found:
    """The lowest point of one run of L-BFGS-B in a basis, which ends where the gradient is level, or most of it outside the span."""
    within = Within(task, basis)
    within.accept(within.point(within.span.point(start)))
    message = "" if within.is_done else within.minimise()
    balance, norm = within.balance, within.balance.norm
    outside = balance.outside / norm**2 if task.growing and norm > 0 else None
    stage = Stage(basis.terms, within.iterations, within.best.value, norm, outside)
    return Found(within.best, balance, stage, within.is_level, message)


class Within:
    """The search in one basis: trials, and the last one that was accepted."""

    best: Point
    balance: Balance

    def __init__(self, task: Task, basis: Basis):
        self.task, self.basis = task, basis
        self.span: Span = span(task.given, basis, task.inner)
        self.problem = replace(task.problem, model=galerkin(task.problem.model, {task.name: basis}))
        self.tried: dict[bytes, Point] = {}  # since the last one that was accepted
        self.iterations = 0

    def point(self, y: Array) -> Point:
        """Solves and differentiates at y. Raises SolveError where that fails."""
        coefficients = self.span.coefficients(y)
        arrays = {**self.task.given.run.setting.bound.arrays, self.task.name: coefficients}
        gradient = of_run(solve_problem(self.problem, arrays, self.task.settings), self.task.name)
        return Point(y, coefficients, gradient, self.span.slope(gradient.project(self.basis)))

    def accept(self, point: Point) -> None:
        self.best, self.balance = point, self._balance(point.gradient, point.slope)
        self.tried = {point.y.tobytes(): point}

    def minimise(self) -> str:
        """What the search says at last.

        It moves in units of the step to where the slope along its first direction vanishes, and in those of the fall that this promises.
        """
        from scipy.optimize import minimize

        origin, step = self.best.y, self._first_step()
        unit = step * float(np.linalg.norm(self.best.slope))

        def scaled(x: Array) -> tuple[float, Array]:
            value, found = self._guarded(origin + step * x, unit)
            return value / unit, found * (step / unit)

        def heard(intermediate_result: Any) -> None:
            self._heard(origin + step * np.asarray(intermediate_result.x))

        options = {"maxiter": ITERATIONS, "gtol": 0, "ftol": LEVEL, "maxcor": MEMORY}
        return str(minimize(scaled, np.zeros_like(origin), jac=True, method="L-BFGS-B", callback=heard, options=options).message)

    def _first_step(self) -> float:
        """How far the slope goes down its own direction until it vanishes, from its change over a small step; else as far as it is long."""
        y, slope = self.best.y, self.best.slope
        size = float(np.linalg.norm(slope))
        probe = PROBE * max(size, float(np.linalg.norm(y)))
        try:
            moved = self.point(y - probe * slope / size).slope
        except SolveError:
            return size
        curvature = float((slope - moved) @ slope) / (size * probe)
        return size / curvature if curvature > 0 else size

    @property
    def is_level(self) -> bool:
        return self.balance.norm <= self.task.tolerance * self._first.norm

    @property
    def is_done(self) -> bool:
        return self.is_level or self.balance.outside > self.balance.inside

    @cached_property
    def _first(self) -> Balance:
        given = self.task.given
        return self._balance(given, self.span.slope(given.project(self.basis)))

    def _balance(self, gradient: FunctionalGradient, slope: Array) -> Balance:
        if not self.task.growing:
            return Balance(float(slope @ slope), 0.0)
        whole, rest = (float(np.sum(part)) for part in gradient.energies(self.basis))
        return Balance(max(whole - rest, 0.0), rest)

    def _guarded(self, y: Array, unit: float) -> tuple[float, Array]:
        """Value and slope. A trial that cannot be solved is a wall, from which the line search steps back."""
        try:
            found = self.tried.get(y.tobytes()) or self.point(y)
        except SolveError:
            return self.best.value + WALL * max(unit, abs(self.best.value)), np.zeros_like(y)
        self.tried[y.tobytes()] = found
        return found.value, found.slope

    def _heard(self, y: Array) -> None:
        self.iterations += 1
        self.accept(self.tried.get(y.tobytes()) or self.point(y))
        if self.task.listener is not None:
            self.task.listener(self.basis.terms, self.best.value)
        if self.is_done:
            raise StopIteration
