"""SciPy's solvers behind the same call: one sample and one segment at a time, without a record of steps."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.numerics.solvers.controller import Tolerance
from odeanalysis.numerics.solvers.failure import ending, failure
from odeanalysis.numerics.solvers.grid import Grid, Place
from odeanalysis.numerics.solvers.listening import Reached, listener
from odeanalysis.numerics.solvers.solution import Solution, Statistics
from odeanalysis.numerics.solvers.stepper import Array, Field, Jacobian
from odeanalysis.numerics.solvers.stiffness import Stiffness, real_interval, spectral_radius
from odeanalysis.numerics.solvers.walk import initial_states

USES_JACOBIAN = {"RK45": False, "RK23": False, "DOP853": False, "Radau": True, "BDF": True, "LSODA": True}
Restrict = Callable[[int], tuple[Field, Jacobian | None]]


@dataclass(frozen=True, eq=False)
class ScipyMethod:
    """One of SciPy's solvers bound to a field.

    name: RK45, RK23, DOP853, Radau, BDF or LSODA.
    field: (s [B], y [B, n], pieces [B, P]) -> [B, n].
    jacobian: -> [B, n, n], handed to the implicit solvers.
    restrict: sample -> its field and Jacobian for a batch of one; without it, a sample is solved by evaluating the
        whole batch with the other samples at rest.
    """

    name: str
    field: Field
    jacobian: Jacobian | None = None
    restrict: Restrict | None = None

    def __post_init__(self):
        if self.name not in USES_JACOBIAN:
            raise ModelError(f"SciPy has no solver '{self.name}'; take one of {', '.join(USES_JACOBIAN)}")

    @property
    def stability(self) -> float:
        """As in `Stepper`: what SciPy's explicit solvers are stable for, infinite for the others."""
        from scipy import integrate

        kind: Any = getattr(integrate, self.name)
        return real_interval(kind.A, kind.B) if hasattr(kind, "A") else np.inf


def scipy_method(name: str, field: Field, jacobian: Jacobian | None = None, restrict: Restrict | None = None) -> ScipyMethod:
    """SciPy's solver of that name for a field; see ScipyMethod. Raises ModelError for an unknown name."""
    return ScipyMethod(name, field, jacobian, restrict)


@dataclass(frozen=True, eq=False)
class ScipyInterpolant:
    """SciPy's own dense output: paths[b][j] maps depths to states in segment j of sample b."""

    grid: Grid
    paths: list[list[Callable[[Array], Array]]]
    components: int

    def evaluate(self, segment: Array, fraction: Array) -> Array:
        """States at fractions of segments: [B, M], [B, M] -> [B, M, n]."""
        depth = self.grid.depth(segment, fraction)
        found = np.empty((*depth.shape, self.components), dtype=np.result_type(depth, np.float64))
        for b, paths in enumerate(self.paths):
            for j in np.unique(segment[b]):
                here = segment[b] == j
                found[b, here] = paths[j](depth[b, here]).T
        return found


def solve_with_scipy(method: ScipyMethod, grid: Grid, y0: Array, tolerance: Tolerance, max_steps: int) -> Solution:
    """Solve every sample with a SciPy solver that starts afresh at each node; y0 is [B, n].

    Returns a Solution whose record is None. Raises SolveError where the solver gives up.
    """
    y0 = initial_states(grid, y0)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs = [Run(method, grid, y0, b, tolerance, max_steps) for b in range(grid.samples)]
        paths = [[run.segment(j) for j in range(grid.segments)] for run in runs]
    nodes = np.array([run.states for run in runs]).reshape(grid.samples, grid.segments + 1, y0.shape[1])
    return Solution(grid, None, nodes, _statistics(runs), ScipyInterpolant(grid, paths, y0.shape[1]))


def _statistics(runs: list["Run"]) -> Statistics:
    steps, evaluations = (np.array(counts, dtype=int) for counts in ([run.steps for run in runs], [run.evaluations for run in runs]))
    return Statistics(steps, 0 * steps, evaluations, np.array([run.stiffness.seen[0] for run in runs], dtype=bool))


