"""Certificates: a right gradient is confirmed on every case, a wrong one refuted, and what cannot be decided is not decided."""

import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.program import Program
from odeanalysis.symbolic.calculus.rules import PULLBACKS
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.verification.certificate import certificate as certificate_module
from odeanalysis.verification.certificate import remainders
from odeanalysis.verification.certificate.certificate import verdict
from odeanalysis.verification.certificate.routes import ENTRIES
from odeanalysis.verification.claim import Check
from odeanalysis.verification.independent import marching, taylor
from odeanalysis.verification.mutation.survey import Survey
from tests.cases import CASES

EVERY = pytest.mark.parametrize("name", CASES)
RIGHT = DiscreteAdjoint.gradients
MEET_KINKS = ("continuous_condition",)  # on every line; those of other cases leave some lines free


@cache
def certified(name):
    return oda.check(CASES[name].problem(), CASES[name].values())


@cache
def certified_wrongly(wrong):
    """The certificate of a case whose gradient is changed."""
    name, change = WRONG[wrong]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DiscreteAdjoint, "gradients", lambda self, run: change(RIGHT(self, run), run))
        return oda.check(CASES[name].problem(), CASES[name].values())


def failed(certificate):
    return {check.name for check in certificate.checks if check.passed is False}


@EVERY
def test_the_gradient_of_every_case_is_confirmed(name):
    """Forward, discrete and continuous at tolerance 1e-12 agree to 1e-9 times the conditioning, and SciPy's losses with them."""
    certificate = certified(name)
    assert certificate.verdict == "confirmed", [check for check in certificate.checks if not check.passed]
    assert set(certificate.routes) == {"adjoint", "forward", "complex step", "differences", "independent"}
    assert set(certificate.skipped) <= {"Hessian slope"} and all(slope >= 1.9 for slope in certificate.slopes)
    assert ("Hessian slope" in certificate.skipped) == (name in MEET_KINKS)


@EVERY
def test_bounds_are_widened_by_kinks_alone(name):
    """Where steps fall matters less than the bounds allow; not so across a kink of the state, which a step resolves to its length.

    A break point given by hand at which nothing jumps has a gradient of nothing but errors, measured against a share of the largest.
    """
    certificate = certified(name)
    wide = name in ("kinks", "continuous_condition", "hand_given_breaks")
    assert (certificate.resolution > 3e-9 * certificate.conditioning) == wide
    bounds = {check.name: check.bound for check in certificate.checks}
    assert bounds["route complex step"] == max(1e-9 * certificate.conditioning, certificate.resolution)


# ---------------------------------------------------------------- wrong gradients


def flipped(name, factor=-1.0):
    return lambda gradient, run: {**gradient, name: factor * gradient[name]}


def transposed(name):
    """The transpose of a matrix, or of each sample's."""
    return lambda gradient, run: {**gradient, name: np.swapaxes(gradient[name], -1, -2).reshape(gradient[name].shape)}


def swapped_samples(name):
    return lambda gradient, run: {**gradient, name: gradient[name][::-1]}


def summed(gradient, run):
    """The sum over the batch where the mean was asked for, in the shared names."""
    batched = run.setting.bound.batched
    return {name: block if name in batched else run.setting.batch * block for name, block in gradient.items()}


def without_missing_data(gradient, run):
    """Data that are missing counted as if they were 0."""
    return {name: np.where(np.isnan(run.setting.bound.arrays[name]), 0.1, block) for name, block in gradient.items()}


WRONG = {
    "a sign": ("closed_form", flipped("theta")),
    "a dropped block": ("everything_moves", flipped("w", 0.0)),
    "one part in a million": ("closed_form", flipped("theta", 1 + 1e-6)),
    "one part in ten million": ("own_matrices", flipped("A", 1 + 1e-7)),
    "a transpose": ("own_matrices", transposed("A")),
    "another order of the weights": ("network_batch", transposed("W")),
    "samples exchanged": ("network_batch", swapped_samples("x")),
    "a sum for a mean": ("network_batch", summed),
    "data shifted by one": ("observed_unordered", lambda g, run: {**g, "seen": np.roll(g["seen"], 1)}),
    "missing data": ("missing_data", without_missing_data),
    "the depth of a switch": ("moving_switch", flipped("s1", 0.999)),
    "a switch behind a kink": ("kinks", flipped("k", 1.01)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_is_refuted(name):
    certificate = certified_wrongly(name)
    assert certificate.verdict == "refuted" and failed(certificate)


@pytest.mark.parametrize("name", ["a sign", "a sum for a mean", "data shifted by one"])
def test_every_check_that_can_see_it_refutes_it(name):
    found = failed(certified_wrongly(name))
    assert found >= {f"route {route}" for route in ("adjoint", "forward", "complex step", "differences", "independent")}
    assert found >= {"Taylor slope 1", "Taylor slope 2", "Taylor slope 3"}


def test_a_wrong_step_breaks_the_invariant(monkeypatch):
    """The reverse step with a factor too many in the cotangent of the state."""
    from odeanalysis.verification.certificate import invariant

    right = invariant.step_cotangents
    monkeypatch.setattr(invariant, "step_cotangents", lambda *arguments: 1.000001 * right(*arguments))
    certificate = oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values())
    assert failed(certificate) == {"invariant along the path", "Hamiltonian between nodes"} and certificate.verdict == "refuted"


def test_a_gradient_that_is_not_finite_is_no_gradient(monkeypatch):
    monkeypatch.setattr(DiscreteAdjoint, "gradients", lambda self, run: flipped("theta", np.nan)(RIGHT(self, run), run))
    with pytest.raises(oda.SolveError, match="gradient of 'model' with respect to 'theta' is not finite"):
        oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values())


