"""A test file of a model, ready for pytest: Hypothesis draws values and tries to break its gradient and what is claimed of it."""

from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np

from odeanalysis.errors import ModelError, SolveError
from odeanalysis.generation.formatting import WIDTH, folded, heading, quoted, table
from odeanalysis.generation.module import WRITTEN
from odeanalysis.generation.statement import statement
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.values import sample
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.settings import Settings

# of the model's ranges, about their middles: the widest in which rough solves are cheap
PARTS = (1, 0.5, 0.25, 0.125)
TRIES = 12
ROUGH = Settings("tsit5", 1e-4, 1e-6, max_steps=200)
# equal steps: the fewest that keep all solves finite; their gradient is exact however coarse they are
COUNTS = (4, 8, 16, 32, 64)
POSITIVE = (0.1, 1.0)


Ranges = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Files:
    """Where a test file finds the model and, perhaps, the module of its gradient: relative to itself, with forward slashes."""

    model: str
    module: str | None = None


def suite(problem: Problem, files: Files) -> tuple[str, str]:
    """The text of a test file, and a note for whoever asked for it (empty: none is needed).

    The values that are drawn lie in the model's ranges, made narrower where solves would take long, and between 0.1 and 1, of either sign,
    for names without one; where costs are not finite for those (a logarithm, say) they are positive.
    """
    found = _ranged(problem)
    note = "" if found else "solves for values drawn at random fail; give RANGES in the test file"
    ranges, steps = found or ({}, COUNTS[-1])
    blocks = [_head(problem, files, ranges), _drawn(problem, ranges, steps), TESTS, *([CLAIMS] if problem.claims else [])]
    head, *tests = (block.strip("\n") for block in blocks)
    return "\n\n\n".join((f"{head}\n\n{tests[0]}", *tests[1:])) + "\n", note


# ---------------------------------------------------------------- what is drawn


def _ranged(problem: Problem) -> tuple[Ranges, int] | None:
    """Ranges in which solves are cheap, beside those of the model that are kept, and a number of equal steps; None where there are none.

    Names without a range get a positive one where the usual values cannot be solved for; ranges are halved about their middle as often as
    it takes.
    """
    stated = dict(problem.ranges)
    free = {leaf.name: POSITIVE for leaf in (*problem.model.names, *problem.data) if leaf.name not in stated}
    for part in PARTS:
        narrow = {name: _middle(limits, part) for name, limits in stated.items()} if part < 1 else {}
        for more in ({}, free):
            tried = replace(problem, ranges={**stated, **narrow, **more})
            counts = COUNTS if _succeeds(tried, ROUGH) else ()
            steps = next((count for count in counts if _succeeds(tried, Settings("rk4", steps=count))), 0)
            if steps:
                return {**narrow, **more}, steps
    return None


def _middle(limits: tuple[float, float], part: float) -> tuple[float, float]:
    """A part of a range about its middle; of a positive range in logarithms."""
    low, high = limits
    if low > 0:
        center, reach = np.sqrt(low * high), (high / low) ** (part / 2)
        return _rounded(center / reach), _rounded(center * reach)
    center, reach = (low + high) / 2, (high - low) / 2 * part
    return _rounded(center - reach), _rounded(center + reach)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _succeeds(problem: Problem, settings: Settings) -> bool:
    """Whether random values can be solved for, each time."""
    random = np.random.default_rng(0)
    try:
        losses = [solve_problem(problem, sample(problem, random), settings).losses for _ in range(TRIES)]
    except (SolveError, ModelError):
        return False
    return all(np.isfinite(loss).all() for loss in losses)


# ---------------------------------------------------------------- the file


def _head(problem: Problem, files: Files, ranges: Ranges) -> str:
    told = [
        f"Tests of {problem.name!r}: values are drawn, for which its gradient has to be right.",
        "",
        *folded(statement(problem), WIDTH),
        "",
        f"{WRITTEN}{version('odeanalysis')}, for pytest. Yours to change.",
    ]
    lines = [
        *heading(told),
        "",
        *(["from dataclasses import replace"] if ranges else []),
        "from pathlib import Path",
        "",
        "import odeanalysis as oda",
        "import pytest",
        "from hypothesis import HealthCheck, given, settings",
        "from odeanalysis import testing",
        "",
        "HERE = Path(__file__).resolve().parent",
        f"PROBLEM = oda.read(HERE / {quoted(files.model)})",
        f"MODULE = testing.load_module(HERE / {quoted(files.module)})" if files.module else "MODULE = testing.written_module(PROBLEM)",
    ]
    return "\n".join(lines)


