"""`value_and_gradient`: one call for every sensitivity, method and reduction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from odeanalysis.errors import ModelError, SolveError, question
from odeanalysis.modeling.arrays import place
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import Bound
from odeanalysis.numerics.gradients.continuous import Backsolve, ContinuousAdjoint
from odeanalysis.numerics.gradients.differences import ComplexStep, Differences
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.forward import Forward
from odeanalysis.numerics.gradients.kinks import warn_of_no_length
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run, solve_setting
from odeanalysis.numerics.gradients.setting import prepare
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.networks import ArrayNetwork


class Sensitivity(Protocol):
    """A way to differentiate a solved problem, as a value."""

    @property
    def name(self) -> str: ...

    def gradients(self, run: Run) -> dict[str, Array]: ...


SENSITIVITIES: dict[str, Sensitivity] = {
    one.name: one for one in (DiscreteAdjoint(), ContinuousAdjoint(), Forward(), Backsolve(), Differences(), ComplexStep())
}


@dataclass(frozen=True)
class Evaluation:
    """value: the reduced loss.  gradients: name -> derivative of the value, in the value's shape.  final: state -> state at S."""

    value: float
    gradients: dict[str, Array]
    final: dict[str, Array]
    statistics: dict[str, Any]


def solve_problem(
    problem: Problem, values: Mapping[str, Any], settings: Settings | None = None, networks: Mapping[str, ArrayNetwork] | None = None
) -> Run:
    """Solves a problem for values.

    networks: name -> object of the problem's opaque networks, see `ArrayNetwork`.
    Raises ModelError for values that do not fit, TargetError for a network that is bound to nothing, SolveError for a solve that fails.
    """
    return solve_setting(prepare(problem, values, networks), settings or Settings())


def evaluate(
    problem: Problem,
    values: Mapping[str, Any],
    settings: Settings | None = None,
    sensitivity: Sensitivity | None = None,
    wrt: Iterable[str] | None = None,
    networks: Mapping[str, ArrayNetwork] | None = None,
) -> Evaluation:
    """The value, the gradient with respect to every value given (or to `wrt`), the final state and the statistics.

    networks: name -> object of the problem's opaque networks, see `ArrayNetwork`.
    Raises ModelError for bad values, TargetError for a network that is bound to nothing, SolveError for a failed solve or a result that is
    not finite.
    """
    return of_run(solve_problem(problem, values, settings, networks), sensitivity, wrt)


def of_run(run: Run, sensitivity: Sensitivity | None = None, wrt: Iterable[str] | None = None) -> Evaluation:
    """What `evaluate` gives, of a problem that is solved already. Raises as it does."""
    chosen = sensitivity or DiscreteAdjoint()
    names = wanted(run.setting.bound, wrt)
    warn_of_no_length(run.setting)
    with np.errstate(all="ignore"):
        gradients = chosen.gradients(run)
    found = Evaluation(float(run.value), {name: gradients[name] for name in names}, run.final, statistics(run, chosen))
    check_finite(run.setting.problem, found)
    return found


def value_and_gradient(
    problem: Problem,
    values: Mapping[str, Any],
    *,
    method: str = "tsit5",
    rtol: float = 1e-8,
    atol: float = 1e-10,
    steps: int | None = None,
    sensitivity: Sensitivity | None = None,
    reduction: str | None = None,
    wrt: Iterable[str] | None = None,
    networks: Mapping[str, ArrayNetwork] | None = None,
) -> tuple[float, dict[str, Array]]:
    """The loss of a problem and its derivative with respect to every parameter, input and observation datum.

    values: name -> array; a leading axis beyond the declared shape is the batch.  sensitivity: `DiscreteAdjoint()` (default),
    `ContinuousAdjoint()`, `Forward()`, `Backsolve()`, `Differences()`, `ComplexStep()`.  reduction: "mean" or "sum" over the batch
    (default: the problem's).  wrt: the names whose gradients are wanted (default: all).  networks: as in `evaluate`.
    Returns (value, {name: gradient in the value's shape}). Raises ModelError, TargetError and SolveError.
    """
    stated = problem if reduction is None else replace(problem, reduction=reduction)
    found = evaluate(stated, values, Settings(method, rtol, atol, steps), sensitivity, wrt, networks)
    return found.value, found.gradients


def wanted(bound: Bound, wrt: Iterable[str] | None) -> list[str]:
    """The names whose gradients are wanted: all, or those listed. Raises ModelError for a name that no value has."""
    known = list(bound.arrays)
    names = known if wrt is None else list(wrt)
    for name in names:
        if name not in known:
            raise ModelError(f"no value is named {name!r}; {question(name, known)}gradients exist with respect to {', '.join(known)}")
    return names


def statistics(run: Run, sensitivity: Sensitivity) -> dict[str, Any]:
    """Method, sensitivity, backend, and counts over the batch: the most steps of a sample, all rejections and evaluations.

    stiff: whether stability, not the error, held steps of a sample.  kinks: how often steps cross kinks, where they do.
    """
    counts = run.solution.statistics
    return {
        "method": run.settings.method,
        "sensitivity": sensitivity.name,
        "backend": "numpy",
        "steps": int(np.max(counts.accepted, initial=0)),
        "rejected": int(np.sum(counts.rejected)),
        "evaluations": int(np.sum(counts.evaluations)),
        "batch": run.setting.bound.batch,
        "stiff": bool(np.any(counts.stiff)),
        **({"kinks": run.crossings.count} if run.crossings.count else {}),
    }


def check_finite(problem: Problem, found: Evaluation) -> None:
    """Raises SolveError for a value or a gradient that is not finite."""
    if not np.isfinite(found.value):
        raise SolveError(f"the value of {problem.name!r} is {found.value}; check logarithms, roots and quotients in the objective")
    for name, gradient in found.gradients.items():
        broken = ~np.isfinite(gradient)
        if broken.any():
            where = f" at {place(broken)}" if gradient.ndim else ""
            raise SolveError(
                f"the gradient of {problem.name!r} with respect to {name!r} is not finite{where}; "
                "an expression has no derivative at these values (a root or a logarithm at 0?)"
            )
