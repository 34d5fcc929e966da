"""The routes to a gradient that a certificate compares, and why one is not taken."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.differences import ComplexStep, Differences
from odeanalysis.numerics.gradients.evaluate import Sensitivity
from odeanalysis.numerics.gradients.forward import Forward
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent.compare import peak, projected_difference, relative_difference
from odeanalysis.verification.independent.marching import March, Scipy, jacobian

ENTRIES = 300
INDEPENDENT = "independent"
COARSE = "a fixed number of steps: its error is no rounding, and only routes through the same steps agree with it"

Report = Callable[[str], None]
Directions = Sequence[Mapping[str, Array]]


@dataclass(frozen=True)
class Route:
    """A sensitivity as a route.  each: whether it takes the entries one by one.  same_steps: whether it takes the recorded steps."""

    name: str
    sensitivity: Sensitivity
    each: bool
    same_steps: bool


ROUTES = (
    Route("adjoint", ContinuousAdjoint(), each=False, same_steps=False),
    Route("forward", Forward(), each=True, same_steps=False),
    Route("complex step", ComplexStep(), each=True, same_steps=True),
    Route("differences", Differences(), each=True, same_steps=True),
)


@dataclass(frozen=True)
class Comparison:
    """gaps: route -> worst relative difference from the discrete adjoint.  skipped: routes that were not taken, with the reason."""

    gaps: dict[str, float]
    skipped: dict[str, str]


def compared(run: Run, gradient: Mapping[str, Array], directions: Directions, report: Report) -> Comparison:
    """Takes every route that the run allows; the independent one along the directions."""
    found = Comparison({}, {})
    for route in ROUTES:
        reason = _reason(run, route)
        if reason:
            found.skipped[route.name] = reason
            continue
        report(f"route: {route.name}")
        found.gaps[route.name] = relative_difference(route.sensitivity.gradients(run), gradient)
    report(f"route: {INDEPENDENT}")
    _independent(run, gradient, directions, found)
    return found


def entries(run: Run) -> int:
    """How many numbers each sample has."""
    return sum(int(np.prod(a.shape[name in run.setting.bound.batched :])) for name, a in run.setting.bound.arrays.items())


def _reason(run: Run, route: Route) -> str:
    """Why a route is not taken; empty where it is."""
    if route.each and entries(run) > ENTRIES:
        return f"{entries(run)} entries for each sample, more than {ENTRIES}: the directions of the other checks stand for them"
    return COARSE if run.settings.steps is not None and not route.same_steps else ""


# ---------------------------------------------------------------- the route without our calculus


def _independent(run: Run, gradient: Mapping[str, Array], directions: Directions, found: Comparison) -> None:
    """The worst relative gap between g.d and extrapolated differences of losses solved from the statement, over the directions."""
    try:
        found.gaps[INDEPENDENT] = max(_gap(run, gradient, direction) for direction in directions)
    except SolveError as error:
        found.skipped[INDEPENDENT] = str(error)


def march(run: Run) -> March:
    """How the independent route solves: by SciPy, or, where a number of steps is given, by the same steps."""
    settings, setting = run.settings, run.setting
    if settings.steps is None:
        return Scipy("Radau") if settings.stiff else independent.same_steps(setting.problem)
    return independent.equal_steps(setting.problem, setting.bound, settings.method, settings.steps)


def _gap(run: Run, gradient: Mapping[str, Array], direction: Mapping[str, Array]) -> float:
    return projected_difference(gradient, direction, independent.directional(run.setting.problem, run.setting.bound, direction, march(run)))


def jacobian_gap(run: Run) -> float:
    """How far the derived Jacobian of the field lies from differences of the stated one, at three steps of each path."""
    record = run.solution.record
    assert record is not None
    places = sorted({0, len(record) // 2, len(record) - 1})
    return max(max(_jacobian_gaps(run, k)) for k in places)


def _jacobian_gaps(run: Run, k: int) -> Iterator[float]:
    record, setting = run.solution.record, run.setting
    assert record is not None
    place = setting.path.grid.place(record.segment[k], record.start[k], record.fraction[k])
    derived = setting.program.jacobian(setting.environment(place.depth, record.states[k], place.pieces))["jacobian"]
    statement = independent.Statement(setting.problem, sizes=setting.bound.sizes)
    for sample, values in enumerate(independent.samples(setting.bound)):
        s, size = float(place.depth[sample]), record.states[k].shape[1]
        middle = s + float(place.step[sample]) / 2
        slopes = statement.right_side(values, statement.pieces(values, middle))
        state = np.concatenate([record.states[k][sample], [0.0]])
        stated = jacobian(slopes, s, state)[:size, :size]
        one = np.broadcast_to(derived, (setting.batch, size, size))[sample]
        yield peak(one - stated) / (peak(stated) or 1.0)
