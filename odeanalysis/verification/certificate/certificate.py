"""The certificate of a gradient: several independent routes, Taylor slopes, negative controls, an error bar, and a verdict.

`confirmed`: every check that can decide passed.  `refuted`: one shows the gradient to be wrong.  `inconclusive`: the checks do not
decide, or let a mutant pass, which is no pass.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from odeanalysis.modeling.model import Problem
from odeanalysis.numerics.gradients.evaluate import evaluate, of_run, solve_problem
from odeanalysis.numerics.gradients.kinks import unwarned
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.certificate import remainders, routes
from odeanalysis.verification.certificate.invariant import Drift, drift, hamiltonian_drift
from odeanalysis.verification.certificate.remainders import Taylor
from odeanalysis.verification.certificate.resolution import DIFFERENCE_BOUND, EXACT_BOUND, conditioning, resolution
from odeanalysis.verification.certificate.routes import Comparison
from odeanalysis.verification.claim import Check, within
from odeanalysis.verification.independent.compare import relative_difference
from odeanalysis.verification.mutation.survey import TERMS, Survey, survey

TIGHT = 1e-12
DRIFT_BOUND = 1e-13
MEASURED_BY_DIFFERENCES = ("differences", routes.INDEPENDENT)
HESSIAN = "Hessian slope"
INVARIANT, HAMILTONIAN = "invariant along the path", "Hamiltonian between nodes"


@dataclass(frozen=True)
class Certificate:
    """routes: route -> worst relative difference from the discrete adjoint.  slopes: of the Taylor remainders (2 where exact).

    error_bar: how far the gradient at the settings asked for lies from the tight one, relatively.  conditioning: relative change of
    the gradient for a relative change of the values.  resolution: how far the tight gradient may move where its steps fall elsewhere.
    exact: for each slope, whether its remainder never rises above the noise.  invariant, hamiltonian: their drift along the path, None
    where H is no invariant.  skipped: checks that were not made, with the reason.
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
    exact: tuple[bool, ...] = ()
    hamiltonian: Drift | None = None


Report = Callable[[str], None]


def check(
    problem: Problem,
    values: Mapping[str, Any],
    *,
    settings: Settings | None = None,
    mutants: bool = False,
    terms: int | None = TERMS,
    seed: int = 0,
    report: Report = lambda text: None,
) -> Certificate:
    """Certifies the gradient of a problem at values.

    settings: the solve to certify (default tsit5 at 1e-8); the routes are compared at tolerance 1e-12.  mutants: also break the
    derivation in every way there is, and count how many of the wrong gradients are refused; this is done on a solve of few steps of
    heun2, or of the method asked for where it uses the Jacobian, which the certificate names.  terms: at most so many terms of the
    derivation are broken, evenly spread, and the certificate says how many were left out; None: every one.
    Returns a Certificate. Raises ModelError and SolveError as `value_and_gradient` does.
    """
    asked = settings or Settings()
    report("solving")
    run = solve_problem(problem, values, _tight(asked))
    run.warn_of_kinks()
    with unwarned():
        found = _certified(run, asked, seed, report)
        if not mutants:
            return found
        report("mutants")
        return _with_mutants(found, survey(problem, values, asked, seed, terms))


def _certified(run: Run, asked: Settings, seed: int, report: Report) -> Certificate:
    """The certificate of a tight solve, before any mutants."""
    gradient = of_run(run).gradients
    rough = evaluate(run.setting.problem, run.setting.bound.arrays, asked).gradients
    bounds = conditioning(run, gradient), resolution(run, gradient)
    tests = Taylor(run, gradient, bounds[1] > EXACT_BOUND * bounds[0], seed)
    directions = tests.directions[: remainders.DIRECTIONS]
    compared = routes.compared(run, gradient, directions, report)
    report("Taylor remainders")
    curved, skipped = _second_order(tests)
    path, level = drift(run, directions[0]), hamiltonian_drift(run)
    checks = (
        *_route_checks(compared, *bounds),
        *remainders.first_order(tests),
        *curved,
        remainders.control(tests),
        *_drift_checks(path, level, *bounds),
        *_jacobian_checks(run),
    )
    return Certificate(
        verdict(checks),
        compared.gaps,
        [one.measured for one in tests.first],
        relative_difference(rough, gradient),
        *bounds,
        path,
        checks,
        skipped={**compared.skipped, **skipped},
        gradient=gradient,
        exact=tuple(one.exact for one in tests.first),
        hamiltonian=level,
    )


def _with_mutants(found: Certificate, tried: Survey) -> Certificate:
    """The certificate with one check more: that no wrong gradient passes, without which nothing is confirmed."""
    passed = Check("mutants that pass", len(tried.survivors), 0, None if tried.survivors else True)
    checks = (*found.checks, passed)
    return replace(found, checks=checks, verdict=verdict(checks), mutants=tried)


def verdict(checks: Iterable[Check]) -> str:
    """Refuted by one failure; else inconclusive where one cannot decide; else confirmed."""
    passed = {one.passed for one in checks}
    return "refuted" if False in passed else "inconclusive" if None in passed else "confirmed"


def _tight(asked: Settings) -> Settings:
    return asked if asked.steps is not None else replace(asked, rtol=min(asked.rtol, TIGHT), atol=min(asked.atol, TIGHT))


def _route_checks(compared: Comparison, conditioning: float, resolution: float) -> Iterator[Check]:
    for name, gap in compared.gaps.items():
        bound = (DIFFERENCE_BOUND if name in MEASURED_BY_DIFFERENCES else EXACT_BOUND) * conditioning
        yield within(f"route {name}", gap, max(bound, resolution))


def _second_order(found: Taylor) -> tuple[list[Check], dict[str, str]]:
    """The checks of order 2, or why there are none."""
    checks = list(remainders.second_order(found.second))
    if all(one.passed for one in checks) or remainders.is_smooth(found.run):
        return checks, {}
    return [], {HESSIAN: remainders.NO_SECOND}


def _drift_checks(path: Drift, level: Drift | None, conditioning: float, resolution: float) -> Iterator[Check]:
    yield within(INVARIANT, path.worst, DRIFT_BOUND)
    if level is not None:
        yield within(HAMILTONIAN, level.worst, max(EXACT_BOUND * conditioning, resolution))


def _jacobian_checks(run: Run) -> Iterator[Check]:
    """A method that uses the Jacobian keeps its order only with the right one, whose lack no gradient of its steps shows."""
    if run.settings.stiff:
        yield within("Jacobian of the field", routes.jacobian_gap(run), DIFFERENCE_BOUND)
