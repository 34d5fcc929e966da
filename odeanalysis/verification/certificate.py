"""The certificate of a gradient: several independent routes, Taylor slopes, negative controls, an error bar, and a verdict.

`confirmed`: every check that can decide passed.  `refuted`: one shows the gradient to be wrong.  `inconclusive`: the checks do not
decide, which is no pass.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.differences import ComplexStep, Differences
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.evaluate import evaluate, of_run, solve_problem
from odeanalysis.numerics.gradients.forward import Forward
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run, solve_setting
from odeanalysis.numerics.gradients.second import hessian_vector
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification import independent, taylor
from odeanalysis.verification.claim import Check
from odeanalysis.verification.compare import peak, relative_difference, scales
from odeanalysis.verification.invariant import Drift, drift
from odeanalysis.verification.mutants import Survey, survey

TIGHT = 1e-12
EXACT_BOUND = 1e-9
DIFFERENCE_BOUND = 1e-6
DRIFT_BOUND = 1e-10
LOOSER = (4.0, 16.0)
DIRECTIONS = 3
SPARE = 4
ENTRIES = 300
MUTANT_STEPS = 6
MUTANT_TERMS = 150


@dataclass(frozen=True)
class Certificate:
    """routes: route -> worst relative difference from the discrete adjoint.  slopes: of the Taylor remainders (2 where exact).

    error_bar: how far the gradient at the settings asked for lies from the tight one, relatively.  conditioning: relative change of
    the gradient for a relative change of the values.  resolution: how far the tight gradient may move where its steps fall elsewhere.
    skipped: routes that were not taken, with the reason.
    """

    verdict: str
    routes: dict[str, float]
    slopes: list[float]
    error_bar: float
    conditioning: float
    resolution: float
    invariant: Drift
    checks: tuple[Check, ...]
    mutants: Survey | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    gradient: dict[str, Array] = field(default_factory=dict, repr=False)


Report = Callable[[str], None]


def check(
    problem: Problem,
    values: Mapping[str, Any],
    *,
    settings: Settings | None = None,
    mutants: bool = False,
    seed: int = 0,
    report: Report = lambda text: None,
) -> Certificate:
    """Certifies the gradient of a problem at values.

    settings: the solve to certify (default tsit5 at 1e-8); the routes are compared at tolerance 1e-12.  mutants: also break the
    derivation in every way there is, and count how many of the wrong gradients are refused.
    Returns a Certificate. Raises ModelError and SolveError as `value_and_gradient` does.
    """
    asked = settings or Settings()
    report("solving")
    run = solve_problem(problem, values, _tight(asked))
    gradient = of_run(run).gradients
    rough = evaluate(problem, values, asked).gradients
    directions = taylor.directions(run, DIRECTIONS, seed)
    conditioning, resolution = _conditioning(run, gradient), _resolution(run, gradient)
    routes, skipped = _routes(run, gradient, directions, report)
    report("Taylor remainders")
    kinked = resolution > EXACT_BOUND * conditioning
    lines = taylor.lines(run, taylor.directions(run, DIRECTIONS * (SPARE if kinked else 1), seed))
    slopes = _decisive([taylor.slope(line, gradient) for line in lines])
    path = drift(run, directions[0])
    checks = [
        *_route_checks(routes, conditioning, resolution),
        *_slope_checks(slopes, kinked),
        _control(lines, gradient),
        _drift_check(path),
    ]
    found = _mutants(problem, values, asked, seed, report) if mutants else None
    if found is not None:
        checks.append(Check("mutants refused", len(found.survivors), 0, not found.survivors))
    return Certificate(
        verdict(checks),
        routes,
        [2.0 if one.exact else float("nan") if one.slope is None else one.slope for one in slopes],
        relative_difference(rough, gradient),
        conditioning,
        resolution,
        path,
        tuple(checks),
        found,
        skipped,
        gradient,
    )


def verdict(checks: list[Check]) -> str:
    """Refuted by one failure; else inconclusive where one cannot decide; else confirmed."""
    if any(one.passed is False for one in checks):
        return "refuted"
    return "inconclusive" if any(one.passed is None for one in checks) else "confirmed"


def _tight(asked: Settings) -> Settings:
    return asked if asked.steps is not None else replace(asked, rtol=min(asked.rtol, TIGHT), atol=min(asked.atol, TIGHT))


def _conditioning(run: Run, gradient: Mapping[str, Array]) -> float:
    """Relative change of the gradient for a relative change of all values: the size of H v over that of g, at least 1."""
    along = {name: np.nan_to_num(array) for name, array in run.setting.bound.arrays.items()}
    moved = hessian_vector(run, along)
    ratios = [peak(moved[name]) / scale for name, scale in scales(gradient).items()]
    return max([1.0, *filter(np.isfinite, ratios)])


def _resolution(run: Run, gradient: Mapping[str, Array]) -> float:
    """How far the gradient may move where steps fall elsewhere: four times the most that it moves at two looser tolerances.

    Far below every bound where the model is smooth. A step across a kink of the state knows the gradient to the order of its length only.
    """
    if run.settings.steps is not None:
        return 0.0
    moved = (_loosened(run, factor) for factor in LOOSER)
    return 4 * max(relative_difference(found, gradient) for found in moved)


def _loosened(run: Run, factor: float) -> dict[str, Array]:
    settings = replace(run.settings, rtol=factor * run.settings.rtol, atol=factor * run.settings.atol)
    return DiscreteAdjoint().gradients(solve_setting(run.setting, settings))


# ---------------------------------------------------------------- routes


def _routes(
    run: Run, gradient: dict[str, Array], directions: list[dict[str, Array]], report: Report
) -> tuple[dict[str, float], dict[str, str]]:
    routes: dict[str, float] = {}
    skipped: dict[str, str] = {}
    entries = sum(int(np.prod(a.shape[name in run.setting.bound.batched :])) for name, a in run.setting.bound.arrays.items())
    for name, sensitivity in (
        ("adjoint", ContinuousAdjoint()),
        ("forward", Forward()),
        ("complex step", ComplexStep()),
        ("differences", Differences()),
    ):
        reason = _reason(run, name, entries)
        if reason:
            skipped[name] = reason
            continue
        report(f"route: {name}")
        routes[name] = relative_difference(sensitivity.gradients(run), gradient)
    reason = _reason(run, "independent", entries)
    if reason:
        skipped["independent"] = reason
    else:
        report("route: independent")
        routes["independent"] = _independent(run, gradient, directions)
    return routes, skipped


def _reason(run: Run, name: str, entries: int) -> str:
    """Why a route is not taken; empty where it is."""
    if name not in ("adjoint", "independent") and entries > ENTRIES:
        return f"{entries} entries for each sample, more than {ENTRIES}: the directions of the other checks stand for them"
    if name in ("adjoint", "forward", "independent") and run.settings.steps is not None:
        return "a fixed number of steps: its error is no rounding, and only routes through the same steps agree with it"
    return ""


def _independent(run: Run, gradient: dict[str, Array], directions: list[dict[str, Array]]) -> float:
    """The worst relative gap between g.d and extrapolated differences of SciPy's losses, over the directions."""
    method = "Radau" if run.settings.stiff else "DOP853"
    worst = 0.0
    for direction in directions:
        products = [np.sum(gradient[name] * d) for name, d in direction.items()]
        scale = float(np.sum(np.abs(products))) or 1.0
        found = independent.directional(run.setting.problem, run.setting.bound, direction, method)
        worst = max(worst, abs(found - float(np.sum(products))) / scale)
    return worst