class Run:
    """The solve of one sample, segment by segment."""

    def __init__(self, method: ScipyMethod, grid: Grid, y0: Array, sample: int, tolerance: Tolerance, max_steps: int):
        self.method, self.grid, self.sample, self.rest = method, grid, sample, y0
        self.tolerance, self.max_steps = tolerance, max_steps
        self.states = [y0[sample]]
        self.steps = self.evaluations = 0
        self.slope = y0[sample]  # the field when last evaluated
        self.broken: tuple[float, Array] | None = None  # depth and values of a field or Jacobian that was not finite
        self.stiffness = Stiffness(1, method)
        self.tell = listener()
        self.alone = method.restrict is not None
        self.field, self.jacobian = method.restrict(sample) if method.restrict else (method.field, method.jacobian)

    def segment(self, j: int) -> Callable[[Array], Array]:
        """Solve one segment from the last state; returns its dense output."""
        a, b = self.grid.nodes[self.sample, j : j + 2]
        if a == b:
            self.states.append(start := self.states[-1])
            return lambda depth: np.repeat(start[:, None], np.size(depth), axis=1)
        solver, depths, parts = self._solver(j, a, b), [a], []
        while solver.status == "running":
            self._step(solver)
            self._look(j, solver)
            depths.append(solver.t)
            parts.append(solver.dense_output())
        self.states.append(solver.y)
        return _ode_solution(np.array(depths), parts)

    def _solver(self, j: int, a: float, b: float) -> Any:
        from scipy import integrate

        y, name = self.states[-1], self.method.name
        start = self._field(j)(a, y)
        if not np.isfinite(start).all():
            raise failure("field", a, self.sample, start, start)
        options: dict[str, Any] = {"rtol": self.tolerance.rtol, "atol": self.tolerance.atol}
        if USES_JACOBIAN[name] and self.jacobian is not None:
            options["jac"] = self._slope(j, self.jacobian)
        return getattr(integrate, name)(self._field(j), a, y, b, **options)

    def _step(self, solver: Any) -> None:
        before, start = solver.t, solver.y
        try:
            solver.step()
        except ValueError as error:  # SciPy's linear algebra on a matrix that is not finite
            if self.broken is None:
                raise
            depth, values = self.broken
            raise failure("field", depth, self.sample, values, values) from error
        self.steps += 1
        if solver.status == "failed" or solver.t == before or not np.isfinite(solver.y).all():
            raise self._failure(ending(start, solver.y), solver)
        if solver.status == "running" and self.steps >= self.max_steps:
            raise self._failure("stiff" if self.stiffness.found[0] else "steps", solver)

    def _look(self, j: int, solver: Any) -> None:
        """Tell who listens, and now and then see whether stability holds the steps."""
        if self.tell is not None:
            self.tell(Reached(float(solver.t), float(self.grid.nodes[self.sample, -1]), self.steps, bool(self.stiffness.found[0])))
        if self.stiffness.is_due(self.steps):
            place = Place(np.array([solver.t]), np.array([solver.step_size]), np.zeros((1, 0)))
            y = solver.y[None]
            radius = spectral_radius(lambda s, y, pieces: self._field(j)(s[0], y[0])[None], place, y, self.tolerance.scale(y))
            self.stiffness.note(place.step, radius)

    def _failure(self, event: str, solver: Any) -> SolveError:
        return failure(event, solver.t, self.sample, solver.y, self.slope)

    def _field(self, j: int) -> Callable[[float, Array], Array]:
        def field(s: float, y: Array) -> Array:
            self.evaluations += 1
            self.slope = self._evaluate(self.field, j, s, y)
            self._watch(s, self.slope)
            return self.slope

        return field

    def _slope(self, j: int, derivative: Jacobian) -> Callable[[float, Array], Array]:
        def jacobian(s: float, y: Array) -> Array:
            found = self._evaluate(derivative, j, s, y)
            self._watch(s, found.sum(axis=1))
            return found

        return jacobian

    def _watch(self, s: float, values: Array) -> None:
        if not np.isfinite(values).all():
            self.broken = (s, values)

    def _evaluate(self, function: Field, j: int, s: float, y: Array) -> Array:
        b, pieces = self.sample, self.grid.pieces[:, j]
        if self.alone:
            return np.asarray(function(np.array([s]), y[None], pieces[b : b + 1])[0])
        depth, states = self.grid.nodes[:, 0].copy(), self.rest.astype(np.result_type(self.rest, y))
        depth[b], states[b] = s, y
        return np.asarray(function(depth, states, pieces)[b])


def _ode_solution(depths: Array, parts: list[Any]) -> Callable[[Array], Array]:
    from scipy.integrate import OdeSolution

    return OdeSolution(depths, parts)