def test_a_zero_gradient_is_refused_in_every_run():
    control = {check.name: check for check in certified("closed_form").checks}["zero gradient refused"]
    assert control.passed and control.measured == pytest.approx(1, abs=0.05)


# ---------------------------------------------------------------- what cannot be decided


def test_a_loss_that_depends_on_nothing_is_inconclusive():
    z, k = oda.block("z"), oda.block("k")
    problem = oda.Problem(oda.Model({z: -z}, {z: 1}, (0, 1), (k,)), oda.Objective(terminal=z))
    certificate = oda.check(problem, {"k": 1.0})
    assert certificate.verdict == "inconclusive" and not failed(certificate)
    assert {check.name for check in certificate.checks if check.passed is None} == {"zero gradient refused"}


def test_a_remainder_that_no_size_shows_is_inconclusive(monkeypatch):
    from odeanalysis.verification.independent import taylor

    monkeypatch.setattr(taylor, "slope", lambda line, gradient, curvature=None: taylor.Slope(None))
    certificate = oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values())
    assert certificate.verdict == "inconclusive" and np.isnan(certificate.slopes).all()


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ([True, True], "confirmed"),
        ([True, None], "inconclusive"),
        ([None, False], "refuted"),
        ([True, False], "refuted"),
    ],
)
def test_one_failure_refutes_and_one_doubt_leaves_open(passed, expected):
    assert verdict([Check("", 0.0, 0.0, one) for one in passed]) == expected


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize("method", ["rk4", "rosenbrock23", "kvaerno5"])
def test_fixed_steps_are_certified_as_they_are(method):
    """Against the routes through the same steps, one of which knows none of our solvers; others are left out, with the reason."""
    certificate = oda.check(CASES["moving_ends"].problem(), CASES["moving_ends"].values(), settings=oda.Settings(method, steps=4))
    assert certificate.verdict == "confirmed" and certificate.error_bar == 0 and certificate.hamiltonian is None
    assert set(certificate.routes) == {"complex step", "differences", "independent"}
    assert set(certificate.skipped) == {"adjoint", "forward"}
    assert all("a fixed number of steps" in reason for reason in certificate.skipped.values())


def test_a_wrong_step_is_seen_by_the_route_that_takes_the_same_steps(monkeypatch):
    """A weight of the second stage that is off by a ten-thousandth."""
    explicit = marching.STEPS["explicit"]

    def off(table, slopes, s, h, z):
        return explicit(table, slopes, s, h, z) + 1e-4 * h * slopes(s + h / 2, z)

    monkeypatch.setitem(marching.STEPS, "explicit", off)
    certificate = oda.check(CASES["moving_ends"].problem(), CASES["moving_ends"].values(), settings=oda.Settings("rk4", steps=4))
    assert failed(certificate) == {"route independent"}


def test_the_independent_route_says_why_it_is_not_taken():
    """Two depths of one sample that part when the values move have no steps in common with where they met."""
    problem, values = CASES["ragged_observations"].problem(), CASES["ragged_observations"].values()
    certificate = oda.check(problem, values, settings=oda.Settings("rk4", steps=4))
    assert "two depths that met part when the values move" in certificate.skipped["independent"]
    assert certificate.verdict == "confirmed" and "independent" not in certificate.routes


def test_a_stiff_problem_with_a_rosenbrock_method():
    settings = oda.Settings("rodas5p", rtol=1e-6, atol=1e-8)
    certificate = oda.check(CASES["scalar_linear"].problem(), CASES["scalar_linear"].values(), settings=settings)
    assert certificate.verdict == "confirmed"
    assert {check.name for check in certificate.checks} >= {"Jacobian of the field", "Hamiltonian between nodes"}