def _route_checks(routes: dict[str, float], conditioning: float, resolution: float) -> Iterator[Check]:
    for name, gap in routes.items():
        bound = (DIFFERENCE_BOUND if name in ("differences", "independent") else EXACT_BOUND) * conditioning
        bound = max(bound, resolution)
        yield Check(f"route {name}", gap, bound, gap <= bound)


# ---------------------------------------------------------------- slopes, controls, mutants


def _decisive(slopes: list[taylor.Slope]) -> list[taylor.Slope]:
    """Three of the slopes, those that pass first. More are drawn only where the state crosses kinks: a line on which a stage does so at a
    small size decides nothing. A wrong gradient has slope 1 on every line."""
    return sorted(slopes, key=lambda one: not one.passed)[:DIRECTIONS]


def _slope_checks(slopes: list[taylor.Slope], kinked: bool) -> Iterator[Check]:
    for i, one in enumerate(slopes):
        measured = 2.0 if one.exact else one.slope
        passed = None if measured is None or (kinked and not one.passed) else measured >= 1.9
        yield Check(f"Taylor slope {i + 1}", float("nan") if measured is None else measured, 1.9, passed)


def _control(lines: list[taylor.Line], gradient: dict[str, Array]) -> Check:
    """A zero gradient must fail the Taylor test, unless the gradient is zero."""
    zero = {name: np.zeros(array.shape) for name, array in gradient.items()}
    if not any(np.any(array) for array in gradient.values()):
        return Check("zero gradient refused", float("nan"), 1.9, None)
    slopes = [taylor.slope(line, zero) for line in lines]
    measured = min(((2.0 if one.exact else one.slope) or 9.0) for one in slopes)
    return Check("zero gradient refused", measured, 1.9, measured < 1.9 or None)


def _drift_check(path: Drift) -> Check:
    return Check("invariant along the path", path.worst, DRIFT_BOUND, path.worst <= DRIFT_BOUND)


def _mutants(problem: Problem, values: Mapping[str, Any], asked: Settings, seed: int, report: Report) -> Survey:
    """Mutants are put before the Taylor test and the replayed differences, on a solve of few steps."""
    report("mutants")
    method = asked.method if asked.stiff else "heun2"
    run = solve_problem(problem, values, Settings(method, steps=MUTANT_STEPS))
    truth = DiscreteAdjoint().gradients(run)
    reference = Differences().gradients(run)
    lines = taylor.lines(run, taylor.directions(run, DIRECTIONS, seed))

    def kills(gradient: dict[str, Array]) -> bool:
        if relative_difference(gradient, reference) > DIFFERENCE_BOUND:
            return True
        return any(not taylor.slope(line, gradient).passed for line in lines)

    return survey(run, kills, lambda gradient: relative_difference(gradient, truth) > EXACT_BOUND, MUTANT_TERMS)