def _drawn(problem: Problem, ranges: Ranges, steps: int) -> str:
    lines = ["# where values are drawn; names without a range: between 0.1 and 1, of either sign"]
    if ranges:
        lines += table("RANGES = ", ranges)
        lines += ["PROBLEM = replace(PROBLEM, ranges={**dict(PROBLEM.ranges), **RANGES})"]
    lines += [
        "VALUES = testing.values_for(PROBLEM)",
        "BATCHES = testing.values_for(PROBLEM, batch=3)",
        "# equal steps: what is differentiated, and what differences see without noise",
        f'STEPS = {{"method": "rk4", "steps": {steps}}}',
        "SIZES = [2.0**-k for k in range(3, 14)]",
        'LIMITS = {"deadline": None, "suppress_health_check": [HealthCheck.filter_too_much]}',
        "MANY, FEW = settings(max_examples=12, **LIMITS), settings(max_examples=2, **LIMITS)",
    ]
    return "\n".join(lines)


TESTS = '''
def gradient(values):
    """The value and the gradient under test."""
    return MODULE.value_and_gradient(values, **STEPS)


@pytest.mark.parametrize("method", MODULE.METHODS)
@FEW
@given(values=VALUES)
def test_it_is_the_gradient_of_the_library(method, values):
    """To rounding: both take the same steps."""
    how = {**STEPS, "method": method}
    with testing.solvable():
        known = oda.value_and_gradient(PROBLEM, values, **how)
    testing.assert_same(MODULE.value_and_gradient(values, **how), known)


@FEW
@given(values=VALUES)
def test_it_controls_its_steps_as_the_library_does(values):
    with testing.solvable():
        known = oda.value_and_gradient(PROBLEM, values, rtol=1e-5, atol=1e-7)
    found = MODULE.value_and_gradient(values, rtol=1e-5, atol=1e-7)
    testing.assert_same(found, known, rtol=1e-6)


@pytest.mark.parametrize("name", testing.names(PROBLEM))
@FEW
@given(values=VALUES)
def test_it_is_what_differences_measure(name, values):
    """Taylor remainders along a name: of order 2 with the gradient, else of order 1."""
    with testing.solvable():
        oda.value_and_gradient(PROBLEM, values, **STEPS)
    how = {"wrt": [name], "directions": 1, "sizes": SIZES, "rtol": 1e-4}
    with testing.measurable():
        testing.assert_gradient(gradient, at=values, **how)


@MANY
@given(values=VALUES)
def test_products_with_the_derivatives_of_the_field(values):
    """<a, df d> = <df^T a, d> for any costate a and direction d, and so for dH."""
    with testing.measurable():
        testing.assert_transposed(MODULE, values)


@FEW
@given(values=VALUES)
def test_every_route_to_it_agrees(values):
    """The discrete adjoint, the continuous one, and forward sensitivities."""
    fine = {"rtol": 1e-9, "atol": 1e-11}
    routes = (oda.DiscreteAdjoint(), oda.ContinuousAdjoint(), oda.Forward())
    with testing.solvable():
        known, *others = (
            oda.value_and_gradient(PROBLEM, values, sensitivity=one, **fine)
            for one in routes
        )
    for other in others:
        testing.assert_same(other, known, rtol=1e-5)


@MANY
@given(values=VALUES)
def test_ten_times_the_loss_has_ten_times_the_gradient(values):
    with testing.solvable():
        known = oda.value_and_gradient(testing.scaled(PROBLEM, 10), values, **STEPS)
    value, found = gradient(values)
    tenfold = {name: 10 * one for name, one in found.items()}
    testing.assert_same((10 * value, tenfold), known)


@MANY
@given(values=BATCHES)
def test_a_batch_is_its_samples(values):
    """Its value is their mean or sum, and its gradient as well."""
    with testing.solvable():
        oda.value_and_gradient(PROBLEM, values, **STEPS)
    testing.assert_batched(gradient, values, PROBLEM)
'''
CLAIMS = '''
@pytest.mark.parametrize("claim", PROBLEM.claims, ids=str)
def test_what_is_claimed_of_it(claim):
    """Drawn values do not break it."""

    @MANY
    @given(values=VALUES)
    def holds(values):
        with testing.solvable():
            testing.assert_claim(PROBLEM, values, claim)

    holds()
'''