def test_a_wrong_jacobian_of_a_stiff_method_is_refuted(monkeypatch):
    """It leaves the gradient of the steps taken right, and takes the method's order away."""
    right = Program.__dict__["jacobian"].func

    def wrong(self):
        found = right(self)
        return replace(found, function=lambda *arrays: tuple(1.01 * one for one in found.function(*arrays)))

    monkeypatch.setattr(Program, "jacobian", property(wrong))
    settings = oda.Settings("rosenbrock23", steps=4)
    certificate = oda.check(CASES["stiff_linear"].problem(), CASES["stiff_linear"].values(), settings=settings)
    assert "Jacobian of the field" in failed(certificate)


def test_the_error_bar_is_that_of_the_settings_asked_for():
    problem, values = CASES["closed_form"].problem(), CASES["closed_form"].values()
    bars = [oda.check(problem, values, settings=oda.Settings(rtol=rtol, atol=rtol)).error_bar for rtol in (1e-3, 1e-6)]
    exact = oda.evaluate(problem, values, oda.Settings(rtol=1e-13, atol=1e-13)).gradients
    rough = oda.evaluate(problem, values, oda.Settings(rtol=1e-3, atol=1e-3)).gradients
    assert bars[0] == pytest.approx(max(abs(rough[name] / exact[name] - 1) for name in exact), rel=1e-3)
    assert 1e-9 < bars[1] < bars[0] / 100


def test_the_conditioning_is_measured():
    """z' = theta z over S: the gradient in z0, e^{theta S}, changes by theta S relatively when theta does, z0 S e^{theta S} by 1 more."""
    z, theta, z0 = oda.block("z"), oda.block("theta"), oda.block("z0")
    problem = oda.Problem(oda.Model({z: theta * z}, {z: z0}, (0, 1), (theta, z0)), oda.Objective(z))
    assert oda.check(problem, {"theta": 2.0, "z0": 1.0}).conditioning == pytest.approx(3, rel=1e-6)


def test_many_entries_leave_out_the_routes_that_take_each_of_them():
    n = 18
    z, W, x = oda.block("z", n), oda.block("W", n, n), oda.block("x", n)
    problem = oda.Problem(oda.Model({z: oda.tanh(W @ z)}, {z: x}, (0, 0.1), (W,), (x,)), oda.Objective(oda.sumsq(z)))
    random = np.random.default_rng(0)
    values = {"W": random.normal(size=(n, n)) / 4, "x": random.normal(size=n)}
    certificate = oda.check(problem, values, settings=oda.Settings(rtol=1e-6, atol=1e-6))
    assert n * n + n > ENTRIES and certificate.verdict == "confirmed"
    assert set(certificate.skipped) == {"forward", "complex step", "differences"}
    assert "342 entries for each sample, more than 300" in certificate.skipped["forward"]


def test_a_certificate_is_repeatable_and_leaves_everything_as_it_was():
    problem, values = CASES["network_batch"].problem(), CASES["network_batch"].values()
    before = {name: array.copy() for name, array in values.items()}
    rules, functions = dict(PULLBACKS), dict(FUNCTIONS)
    states = str(np.random.get_state(legacy=False)), random.getstate(), np.geterr()
    first, again = (oda.check(problem, values, seed=4, mutants=True, terms=5) for _ in range(2))
    assert replace(first, gradient={}) == replace(again, gradient={})
    assert all((values[name] == before[name]).all() and values[name].dtype == before[name].dtype for name in values)
    assert (str(np.random.get_state(legacy=False)), random.getstate(), np.geterr()) == states
    assert rules == PULLBACKS and functions == FUNCTIONS
    assert oda.check(problem, values, seed=5).slopes != first.slopes


def test_mutants_are_counted_and_said_where():
    problem, values = CASES["observed_twice"].problem(), CASES["observed_twice"].values()
    found = oda.check(problem, values, mutants=True, terms=6)
    assert found.verdict == "confirmed" and found.mutants is not None
    assert found.mutants.killed == found.mutants.tried > 20 and found.mutants.left_out > 10
    assert (found.mutants.method, found.mutants.steps) == ("heun2", 6)
    assert {check.name: check.passed for check in found.checks}["mutants that pass"]


def test_a_mutant_that_passes_leaves_the_verdict_open(monkeypatch):
    """It does not show that the gradient is wrong, but that the checks would not."""
    monkeypatch.setattr(certificate_module, "survey", lambda *arguments: Survey(3, 2, survivors=("a sign",)))
    found = oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values(), mutants=True)
    assert found.verdict == "inconclusive" and not failed(found)
    assert {check.name for check in found.checks if check.passed is None} == {"mutants that pass"}


# ---------------------------------------------------------------- orders


