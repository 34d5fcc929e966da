"""Fits: the objective minimised with the derived gradient, with standard errors from second derivatives."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.curvature import Curvature, DerivedHessian
from odeanalysis.numerics.descent import Listener, Point, Task, descend, polish
from odeanalysis.numerics.gradients import kinks
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.setting import prepare
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.variables import Array, variables

TOLERANCE = 1e-6
MAX_ITERATIONS = 2000
SHARE = 0.1
UNLEVEL = 10.0  # a gradient that is not quite 0 bends flat directions by about its own size


@dataclass(frozen=True, eq=False)
class Fit:
    """A local minimum of the objective.

    estimates: free name -> array of its shape.
    standard_errors: likewise, NaN for an entry on a bound; None where the curvature gives none (`reason` says why).
    covariance: [p, p] over `entries`, with NaN likewise.
    value: the objective.  values: every value, with the estimates in their places.
    gradient_norm: the largest entry of the gradient in the scaled variables (x d/dx where the range is positive),
        without those held by a bound.
    evaluations: solves with a gradient.  hessian_source: where the second derivatives come from.
    run: the solve at the estimates.
    """

    estimates: dict[str, Array]
    standard_errors: dict[str, Array] | None
    covariance: Array | None
    entries: tuple[str, ...]
    value: float
    values: dict[str, Array]
    gradient_norm: float
    converged: bool
    iterations: int
    evaluations: int
    message: str
    reason: str
    hessian_source: str
    run: Run

    @property
    def correlation(self) -> Array | None:
        """The correlations of the estimates, [p, p] over `entries`."""
        if self.covariance is None:
            return None
        deviation = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(deviation, deviation)


def fit(
    problem: Problem,
    values: Mapping[str, Any],
    free: Iterable[str] | None = None,
    settings: Settings | None = None,
    *,
    curvature: Curvature | None = None,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    on_iteration: Listener | None = None,
) -> Fit:
    """Minimises the objective over the free names, from the given values, inside the problem's ranges.

    A name whose range is positive is moved by its logarithm. Where the loss of each sample is a negative log-likelihood,
    the standard errors are those of maximum likelihood,

        sqrt(diag(H^-1)),   H the Hessian of the sum over the samples, whatever the reduction;

    for another loss (a sum of squares without its noise) they only measure curvature.

    values: name -> array, the start and the data.  free: parameters or inputs (default: all parameters).
    settings: how to solve.  curvature: how to get H (default: derived).
    tolerance: `converged` means that no curvature is negative and gradient_norm <= tolerance * the largest curvature, both
        in the scaled variables: what a well determined variable would still move is below the tolerance.
    on_iteration: called with the number of iterations and the value.

    Returns a Fit, `converged` or not. Raises ModelError for names and values that do not fit, SolveError where the
    objective cannot be solved at the start, or seems to fall without bound. Source: Pawitan 2001, "In All Likelihood", ch. 2
    (standard errors from the observed information).
    """
    setting = prepare(problem, values)
    chosen = settings or Settings()
    if chosen.is_scipy:
        raise ModelError(
            f"a fit differentiates the steps of a solve, which {chosen.method!r} does not keep; use tsit5, or rodas5p if stiff"
        )
    moved = variables(problem, setting.bound, free)
    task = Task(problem, setting.bound, moved, chosen, curvature or DerivedHessian(), on_iteration)
    with kinks.unwarned():
        found, message = descend(task, task.point(moved.pack(setting.bound.arrays)), max_iterations)
        found, hessian = polish(task, found)
    found.run.warn_of_kinks(kinks.SECOND)
    for warning in found.warned:
        warnings.warn(warning, stacklevel=2)
    return _conclude(task, found, hessian, tolerance, message)


def _conclude(task: Task, point: Point, hessian: Array, tolerance: float, message: str) -> Fit:
    moved = task.moved
    covariance, reason, falling = _covariance(task, point, hessian)
    level = bool(point.norm <= tolerance * np.linalg.norm(hessian, 2))
    converged = level and not falling
    deviations = None if covariance is None else moved.unpack(np.sqrt(np.diag(covariance)))
    return Fit(
        estimates=moved.unpack(point.x),
        standard_errors=deviations,
        covariance=covariance,
        entries=moved.entries,
        value=point.value,
        values=dict(point.run.setting.bound.arrays),
        gradient_norm=point.norm,
        converged=converged,
        iterations=task.iterations,
        evaluations=task.evaluations,
        message="converged" if converged else _failure(point, level, message),
        reason=reason,
        hessian_source=task.curvature.name,
        run=point.run,
    )


def _failure(point: Point, level: bool, message: str) -> str:
    if level:
        return "stopped at a saddle of the objective, where it is level but no minimum; start elsewhere"
    stopped = f"not converged: the search stopped with {message.strip()!r} at a gradient of {point.norm:.3g}"
    return f"{stopped}; start elsewhere, or give ranges"


def _covariance(task: Task, point: Point, hessian: Array) -> tuple[Array | None, str, bool]:
    """The covariance in x; why there is none, or where it has gaps; and whether some curvature is negative."""
    held = task.moved.held(point.x, point.gradient)
    loose = np.nonzero(~held)[0]
    sizes, directions = np.linalg.eigh(hessian[np.ix_(loose, loose)])
    floor = task.curvature.error * np.max(np.abs(sizes), initial=0) + UNLEVEL * point.norm
    if len(sizes) and sizes[0] <= floor:
        falling = bool(sizes[0] < -floor)
        return None, _no_curvature(falling, _along(task, loose, directions[:, 0])), falling
    samples = point.run.setting.batch if task.problem.reduction == "mean" else 1
    found = np.full(hessian.shape, np.nan)
    rate = task.moved.rate(point.x)[loose]
    found[np.ix_(loose, loose)] = (directions / sizes) @ directions.T * np.outer(rate, rate) / samples
    on_bounds = ", ".join(entry for entry, fixed in zip(task.moved.entries, held, strict=True) if fixed)
    return found, f"none on a bound: {on_bounds}" if on_bounds else "", False


def _along(task: Task, loose: Array, direction: Array) -> str:
    """The entries that a direction moves, those it moves most first."""
    order = np.argsort(-np.abs(direction))
    return ", ".join(task.moved.entries[loose[i]] for i in order if abs(direction[i]) > SHARE)


def _no_curvature(falling: bool, names: str) -> str:
    if falling:
        return f"none: the Hessian is not positive definite, the objective is curved down along {names}"
    return f"none: the data do not determine {names}; along a combination of them the objective is flat: fix one, or add data"