def test_a_wrong_hessian_has_slope_two(monkeypatch):
    """On which the conditioning, and with it every bound, stands."""
    right = remainders.hessian_vector
    monkeypatch.setattr(remainders, "hessian_vector", lambda run, d: {name: 1.2 * block for name, block in right(run, d).items()})
    found = oda.check(CASES["observed_twice"].problem(), CASES["observed_twice"].values())
    slopes = [check for check in found.checks if check.name.startswith("Hessian")]
    assert len(slopes) == 3 and all(check.measured == pytest.approx(2, abs=0.1) for check in slopes)
    assert found.verdict == "refuted" and failed(found) == {f"Hessian slope {i}" for i in (1, 2, 3)}


@pytest.mark.parametrize(("slope", "passed"), [(3.0, True), (2.95, True), (2.7, None), (2.3, False), (float("nan"), None)])
def test_a_slope_between_two_orders_decides_nothing(slope, passed):
    measured = None if np.isnan(slope) else slope
    (found,) = remainders.second_order([taylor.Slope(measured, due=3)])
    assert found.passed is passed


def test_more_lines_are_used_where_third_derivatives_nearly_cancel_on_one():
    """On the second line of this case the remainder falls with slope 2 until rounding hides it."""
    slopes = [check.measured for check in certified("state_blocks").checks if check.name.startswith("Hessian")]
    assert len(slopes) == 3 and min(slopes) >= 2.9


def test_a_loss_without_second_derivatives_has_no_test_of_order_two():
    """elu(z) has one derivative at 0; the path crosses it, and the gradient is right all the same."""
    z, k = oda.block("z"), oda.block("k")
    problem = oda.Problem(oda.Model({z: oda.elu(z) + k}, {z: k - 1}, (0, 2), (k,)), oda.Objective(z**2))
    found = oda.check(problem, {"k": 0.7}, settings=oda.Settings("rk4", steps=40))
    assert found.verdict == "confirmed"
    assert ("no second derivative" in found.skipped.get("Hessian slope", "no second derivative")) and not failed(found)


def test_an_affine_loss_is_exact():
    """z' = c: the loss is linear in c, and quadratic in nothing."""
    z, c = oda.block("z"), oda.block("c")
    problem = oda.Problem(oda.Model({z: c}, {z: 0}, (0, 1), (c,)), oda.Objective(z))
    found = oda.check(problem, {"c": 0.7})
    assert found.verdict == "confirmed" and found.exact == (True, True, True) and found.slopes == [2.0, 2.0, 2.0]
    assert not any(certified("closed_form").exact)


# ---------------------------------------------------------------- hostile samples


@pytest.mark.parametrize("samples", [1, 2])
def test_any_batch_is_certified(samples):
    problem, values = CASES["network_batch"].problem(), CASES["network_batch"].values()
    some = {name: array[:samples] if name in ("x", "y") else array for name, array in values.items()}
    assert oda.check(problem, some).verdict == "confirmed"


def test_a_batch_of_none_is_refused():
    problem, values = CASES["network_batch"].problem(), CASES["network_batch"].values()
    with pytest.raises(oda.ModelError, match="holds no sample"):
        oda.check(problem, {name: array[:0] if name in ("x", "y") else array for name, array in values.items()})


def test_values_in_single_precision_are_certified_in_double():
    problem, values = CASES["closed_form"].problem(), CASES["closed_form"].values()
    found = oda.check(problem, {name: array.astype(np.float32) for name, array in values.items()})
    assert found.verdict == "confirmed" and all(block.dtype == np.float64 for block in found.gradient.values())


@pytest.mark.parametrize("depth", [0.5, np.nextafter(0.5, 0), np.nextafter(0.5, 1), np.nextafter(0, 1), np.nextafter(1, 0)])
def test_an_observation_within_rounding_of_a_step_or_an_end(depth):
    z, k = oda.block("z"), oda.block("k")
    observed = oda.Objective(observations=(oda.Observation([sp.Rational(float(depth))], z**2),))
    problem = oda.Problem(oda.Model({z: -k * z + oda.depth}, {z: k}, (0, 1), (k,)), observed)
    assert oda.check(problem, {"k": 0.7}, settings=oda.Settings("rk4", steps=2)).verdict == "confirmed"


def test_progress_is_reported():
    told = []
    oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values(), report=told.append)
    assert told[0] == "solving" and "route: independent" in told and "Taylor remainders" in told


def test_methods_that_keep_no_steps_cannot_be_certified():
    with pytest.raises(oda.ModelError, match="'DOP853' keeps no steps"):
        oda.check(CASES["closed_form"].problem(), CASES["closed_form"].values(), settings=oda.Settings("DOP853"))
